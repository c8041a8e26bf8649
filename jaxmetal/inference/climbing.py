"""Ascents of one galaxy, and the slopes and second derivatives at any point, by one program.

A program of second derivatives would take as long to compile as that of the ascent.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.inference.ascent import FISHER_STEPS, METHODS, Summit, fisher
from jaxmetal.inference.laplace import inverses
from jaxmetal.inference.model import Model
from jaxmetal.maps import Map

# Second derivatives are differences of slopes across twice this part of an error, to this power of
# the precision: 0.1 in float32, where the slope in units of the errors is rounded by up to 1e-4,
# and 0.006 in float64.
PRECISION_POWER = 1 / 7

# The number of steps is an argument of the program.
_climb = compiled_soon(fisher)


@compiled_soon
def _approach(model: Model, start: Array, method: str, steps: int, with_jacobian: Array) -> Array:
    """The point from which Fisher scoring goes on, for other methods."""
    rough = METHODS[method][0]
    assert rough is not None
    return rough(model, start, steps, with_jacobian)


def climbed(
    model: Model, start: np.ndarray | Array, method: str, steps: int, with_jacobian: float
) -> Summit:
    """The end of an ascent; whatever the method, Fisher scoring brings it to the maximum.

    Parameters
    ----------
    model, start
        galaxy, maps and priors, and a point in unconstrained coordinates.
    method, steps
        one of `ascent.METHODS`, and the largest number of its steps.
    with_jacobian
        which density is maximised.

    Returns
    -------
    summit
        of NumPy arrays.
    """
    point, weight = jnp.asarray(start), jnp.asarray(with_jacobian, start.dtype)
    if METHODS[method][0] is not None:
        point, steps = _approach(model, point, method, steps, weight), FISHER_STEPS
    return jax.device_get(_climb(model, point, np.asarray(steps), weight))


def slope_at(
    model: Model, point: np.ndarray | Array, with_jacobian: float
) -> Float[np.ndarray, " n"]:
    """The gradient of the log posterior; NaN where the density is not finite.

    Parameters
    ----------
    model, point
        galaxy, maps and priors, and a point in unconstrained coordinates.
    with_jacobian
        of which density.
    """
    # An ascent of one step evaluates the density at its start and nowhere else.
    summit = climbed(model, point, "fisher", 1, with_jacobian)
    return np.where(np.isfinite(summit.height), np.asarray(summit.slope, float), np.nan)


def second_derivatives(
    slope_at: Callable[[np.ndarray], np.ndarray], summits: Summit
) -> Float[np.ndarray, "galaxies n n"]:
    """-∂² log posterior at the ends of ascents, by differences of slopes along their error axes.

    Parameters
    ----------
    slope_at
        the gradient of the log posterior of each galaxy at a point of its own, both of shape
        (galaxies, n).
    summits
        the ends of the ascents, every array with a first axis of galaxies.

    Returns
    -------
    hessians
        NaN where the Fisher information has no inverse, or the density is not finite nearby.
    """
    covariance = inverses(summits.information)
    good: Any = np.isfinite(covariance).all(axis=(1, 2))
    root = np.linalg.cholesky(np.where(good[:, None, None], covariance, np.eye(len(covariance[0]))))
    points = np.asarray(summits.point)
    half = float(np.finfo(points.dtype).eps) ** PRECISION_POWER
    changes = []
    for axis in np.moveaxis(root, 2, 0):
        above, below = (
            slope_at((points + sign * half * axis).astype(points.dtype)) for sign in (1, -1)
        )
        changes.append((below - above) / (2 * half))
    along_axes = np.swapaxes(root, 1, 2) @ np.stack(changes, axis=2)
    to_axes = np.linalg.inv(root)
    symmetric = 0.5 * (along_axes + np.swapaxes(along_axes, 1, 2))
    hessians = np.swapaxes(to_axes, 1, 2) @ symmetric @ to_axes
    return np.where(good[:, None, None], hessians, np.nan)


def slope_of_change(
    model: Model, point: np.ndarray | Array, changes: dict[str, np.ndarray]
) -> Float[np.ndarray, " n"]:
    """How much the gradient of the log posterior changes with the data.

    Parameters
    ----------
    model, point
        galaxy, maps and priors, and a point in unconstrained coordinates.
    changes
        what is added to the values of each map.
    """

    changed = with_changed_data(model, changes)
    before, after = (slope_at(one, point, 0.0) for one in (model, changed))
    return after - before


def with_changed_data(model: Model, changes: Mapping[str, np.ndarray]) -> Model:
    """The model, or a stack of models, with something added to the values of each map.

    Parameters
    ----------
    model
        galaxy, maps and priors; a stack has a first axis of galaxies in every array.
    changes
        by map, in the shapes of the values.
    """

    def moved(one_map: Map, change: np.ndarray) -> Map:
        values = np.asarray(one_map.values)
        return eqx.tree_at(lambda m: m.values, one_map, values + change.astype(values.dtype))

    maps = {name: moved(one_map, changes[name]) for name, one_map in model.maps.items()}
    return eqx.tree_at(lambda m: m.maps, model, maps)
