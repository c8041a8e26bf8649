"""Independent draws from the posterior: a Student-t around the fit, importance-weighted."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import jaxmetal
from jaxmetal.compiling import compiled
from jaxmetal.inference.fingerprint import fingerprint
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.instruments import cells
from jaxmetal.inference.model import Model
from jaxmetal.inference.parameter_units import units_of
from jaxmetal.inference.pareto import Smoothed, smooth
from jaxmetal.inference.posterior import Posterior
from jaxmetal.inference.proposals import DOF, Proposal, Proposed, resample

# From this k-hat on the proposal is made again from the mean and covariance of the weighted draws,
# this many times at most. A proposal centred on the edge of a prior, where Laplace's approximation
# is poor, is thereby moved to the mean of the posterior.
IMPROVED_FROM = 0.4
IMPROVEMENTS = 2
# Fewer effective draws than this many for each parameter do not determine a covariance.
DRAWS_PER_PARAMETER = 5
# How many cells a GPU computes together. A CPU takes draws one after the other: what its fixed
# parameters give is computed once, and a map stays in its cache.
CELLS_TOGETHER = 20_000_000
# No mode of a posterior is given less than this part of the draws, so that its weight is known.
LEAST_SHARE = 0.2
# A mode with less than this part of the weight keeps its proposal.
LEAST_MASS = 0.02


def proposal_of(fit: Fit) -> Proposal:
    """A Student-t with the maximum and the Laplace covariance of each mode of a fit."""
    shares = np.maximum(fit.odds, min(LEAST_SHARE, 1 / len(fit.modes)))
    return Proposal(
        np.stack([np.asarray(mode.unconstrained, float) for mode in fit.modes]),
        np.stack([np.asarray(mode.unconstrained_covariance, float) for mode in fit.modes]),
        shares / shares.sum(),
    )


def evaluate(
    model: Model, points: Float[Array, "draws n"], keys: Array, together: int
) -> tuple[Array, Any, Any]:
    """Log density, values and tied values at every point.

    Linear amplitudes are drawn from their conditional distribution.
    """
    count = len(points)
    parts = -(-count // together)
    # Parts of one size, the last filled up: a smaller one would be compiled separately.
    numbers = np.resize(np.arange(count), (parts, -(-count // parts)))

    def one(u: Array, key: Array) -> tuple[Array, Any, Any]:
        values = model.complete(model.constrain(u), key)
        return model.log_density(u), values, model.derived(values)

    results = jax.lax.map(
        lambda part: jax.vmap(one)(points[part], keys[part]), jnp.asarray(numbers)
    )
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:count], results)


@compiled
def _evaluate_each(
    model: Model,
    points: Float[Array, "galaxies draws n"],
    keys: Array,
    together: int,
    abreast: int | None,
):
    """The same for many galaxies, that many at once or one after the other."""
    arrays, static = eqx.partition(model, eqx.is_array)

    def one(galaxy: tuple[Any, Array, Array]) -> tuple[Array, Any, Any]:
        return evaluate(eqx.combine(galaxy[0], static), *galaxy[1:], together)

    return jax.lax.map(one, (arrays, points, keys), batch_size=abreast)


def draw_one(model: Model, fit: Fit, key: Array, seed: int, chains: int, draws: int) -> Posterior:
    """The posterior of one model from draws around its fit."""
    alone = jax.tree.map(
        lambda leaf: jnp.asarray(np.asarray(leaf)[None]) if eqx.is_array(leaf) else leaf, model
    )
    return draw_each([model], alone, [fit], [key], seed, chains, draws)[0]


def draw_each(
    models: Sequence[Model],
    stack: Model,
    fits: Sequence[Fit],
    keys: Sequence[Array],
    seed: int,
    chains: int,
    draws: int,
) -> list[Posterior]:
    """The posteriors of many models of one structure, from one compiled program."""
    count = chains * draws
    generators = [np.random.default_rng(np.asarray(jax.random.key_data(key))) for key in keys]
    draw_keys = jax.vmap(lambda key: jax.random.split(key, count))(jnp.stack(keys))
    weighted = partial(_weighted, stack, models[0], draw_keys)
    proposals = [proposal_of(fit) for fit in fits]
    drawn = {
        i: (proposal, proposal.draw(count, rng))
        for i, (proposal, rng) in enumerate(zip(proposals, generators, strict=True))
    }
    best = _improve(weighted, weighted(drawn), count, generators)
    return [
        _resampled(model, best[i], chains, draws, seed, rng)
        for i, (model, rng) in enumerate(zip(models, generators, strict=True))
    ]


def _weighted(
    stack: Model, one: Model, keys: Array, drawn: Mapping[int, tuple[Proposal, Proposed]]
) -> dict[int, "Draws"]:
    """What the model says of the draws from a proposal for some galaxies, by number.

    A CPU takes galaxies one after the other: draws of one share what its fixed parameters give, and
    those of galaxies that need no better proposal are not computed again.
    """
    abreast = None if jax.default_backend() == "cpu" else len(keys)
    at_once = abreast or 1
    together = _together(one, at_once)
    results = {}
    for first in range(0, len(drawn), at_once):
        members = list(drawn)[first : first + at_once]
        # Filled up with the last, so that one program serves all.
        rows = np.array(members + members[-1:] * (at_once - len(members)))
        part = stack if np.array_equal(rows, np.arange(len(keys))) else _rows_of(stack, rows)
        points = jnp.asarray(np.stack([drawn[i][1].points for i in rows]), one.start.dtype)
        out = _evaluate_each(part, points, keys[rows], together, abreast)
        log_density, values, derived = jax.tree.map(np.asarray, jax.device_get(out))
        for k, i in enumerate(members):
            results[i] = Draws(
                *drawn[i],
                log_density[k],
                _of_galaxy(values, k),
                _of_galaxy(derived, k),
                smooth(np.asarray(log_density[k], float) - drawn[i][1].log_density),
            )
    return results


def _rows_of(stack: Model, rows: np.ndarray) -> Model:
    """Some of the galaxies of a stack, chosen on the host."""
    return jax.tree.map(lambda a: np.asarray(a)[rows] if eqx.is_array(a) else a, stack)


def _improve(
    weighted: Callable[[Mapping[int, tuple[Proposal, Proposed]]], dict[int, "Draws"]],
    best: dict[int, "Draws"],
    count: int,
    generators: Sequence[np.random.Generator],
) -> dict[int, "Draws"]:
    """Draws from better proposals, for the galaxies whose k-hat is too large and gets smaller.

    Parameters
    ----------
    weighted
        gives what the model says of the draws from a proposal for some galaxies, by number.
    best
        of each galaxy, from the first proposal.
    count
        draws of each galaxy.
    generators
        of random numbers, one for each galaxy.
    """
    for _ in range(IMPROVEMENTS):
        # A galaxy's random numbers do not depend on the others of its batch.
        trials = {
            i: _improved(old, count, generators[i])
            for i, old in best.items()
            if old.smoothed.shape >= IMPROVED_FROM
        }
        changed = {i: trial for i, trial in trials.items() if trial[0] is not best[i].proposal}
        if not changed:
            break
        for i, new in weighted(changed).items():
            if new.smoothed.shape < best[i].smoothed.shape:
                best[i] = new
    return best


class Draws(NamedTuple):
    """Draws from a proposal for one galaxy, with what the model says of each."""

    proposal: Proposal
    proposed: Proposed
    log_density: np.ndarray
    values: dict[str, np.ndarray]
    derived: dict[str, np.ndarray]
    smoothed: Smoothed


def _of_galaxy(tree: dict[str, np.ndarray], index: int) -> dict[str, np.ndarray]:
    return {name: array[index] for name, array in tree.items()}


def _improved(old: Draws, count: int, rng: np.random.Generator) -> tuple[Proposal, Proposed]:
    """Draws from Student-t distributions with the mean and covariance of the draws of each mode.

    The old draws where too few of them are effective.
    """
    points, weights = old.proposed.points, old.smoothed.weights
    if not old.smoothed.effective > DRAWS_PER_PARAMETER * points.shape[1] * len(
        old.proposal.shares
    ):
        return old.proposal, old.proposed
    by_mode = old.proposal.by_mode(points)
    parts = weights * np.exp(by_mode - np.logaddexp.reduce(by_mode, axis=0))
    masses = parts.sum(axis=1)
    # The covariance of a mode that has no weight is not known any better.
    if np.any(masses < LEAST_MASS):
        return old.proposal, old.proposed
    parts = parts / masses[:, None]
    centers = parts @ points
    away = points - centers[:, None, :]
    covariances = np.swapaxes(away * parts[:, :, None], 1, 2) @ away
    # The covariance of a Student-t is dof / (dof - 2) of its scale matrix.
    better = Proposal(centers, covariances * (DOF - 2) / DOF, old.proposal.shares)
    return better, better.draw(count, rng)


def _resampled(
    model: Model, draws_of_one: Draws, chains: int, draws: int, seed: int, rng: np.random.Generator
) -> Posterior:
    """The posterior of one galaxy, each draw kept as often as its weight says."""
    indices = resample(draws_of_one.smoothed.weights, chains * draws, rng)

    def kept(array: np.ndarray) -> np.ndarray:
        return array[indices].reshape(chains, draws, *array.shape[1:])

    statistics = {
        "diverging": np.zeros((chains, draws), bool),
        "log_density": kept(draws_of_one.log_density),
    }
    attributes = _attributes(draws_of_one.smoothed, indices, seed)
    attributes["data"] = fingerprint(model.maps)
    attributes["units"] = units_of(model.galaxy, model.maps, model.free)
    if len(draws_of_one.proposal.shares) > 1:
        mode = np.argmax(draws_of_one.proposal.by_mode(draws_of_one.proposed.points), axis=0)
        statistics["mode"] = kept(mode)
        weights = draws_of_one.smoothed.weights
        attributes["odds"] = np.bincount(mode, weights, len(draws_of_one.proposal.shares))
    samples = {name: kept(draws_of_one.values[name]) for name in model.free}
    derived = {name: kept(array) for name, array in draws_of_one.derived.items()}
    return Posterior(samples, statistics, attributes, derived)


def _attributes(weights: Smoothed, indices: np.ndarray, seed: int) -> dict[str, Any]:
    # Resampled draws have no more effective samples than the proposals, and fewer where one is
    # repeated.
    distinct = len(indices) ** 2 / np.sum(np.bincount(indices).astype(float) ** 2)
    return {
        "method": "importance",
        "seed": seed,
        "warmup": 0,
        "created_by": f"jaxmetal {jaxmetal.__version__}",
        "k_hat": weights.shape,
        "log_evidence": weights.log_mean,
        "proposals": len(weights.weights),
        "importance_ess": weights.effective,
        "effective_samples": float(min(weights.effective, distinct)),
    }


def _together(model: Model, galaxies: int) -> int:
    """How many draws are computed at once."""
    if jax.default_backend() == "cpu":
        return 1
    return int(np.clip(CELLS_TOGETHER // (max(cells(model.maps), 1) * galaxies), 1, 1024))
