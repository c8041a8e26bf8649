"""Several maxima of one posterior: which of them are answers of their own, and their odds."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.ascent import Summit
from jaxmetal.inference.ends import Ends
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.tables import told
from jaxmetal.maps import Map

# A maximum this much less probable than the highest plays no part, in log posterior.
NEARLY = 10.0
# ... nor one whose probability is less than this, by Laplace's approximation.
LEAST_ODDS = 0.003
# Two maxima are further apart than this many errors.
APART = 3.0
# Two galaxies are the same if lights and tracers differ by less than this part of the largest.
SAME = 1e-3

Points = Float[np.ndarray, "many n"]


def rivals(
    fit: Fit, points: Points, heights: Float[np.ndarray, " many"], settle: Callable[[Points], Fit]
) -> Fit:
    """A fit with other maxima that are nearly as probable, where there are any.

    Parameters
    ----------
    fit
        the highest.
    points, heights
        where ascents ended, in unconstrained coordinates, and the log posterior there.
    settle
        the fit at the end of an ascent from a point, shape (1, n).

    Returns
    -------
    fit
        with `others`, and a note of them in its message.
    """
    others = _distinct(fit, points, heights, settle)
    odds = dataclasses.replace(fit, others=tuple(others)).odds
    others = [one for one, odd in zip(others, odds[1:], strict=True) if odd > LEAST_ODDS]
    if not others:
        return fit
    fit = dataclasses.replace(fit, others=tuple(others))
    values = {
        label: np.array([mode.summary()[label]["value"] for mode in fit.modes])
        for label in fit.labels
    }
    errors = {label: row["error"] for label, row in fit.summary().items()}
    note = told(values, errors, fit.odds, "maxima", "by Laplace's approximation")
    return dataclasses.replace(fit, message=f"{fit.message}; {note}")


def with_ends(fit: Fit, points: Points, heights: Float[np.ndarray, " many"]) -> Fit:
    """A fit with the ends of its ascents, and a caveat where some of them are other maxima.

    Those that are nearly as probable are the business of `rivals`.

    Parameters
    ----------
    fit, points, heights
        as for `rivals`, of the ascents from the starts.

    Returns
    -------
    fit
        with `ends`.
    """
    fit = dataclasses.replace(fit, ends=Ends(np.asarray(points), np.asarray(heights)))
    below = np.nanmax(heights) - heights
    lower = [
        low
        for point, low in zip(points, below, strict=True)
        if np.isfinite(low) and low > NEARLY and _apart(point, fit)
    ]
    if not lower:
        return fit
    return fit.with_caveats(
        f"{len(lower)} of {len(heights)} ascents ended at other maxima, less probable by "
        f"{min(lower):.3g} or more in log posterior"
    )


def _distinct(
    fit: Fit, points: Points, heights: Float[np.ndarray, " many"], settle: Callable[[Points], Fit]
) -> list[Fit]:
    """Other maxima, the highest first; see `rivals`."""
    maxima = [fit]
    nearly = np.flatnonzero(heights > np.nanmax(heights) - NEARLY)
    for i in nearly[np.argsort(-heights[nearly])]:
        if all(_apart(points[i], one) for one in maxima):
            other = settle(points[i][None])
            if other.converged and all(_are_two(one, other) for one in maxima):
                maxima.append(other)
    return maxima[1:]


def is_far(away: Float[np.ndarray, " n"], covariance: Float[np.ndarray, "n n"]) -> bool:
    """Whether a step is longer than a few errors.

    Parameters
    ----------
    away, covariance
        the step, and the covariance of the errors; of what is not finite it is False.

    Returns
    -------
    far
        longer than APART.
    """
    if not (np.isfinite(away).all() and np.isfinite(covariance).all()):
        return False
    return bool(away @ np.linalg.solve(covariance, away) > APART**2)


def far_from(
    best: Summit, points: Float[np.ndarray | Array, "galaxies n"]
) -> Bool[np.ndarray, " galaxies"]:
    """Whether points are more than a few errors away from the ends of ascents.

    Parameters
    ----------
    best
        the ends, with the information there.
    points
        one for each end, or for the only one.

    Returns
    -------
    far
        of each point.
    """
    away = np.asarray(points - best.point, float)
    information = np.broadcast_to(best.information, (*away.shape, away.shape[-1]))
    # The information of a galaxy that could not be fitted may be infinite.
    with np.errstate(invalid="ignore", over="ignore"):
        return np.einsum("gi,gij,gj->g", away, information, away) > APART**2


def _apart(point: Float[np.ndarray, " n"], fit: Fit) -> bool:
    """Whether a point is more than a few errors of a fit away from it."""
    away = np.asarray(point - fit.unconstrained, float)
    return is_far(away, fit.unconstrained_covariance)


def _are_two(one: Fit, other: Fit) -> bool:
    apart = _apart(other.unconstrained, one) and _apart(one.unconstrained, other)
    # An angle and the same half a turn later are two maxima, but one answer.
    return apart and not _same(one.galaxy, other.galaxy, other.maps)


def _same(one: Galaxy, other: Galaxy, maps: Mapping[str, Map]) -> bool:
    """Whether two galaxies have the same lights and tracers everywhere."""
    first = next(iter(maps.values()))
    for image, again in zip(_images(one, first), _images(other, first), strict=True):
        if np.max(np.abs(image - again)) > SAME * np.max(np.abs(image)):
            return False
    return True


def _images(galaxy: Galaxy, one_map: Map) -> Iterable[np.ndarray]:
    x, y = one_map.instrument.grid.coordinates
    for name, component in galaxy.components.items():
        plane = galaxy.source_planes([name], x, y)[name]
        sky = plane if component.lensed_light else (x, y)
        yield from (np.asarray(light(*sky), float) for light in component.lights.values())
        yield from (np.asarray(tracer(*plane), float) for tracer in component.tracers.values())
