"""Quadrature: averages of the profiles over cells, with more points around cusps.

A cell is a whole fraction of a pixel, or a few pixels where the PSF is wide.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.instrument.antialiasing import SPREAD, corrected, moment_weights
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.middles import REACH, averages, values_of
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.profiles.numerics import product

# Around a cusp, BLOCK × BLOCK cells are averaged over points that are denser towards it.
BLOCK = 6
# The distance of the points from the cusp is this power of an evenly divided coordinate.
CROWDING = 3
# Next to the cusp, in both parts of its cell and in the two cells beside it, there are more points
# than in the others by this number; there are at least so many in those.
EXTRA_NODES, FEWEST_NODES = 5, 3
# Offset, in cells, of a cusp when its cell is chosen. Most cusps lie on the border of two cells,
# where rounding must not decide: a compiled program may compute the position twice, with different
# last digits, and put the patch beside the cells where it was evaluated.
NUDGE = 0.0137
# Number of points evaluated at once: there a compiler sees what stays the same from step to step of
# a fit or a chain, such as fixed light, and computes it once for all of them. More would exceed a
# CPU's cache. Unrolling the loop over points would be as good for more of them, but a first fit
# would take a third longer to compile.
AT_ONCE = 50_000

# Some images, as functions of the position (x, y).
Sources = Callable[[Array, Array], Sequence[Array]]
Cells = Float[Array, "rows columns"]


def cell_means(
    sources: Sources,
    count: int,
    grid: Grid,
    sampling: Sampling,
    cusps: Sequence[tuple[Array, Array]],
    smeared: bool,
) -> list[Cells]:
    """Averages of functions of position over the cells of the padded frame.

    Parameters
    ----------
    sources
        gives some images at positions (x, y), arcsec.
    count
        how many.
    grid, sampling
        the pixels and how they are divided.
    cusps
        positions (x, y), arcsec, around which the functions may be sharp: points are denser
        there.
    smeared
        whether a PSF follows. Then the averages around the last cusp are corrected for aliasing:
        light may lie in cells next to its own, as long as the frequencies that pass the PSF are
        the same.

    Returns
    -------
    means
        of each image, shape (rows, columns) of the padded grid of cells. Where a PSF follows and
        `sampling.by_middles`: values in the middles of these cells and of `middles.REACH` more on
        every side, of which `middles.averages` are the averages.
    """
    if sampling.outside != "sky":
        frame = dataclasses.replace(sampling, margin=0, outside="sky")
        images = cell_means(sources, count, grid, frame, cusps, smeared)
        if smeared and frame.by_middles:
            images = [averages(image) for image in images]
        return [_padded(image, grid, sampling) for image in images]
    rows, columns = shape = sampling.cells(grid.shape)
    evaluate = _in_cells(sources, grid, sampling)
    means = _even_means(evaluate, count, shape, sampling, grid.origin.dtype)
    by_middles = smeared and sampling.by_middles
    if sampling.by_middles and not smeared:
        means = [averages(image) for image in means]
    if not cusps or sampling.rule == "midpoint":
        return means
    cusps = cusps[-1:] if sampling.concentric else cusps
    block = min(BLOCK, rows - 2 * SPREAD - 2, columns - 2 * SPREAD - 2)
    if block < 1:
        return means

    def near(x: Array, y: Array) -> tuple[Array, list[Array]]:
        # The average over a cell does not depend on where its points lie, so no gradient flows
        # through them.
        column, row = (
            (jax.lax.stop_gradient(pixel) + sampling.margin + 0.5) * sampling.convolve
            for pixel in grid.pixel(x, y)
        )
        nodes = max(sampling.nodes, FEWEST_NODES)
        return _patches(evaluate, jnp.stack([row, column]), shape, block, nodes)

    # Mapped, so that the profiles are compiled once here however many cusps there are.
    corners, patches = jax.vmap(near)(*(jnp.stack(place) for place in zip(*cusps, strict=True)))
    corners = [tuple(corner) for corner in corners]
    insert = _with_values if by_middles else partial(_with_patches, smeared=smeared)
    # Image by image, so that the compiler can see that one stays the same from step to step.
    return [insert(mean, around, corners) for mean, around in zip(means, patches, strict=True)]


def _in_cells(sources: Sources, grid: Grid, sampling: Sampling) -> Sources:
    """The sources as functions of (row, column) in cells of the padded frame."""
    dtype = grid.origin.dtype

    def evaluate(row: Array, column: Array) -> list[Array]:
        x, y = grid.position(
            column / sampling.convolve - sampling.margin - 0.5,
            row / sampling.convolve - sampling.margin - 0.5,
        )
        return [(image * jnp.ones_like(x)).astype(dtype) for image in sources(x, y)]

    return evaluate


def _patches(
    evaluate: Sources,
    place: Float[Array, "2"],
    shape: tuple[int, int],
    block: int,
    nodes: int,
) -> tuple[Array, list[Array]]:
    """A block of cells around a cusp, averaged with points that are denser towards it.

    Parameters
    ----------
    evaluate
        gives the images at (row, column) in cells.
    place
        of the cusp (row, column), in cells.
    shape
        of the padded grid of cells.
    block
        rows and columns of the block.
    nodes
        points in each cell that is not next to the cusp.

    Returns
    -------
    corner
        the first cell (row, column) of the block.
    patches
        of each image: the averages over the block, and its light in the cells of the block and
        SPREAD more on each side, without aliasing, shape (2 block + 2 SPREAD,) * 2.
    """
    corner = jnp.clip(
        jnp.floor(place + NUDGE) - block // 2, SPREAD + 1, np.array(shape) - block - SPREAD - 1
    )
    points, gather = jax.vmap(lambda p, first: _crowded(p, first, block, nodes))(place, corner)
    images = evaluate(points[0][:, None], points[1][None, :])
    return corner.astype(int), [product(gather[0], image, gather[1].T) for image in images]


def _with_patches(
    mean: Cells,
    patches: Float[Array, "cusps side side"],
    corners: Sequence[tuple[Array, Array]],
    smeared: bool,
) -> Cells:
    """The averages over cells with the blocks around the cusps replaced, the last one corrected."""
    block = (patches.shape[-1] - 2 * SPREAD) // 2
    for (row, column), patch in zip(corners, patches, strict=True):
        mean = jax.lax.dynamic_update_slice(
            mean, patch[:block, :block], (row, column), allow_negative_indices=False
        )
    return corrected(mean, patches[-1][block:, block:], corners[-1]) if smeared else mean


def _with_values(
    middles: Float[Array, "rows columns"],
    patches: Float[Array, "cusps side side"],
    corners: Sequence[tuple[Array, Array]],
) -> Float[Array, "rows columns"]:
    """Values in the middles of cells, changed around the cusps to those with the right averages."""
    block, border = (patches.shape[-1] - 2 * SPREAD) // 2, SPREAD + 1
    size = block + 2 * border + 2 * REACH
    place = partial(jax.lax.dynamic_update_slice, allow_negative_indices=False)
    for number, (row, column) in enumerate(corners):
        # Like the whole, a window begins REACH values before the first of its cells.
        start = row - border, column - border
        window = jax.lax.dynamic_slice(middles, start, (size, size), allow_negative_indices=False)
        patch = patches[number]
        means = patch[:block, :block]
        wanted = place(averages(window), means, (border, border))
        if number + 1 == len(corners):
            wanted = corrected(wanted, patch[block:, block:], (border, border))
        # The value at a cusp may be of any size, and is not needed.
        window = place(window, means, (border + REACH, border + REACH))
        change = values_of(wanted - averages(window))
        middles = place(middles, window + jnp.pad(change, REACH), start)
    return middles


def _padded(image: Float[Array, "ny nx"], grid: Grid, sampling: Sampling) -> Cells:
    """The cells of the frame, padded with zeros or with the frame's own edge."""
    ny, nx = (int(sampling.convolve * n) for n in grid.shape)
    rows, columns = sampling.cells(grid.shape)
    before = int(sampling.margin * sampling.convolve)
    around = ((before, rows - before - ny), (before, columns - before - nx))
    mode = "constant" if sampling.outside == "dark" else "edge"
    return jnp.pad(image[:ny, :nx], around, mode=mode)


def _even_means(
    evaluate: Sources, count: int, shape: tuple[int, int], sampling: Sampling, dtype: jnp.dtype
) -> list[Cells]:
    """Averages over cells from nodes × nodes points in each, or values in the middles of cells."""
    nodes = sampling.nodes
    if sampling.by_middles:
        return _in_middles(evaluate, shape, dtype)
    points, weights = (2 * np.arange(nodes) + 1) / nodes - 1, np.full(nodes, 2 / nodes)
    if sampling.rule == "gauss":
        points, weights = np.polynomial.legendre.leggauss(nodes)
    row = jnp.arange(shape[0], dtype=dtype)[:, None]
    column = jnp.arange(shape[1], dtype=dtype)[None, :]
    inside = (points + 1) / 2
    offsets = np.stack(np.meshgrid(inside, inside, indexing="ij"), axis=-1).reshape(-1, 2)
    steps = jnp.asarray(np.column_stack([offsets, np.outer(weights, weights).ravel() / 4]), dtype)
    if len(steps) * shape[0] * shape[1] <= AT_ONCE:
        down, along = steps.T[:2, :, None, None]
        images = evaluate(row[None] + down, column[None] + along)
        # A product of matrices: on a CPU, XLA's sum along a first axis takes many times as long.
        flat = (product(steps[:, 2], image.reshape(len(steps), -1)) for image in images)
        return [image.reshape(shape) for image in flat]

    # Point by point. The images are computed again for the gradient, to save memory.
    @jax.checkpoint
    def add(sums: list[Array], point: Array) -> tuple[list[Array], None]:
        images = evaluate(row + point[0], column + point[1])
        return [total + point[2] * image for total, image in zip(sums, images, strict=True)], None

    return jax.lax.scan(add, [jnp.zeros(shape, dtype)] * count, steps)[0]


def _in_middles(evaluate: Sources, shape: tuple[int, int], dtype: jnp.dtype) -> list[Cells]:
    """Values in the middles of cells, and of REACH more on every side."""
    row, column = (jnp.arange(-REACH, n + REACH, dtype=dtype) + 0.5 for n in shape)
    if (shape[0] + 2 * REACH) * (shape[1] + 2 * REACH) > AT_ONCE:
        # The images are computed again for the gradient, to save memory.
        evaluate = jax.checkpoint(evaluate)
    return list(evaluate(row[:, None], column[None, :]))


def _crowded(
    cusp: Array, first: Array, count: int, nodes: int
) -> tuple[Float[Array, " points"], Float[Array, "cells points"]]:
    """Points in a row of cells from `first` on, denser towards a cusp, and their weights.

    The matrix turns values at the points into averages and corrected averages over cells, see
    `moment_weights`. The cell with the cusp is divided there.
    """
    inside = jnp.clip(cusp - first, 0, count)
    divided = jnp.minimum(jnp.floor(inside), count - 1)
    # Both parts of the divided cell, the cells after and before it, and the others.
    order = np.array([0, 0, 1, -1, *range(2, count - 1)])[: count + 1]
    cells = jnp.mod(divided + order, count)
    begin = first + cells.at[1].set(inside) - cusp
    end = first + (cells + 1).at[0].set(inside) - cusp
    near = slice(0, 4), nodes + EXTRA_NODES
    parts = [
        (*_points(begin[part], end[part], number), jnp.repeat(cells[part], number))
        for part, number in (near, (slice(4, None), nodes))
    ]
    place, steps, cell = map(jnp.concatenate, zip(*parts, strict=True))
    offset = place + (cusp - first) - cell - 0.5
    # Not a product of matrices: with six cells to a batch it would be slow, and less precise on a
    # GPU.
    moments = (steps, steps * offset, steps * offset**2)
    zeroth, first_moment, second = (
        jnp.asarray(share, cusp.dtype)[:, cell.astype(int)] * moment[None]
        for share, moment in zip(moment_weights(count), moments, strict=True)
    )
    return cusp + place, zeroth + first_moment + second


def _points(
    begin: Float[Array, " parts"], end: Float[Array, " parts"], nodes: int
) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
    """Distances from a cusp in some parts of a row, one part after the other, and their weights.

    With the distance as t³, a Sersic profile is smooth in t.
    """
    points, weights = (a[None] for a in np.polynomial.legendre.leggauss(nodes))
    begin, end = jnp.cbrt(begin)[:, None], jnp.cbrt(end)[:, None]
    t = begin + (end - begin) * jnp.asarray((points + 1) / 2, begin.dtype)
    steps = CROWDING * t ** (CROWDING - 1) * (end - begin) * jnp.asarray(weights / 2, begin.dtype)
    return (t**CROWDING).ravel(), steps.ravel()
