"""Ascents, and the slopes and second derivatives at any point, by few programs.

A program of second derivatives would take as long to compile as that of the ascent.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.inference.ascent import FISHER_STEPS, MANY, METHODS, Summit
from jaxmetal.inference.fit_programs import Programs
from jaxmetal.inference.instruments import cells
from jaxmetal.inference.laplace import Surroundings, inverses
from jaxmetal.inference.model import Model
from jaxmetal.inference.starts import can_be_scaled
from jaxmetal.maps import Map

# Second derivatives are differences of slopes across twice this part of an error, to this power of
# the precision: 0.1 in float32, where the slope in units of the errors is rounded by up to 1e-4,
# and 0.006 in float64.
PRECISION_POWER = 1 / 7
# With more cells times the square of the number of parameters, slopes are computed by a program of
# their own. It takes two seconds to compile; a step of Fisher scoring, which gives the slope too,
# takes 12 times as long with 40 parameters and 5 times with ten on 500 × 500 pixels.
MANY_SLOPES = 3e7

Points = Float[np.ndarray | Array, "galaxies n"]


def scaled_points(
    programs: Programs, models: Model, one: Model, points: Float[np.ndarray, "galaxies starts n"]
) -> Float[np.ndarray, "galaxies starts n"]:
    """Points where ascents begin, with free amplitudes of light scaled to the light maps.

    Parameters
    ----------
    programs
        ALONE for a model as it is, EACH for a stack.
    models, one
        the model or the stack, and one of its models.
    points
        in unconstrained coordinates.
    """
    if not can_be_scaled(one):
        return points
    looks = (programs.look(models, start) for start in np.moveaxis(points, 1, 0))
    scaled = [programs.scale(models, look.values, look.predicted) for look in looks]
    return np.stack([np.asarray(start) for start in scaled], axis=1)


def climbed(
    programs: Programs,
    models: Model,
    points: Points,
    method: str,
    steps: int,
    with_jacobian: float,
) -> Summit:
    """The ends of ascents; whatever the method, Fisher scoring brings them to the maximum.

    Parameters
    ----------
    programs, models
        as for `scaled_points`.
    points
        where they begin, in unconstrained coordinates.
    method, steps
        one of `ascent.METHODS`, and the largest number of its steps.
    with_jacobian
        which density is maximised.

    Returns
    -------
    summits
        of NumPy arrays.
    """
    begin_at, weights = jnp.asarray(points), np.full(len(points), with_jacobian, points.dtype)
    if METHODS[method][0] is not None:
        begin_at = programs.approach(models, begin_at, method, steps, weights)
        steps = FISHER_STEPS
    return jax.device_get(programs.climb(models, begin_at, np.full(len(points), steps), weights))


def best_of(summits: list[Summit]) -> Summit:
    """The highest end of each galaxy.

    Parameters
    ----------
    summits
        of one start of each galaxy; heights that are not finite count as lowest.
    """
    heights = np.stack([summit.height for summit in summits])
    best = np.argmax(np.where(np.isfinite(heights), heights, -np.inf), axis=0)
    galaxies = np.arange(len(best))
    return jax.tree.map(lambda *arrays: np.stack(arrays)[best, galaxies], *summits)


def surroundings(
    programs: Programs, models: Model, summits: Summit, with_jacobian: float
) -> Surroundings:
    """The local expansions at the ends of ascents.

    Parameters
    ----------
    programs, models
        as for `scaled_points`.
    summits, with_jacobian
        the ends, and of which density.

    Returns
    -------
    around
        of NumPy arrays.
    """
    hessians = second_derivatives(
        lambda points: slopes_at(programs, models, points, with_jacobian), summits
    )
    dtype = summits.point.dtype
    return jax.device_get(programs.look(models, summits.point))._replace(
        slope=-summits.slope,
        hessian=hessians.astype(dtype),
        information=summits.information,
        with_jacobian=np.full(len(summits.point), with_jacobian, dtype),
    )


def slopes_at(
    programs: Programs, models: Model, points: Points, with_jacobian: float
) -> Float[np.ndarray, "galaxies n"]:
    """The gradients of the log posterior; NaN where the density is not finite.

    Parameters
    ----------
    programs, models
        as for `scaled_points`.
    points, with_jacobian
        where, and of which density.
    """
    if points.shape[1] ** 2 * cells(models.maps) > MANY_SLOPES:
        weights = np.full(len(points), with_jacobian, points.dtype)
        heights, slopes = jax.device_get(programs.slope(models, points, weights))
    else:
        # An ascent of one step evaluates the density at its start and nowhere else.
        _, heights, slopes, _ = climbed(programs, models, points, "fisher", 1, with_jacobian)
    return np.where(np.isfinite(heights)[:, None], np.asarray(slopes, float), np.nan)


def heights_at(programs: Programs, models: Model, points: Points) -> Float[np.ndarray, " galaxies"]:
    """The log posterior in the parameters' own units.

    Parameters
    ----------
    programs, models
        as for `scaled_points`.
    points
        where.
    """
    return np.asarray(programs.look(models, points).log_posterior, float)


def slopes_of_change(
    programs: Programs, models: Model, points: Points, changes: Mapping[str, np.ndarray]
) -> Float[np.ndarray, "galaxies n"]:
    """How much the gradients of the log posterior change with the data.

    Parameters
    ----------
    programs, models
        as for `scaled_points`.
    points
        where.
    changes
        what is added to the values of each map.
    """
    before, after = (
        slopes_at(programs, either, points, 0.0) for either in (models, _changed(models, changes))
    )
    return after - before


def _changed(models: Model, changes: Mapping[str, np.ndarray]) -> Model:
    """The model or the stack with something added to the values of each map."""

    def moved(one_map: Map, change: np.ndarray) -> Map:
        values = np.asarray(one_map.values)
        sum_of_both = values + change.reshape(values.shape).astype(values.dtype)
        return eqx.tree_at(lambda m: m.values, one_map, sum_of_both)

    maps = {name: moved(one_map, changes[name]) for name, one_map in models.maps.items()}
    return eqx.tree_at(lambda m: m.maps, models, maps)


def second_derivatives(
    slope_at: Callable[[np.ndarray], np.ndarray], summits: Summit
) -> Float[np.ndarray, "galaxies n n"]:
    """-∂² log posterior at the ends of ascents, by differences of slopes along their error axes.

    With very many parameters, such as the modes of a texture, the Fisher information itself.

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
    # To compare slopes along so many axes would take longer than the fit.
    if summits.point.shape[1] > MANY:
        return np.asarray(summits.information, float)
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
