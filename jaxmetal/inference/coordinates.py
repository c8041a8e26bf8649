"""The free parameters as one vector on the whole real line, and back."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from numpyro.distributions.transforms import biject_to

from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.inference.priors import Priors

Values = dict[str, Any]


def draw(priors: Priors, key: Array) -> Values:
    """One draw of every parameter from its prior."""
    keys = jax.random.split(key, max(len(priors), 1))
    return {name: prior.sample(k) for (name, prior), k in zip(priors.items(), keys, strict=False)}


@compiled
def to_line(priors: Priors, values: Values) -> Float[Array, " n"]:
    """Values by path as one vector, in the order of the priors."""
    parts = [biject_to(prior.support).inv(values[name]).ravel() for name, prior in priors.items()]
    return jnp.concatenate(parts) if parts else jnp.zeros(0)


def from_line(priors: Priors, unconstrained: Float[Array, " n"]) -> tuple[Values, Float[Array, ""]]:
    """The vector back as values by path in their own units, and ln |d values / d vector|."""
    values, log_jacobian, at = {}, jnp.zeros(()), 0
    for name, prior in priors.items():
        transform = biject_to(prior.support)
        shape = transform.inverse_shape(prior.shape())
        size = math.prod(shape)
        u = unconstrained[at : at + size].reshape(shape)
        values[name] = transform(u)
        log_jacobian += jnp.sum(transform.log_abs_det_jacobian(u, values[name]))
        at += size
    return values, log_jacobian


@compiled_once
def partway(priors: Priors, values: Values, visits: int, part: float) -> list[Values]:
    """Values part of the way from these, on the line, to some draws from the priors."""
    start = to_line(priors, values)
    ends = [to_line(priors, draw(priors, jax.random.key(i))) for i in range(visits)]
    return [from_line(priors, start + part * (end - start))[0] for end in ends]
