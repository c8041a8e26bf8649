"""Many galaxies of one kind at once: the same fits and posteriors, from one compiled program."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.inference.importance import draw_each
from jaxmetal.inference.model import Model
from jaxmetal.inference.optimise import climb, first_points, highest, laplace, most_steps, surroundings
from jaxmetal.inference.progress import bar
from jaxmetal.inference.results import Fit, Posterior, trusted
from jaxmetal.inference.sample import CHAINS, Program, Settings, advance, begin, fallback, in_place_of, run_chains, settings_for

# The model's arrays and what goes with each galaxy are mapped over; how to fit is the same for all.
_EACH = eqx.if_array(0)
_climb = eqx.filter_jit(eqx.filter_vmap(climb, in_axes=(_EACH, 0, None, None)))
_surroundings = eqx.filter_jit(eqx.filter_vmap(surroundings, in_axes=(_EACH, 0)))
_PROGRAM = Program(
    eqx.filter_jit(eqx.filter_vmap(begin, in_axes=(_EACH, 0, 0, 0, 0, None))),
    eqx.filter_jit(eqx.filter_vmap(advance, in_axes=(_EACH, 0, 0, 0, None, None))),
    draws_axis=2,
)


def optimise_batch(
    models: Sequence[Model], starts: int = 1, method: str = "fisher", steps: int | None = None, seed: int = 0,
    *, chunk: int = 64, progress: bool | None = None,
) -> list[Fit]:  # fmt: skip
    """The fits of many galaxies whose models differ in numbers only: data, errors, masks, PSFs, priors, starting values.

    Parameters
    ----------
    models
        of one structure; `Model.with_maps` makes one from another.
    starts, method, steps, seed
        as for `optimise`.
    chunk
        how many are computed at once.
    progress
        whether to show a bar; only on a terminal if left out.

    Returns
    -------
    fits
        one for each model, as `optimise` would give it. A galaxy that cannot be fitted says so in its own
        `fit.message` and touches no other.

    Raises
    ------
    InputError
        for models of different structure, or if nothing is free.
    """
    steps = most_steps(models[0], starts, method, steps) if models else 0

    def fit(part: list[Model], stacked: Model) -> list[Fit]:
        ends, heights = _climb(stacked, jnp.stack([first_points(model, starts, seed) for model in part]), method, steps)
        best = jax.vmap(highest)(ends, heights)
        around = jax.device_get(_surroundings(stacked, best))
        return [laplace(model, best[i], jax.tree.map(lambda leaf, i=i: leaf[i], around)) for i, model in enumerate(part)]

    return _in_chunks(models, chunk, progress, fit)


def sample_batch(
    models: Sequence[Model], fits: Sequence[Fit], seed: int = 0, *, method: str = "hmc", chains: int = 4, warmup: int = 300,
    draws: int = 500, target_accept: float = 0.8, chunk: int = 64, progress: bool | None = None,
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
        how many are computed at once.
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
    at = {id(model): (i, fit) for i, (model, fit) in enumerate(zip(models, fits, strict=True))}

    def draw(part: list[Model], stacked: Model) -> list[Posterior]:
        numbers, starts = zip(*(at[id(model)] for model in part), strict=True)
        keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.key(seed), i))(jnp.asarray(numbers))

        def run(settings: Settings) -> list[Posterior]:
            return run_chains(_PROGRAM, stacked, starts, keys, chains, draws, settings, seed, lambda _: None)

        if method in CHAINS:
            return run(settings)
        weighted = draw_each(part, stacked, starts, list(keys), seed, chains, draws)
        refused = [posterior for posterior in weighted if not trusted(posterior)]
        if method == "importance" or not refused:
            return weighted
        instead = run(fallback(settings, "hmc", refused))
        return [w if trusted(w) else in_place_of(w, c) for w, c in zip(weighted, instead, strict=True)]

    return _in_chunks(models, chunk, progress, draw)


def _in_chunks(models: Sequence[Model], chunk: int, progress: bool | None, work: Callable[[list[Model], Model], list]) -> list:
    """What `work` makes of the models, in parts of one size, so that one program serves all."""
    if chunk < 1:
        raise InputError(f"chunk: expected at least 1, got {chunk}.")
    done: list[Any] = []
    with bar(len(models), progress, "galaxies") as shown:
        for part in _parts(list(models), min(chunk, max(len(models), 1))):
            padded = part + [part[-1]] * (min(chunk, len(models)) - len(part))
            done += work(padded, _stack(padded))[: len(part)]
            shown.update(len(part))
    return done


def _parts(models: list[Model], size: int) -> Iterator[list[Model]]:
    for i in range(0, len(models), size):
        yield models[i : i + size]


def _stack(models: list[Model]) -> Model:
    """One model whose arrays have a first axis of galaxies."""
    arrays, rest = zip(*(eqx.partition(model, eqx.is_array) for model in models), strict=True)
    structures = [jax.tree.structure(model) for model in models]
    shapes = [[leaf.shape for leaf in jax.tree.leaves(part)] for part in arrays]
    for i, (structure, shape) in enumerate(zip(structures, shapes, strict=True)):
        if structure != structures[0] or shape != shapes[0]:
            raise InputError(
                f"models[{i}] differs from models[0] in more than numbers: components, priors, samplings or shapes of the maps."
            )

    def stack(*leaves: Array) -> Array:
        return jnp.asarray(np.stack([np.asarray(leaf) for leaf in leaves]))

    return eqx.combine(jax.tree.map(stack, *arrays), rest[0])
