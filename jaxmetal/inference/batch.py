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
        some: Batch, points: np.ndarray | None, weight: float, shown: Any
    ) -> tuple[np.ndarray, Surroundings]:
        parts = []
        for numbers, stacked in some.parts(size):
            begin_at = _starts_of_each(stacked, starts, seed) if points is None else points[numbers]
            weights = np.full(len(numbers), weight, np.asarray(begin_at).dtype)
            parts.append(jax.device_get(_fit_each(stacked, begin_at, weights, method, steps)))
            shown.update(len(numbers))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays)[: len(some)], *parts)

    with bar(len(batch), progress, "fitting", "galaxies") as shown:

        def again(
            chosen: np.ndarray, points: np.ndarray, weight: float
        ) -> tuple[Any, Surroundings]:
            begin = np.repeat(points[chosen, None], starts, axis=1)
            return fitted(Batch([batch[i] for i in chosen]), begin, weight, shown)

        fits = Fits(batch, *fitted(batch, None, 0.0, shown))
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
    if len(fits) != len(models) or len(numbers) != len(models):
        raise InputError(
            f"sample_batch: {len(models)} models but {len(fits)} fits and {len(numbers)} numbers."
        )
    lost = {
        i: why for i, fit in enumerate(fits) if (why := not_to_be_sampled(fit, allow_unconverged))
    }
    if lost:
        first = next(iter(lost))
        raise InputError(
            f"sample_batch: fits {list(lost)} cannot be sampled; leave them out. fits[{first}]: "
            f"{lost[first]}. "
            f"Of the fit: {fits[first].message}."
        )
    batch = Batch.of(models)
    size = batch.at_once(chunk)
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(seed), i))(
        jnp.asarray(np.asarray(numbers, np.uint32))
    )

    def drawn(settings: Settings, chosen: Sequence[int]) -> list[Posterior]:
        some = batch if len(chosen) == len(batch) else Batch([batch[i] for i in chosen])
        return _drawn(
            some,
            [fits[i] for i in chosen],
            keys[np.asarray(chosen)],
            seed,
            settings,
            (chains, draws),
            size,
            progress,
        )

    found = drawn(settings, range(len(batch)))
    refused = (
        [i for i, posterior in enumerate(found) if not trusted(posterior)]
        if method == "auto"
        else []
    )
    if refused:
        chains_instead = drawn(fallback(settings, "hmc", [found[i] for i in refused]), refused)
        for i, posterior in zip(refused, chains_instead, strict=True):
            found[i] = in_place_of(found[i], posterior)
    return found


def _drawn(
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
    found: list[Posterior] = []
    chains, draws = shape
    in_chains = settings.method in CHAINS
    steps = chains * (settings.warmup + draws) if in_chains else 1
    text, unit = f"sampling ({settings.method})", "steps" if in_chains else "galaxies"
    with bar(len(batch) * steps, progress, text, unit) as shown:
        for numbers, some in batch.parts(chunk):
            starts, own = [fits[i] for i in numbers], keys[numbers]
            if in_chains:
                found += run_chains(
                    _PROGRAM, some, starts, own, chains, draws, settings, seed, shown.update
                )
            else:
                found += draw_each(
                    [batch[i] for i in numbers], some, starts, list(own), seed, chains, draws
                )
                shown.update(len(numbers))
    return found[: len(batch)]
