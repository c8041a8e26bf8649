"""Ascents of many galaxies, and what a fit needs at their ends, by few programs.

One program, that of the ascent, gives slopes and second derivatives as well; see `climbing`.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.inference.ascent import FISHER_STEPS, METHODS, Summit, fisher
from jaxmetal.inference.climbing import second_derivatives, with_changed_data
from jaxmetal.inference.laplace import Surroundings, outlook
from jaxmetal.inference.model import Model
from jaxmetal.inference.stack import over_galaxies
from jaxmetal.inference.starts import can_be_scaled, scaled_to_light, unscaled_points


def _approach(model: Model, start: Array, method: str, steps: int, with_jacobian: Array) -> Array:
    rough = METHODS[method][0]
    assert rough is not None
    return rough(model, start, steps, with_jacobian)


_climb_each, _approach_each = over_galaxies(fisher), over_galaxies(_approach)
_outlook_each = over_galaxies(outlook, often=False)
_unscaled_each = over_galaxies(unscaled_points, often=False)
_scaled_each = over_galaxies(scaled_to_light, often=False)


def first_points(
    part: Model, one: Model, starts: int, seed: int
) -> Float[np.ndarray, "galaxies starts n"]:
    """The points where ascents begin, free amplitudes of light scaled to the light maps.

    Parameters
    ----------
    part, one
        a stack of models, and one of them.
    starts, seed
        as for `optimise`.

    Returns
    -------
    points
        in unconstrained coordinates.
    """
    points = np.asarray(_unscaled_each(part, starts, seed))
    if not can_be_scaled(one):
        return points
    outlooks = (_outlook_each(part, points[:, start]) for start in range(starts))
    return np.stack([np.asarray(_scaled_each(part, o.values, o.predicted)) for o in outlooks], 1)


def climbed_each(
    part: Model,
    points: Float[np.ndarray | Array, "galaxies n"],
    method: str,
    steps: int,
    with_jacobian: float,
) -> Summit:
    """The end of an ascent of each galaxy.

    Parameters
    ----------
    part
        a stack of models.
    points
        where they begin.
    method, steps, with_jacobian
        as for `climbing.climbed`.

    Returns
    -------
    summits
        of NumPy arrays with a first axis of galaxies.
    """
    begin_at, weights = jnp.asarray(points), np.full(len(points), with_jacobian, points.dtype)
    if METHODS[method][0] is not None:
        begin_at = _approach_each(part, begin_at, method, steps, weights)
        steps = FISHER_STEPS
    return jax.device_get(_climb_each(part, begin_at, np.full(len(points), steps), weights))


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


def around_each(part: Model, summits: Summit, with_jacobian: float) -> Surroundings:
    """The local expansions at the ends of ascents.

    Parameters
    ----------
    part, summits
        a stack of models, and the ends of their ascents.
    with_jacobian
        of which density.

    Returns
    -------
    around
        of NumPy arrays with a first axis of galaxies.
    """
    hessians = second_derivatives(
        lambda points: slopes_of_each(part, points, with_jacobian), summits
    )
    dtype = summits.point.dtype
    return jax.device_get(_outlook_each(part, summits.point))._replace(
        slope=-summits.slope,
        hessian=hessians.astype(dtype),
        information=summits.information,
        with_jacobian=np.full(len(summits.point), with_jacobian, dtype),
    )


def slopes_of_each(
    part: Model, points: Float[np.ndarray | Array, "galaxies n"], with_jacobian: float
) -> Float[np.ndarray, "galaxies n"]:
    """The gradient of the log posterior of each galaxy; NaN where the density is not finite.

    Parameters
    ----------
    part, points
        a stack of models, and a point for each.
    with_jacobian
        of which density.
    """
    # An ascent of one step evaluates the density at its start and nowhere else.
    summits = climbed_each(part, points, "fisher", 1, with_jacobian)
    finite = np.isfinite(summits.height)[:, None]
    return np.where(finite, np.asarray(summits.slope, float), np.nan)


def slopes_of_changes(
    part: Model, points: Float[np.ndarray | Array, "galaxies n"], changes: Mapping[str, np.ndarray]
) -> Float[np.ndarray, "galaxies n"]:
    """How much the gradients of the log posteriors change with the data.

    Parameters
    ----------
    part, points
        a stack of models, and a point for each.
    changes
        what is added to the values of each map, with a first axis of galaxies.
    """
    before, after = (
        slopes_of_each(models, points, 0.0) for models in (part, with_changed_data(part, changes))
    )
    return after - before
