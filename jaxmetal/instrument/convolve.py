"""The kernel: averages over cells, light-weighted convolution, sums over pixels.

A cell is a whole fraction of a pixel. The profiles are averaged over each cell, the cells are convolved with the PSF,
and the cells of a pixel are averaged: the average over a cell and then over a pixel's cells is exactly the average over
the pixel, so the pixel's response enters once.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF
from jaxmetal.instrument.sampling import Sampling

# The cells around a cusp are divided by 3 again and again: BLOCK × BLOCK cells, LEVELS times.
BLOCK = 10
LEVELS = 4
# A cusp on the border of two cells, where most lie, must not fall to either side by rounding: a compiled program may
# compute its place twice, not to the last digit alike, and put the patch beside where it was evaluated.
NUDGE = 0.0137

# A stack of images, as a function of the position (x, y).
Sources = Callable[[Array, Array], Array]


def _gauss(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre points and weights on a cell that reaches from 0 to 1."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    return (points + 1) / 2, weights / 2


def _points(count: int, nodes: int, dtype: jnp.dtype) -> Float[Array, "nodes count"]:
    """Where a row of cells is evaluated, in cells from the first one's lower edge."""
    return jnp.asarray(_gauss(nodes)[0][:, None] + np.arange(count), dtype)


def _means(evaluate: Sources, row: Float[Array, "... nodes rows"], column: Float[Array, "... nodes columns"], nodes: int) -> Array:
    """Averages over the cells of rows × columns, shape (images, …, rows, columns)."""
    # The nodes stand in front of the cells, so that their sum runs over contiguous memory.
    values = evaluate(row[..., :, None, :, None], column[..., None, :, None, :])
    weights = jnp.asarray(np.outer(_gauss(nodes)[1], _gauss(nodes)[1])[:, :, None, None], values.dtype)
    return jnp.sum(weights * values, axis=(-4, -3))


def cell_means(
    sources: Sources, grid: Grid, sampling: Sampling, cusps: Sequence[tuple[Array, Array]]
) -> Float[Array, "images rows columns"]:
    """Averages of some functions of position over the cells of the padded frame.

    Parameters
    ----------
    sources
        gives a stack of images (images, …) at positions (x, y), arcsec.
    grid, sampling
        the pixels and how they are divided.
    cusps
        positions (x, y), arcsec, around which the functions may be sharp: the cells there are divided again and again.

    Returns
    -------
    means
        shape (images, rows, columns) of the padded grid of cells.
    """
    rows, columns = sampling.cells(grid.shape)
    dtype = grid.origin.dtype

    def evaluate(row: Array, column: Array) -> Array:
        """The sources at points given in cells from the lower edge of the padded frame."""
        x, y = grid.position(column / sampling.convolve - sampling.margin - 0.5, row / sampling.convolve - sampling.margin - 0.5)
        return sources(x, y)

    means = _means(evaluate, _points(rows, sampling.nodes, dtype), _points(columns, sampling.nodes, dtype), sampling.nodes)
    block = min(BLOCK, rows, columns)
    for x, y in cusps:
        column, row = ((jax.lax.stop_gradient(pixel) + sampling.margin + 0.5) * sampling.convolve for pixel in grid.pixel(x, y))
        corner, patch = _refined(evaluate, (row, column), (rows, columns), block, max(sampling.nodes, 2))
        means = jax.lax.dynamic_update_slice(means, patch.astype(means.dtype), (0, *corner))
    return means


def _refined(evaluate: Callable, position: tuple[Array, Array], shape: tuple[int, int], block: int, nodes: int):
    """Means over a block of cells around a position, from nested divisions by 3; the block's corner and its means."""

    def corner_of(position: tuple[Array, Array], limits: tuple[int, int]) -> list[Array]:
        return [
            jnp.clip(jnp.floor(p + NUDGE).astype(int) - block // 2, 0, limit - block) for p, limit in zip(position, limits, strict=True)
        ]

    corners, origins, sizes = [], [], []
    origin, size, limits = [jnp.zeros_like(p) for p in position], 1.0, shape
    for _ in range(LEVELS):
        inside = [(p - o) / size for p, o in zip(position, origin, strict=True)]
        corner = corner_of((inside[0], inside[1]), limits)
        origin = [o + c * size for o, c in zip(origin, corner, strict=True)]
        size, limits = size / 3, (3 * block, 3 * block)
        corners.append(corner)
        origins.append(origin)
        sizes.append(size)
    steps = _points(3 * block, nodes, position[0].dtype)
    row = jnp.stack([o[0] + s * steps for o, s in zip(origins, sizes, strict=True)])
    column = jnp.stack([o[1] + s * steps for o, s in zip(origins, sizes, strict=True)])
    # All levels in one evaluation, so that the profile is compiled once here however deep the division goes.
    levels = _means(evaluate, row, column, nodes)
    fine = levels[:, -1]
    for level in reversed(range(LEVELS - 1)):
        fine = jax.lax.dynamic_update_slice(levels[:, level], _by_threes(fine, block), (0, *corners[level + 1]))
    return corners[0], _by_threes(fine, block)


def _by_threes(fine: Array, block: int) -> Array:
    """The mean of each 3 × 3 cells."""
    return fine.reshape(-1, block, 3, block, 3).mean(axis=(2, 4))


def transfer_function(grid: Grid, psf: PSF, sampling: Sampling) -> Array:
    """The PSF's transfer function at the frequencies of the padded frame's real Fourier transform."""
    rows, columns = sampling.cells(grid.shape)
    dtype = grid.origin.dtype
    kx = jnp.fft.rfftfreq(columns, 1 / sampling.convolve).astype(dtype)
    ky = jnp.fft.fftfreq(rows, 1 / sampling.convolve).astype(dtype)
    return psf.transfer(grid, kx[None, :], ky[:, None])


def convolve(cells: Float[Array, "images rows columns"], transfer: Array) -> Float[Array, "images rows columns"]:
    """The images convolved with the PSF; the padded frame's margin takes what wraps around."""
    return jnp.fft.irfft2(jnp.fft.rfft2(cells) * transfer, s=cells.shape[-2:])


def to_pixels(cells: Float[Array, "images rows columns"], grid: Grid, sampling: Sampling) -> Float[Array, "images ny nx"]:
    """The average over each pixel of the frame, the margin cut away."""
    ny, nx = grid.shape
    c, start = sampling.convolve, sampling.margin * sampling.convolve
    frame = cells[:, start : start + ny * c, start : start + nx * c]
    return frame.reshape(-1, ny, c, nx, c).mean(axis=(2, 4))


def weighted_mean(light: Float[Array, "ny nx"], contrast: Float[Array, "ny nx"], reference: Float[Array, ""]) -> Float[Array, "ny nx"]:
    """The light-weighted mean, from smeared light L and smeared contrast C = K ∗ Σ I (g - reference).

        <g> = reference + C / L

    The contrast form keeps a uniform tracer uniform to rounding, and where L is lost in the rounding of the Fourier
    transform the mean is the reference, a finite number with zero gradient.
    """
    floor = 16 * jnp.finfo(light.dtype).eps * jnp.max(jnp.abs(light))
    shines = light > floor
    return reference + jnp.where(shines, contrast / jnp.where(shines, light, 1.0), 0.0)
