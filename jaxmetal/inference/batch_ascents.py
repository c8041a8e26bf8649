"""Ascents of many galaxies at once: the best of several of each, and the lower ends."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmetal.inference.ascent import Summit
from jaxmetal.inference.climbing import best_of, climbed, scaled_points, surroundings
from jaxmetal.inference.fit_programs import EACH
from jaxmetal.inference.fits import Fits
from jaxmetal.inference.laplace import Surroundings
from jaxmetal.inference.maxima import NEARLY, far_from
from jaxmetal.inference.optimise import LITTLE, ROUNDS, falls_back
from jaxmetal.inference.stack import Batch

# The lower ends of ascents that are nearly as probable, in unconstrained coordinates, by galaxy.
Ends = dict[int, list[np.ndarray]]


class Ascents(NamedTuple):
    """How many ascents of each galaxy, by which method, and with which seed of their starts."""

    starts: int
    method: str
    steps: int
    seed: int


def best_of_each(
    batch: Batch, points: np.ndarray | None, settings: Ascents, size: int, display: Any
) -> tuple[Fits, Ends]:
    """The fits at the ends of the best of several ascents of each galaxy, and its lower ends.

    Parameters
    ----------
    batch
        of models.
    points
        where they begin, shape (galaxies, starts, n); made from the priors if None.
    settings
        of the ascents.
    size
        how many galaxies are computed at once.
    display
        of the progress.
    """

    lower: Ends = {}

    def fitted(
        members: Batch, points: np.ndarray | None, weight: float
    ) -> tuple[np.ndarray, Surroundings]:
        parts = []
        for numbers, part in members.parts(size):
            if points is None:
                unscaled = np.asarray(EACH.start(part, settings.starts, settings.seed))
                begin_at = scaled_points(EACH, part, members[0], unscaled)
            else:
                begin_at = points[numbers]
            # One start after the other: under vmap all would run until the longest ends.
            summits = [
                climbed(EACH, part, start, settings.method, settings.steps, weight)
                for start in np.moveaxis(begin_at, 1, 0)
            ]
            best = best_of(summits)
            if members is batch:
                lower.update(_lower_ends(summits, best, numbers))
            parts.append((best.point, surroundings(EACH, part, best, weight)))
            display.update(len(numbers))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays)[: len(members)], *parts)

    def again(indices: np.ndarray, points: np.ndarray, weight: float) -> tuple[Any, Surroundings]:
        return fitted(Batch([batch[i] for i in indices]), points[indices, None], weight)

    fits = Fits(batch, *fitted(batch, points, 0.0))
    for _ in range(ROUNDS):
        prior_dominated = np.flatnonzero(fits.prior_matters & ~fits.has_mode)
        if len(prior_dominated):
            fits = fits.with_modes(prior_dominated, *again(prior_dominated, fits.points, 1.0))
        trapped_indices = np.flatnonzero(fits.trapped)
        if not len(trapped_indices):
            break
        fits = fits.with_maxima(trapped_indices, *again(trapped_indices, fits.unconstrained, 0.0))
    return fits, lower


def _lower_ends(summits: Sequence[Summit], best: Summit, numbers: np.ndarray) -> Ends:
    """Ends of ascents away from the best of each galaxy that are nearly as probable."""
    lower: Ends = {}
    for summit in summits:
        near = (summit.height > best.height - NEARLY) & far_from(best, summit.point)
        # The last part is filled up with the last galaxy.
        for row in np.flatnonzero(near):
            if row == 0 or numbers[row] != numbers[row - 1]:
                lower.setdefault(int(numbers[row]), []).append(np.asarray(summit.point[row]))
    return lower


def by_another_method(batch: Batch, fits: Fits, settings: Ascents, size: int, display: Any) -> Fits:
    """The fits, by L-BFGS where Fisher scoring does not arrive; see `optimise.falls_back`."""
    lost = np.flatnonzero(~fits.converged & np.isfinite(fits.heights))
    if not (len(lost) and falls_back(batch[0], settings.method)):
        return fits
    members, other = Batch([batch[i] for i in lost]), settings._replace(method="lbfgs")
    others, _ = best_of_each(members, None, other, min(size, len(members)), display)
    gains = others.heights - fits.heights[lost]
    better = np.flatnonzero(gains > np.where(others.converged, -LITTLE, 0.0))
    return fits.replaced(lost[better], others, better)
