"""Many galaxies of one kind at once: the same fits and posteriors, from one compiled program."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from jaxmetal.inference.batch_ascents import Ascents, Ends, best_of_each, by_another_method
from jaxmetal.inference.batch_refinement import Part, fine_enough, joined
from jaxmetal.inference.branches import Form, mirrored
from jaxmetal.inference.climbing import heights_at
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.fit_programs import EACH
from jaxmetal.inference.fits import Fits
from jaxmetal.inference.maxima import NEARLY, rivals
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import NEAR, REFINEMENTS, most_steps
from jaxmetal.inference.progress import bar
from jaxmetal.inference.stack import Batch, by_parts
from jaxmetal.inference.symmetries import Maxima, symmetries


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

    Data, errors, masks, PSFs, priors and starting values may differ. Other branches of line ratios
    are tried as by `optimise`. Each galaxy has one start, where `optimise` takes four: a second
    maximum is found only with more starts, or on another branch.

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
        `fits.parameters`, `fits.errors`, `fits.covariance`. Galaxies whose fits end where they
        need a finer sampling have another one than the rest, where that saves time. A galaxy that
        cannot be fitted has the reason in its `fit.message` and does not affect the others.

    Raises
    ------
    InputError
        for models of different structure, or if nothing is free.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fits = jm.optimise_batch([jm.examples.model(seed=1), jm.examples.model(seed=2)])
    >>> [fit.converged for fit in fits]
    [True, True]
    """
    batch = Batch.of(models)
    settings = Ascents(starts, method, most_steps(batch[0], starts, method, steps), seed)
    size = batch.at_once(chunk)
    with bar(len(batch), progress, "fitting", "galaxies") as display:
        fits, ends = best_of_each(batch, None, settings, size, display)
        fits = by_another_method(batch, fits, settings, size, display)
        fits, ends = _on_all_branches(batch, fits, ends, settings, size, display)
        parts = fine_enough(fits, ends, settings, size, display)
        finished = [_finished(part, settings, display) for part in parts]
        return joined(finished, [part.rows for part in parts])


def _finished(part: Part, settings: Ascents, display: Any) -> Fits:
    """The fits of galaxies of one sampling with all that their messages tell."""
    batch, fits, size = Batch.of(part.fits.models), part.fits, part.size
    if batch[0].fields is not None:
        fits = _fields_followed(batch, fits, settings, size, display)
        batch = Batch.of(fits.models)
    fits = _with_rivals(batch, fits, part.ends, settings, size, display)
    _tell_symmetries(batch, fits, size)
    return fits


def _tell_symmetries(batch: Batch, fits: Fits, size: int) -> None:
    """Let the messages of fits tell their symmetries."""

    points, around = fits.mode
    maxima = Maxima(
        points,
        fits.unconstrained_covariance,
        around.values,
        around.log_posterior,
        fits.converged,
    )
    told = symmetries(
        batch,
        maxima,
        line_at=lambda values: by_parts(batch, size, EACH.line, values),
        heights_at=lambda points: by_parts(batch, size, partial(heights_at, EACH), points),
    )
    for i, caveats in enumerate(told):
        if caveats:
            fits.keep(i, fits[i].with_caveats(*caveats))


def _on_all_branches(
    batch: Batch, fits: Fits, ends: Ends, settings: Ascents, size: int, display: Any
) -> tuple[Fits, Ends]:
    """The best of the fits and of those that start on other branches of line ratios.

    Parameters
    ----------
    batch, settings, size, display
        as for `_best`.
    fits, ends
        at the ends of the first ascents, and their lower ends.

    Returns
    -------
    fits, ends
        with the lower ends of these ascents, too.
    """

    def look(form: Form) -> Any:
        return by_parts(
            batch, size, lambda part, points: EACH.sweep(part, points, form), fits.unconstrained
        )

    starts = mirrored(batch, fits.unconstrained, look)
    for turn in range(max(map(len, starts))):
        indices = np.array([i for i, own in enumerate(starts) if len(own) > turn])
        points = np.stack([starts[i][turn] for i in indices])[:, None]
        others, _ = best_of_each(
            Batch([batch[i] for i in indices]), points, settings, size, display
        )
        gains = others.heights - fits.heights[indices]
        for row in np.flatnonzero(np.abs(gains) < NEARLY):
            i = int(indices[row])
            lower = fits.unconstrained[i] if gains[row] > 0 else others.unconstrained[row]
            ends.setdefault(i, []).append(lower)
        higher = np.flatnonzero(gains > 0)
        fits = fits.replaced(indices[higher], others, higher)
    return fits, ends


def _with_rivals(
    batch: Batch, fits: Fits, ends: Ends, settings: Ascents, size: int, display: Any
) -> Fits:
    """The fits with other maxima that are nearly as probable; see `maxima.rivals`.

    Parameters
    ----------
    batch, settings, size, display
        as for `_best`.
    fits
        the highest.
    ends
        of other ascents.
    """
    pairs = [(i, point) for i, own in ends.items() for point in own]
    if not pairs:
        return fits
    members = Batch([batch[i] for i, _ in pairs])
    # With the sampling of the fits, which may be finer than when these ascents ended.
    points = np.stack([point for _, point in pairs])[:, None]
    settled, _ = best_of_each(members, points, settings, size, display)
    by_point = {(i, settled.unconstrained[row].tobytes()): row for row, (i, _) in enumerate(pairs)}
    for i in ends:
        rows = [row for (number, _), row in by_point.items() if number == i]

        def settle(point: np.ndarray, i: int = i) -> Fit:
            return settled[by_point[i, point[0].tobytes()]]

        points = np.concatenate([fits.unconstrained[[i]], settled.unconstrained[rows]])
        heights = np.append(fits.heights[i], settled.heights[rows])
        fits.keep(i, rivals(fits[i], points, heights, settle))
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
        fits, _ = best_of_each(batch, before[:, None], settings, size, display)
        errors = np.sqrt(np.diagonal(fits.unconstrained_covariance, axis1=1, axis2=2))
        if not np.any(np.abs(fits.unconstrained - before) > NEAR * errors):
            break
    return fits
