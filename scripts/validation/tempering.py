"""Draws from a posterior with several modes: sequential Monte Carlo from the prior."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxmetal as jm

# Effective particles, as a part of all, at which the likelihood is raised to the next power.
EFFECTIVE = 0.7
# Moves of every particle between two powers, and after the last.
MOVES, LAST_MOVES = 8, 40
# Particles that are evaluated at once.
TOGETHER = 64
# The part of moves that jump by a whole difference, from one mode to another.
JUMPS = 0.15


class State(NamedTuple):
    """Particles with the log likelihood and the log density of all priors at each."""

    points: Any
    log_likelihood: Any
    log_prior: Any


def tempered(model: jm.Model, particles: int, seed: int) -> dict[str, np.ndarray]:
    """Draws of every free parameter, {path: (particles, …)}.

        p_k ∝ L^b_k p(theta),   0 = b_0 < b_1 < ... < 1

    Particles that are drawn from the prior are resampled from each power of the likelihood to the
    next, and moved by differences of others (Del Moral, Doucet & Jasra 2006; ter Braak 2006). No
    part of it is used by the samplers of the package, and it needs no maximum.

    Parameters
    ----------
    model
        whose density and priors alone are used.
    particles
        how many; even.
    seed
        of all that is drawn.
    """
    key, rng = jax.random.key(seed), np.random.default_rng(seed)
    draws = jax.vmap(model.draw)(jax.random.split(key, particles))
    points = jax.vmap(model.unconstrain)(draws)
    state, power = _looked(model, points), 0.0
    while power < 1:
        logs = np.nan_to_num(np.asarray(state.log_likelihood, float), nan=-np.inf)
        power, weights = _next_power(logs, power)
        rows = _systematic(weights, rng)
        state = jax.tree.map(lambda a, rows=rows: a[rows], state)
        key, own = jax.random.split(key)
        moves = MOVES if power < 1 else LAST_MOVES
        state = _moved(model, state, jnp.asarray(power, points.dtype), own, moves)
    return jax.tree.map(np.asarray, jax.vmap(model.constrain)(state.points))


def _next_power(logs: np.ndarray, power: float) -> tuple[float, np.ndarray]:
    """The next power of the likelihood, and the weights of the particles there."""

    def weights(next_power: float) -> np.ndarray:
        raw = np.exp((next_power - power) * (logs - logs.max()))
        return raw / raw.sum()

    low, high = power, 1.0
    if 1 / np.sum(weights(1.0) ** 2) >= EFFECTIVE * len(logs):
        return 1.0, weights(1.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        enough = 1 / np.sum(weights(middle) ** 2) >= EFFECTIVE * len(logs)
        low, high = (middle, high) if enough else (low, middle)
    return low, weights(low)


def _systematic(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    places = (rng.uniform() + np.arange(len(weights))) / len(weights)
    rows = np.searchsorted(np.cumsum(weights), places).clip(max=len(weights) - 1)
    # In any order, because the halves move by each other's differences.
    return rng.permutation(rows)


@eqx.filter_jit
def _looked(model: jm.Model, points: jax.Array) -> State:
    def one(point: jax.Array) -> tuple[jax.Array, jax.Array]:
        at = model.point(point)
        return model.log_likelihood(at.values), at.log_prior + at.log_jacobian

    return State(points, *jax.lax.map(one, points, batch_size=TOGETHER))


@eqx.filter_jit
def _moved(model: jm.Model, state: State, power: jax.Array, key: jax.Array, moves: int) -> State:
    """Each half of the particles moved by differences of the other half, in turns."""
    half = len(state.points) // 2

    def step(state: State, key: jax.Array) -> tuple[State, None]:
        parts = [jax.tree.map(lambda a: a[:half], state), jax.tree.map(lambda a: a[half:], state)]
        for i, own in enumerate(jax.random.split(key)):
            parts[i] = _half_moved(model, parts[i], parts[1 - i].points, power, own)
        return jax.tree.map(lambda *a: jnp.concatenate(a), *parts), None

    return jax.lax.scan(step, state, jax.random.split(key, moves))[0]


def _half_moved(
    model: jm.Model, state: State, others: jax.Array, power: jax.Array, key: jax.Array
) -> State:
    count, n = state.points.shape
    pick, scale, jump, blur, accept = jax.random.split(key, 5)
    one, other = jax.random.randint(pick, (2, count), 0, count)
    factor = 2.38 / (2 * n) ** 0.5 * jnp.exp(jax.random.normal(scale, (count,)) - 1.0)
    factor = jnp.where(jax.random.uniform(jump, (count,)) < JUMPS, 1.0, factor)
    noise = 1e-4 * jax.random.normal(blur, state.points.shape)
    trial = state.points + factor[:, None] * (others[one] - others[other]) + noise
    new = _looked(model, trial)
    gain = power * (new.log_likelihood - state.log_likelihood) + new.log_prior - state.log_prior
    taken = jnp.log(jax.random.uniform(accept, (count,))) < gain
    choose = lambda a, b: jnp.where(taken.reshape(-1, *[1] * (a.ndim - 1)), a, b)  # noqa: E731
    return jax.tree.map(choose, new, state)
