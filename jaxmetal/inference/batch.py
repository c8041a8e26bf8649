"""Many galaxies of one kind at once: the same fits and posteriors, from one compiled program."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.inference.importance import draw_each
from jaxmetal.inference.laplace import Fits, Surroundings
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import climb, first_points, look, most_steps
from jaxmetal.inference.results import Fit, Posterior, trusted
from jaxmetal.inference.sample import CHAINS, Program, Settings, advance, begin, fallback, in_place_of, run_chains, settings_for
from jaxmetal.inference.stack import Batch, over_galaxies


def _fit(model: Model, starts: int, seed: int, method: str, steps: int) -> tuple[Array, Surroundings]:
    """Where the best ascent ends, and what is found there."""
    return look(model, *climb(model, first_points(model, starts, seed), method, steps))


_fit_each = over_galaxies(_fit)
_PROGRAM = Program(over_galaxies(begin), over_galaxies(advance), draws_axis=2)


def optimise_batch(
    models: Sequence[Model], starts: int = 1, method: str = "fisher", steps: int | None = None, seed: int = 0,
    *, chunk: int | None = None, progress: bool | None = None,
) -> Fits:  # fmt: skip
    """The fits of many galaxies whose models differ in numbers only: data, errors, masks, PSFs, priors, starting values.

    Parameters
    ----------
    models
        of one structure; `Model.with_maps` makes one from another. A `Batch` of them is stacked only once.
    starts, method, steps, seed
        as for `optimise`.
    chunk
        how many are computed at once; as many as there is memory and use for, if left out. Several devices share them.
    progress
        whether to show a bar; only on a terminal if left out.

    Returns
    -------
    fits
        a sequence with a `Fit` for each model, as `optimise` would give it, and columns of all: `fits.parameters`,
        `fits.covariance`. A galaxy that cannot be fitted says so in its own `fit.message` and touches no other.

    Raises
    ------
    InputError
        for models of different structure, or if nothing is free.
    """
    batch = Batch.of(models)
    steps = most_steps(batch[0], starts, method, steps)
    found = [jax.device_get(_fit_each(some, starts, seed, method, steps)) for _, some in batch.parts(chunk, progress)]
    points, around = jax.tree.map(lambda *parts: np.concatenate(parts)[: len(batch)], *found)
    return Fits(batch, points, around)


def sample_batch(
    models: Sequence[Model], fits: Sequence[Fit], seed: int = 0, *, method: str = "hmc", chains: int = 4, warmup: int = 300,
    draws: int = 500, target_accept: float = 0.8, chunk: int | None = None, progress: bool | None = None,
) -> list[Posterior]:  # fmt: skip
    """The posteriors of many galaxies whose models differ in numbers only.

    Parameters
    ----------
    models
        of one structure.
    fits
        where each starts, from `optimise_batch`; all must have a covariance.
    seed, method, chains, warmup, draws, target_accept
        as for `sample`. With "nuts" all galaxies wait at every step for the longest trajectory among them; "auto" takes
        HMC where importance sampling cannot be trusted, for those galaxies alone.
    chunk
        how many are computed at once; as many as there is memory and use for, if left out. Several devices share them.
    progress
        whether to show a bar; only on a terminal if left out.

    Returns
    -------
    posteriors
        one for each model.

    Raises
    ------
    InputError
        for models of different structure, or fits that do not belong to them or have no covariance.
    """
    settings = settings_for(method, chains, warmup, draws, target_accept)
    if len(fits) != len(models):
        raise InputError(f"sample_batch: {len(models)} models but {len(fits)} fits.")
    lost = [i for i, fit in enumerate(fits) if not np.all(np.isfinite(fit.unconstrained_covariance))]
    if lost:
        raise InputError(f"sample_batch: fits {lost} have no covariance to start from; leave them out.")
    batch, drawn = Batch.of(models), []
    for numbers, some in batch.parts(chunk, progress):
        part, starts = [batch[i] for i in numbers], [fits[i] for i in numbers]
        keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(seed), i))(jnp.asarray(numbers))

        def run(settings: Settings, some: Model = some, starts: list[Fit] = starts, keys: Array = keys) -> list[Posterior]:
            return run_chains(_PROGRAM, some, starts, keys, chains, draws, settings, seed, lambda _: None)

        if method in CHAINS:
            found = run(settings)
        else:
            found = draw_each(part, some, starts, list(keys), seed, chains, draws)
            refused = [posterior for posterior in found if not trusted(posterior)]
            if method == "auto" and refused:
                instead = run(fallback(settings, "hmc", refused))
                found = [w if trusted(w) else in_place_of(w, c) for w, c in zip(found, instead, strict=True)]
        drawn += found
    return drawn[: len(batch)]
