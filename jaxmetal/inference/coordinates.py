"""The free parameters as one vector on the whole real line, and back."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled
from jaxmetal.inference.priors import Priors
from jaxmetal.inference.transforms import Bijection, Standard, coordinate_of

# A point in unconstrained coordinates, such as that of a fit.
Vector = Float[Array | np.ndarray, " n"]
Values = dict[str, Any]


def draw(priors: Priors, key: Array) -> Values:
    """One draw of every parameter from its prior."""
    keys = jax.random.split(key, max(len(priors), 1))
    return {name: prior.sample(k) for (name, prior), k in zip(priors.items(), keys, strict=False)}


@compiled
def to_line(priors: Priors, values: Values) -> Float[Array, " n"]:
    """Values by path as one vector, in the order of the priors.

    A value on the edge of its prior's support, such as a scatter of 0, has no finite coordinate;
    the middle of the prior is used instead.
    """
    parts = _of_each(priors, lambda coordinate, value: coordinate.line(value), values)
    line = jnp.concatenate([parts[name].ravel() for name in priors]) if priors else jnp.zeros(0)
    return jnp.where(jnp.isfinite(line), line, 0.0)


def _of_each(priors: Priors, function: Callable, numbers: Values) -> Values:
    """`function` of the coordinate and the number of every prior.

    Priors of one family and shape are evaluated as one array: that is one family to trace and to
    compile, however many parameters there are.
    """
    alike: dict[Any, dict[str, Standard]] = {}
    results: Values = {}
    for name, prior in priors.items():
        coordinate, shape = coordinate_of(prior), jnp.shape(numbers[name])
        if isinstance(coordinate, Bijection) or any(
            map(eqx.is_array, jax.tree.leaves(coordinate.unit))
        ):
            results[name] = function(coordinate, numbers[name])
        else:
            family = (type(coordinate.unit), coordinate.shape, coordinate.exponential)
            shapes = (jnp.shape(coordinate.loc), jnp.shape(coordinate.scale), shape)
            alike.setdefault((family, shapes), {})[name] = coordinate
    for coordinates in alike.values():
        results |= _of_one_family(coordinates, function, numbers)
    return results


def _of_one_family(coordinates: dict[str, Standard], function: Callable, numbers: Values) -> Values:
    """`function` of coordinates that differ in loc and scale only, and of their numbers."""
    first, *others = coordinates.values()
    if not others:
        return {name: function(first, numbers[name]) for name in coordinates}

    def one(loc: Array, scale: Array, number: Array) -> Any:
        return function(first._replace(loc=loc, scale=scale), number)

    results = jax.vmap(one)(
        jnp.stack([jnp.asarray(coordinate.loc) for coordinate in coordinates.values()]),
        jnp.stack([jnp.asarray(coordinate.scale) for coordinate in coordinates.values()]),
        jnp.stack([jnp.asarray(numbers[name]) for name in coordinates]),
    )
    return {
        name: jax.tree.map(lambda array, i=i: array[i], results)
        for i, name in enumerate(coordinates)
    }


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


@compiled
def from_line(priors: Priors, unconstrained: Float[Array, " n"]) -> Point:
    """The vector back as values by path, with their prior density."""
    results = _of_each(
        priors,
        lambda coordinate, u: (
            coordinate.value(u),
            coordinate.log_prior(u),
            coordinate.log_jacobian(u),
        ),
        _by_name(priors, unconstrained),
    )
    log_prior, log_jacobian = (
        sum((jnp.sum(results[name][i]) for name in priors), jnp.zeros(())) for i in (1, 2)
    )
    return Point({name: results[name][0] for name in priors}, log_prior, log_jacobian)


def log_density(priors: Priors, unconstrained: Float[Array, " n"]) -> Float[Array, ""]:
    """The log density of the priors in unconstrained coordinates.

    It is `log_prior` + `log_jacobian` of `from_line`, with less to trace and to compile.
    """
    line = _by_name(priors, unconstrained)
    results = _of_each(priors, lambda coordinate, u: coordinate.log_density(u), line)
    return sum((jnp.sum(results[name]) for name in priors), jnp.zeros(()))


def _by_name(priors: Priors, unconstrained: Float[Array, " n"]) -> Values:
    """The part of the vector that belongs to each prior, in its shape."""
    shapes = {name: coordinate_of(prior).line_shape(prior) for name, prior in priors.items()}
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()], dtype=int)
    parts = jnp.split(unconstrained, ends[:-1]) if shapes else []
    return {
        name: part.reshape(shape) for part, (name, shape) in zip(parts, shapes.items(), strict=True)
    }
