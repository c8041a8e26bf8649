"""The kernel: averages over cells, light-weighted convolution, sums over pixels.

A cell is a whole fraction of a pixel. The profiles are averaged over each cell, the cells are convolved with the PSF,
and the cells of a pixel are averaged: the average over a cell and then over a pixel's cells is exactly the average over
the pixel, so the pixel's response enters once.
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF
from jaxmetal.instrument.sampling import Sampling

# Around a cusp, BLOCK × BLOCK cells are averaged over points that crowd towards it: their distance from it is a cube.
BLOCK = 10
CROWDING = 3
# On either side of the cusp there are this many more points than elsewhere.
EXTRA_NODES = 4
# A cusp on the border of two cells, where most lie, must not fall to either side by rounding: a compiled program may
# compute its place twice, not to the last digit alike, and put the patch beside where it was evaluated.
NUDGE = 0.0137

# Some images, as functions of the position (x, y).
Sources = Callable[[Array, Array], Sequence[Array]]
Cells = Float[Array, "rows columns"]


def cell_means(sources: Sources, grid: Grid, sampling: Sampling, cusps: Sequence[tuple[Array, Array]]) -> list[Cells]:
    """Averages of some functions of position over the cells of the padded frame.

    Parameters
    ----------
    sources
        gives some images at positions (x, y), arcsec.
    grid, sampling
        the pixels and how they are divided.
    cusps
        positions (x, y), arcsec, around which the functions may be sharp: points crowd towards them.

    Returns
    -------
    means
        of each image, shape (rows, columns) of the padded grid of cells.
    """
    if sampling.outside != "sky":
        return _framed(sources, grid, sampling, cusps)
    rows, columns = shape = sampling.cells(grid.shape)

    def evaluate(row: Array, column: Array) -> list[Array]:
        """The sources at points given in cells from the lower edge of the padded frame."""
        x, y = grid.position(column / sampling.convolve - sampling.margin - 0.5, row / sampling.convolve - sampling.margin - 0.5)
        return [image * jnp.ones_like(x) for image in sources(x, y)]

    means = _even_means(evaluate, shape, sampling, grid.origin.dtype)
    if not cusps or sampling.rule == "midpoint":
        return means
    block = min(BLOCK, rows, columns)

    def near(x: Array, y: Array) -> tuple[Array, list[Array]]:
        """The first cell (row, column) of a block around a cusp, and the averages in it."""
        # The average over a cell does not depend on where its points lie, so no gradient flows through them.
        column, row = ((jax.lax.stop_gradient(pixel) + sampling.margin + 0.5) * sampling.convolve for pixel in grid.pixel(x, y))
        corner = [jnp.clip(jnp.floor(p + NUDGE) - block // 2, 0, n - block) for p, n in zip((row, column), shape, strict=True)]
        (r, to_rows), (c, to_columns) = (_crowded(*p, block, sampling.nodes + EXTRA_NODES) for p in zip((row, column), corner, strict=True))
        return jnp.stack(corner).astype(int), [to_rows @ image @ to_columns.T for image in evaluate(r[:, None], c[None, :])]

    # Mapped, so that the profiles are compiled once here however many cusps there are.
    corners, patches = jax.vmap(near)(*(jnp.stack(place) for place in zip(*cusps, strict=True)))
    for i in range(len(cusps)):
        means = [jax.lax.dynamic_update_slice(m, patch[i], tuple(corners[i])) for m, patch in zip(means, patches, strict=True)]
    return means


def _framed(sources: Sources, grid: Grid, sampling: Sampling, cusps: Sequence[tuple[Array, Array]]) -> list[Cells]:
    """Averages over the cells of the frame alone, with darkness or the frame's own edge around them."""
    ny, nx = (sampling.convolve * n for n in grid.shape)
    rows, columns = sampling.cells(grid.shape)
    frame = dataclasses.replace(sampling, margin=0, outside="sky")
    before = sampling.margin * sampling.convolve
    around = ((before, rows - before - ny), (before, columns - before - nx))
    mode = "constant" if sampling.outside == "dark" else "edge"
    return [jnp.pad(image[:ny, :nx], around, mode=mode) for image in cell_means(sources, grid, frame, cusps)]


def _even_means(evaluate: Sources, shape: tuple[int, int], sampling: Sampling, dtype: jnp.dtype) -> list[Cells]:
    """Averages over cells from nodes × nodes points in each."""
    nodes = sampling.nodes
    points, weights = (2 * np.arange(nodes) + 1) / nodes - 1, np.full(nodes, 2 / nodes)
    if sampling.rule == "gauss":
        points, weights = np.polynomial.legendre.leggauss(nodes)
    row, column = (jnp.arange(n, dtype=dtype) for n in shape)

    # Point by point, all cells at once: a sum over an axis of points would not run on a CPU's vector units. What is cheap
    # to compute again is not kept for the gradient.
    @jax.checkpoint
    def add(sums: list[Array], point: Array) -> tuple[list[Array], None]:
        images = evaluate((row + point[0])[:, None], (column + point[1])[None, :])
        return [total + point[2] * image for total, image in zip(sums, images, strict=True)], None

    at = np.stack(np.meshgrid((points + 1) / 2, (points + 1) / 2, indexing="ij"), axis=-1).reshape(-1, 2)
    steps = jnp.asarray(np.column_stack([at, np.outer(weights, weights).ravel() / 4]), dtype)
    images = jax.eval_shape(evaluate, row[:, None], column[None, :])
    return jax.lax.scan(add, [jnp.zeros(image.shape, image.dtype) for image in images], steps)[0]


def _crowded(cusp: Array, first: Array, count: int, nodes: int) -> tuple[Float[Array, " points"], Float[Array, "count points"]]:
    """Points in a row of cells from `first` on, crowded towards a cusp; and the matrix that makes averages of their values.

    A cell is divided at the cusp, or in its middle. With the distance from the cusp as t³, a Sersic profile is smooth in t.
    """
    lower = first + jnp.arange(count, dtype=cusp.dtype)
    inside = (cusp > lower) & (cusp < lower + 1)
    middle = jnp.where(inside, cusp, lower + 0.5)
    near, far = jnp.stack([lower, middle]) - cusp, jnp.stack([middle, lower + 1]) - cusp
    side = jnp.sign(near + far)
    begin, end = (jnp.cbrt(jnp.abs(distance)) for distance in (near, far))
    points, weights = (a[:, None, None] for a in np.polynomial.legendre.leggauss(nodes))
    t = begin + (end - begin) * jnp.asarray((points + 1) / 2, cusp.dtype)
    steps = CROWDING * t ** (CROWDING - 1) * jnp.abs(end - begin) * jnp.asarray(weights / 2, cusp.dtype)
    matrix = steps.reshape(-1, count)[None] * jnp.eye(count, dtype=cusp.dtype)[:, None]
    return (cusp + side * t**CROWDING).ravel(), matrix.reshape(count, -1)


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
