"""Vecchia's approximation of a correlation by separation, prepared for one map."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxmetal.compiling import compiled_once
from jaxmetal.instrument.grid import Grid
from jaxmetal.maps.correlations import BySeparation
from jaxmetal.maps.vecchia import REACH, Vecchia

# Radii of the half disc of neighbours that predict a pixel, pixels: the first is taken that leaves
# eigenvalues of W R Wᵀ within this distance from 1. Beyond it the polynomial gets long.
RADII = (3.0, 4.5, 6.4, 8.0, 10.0, float(REACH))
NEAR_ONE = 0.6
# The error of 1 / sqrt(x) as a polynomial, in units of the root of the type's precision, and its
# largest order.
ERROR, LARGEST_ORDER = 0.2, 40
# Eigenvalues of W R Wᵀ are known to this part of their range, which is widened by twice as much.
EIGENVALUE_TOLERANCE = 0.02
# Random images by which ln |W R Wᵀ| is measured.
PROBES = 16
# Prediction matrices that are solved at once.
TOGETHER = 256

Offsets = Int[np.ndarray, "m 2"]


def prepared_without_matrix(
    correlation: BySeparation, grid: Grid, valid: Bool[np.ndarray, "rows columns"], dtype: Any
) -> Vecchia | None:
    """The sparse root of a fixed correlation, or None where it is too wide for one.

    Parameters
    ----------
    correlation, grid
        of the map.
    valid
        which of its pixels take part.
    dtype
        of its numbers.

    Returns
    -------
    noise
        whose chi-square is that of the matrix to about half the digits of the type.
    """
    offsets = window(correlation, grid)
    if offsets is None:
        return None
    bare = Vecchia(
        weights=jnp.asarray(prediction_weights(correlation, grid, valid, offsets), dtype),
        offsets=jnp.asarray(offsets + REACH, jnp.int32),
        coefficients=jnp.ones(2, dtype),
        interval=jnp.array([0.0, 2.0], dtype),
        log_rest=jnp.zeros((), dtype),
    )
    interval = _eigenvalues(bare, correlation, grid, valid)
    noise = eqx.tree_at(lambda n: n.interval, bare, jnp.asarray(interval, dtype))
    log_determinant = _log_determinant(noise, correlation, grid, valid)
    coefficients = chebyshev(lambda x: 1 / np.sqrt(x), interval, dtype)
    return eqx.tree_at(
        lambda n: (n.coefficients, n.log_rest),
        noise,
        (jnp.asarray(coefficients, dtype), jnp.asarray(log_determinant / 2 / valid.sum(), dtype)),
    )


def window(correlation: BySeparation, grid: Grid) -> Offsets | None:
    """Offsets of a pixel and of the neighbours that predict it, or None where no radius will do.

    Far from masked pixels the eigenvalues of W R Wᵀ are the power spectrum of the correlation times
    that of the filter, on any frame that is wide enough.
    """
    shape = (2 * grid.shape[0], 2 * grid.shape[1])
    lattice = np.asarray(correlation.lattice(grid, shape), float)
    power = np.fft.fft2(lattice).real
    for radius in RADII:
        offsets = half_disc(radius)
        if 2 * np.abs(offsets).max() >= min(grid.shape):
            return None
        weights = _weights(lattice, offsets, np.ones((1, len(offsets) - 1), bool))[0]
        image = np.zeros(shape)
        image[offsets[:, 0], offsets[:, 1]] = weights
        left = np.abs(np.fft.fft2(image)) ** 2 * power
        if np.abs(left - 1).max() < NEAR_ONE:
            return offsets
    return None


def half_disc(radius: float) -> Offsets:
    """The offset of zero, and those to pixels before it, row by row, within a radius."""
    reach = int(radius)
    rows, columns = np.mgrid[-reach:1, -reach : reach + 1]
    before = (rows < 0) | (columns < 0)
    inside = before & (np.hypot(rows, columns) <= radius)
    return np.stack([np.append(0, rows[inside]), np.append(0, columns[inside])], axis=1)


def prediction_weights(
    correlation: BySeparation,
    grid: Grid,
    valid: Bool[np.ndarray, "rows columns"],
    offsets: Offsets,
) -> Float[np.ndarray, "m rows columns"]:
    """W of each pixel, that of the pixel itself first; 0 of masked pixels and for them.

    Parameters
    ----------
    correlation, grid
        of the map.
    valid
        which pixels take part.
    offsets
        as `window` gives them.
    """
    lattice = np.asarray(correlation.lattice(grid, (2 * grid.shape[0], 2 * grid.shape[1])), float)
    frame = np.pad(valid, REACH)
    rows, columns = np.nonzero(valid)
    there = np.stack(
        [frame[rows + REACH + dy, columns + REACH + dx] for dy, dx in offsets[1:]], axis=1
    )
    # Most pixels have all their neighbours: one solution serves all with the same of them.
    packed = np.packbits(there, axis=1)
    _, first, kind = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    weights = np.zeros((len(offsets), *valid.shape))
    weights[:, rows, columns] = _weights(lattice, offsets, there[first])[kind.ravel()].T
    return weights


def _weights(
    lattice: Float[np.ndarray, "rows columns"],
    offsets: Offsets,
    there: Bool[np.ndarray, "kinds neighbours"],
) -> Float[np.ndarray, "kinds m"]:
    """(1, -a) / sqrt(1 - bᵀ a),   R a = b,   of each set of neighbours."""
    neighbours = offsets[1:]
    apart = neighbours[:, None] - neighbours[None, :]
    matrix, vector = lattice[apart[..., 0], apart[..., 1]], lattice[*neighbours.T]
    unit, parts = np.eye(len(neighbours)), []
    for start in range(0, len(there), TOGETHER):
        some = there[start : start + TOGETHER]
        pairs = some[:, :, None] & some[:, None, :]
        known = np.where(some, vector, 0.0)
        solved = np.linalg.solve(np.where(pairs, matrix, unit), known[..., None])[..., 0]
        error = np.sqrt(1 - np.sum(solved * known, axis=1, keepdims=True))
        parts.append(np.concatenate([np.ones_like(error), -solved], axis=1) / error)
    return np.concatenate(parts)


def chebyshev(
    function: Callable[[np.ndarray], np.ndarray], interval: tuple[float, float], dtype: Any
) -> Float[np.ndarray, " k"]:
    """The Chebyshev coefficients of a function on an interval, as many as the precision needs."""
    series = np.polynomial.Chebyshev.interpolate(function, LARGEST_ORDER, domain=interval)
    rest = np.cumsum(np.abs(series.coef[::-1]))[::-1]
    needed = np.count_nonzero(rest > ERROR * np.sqrt(np.finfo(dtype).eps))
    return series.coef[: max(needed, 2)]


def _eigenvalues(
    noise: Vecchia, correlation: BySeparation, grid: Grid, valid: np.ndarray
) -> tuple[float, float]:
    """An interval that holds all eigenvalues of W R Wᵀ among valid pixels, by Lanczos."""
    from scipy.sparse import linalg

    count = int(valid.sum())

    def times(numbers: np.ndarray) -> np.ndarray:
        image = np.zeros(valid.shape, noise.interval.dtype)
        image[valid] = np.ravel(numbers)
        return np.asarray(_left_over(noise, jnp.asarray(image), correlation, grid), float)[valid]

    sparse: Any = vars(linalg)
    operator = sparse["LinearOperator"]((count, count), matvec=times, dtype=float)
    ends = sparse["eigsh"](
        operator,
        2,
        which="BE",
        tol=EIGENVALUE_TOLERANCE,
        return_eigenvectors=False,
        v0=np.random.default_rng(0).standard_normal(count),
    )
    low, high = float(ends.min()), float(ends.max())
    margin = 2 * EIGENVALUE_TOLERANCE * max(high - 1, 1 - low)
    return low - margin, high + margin


def _log_determinant(
    noise: Vecchia, correlation: BySeparation, grid: Grid, valid: np.ndarray
) -> float:
    """ln |W R Wᵀ| = tr(ln X - X + 1), as the diagonal of X = W R Wᵀ is 1, by random signs.

    Hutchinson (1990), Commun. Stat. Simul. Comput. 19, 433.
    """
    low, high = (float(end) for end in noise.interval)
    dtype = noise.interval.dtype
    coefficients = chebyshev(lambda x: np.log(x) - x + 1, (low, high), dtype)
    rng = np.random.default_rng(0)
    signs = np.where(valid, rng.choice([-1.0, 1.0], (PROBES, *valid.shape)), 0.0)
    powers = jnp.asarray(coefficients, dtype)
    products = _polynomials(noise, powers, jnp.asarray(signs, dtype), correlation, grid)
    return float(np.sum(signs * np.asarray(products, float)) / PROBES)


_left_over = compiled_once(Vecchia.left_over)


@compiled_once
def _polynomials(
    noise: Vecchia, coefficients: Array, images: Array, correlation: BySeparation, grid: Grid
) -> Array:
    def one(image: Array) -> Array:
        return noise.polynomial(coefficients, image, correlation, grid)

    return jax.lax.map(one, images)
