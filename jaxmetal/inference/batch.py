"""Many galaxies of one kind at once: the same fits and posteriors, from one compiled program."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxmetal.inference.climbing import (
    EACH,
    best_of,
    climbed,
    scaled_points,
    slopes_of_change,
    surroundings,
)
from jaxmetal.inference.fits import Fits
from jaxmetal.inference.laplace import Surroundings
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import NEAR, REFINEMENTS, ROUNDS, most_steps
from jaxmetal.inference.progress import bar
from jaxmetal.inference.resampling import nowhere_coarser, sampled_as
from jaxmetal.inference.sampling_cost import (
    Cost,
    cost_of,
    errors_of_sampling,
    finer_samplings,
    refined,
)
from jaxmetal.inference.stack import Batch, over_galaxies

_errors_each = over_galaxies(errors_of_sampling, often=False)


def optimise_batch(
    models: Sequence[Model],
    starts: int = 1,
    method: str = "fisher",
    steps: int | None = None,
    seed: int = 0,
    *,
    chunk: int | None = None,
    progress: bool | None = None,
) -> Fits:
    """The fits of many galaxies whose models differ in numbers only.

    Data, errors, masks, PSFs, priors and starting values may differ.

    Parameters
    ----------
    models
        of one structure; `Model.with_maps` makes one from another. A `Batch` of them is stacked
        only once.
    starts, method, steps, seed
        as for `optimise`.
    chunk
        how many are computed at once; chosen by memory and device if left out. Several
        devices share them.
    progress
        as for `sample`.

    Returns
    -------
    fits
        a sequence with a `Fit` for each model, as `optimise` would give it, and columns of all:
        `fits.parameters`, `fits.errors`, `fits.covariance`. A galaxy that cannot be fitted has the
        reason in its `fit.message` and does not affect the others.

    Raises
    ------
    InputError
        for models of different structure, or if nothing is free.
    """
    batch = Batch.of(models)
    settings = Ascents(starts, method, most_steps(batch[0], starts, method, steps), seed)
    size = batch.at_once(chunk)
    with bar(len(batch), progress, "fitting", "galaxies") as display:
        fits = _best(batch, None, settings, size, display)
        for _ in range(REFINEMENTS):
            costs = _costs_of_sampling(batch, fits, size)
            worst = int(np.argmax([cost.shift for cost in costs]))
            if all(cost.is_enough(batch[0].accuracy) for cost in costs):
                break
            finer = nowhere_coarser(refined(batch[worst], fits[worst], costs[worst]), batch[worst])
            if finer is batch[worst]:
                break
            batch = Batch([sampled_as(model, finer.maps) for model in batch])
            fits = _best(batch, fits.unconstrained[:, None], settings, size, display)
        if batch[0].fields is not None:
            fits = _fields_followed(batch, fits, settings, size, display)
    return fits


class Ascents(NamedTuple):
    """How many ascents of each galaxy, by which method, and with which seed of their starts."""

    starts: int
    method: str
    steps: int
    seed: int


def _best(
    batch: Batch, points: np.ndarray | None, settings: Ascents, size: int, display: Any
) -> Fits:
    """The fits at the ends of the best of several ascents of each galaxy.

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
            best = best_of(
                [
                    climbed(EACH, part, start, settings.method, settings.steps, weight)
                    for start in np.moveaxis(begin_at, 1, 0)
                ]
            )
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
    return fits


def _fields_followed(batch: Batch, fits: Fits, settings: Ascents, size: int, display: Any) -> Fits:
    """The fits of models that are linear in their random fields near these fits.

    Parameters
    ----------
    batch, fits
        models and their fits so far.
    settings, size, display
        as for `_best`.
    """
    for _ in range(REFINEMENTS):
        before = fits.unconstrained
        pairs = zip(batch, fits, strict=True)
        batch = Batch([model.with_fields_at(fit.galaxy, fit.maps) for model, fit in pairs])
        fits = _best(batch, before[:, None], settings, size, display)
        errors = np.sqrt(np.diagonal(fits.unconstrained_covariance, axis1=1, axis2=2))
        if not np.any(np.abs(fits.unconstrained - before) > NEAR * errors):
            break
    return fits


def _costs_of_sampling(batch: Batch, fits: Fits, size: int) -> list[Cost]:
    """What the automatic samplings cost each galaxy at the end of its fit, if it converged."""
    finer = finer_samplings(batch[0])
    if batch[0].accuracy is None or not finer:
        return [Cost()] * len(batch)
    slopes, chi_squares = [], []
    for numbers, part in batch.parts(size):
        points = fits.unconstrained[numbers]
        errors, chi_square = jax.device_get(_errors_each(part, *fits.predictions(numbers), finer))
        slopes.append(slopes_of_change(EACH, part, points, errors))
        chi_squares.append(chi_square)
    effects = zip(np.concatenate(slopes), np.concatenate(chi_squares), strict=True)
    return [
        cost_of(*effect, covariance) if converged else Cost()
        for effect, covariance, converged in zip(
            effects, fits.unconstrained_covariance, fits.converged, strict=False
        )
    ]
