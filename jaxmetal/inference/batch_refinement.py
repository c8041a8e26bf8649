"""Finer samplings for the galaxies of a batch whose fits end where they need them."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmetal.inference.batch_ascents import Ascents, Ends, best_of_each
from jaxmetal.inference.climbing import slopes_of_change
from jaxmetal.inference.fit_programs import EACH
from jaxmetal.inference.fits import Fits
from jaxmetal.inference.galaxy_axis import over_galaxies
from jaxmetal.inference.instruments import cells
from jaxmetal.inference.optimise import REFINEMENTS
from jaxmetal.inference.resampling import nowhere_coarser, sampled_as, with_common_margins
from jaxmetal.inference.sampling_cost import (
    Cost,
    cost_of,
    errors_of_sampling,
    finer_samplings,
    refined,
)
from jaxmetal.inference.stack import Batch, by_parts, part_size

_errors_each = over_galaxies(errors_of_sampling, often=False)

# Galaxies whose sampling suffices keep it if to compute them with the finer one of others would
# take so many cells more. Below that, compiling programs for both samplings takes longer.
WORTH_TWO_SAMPLINGS = 1_000_000


class Part(NamedTuple):
    """Some galaxies of a batch, of one sampling.

    Parameters
    ----------
    rows
        their numbers in the batch.
    fits, ends
        their fits, and the lower ends of their ascents by their numbers in this part.
    size
        how many are computed at once.
    """

    rows: np.ndarray
    fits: Fits
    ends: Ends
    size: int

    def some(self, rows: np.ndarray, size: int) -> "Part":
        """Only the galaxies of these numbers in this part."""
        ends = {new: self.ends[old] for new, old in enumerate(rows) if old in self.ends}
        return Part(self.rows[rows], self.fits.some(rows), ends, size)


def fine_enough(fits: Fits, ends: Ends, settings: Ascents, size: int, display: Any) -> list[Part]:
    """The fits with samplings that are fine enough where they end, in parts of one sampling.

    Parameters
    ----------
    fits
        of a `Batch`.
    ends, settings, size, display
        as `best_of_each` takes and gives them.
    """
    done, part = [], Part(np.arange(len(fits)), fits, ends, size)
    for _ in range(REFINEMENTS):
        batch = Batch.of(part.fits.models)
        costs = _costs_of_sampling(batch, part.fits, part.size)
        poor = np.array([not cost.is_enough(batch[0].accuracy) for cost in costs])
        if not poor.any():
            break
        worst = int(np.argmax([cost.shift for cost in costs]))
        finer = refined(batch[worst], part.fits[worst], costs[worst])
        finer = nowhere_coarser(finer, batch[worst])
        if finer is batch[worst]:
            break
        more = cells(finer.maps) - cells(batch[worst].maps)
        if (~poor).sum() * more > WORTH_TWO_SAMPLINGS:
            # Of few different widths, so that the few galaxies of many batches share programs.
            finer = with_common_margins(finer)
            done.append(part.some(np.flatnonzero(~poor), part.size))
            part = part.some(np.flatnonzero(poor), part_size(part.size, int(poor.sum())))
        models = Batch([sampled_as(model, finer.maps) for model in part.fits.models])
        points = part.fits.unconstrained[:, None]
        fits, _ = best_of_each(models, points, settings, part.size, display)
        part = part._replace(fits=fits)
    return [*done, part]


def joined(parts: Sequence[Fits], rows: Sequence[np.ndarray]) -> Fits:
    """The fits of all galaxies from those of parts of them.

    Parameters
    ----------
    parts
        whose models may differ in their samplings.
    rows
        the numbers of the galaxies of each part.
    """
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate(rows))
    models = [model for part in parts for model in part.models]
    kept = [part.kept.get(i) for part in parts for i in range(len(part))]
    points, around, mode = jax.tree.map(
        lambda *arrays: np.concatenate(arrays)[order],
        *((part.points, part.around, part.mode) for part in parts),
    )
    fits = Fits([models[i] for i in order], points, around, mode)
    fits.kept |= {new: kept[old] for new, old in enumerate(order) if kept[old] is not None}
    return fits


def _costs_of_sampling(batch: Batch, fits: Fits, size: int) -> list[Cost]:
    """What the automatic samplings cost each galaxy at the end of its fit, if it converged."""
    finer = finer_samplings(batch[0])
    if batch[0].accuracy is None or not finer:
        return [Cost()] * len(batch)
    errors, chi_squares = by_parts(
        batch, size, lambda part, *shown: _errors_each(part, *shown, finer), *fits.predictions
    )
    slopes = by_parts(batch, size, partial(slopes_of_change, EACH), fits.unconstrained, errors)
    galaxies = zip(slopes, chi_squares, fits.unconstrained_covariance, fits.converged, strict=True)
    return [cost_of(*effect) if converged else Cost() for *effect, converged in galaxies]
