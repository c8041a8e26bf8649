"""The free parameters as one vector on the whole real line, and back."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.inference.priors import Priors
from jaxmetal.inference.transforms import coordinate_of

Values = dict[str, Any]


def draw(priors: Priors, key: Array) -> Values:
    """One draw of every parameter from its prior."""
    keys = jax.random.split(key, max(len(priors), 1))
    return {name: prior.sample(k) for (name, prior), k in zip(priors.items(), keys, strict=False)}


@compiled
def to_line(priors: Priors, values: Values) -> Float[Array, " n"]:
    """Values by path as one vector, in the order of the priors.

    A value on the edge of its prior's support, such as a scatter of 0, has no finite place on the
    line: there is no slope to follow from it. The middle of the prior stands in for it.
    """
    parts = [coordinate_of(prior).line(values[name]).ravel() for name, prior in priors.items()]
    line = jnp.concatenate(parts) if parts else jnp.zeros(0)
    return jnp.where(jnp.isfinite(line), line, 0.0)


class Point(NamedTuple):
    """A point in the space of the free parameters.

    Parameters
    ----------
    values
        by path, in their own units.
    log_prior
        the log density of the priors in the parameters' own units.
    log_jacobian
        ln |d values / d vector|.
    """

    values: Values
    log_prior: Float[Array, ""]
    log_jacobian: Float[Array, ""]


def from_line(priors: Priors, unconstrained: Float[Array, " n"]) -> Point:
    """The vector back as values by path, with their prior density."""
    values, log_prior, log_jacobian, start = {}, jnp.zeros(()), jnp.zeros(()), 0
    for name, prior in priors.items():
        coordinate = coordinate_of(prior)
        shape = coordinate.line_shape(prior)
        end = start + math.prod(shape)
        u = unconstrained[start:end].reshape(shape)
        values[name] = coordinate.value(u)
        log_prior += jnp.sum(coordinate.log_prior(u))
        log_jacobian += jnp.sum(coordinate.log_jacobian(u))
        start = end
    return Point(values, log_prior, log_jacobian)


@compiled_once
def partway(priors: Priors, values: Values, visits: int, part: float) -> list[Values]:
    """Values part of the way from these, on the line, to some draws from the priors."""
    start = to_line(priors, values)
    ends = [to_line(priors, draw(priors, jax.random.key(i))) for i in range(visits)]
    return [from_line(priors, start + part * (end - start)).values for end in ends]
