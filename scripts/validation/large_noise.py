"""Correlated noise of large maps without a matrix, against the matrix, and what it costs.

Round maps with 3 % of their pixels masked; the errors are those of a constant and of two slopes.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxmetal as jm
from jaxmetal.inference import likelihood
from jaxmetal.maps.covariance import LARGEST_FACTOR, factor
from jaxmetal.maps.error_terms import errors_of
from jaxmetal.maps.vecchia_weights import prepared_without_matrix

CORRELATIONS = {
    "manga": jm.noise.manga(),
    "gaussian 1.92": jm.noise.gaussian(1.92),
    "exponential 3": jm.noise.exponential(3.0),
    "matern 3, 3/2": jm.noise.matern(3.0, 1.5),
    "drizzle 1.0, 0.6": jm.noise.drizzle(1.0, 0.6),
}
SIDES = (40, 80, 121, 200)
REPEATS = 10


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each correlation and size; `count` is the number of sizes."""
    for side in SIDES[:count]:
        for name in CORRELATIONS if side < 200 else ("manga",):
            yield _row(name, side)


def _row(name: str, side: int) -> dict:
    z, rng = _map(CORRELATIONS[name], side), np.random.default_rng(2)
    noise, prepared = _timed(lambda: _root(z))
    noisy = 8.5 + z.correlation.drawn(z.instrument.grid, rng) * np.asarray(z.sigma)
    z = eqx.tree_at(lambda m: m.values, z, jnp.asarray(noisy, z.values.dtype))
    ours, evaluation = _numbers(z.with_noise(noise))
    row = {
        "correlation": name,
        "pixels": int(z.size),
        "neighbours": len(noise.weights) - 1,
        "order": len(noise.coefficients) - 1,
        "preparation": prepared,
        "evaluation": 1e3 * evaluation,
    }
    keys = ("neighbours_alone", "errors_off", "chi_square_off", "log_determinant_off")
    row |= dict.fromkeys((*keys, "matrix_preparation", "matrix_evaluation"), np.nan)
    if z.size > LARGEST_FACTOR:
        return row
    with_matrix, prepared = _timed(lambda: factor(z, np.flatnonzero(z.valid), "z"))
    theirs, evaluation = _numbers(z.with_noise(with_matrix))
    # Neighbours alone, without the polynomial that makes up for the rest.
    plain = eqx.tree_at(lambda n: n.coefficients, noise, jnp.array([1.0, 0.0], z.values.dtype))
    alone, _ = _numbers(z.with_noise(plain))
    return row | {
        "neighbours_alone": np.abs(alone["errors"] / theirs["errors"] - 1).max(),
        "errors_off": np.abs(ours["errors"] / theirs["errors"] - 1).max(),
        "chi_square_off": abs(ours["chi_square"] / theirs["chi_square"] - 1),
        "log_determinant_off": ours["log_determinant"] - theirs["log_determinant"],
        "matrix_preparation": prepared,
        "matrix_evaluation": 1e3 * evaluation,
    }


def _map(correlation: Any, side: int) -> jm.TracerMap:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side]
    used = (np.hypot(x - side / 2, y - side / 2) < 0.52 * side) & (rng.random((side, side)) > 0.03)
    sigma = rng.uniform(0.05, 0.1, used.shape)
    instrument = jm.Instrument(jm.Grid.regular(used.shape, 0.5), jm.GaussianPSF(2.5))
    values = np.full(used.shape, 8.5)
    options = {"mask": ~used, "correlation": correlation, "check": False}
    return jm.TracerMap(values, sigma, instrument, **options)


def _root(z: jm.TracerMap) -> Any:
    grid, valid = z.instrument.grid, np.asarray(z.valid)
    return prepared_without_matrix(z.correlation, grid, valid, z.values.dtype)


def _numbers(z: jm.TracerMap) -> tuple[dict[str, Any], float]:
    """Chi-square, ln |C| and errors of a constant and two slopes; seconds of value and gradient."""
    predicted = jnp.full(z.values.shape, 8.5)
    y, x = (jnp.asarray(a, predicted.dtype) / len(a) for a in np.indices(predicted.shape))
    images = jnp.stack([jnp.ones_like(x), x - 0.5, y - 0.5])
    value = eqx.filter_jit(
        jax.value_and_grad(lambda image, z: jnp.sum(likelihood.residuals(z, image) ** 2))
    )
    whitened = eqx.filter_jit(jax.vmap(likelihood.in_units_of_error, (None, 0, None)))
    rows = np.asarray(whitened(z, images, predicted), float).reshape(len(images), -1)
    log_errors = np.asarray(z.noise.log_errors(errors_of(z, predicted)), float)
    chi_square, _ = jax.block_until_ready(value(predicted, z))
    _, seconds = _timed(
        lambda: [jax.block_until_ready(value(predicted, z)) for _ in range(REPEATS)]
    )
    numbers = {
        "chi_square": float(chi_square),
        "errors": np.sqrt(np.diag(np.linalg.inv(rows @ rows.T))),
        "log_determinant": 2 * log_errors[np.asarray(z.valid)].sum(),
    }
    return numbers, seconds / REPEATS


def _timed(action: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return action(), time.perf_counter() - start
