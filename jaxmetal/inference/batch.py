"""Many galaxies of one kind at once: the same fits and posteriors, from one compiled program."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.inference.chains import Program, Settings, advance, begin, run_chains
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.fits import Fits
from jaxmetal.inference.importance import draw_each
from jaxmetal.inference.laplace import Surroundings, surroundings
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import ROUNDS, ascend, first_points, most_steps
from jaxmetal.inference.posterior import Posterior, trusted
from jaxmetal.inference.progress import bar
from jaxmetal.inference.sample import (
    CHAINS,
    fallback,
    in_place_of,
    not_to_be_sampled,
    settings_for,
)
from jaxmetal.inference.stack import Batch, over_galaxies


def _fit(
    model: Model, starts: Float[Array, "starts n"], with_jacobian: Array, method: str, steps: int
) -> tuple[Array, Surroundings]:
    """Where the best ascent ends, and the local expansion there."""
    # One after the other: ascents side by side wait for the longest, and take twice as long to
    # trace and to compile.
    points, heights = jax.lax.map(
        lambda start: ascend(model, start, method, steps, with_jacobian), starts
    )
    best = points[jnp.argmax(jnp.where(jnp.isfinite(heights), heights, -jnp.inf))]
    return best, surroundings(model, best, with_jacobian)


_fit_each = over_galaxies(_fit)
_starts_of_each = over_galaxies(first_points)
_PROGRAM = Program(over_galaxies(begin), over_galaxies(advance), draws_axis=2)


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
        how many are computed at once; as many as there is memory and use for, if left out. Several
        devices share them.
    progress
        as for `sample`.

    Returns
    -------
    fits
        a sequence with a `Fit` for each model, as `optimise` would give it, and columns of all:
        `fits.parameters`, `fits.errors`, `fits.covariance`. A galaxy that cannot be fitted says so
        in its own `fit.message` and touches no other.

    Raises
    ------
    InputError
        for models of different structure, or if nothing is free.
    """
    batch = Batch.of(models)
    steps = most_steps(batch[0], starts, method, steps)
    size = batch.at_once(chunk)

    def fitted(
        members: Batch, points: np.ndarray | None, weight: float, display: Any
    ) -> tuple[np.ndarray, Surroundings]:
        parts = []
        for numbers, stacked in members.parts(size):
            begin_at = _starts_of_each(stacked, starts, seed) if points is None else points[numbers]
            weights = np.full(len(numbers), weight, np.asarray(begin_at).dtype)
            parts.append(jax.device_get(_fit_each(stacked, begin_at, weights, method, steps)))
            display.update(len(numbers))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays)[: len(members)], *parts)

    with bar(len(batch), progress, "fitting", "galaxies") as display:

        def again(
            chosen: np.ndarray, points: np.ndarray, weight: float
        ) -> tuple[Any, Surroundings]:
            begin = np.repeat(points[chosen, None], starts, axis=1)
            return fitted(Batch([batch[i] for i in chosen]), begin, weight, display)

        fits = Fits(batch, *fitted(batch, None, 0.0, display))
        for _ in range(ROUNDS):
            chosen = np.flatnonzero(fits.prior_matters & ~fits.has_mode)
            if len(chosen):
                fits = fits.with_modes(chosen, *again(chosen, fits.points, 1.0))
            trapped = np.flatnonzero(fits.trapped)
            if not len(trapped):
                break
            fits = fits.with_maxima(trapped, *again(trapped, fits.unconstrained, 0.0))
    return fits


def sample_batch(
    models: Sequence[Model],
    fits: Sequence[Fit],
    seed: int = 0,
    *,
    method: str = "auto",
    chains: int = 4,
    warmup: int = 300,
    draws: int = 500,
    target_accept: float = 0.8,
    allow_unconverged: bool = False,
    numbers: Sequence[int] | None = None,
    chunk: int | None = None,
    progress: bool | None = None,
) -> list[Posterior]:
    """The posteriors of many galaxies whose models differ in numbers only.

    Parameters
    ----------
    models
        of one structure.
    fits
        where each starts, from `optimise_batch`; all must have converged.
    seed, method, chains, warmup, draws, target_accept
        as for `sample`. "auto" takes HMC where importance sampling cannot be trusted, for those
        galaxies alone; with "nuts" all galaxies wait at every step for the longest trajectory among
        them.
    allow_unconverged
        as for `sample`; a single galaxy without a maximum may hold up all the others.
    numbers
        by which each galaxy draws its own random numbers from the seed; 0, 1, 2, … if left out. A
        galaxy that keeps its number draws the same in every batch.
    chunk
        how many are computed at once; as many as there is memory and use for, if left out. Several
        devices share them.
    progress
        as for `sample`.

    Returns
    -------
    posteriors
        one for each model.

    Raises
    ------
    InputError
        for models of different structure, or fits that do not belong to them, have not converged or
        have no covariance.
    """
    settings = settings_for(method, chains, warmup, draws, target_accept)
    numbers = range(len(models)) if numbers is None else numbers
    _check_fits(models, fits, numbers, allow_unconverged)
    batch = Batch.of(models)
    size = batch.at_once(chunk)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(seed), i))(
        jnp.asarray(np.asarray(numbers, np.uint32))
    )

    def draw(settings: Settings, chosen: Sequence[int]) -> list[Posterior]:
        members = batch if len(chosen) == len(batch) else Batch([batch[i] for i in chosen])
        starts, member_keys = [fits[i] for i in chosen], keys[np.asarray(chosen)]
        return _draw(members, starts, member_keys, seed, settings, (chains, draws), size, progress)

    posteriors = draw(settings, range(len(batch)))
    if method != "auto":
        return posteriors
    refused = [i for i, posterior in enumerate(posteriors) if not trusted(posterior)]
    if refused:
        chain_settings = fallback(settings, "hmc", [posteriors[i] for i in refused])
        for i, posterior in zip(refused, draw(chain_settings, refused), strict=True):
            posteriors[i] = in_place_of(posteriors[i], posterior)
    return posteriors


def _check_fits(
    models: Sequence[Model], fits: Sequence[Fit], numbers: Sequence[int], allow_unconverged: bool
) -> None:
    """Check that there is a fit for each model, and that all can be sampled."""
    if len(fits) != len(models) or len(numbers) != len(models):
        raise InputError(
            f"sample_batch: {len(models)} models but {len(fits)} fits and {len(numbers)} numbers."
        )
    reasons = {
        i: reason
        for i, fit in enumerate(fits)
        if (reason := not_to_be_sampled(fit, allow_unconverged))
    }
    if reasons:
        first = next(iter(reasons))
        raise InputError(
            f"sample_batch: fits {list(reasons)} cannot be sampled; leave them out. "
            f"fits[{first}]: {reasons[first]}. Of the fit: {fits[first].message}."
        )


def _draw(
    batch: Batch,
    fits: Sequence[Fit],
    keys: Array,
    seed: int,
    settings: Settings,
    shape: tuple[int, int],
    chunk: int,
    progress: bool | None,
) -> list[Posterior]:
    """The posteriors of a batch by one method, part by part."""
    posteriors: list[Posterior] = []
    chains, draws = shape
    in_chains = settings.method in CHAINS
    steps = chains * (settings.warmup + draws) if in_chains else 1
    text, unit = f"sampling ({settings.method})", "steps" if in_chains else "galaxies"
    with bar(len(batch) * steps, progress, text, unit) as display:
        for numbers, stacked in batch.parts(chunk):
            starts, part_keys = [fits[i] for i in numbers], keys[numbers]
            if in_chains:
                posteriors += run_chains(
                    _PROGRAM,
                    stacked,
                    starts,
                    part_keys,
                    chains,
                    draws,
                    settings,
                    seed,
                    display.update,
                )
            else:
                members = [batch[i] for i in numbers]
                posteriors += draw_each(
                    members, stacked, starts, list(part_keys), seed, chains, draws
                )
                display.update(len(numbers))
    return posteriors[: len(batch)]
