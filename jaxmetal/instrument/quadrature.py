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

from jaxmetal.instrument.antialiasing import SPREAD, corrected
from jaxmetal.instrument.crowding import FEWEST_NODES, points_around
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.middles import REACH, averages, values_of
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.profiles.numerics import product

# Around a cusp, BLOCK × BLOCK cells are averaged over points that are denser towards it.
BLOCK = 6
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
        of each image, shape (rows, columns) of the padded grid of cells; values in the middles of
        these cells where a PSF follows and `sampling.by_middles`.
    """
    padded = sampling.outside != "sky"
    frame = dataclasses.replace(sampling, margin=0) if padded else sampling
    evaluate = _in_cells(sources, grid, frame)
    by_middles = smeared and frame.by_middles
    shape, dtype = frame.cells(grid.shape), grid.origin.dtype
    means = _even_means(evaluate, count, shape, frame, dtype, by_middles)
    if cusps and frame.rule != "midpoint":
        insert = _with_values if by_middles else partial(_with_patches, smeared=smeared)
        # How far what is changed around a cusp reaches beyond its block.
        border = SPREAD + 1 + by_middles * REACH
        means = _refined(means, evaluate, grid, frame, cusps, border, insert)
    return [_padded(image, grid, sampling) for image in means] if padded else means


def _refined(
    means: list[Cells],
    evaluate: Sources,
    grid: Grid,
    sampling: Sampling,
    cusps: Sequence[tuple[Array, Array]],
    border: int,
    insert: Callable[..., Cells],
) -> list[Cells]:
    """The images with the cells around the cusps replaced.

    Parameters
    ----------
    means, evaluate
        of each image, on the cells, and the images at (row, column) in cells.
    grid, sampling, cusps
        as for `cell_means`.
    border
        cells around a block that change with it.
    insert
        puts blocks into an image.
    """
    shape = sampling.cells(grid.shape)
    block = min(BLOCK, *(n - 2 * border for n in shape))
    if block < 1:
        return means
    cusps = cusps[-1:] if sampling.concentric else cusps

    def near(x: Array, y: Array) -> tuple[Array, list[Array]]:
        # The average over a cell does not depend on where its points lie, so no gradient flows
        # through them.
        column, row = (
            (jax.lax.stop_gradient(pixel) + sampling.margin + 0.5) * sampling.convolve
            for pixel in grid.pixel(x, y)
        )
        place = jnp.stack([row, column])
        corner = block_around(place, shape, block, border)
        return _patches(evaluate, place, corner, block, max(sampling.nodes, FEWEST_NODES))

    # Mapped, so that the profiles are compiled once here however many cusps there are.
    corners, patches = jax.vmap(near)(*(jnp.stack(place) for place in zip(*cusps, strict=True)))
    corners = [tuple(corner) for corner in corners]
    # Image by image, so that the compiler can see that one stays the same from step to step.
    return [insert(mean, around, corners) for mean, around in zip(means, patches, strict=True)]


def block_around(
    place: Float[Array, "2"], shape: tuple[int, int], block: int, border: int
) -> Float[Array, "2"]:
    """The first cell (row, column) of the block around a cusp, off the edge of the cells."""
    corner = jnp.floor(place + NUDGE) - block // 2
    return jnp.clip(corner, border, np.array(shape) - block - border)


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
    corner: Float[Array, "2"],
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
    corner
        the first cell (row, column) of the block.
    block
        rows and columns of the block.
    nodes
        points in each cell that is not next to the cusp.

    Returns
    -------
    corner
        as an index.
    patches
        of each image: the averages over the block, and its light in the cells of the block and
        SPREAD more on each side, without aliasing, shape (2 block + 2 SPREAD,) * 2.
    """
    points, gather = jax.vmap(lambda p, first: points_around(p, first, block, nodes))(place, corner)
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
        # A window begins REACH values before the first of its cells.
        start = row - border - REACH, column - border - REACH
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
    evaluate: Sources,
    count: int,
    shape: tuple[int, int],
    sampling: Sampling,
    dtype: jnp.dtype,
    by_middles: bool,
) -> list[Cells]:
    """Averages over cells from nodes × nodes points in each, or values in the middles of cells."""
    nodes = sampling.nodes
    if by_middles:
        return _in_middles(evaluate, shape, 0, dtype)
    if nodes == 1 and sampling.rule == "gauss":
        return [averages(image) for image in _in_middles(evaluate, shape, REACH, dtype)]
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


def _in_middles(
    evaluate: Sources, shape: tuple[int, int], more: int, dtype: jnp.dtype
) -> list[Float[Array, "more_rows more_columns"]]:
    """Values in the middles of cells, and of so many more on every side."""
    row, column = (jnp.arange(-more, n + more, dtype=dtype) + 0.5 for n in shape)
    if len(row) * len(column) > AT_ONCE:
        # The images are computed again for the gradient, to save memory.
        evaluate = jax.checkpoint(evaluate)
    return list(evaluate(row[:, None], column[None, :]))
