"""The kernel: averages over cells, convolution, sums over pixels.

A cell is a whole fraction of a pixel, or a few pixels where the PSF is wide. The profiles are
averaged over each cell and the cells convolved with the PSF. The average over a cell and then over
a pixel's cells is exactly the average over the pixel, so the pixel's response enters once; from
larger cells it is taken with the PSF, and the cell's own divided out.
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
from jaxmetal.profiles.numerics import product

# Around a cusp, BLOCK × BLOCK cells are averaged over points that crowd towards it: their distance
# from it is a cube.
BLOCK = 6
CROWDING = 3
# On either side of the cusp there are this many more points than elsewhere.
EXTRA_NODES = 4
# A cusp on the border of two cells, where most lie, must not fall to either side by rounding: a
# compiled program may compute its place twice, not to the last digit alike, and put the patch
# beside where it was evaluated.
NUDGE = 0.0137
# So many points are evaluated at once: there a compiler sees what stays the same from step to step
# of a fit or a chain, such as light that is known, and computes it once for all of them. More would
# leave a processor's cache. To write the points out one by one would be as good for more of them,
# but a first fit would take a third longer to compile.
AT_ONCE = 50_000
# Powers of 2 - 2 cos(2 pi f) that turn the sinc³ of a quadratic spline into the sinc of a cell, f
# in cycles per cell: the series of (pi f)² / sin²(pi f). The light of a cell then spreads over this
# many cells on either side.
SHARPEN = (1.0, 1 / 12, 1 / 90, 1 / 560)
SPREAD = len(SHARPEN)

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
    """Averages of some functions of position over the cells of the padded frame.

    Parameters
    ----------
    sources
        gives some images at positions (x, y), arcsec.
    count
        how many.
    grid, sampling
        the pixels and how they are divided.
    cusps
        positions (x, y), arcsec, around which the functions may be sharp: points crowd towards
        them.
    smeared
        whether a PSF follows. Then the light around the last cusp may lie in cells next to its own,
        as long as what passes the PSF is the same.

    Returns
    -------
    means
        of each image, shape (rows, columns) of the padded grid of cells.
    """
    if sampling.outside != "sky":
        return _framed(sources, count, grid, sampling, cusps, smeared)
    rows, columns = shape = sampling.cells(grid.shape)
    dtype = grid.origin.dtype

    def evaluate(row: Array, column: Array) -> list[Array]:
        """The sources at points given in cells from the lower edge of the padded frame."""
        x, y = grid.position(
            column / sampling.convolve - sampling.margin - 0.5,
            row / sampling.convolve - sampling.margin - 0.5,
        )
        return [(image * jnp.ones_like(x)).astype(dtype) for image in sources(x, y)]

    means = _even_means(evaluate, count, shape, sampling, dtype)
    if not cusps or sampling.rule == "midpoint":
        return means
    block = min(BLOCK, rows - 2 * SPREAD - 2, columns - 2 * SPREAD - 2)
    if block < 1:
        return means

    def near(x: Array, y: Array) -> tuple[Array, list[Array]]:
        """The first cell (row, column) of a block around a cusp; its averages, then where its light lies more exactly, of each image."""
        # The average over a cell does not depend on where its points lie, so no gradient flows
        # through them.
        column, row = (
            (jax.lax.stop_gradient(pixel) + sampling.margin + 0.5) * sampling.convolve
            for pixel in grid.pixel(x, y)
        )
        place = jnp.stack([row, column])
        corner = jnp.clip(
            jnp.floor(place + NUDGE) - block // 2, SPREAD + 1, np.array(shape) - block - SPREAD - 1
        )
        points, gather = jax.vmap(
            lambda p, first: _crowded(p, first, block, sampling.nodes + EXTRA_NODES)
        )(place, corner)
        images = evaluate(points[0][:, None], points[1][None, :])
        return corner.astype(int), [product(gather[0], image, gather[1].T) for image in images]

    # Mapped, so that the profiles are compiled once here however many cusps there are.
    corners, patches = jax.vmap(near)(*(jnp.stack(place) for place in zip(*cusps, strict=True)))

    corners = [tuple(corner) for corner in corners]

    # Image by image, so that one that stays the same from step to step can be seen to.
    def whole(mean: Cells, around: Float[Array, "cusps rows columns"]) -> Cells:
        for (row, column), patch in zip(corners, around, strict=True):
            mean = jax.lax.dynamic_update_slice(
                mean, patch[:block, :block], (row, column), allow_negative_indices=False
            )
        return _spread(mean, around[-1][block:, block:], corners[-1]) if smeared else mean

    return [whole(mean, around) for mean, around in zip(means, patches, strict=True)]


def _spread(mean: Cells, given: Float[Array, "more more"], corner: tuple[Array, Array]) -> Cells:
    """The averages over cells, corrected around a cusp for where in its cells the light lies.

    An average over a cell puts all its light in its middle. A smooth image makes up for that in the
    next cell, a cusp does not: its finest waves are seen as coarse ones. The correction is what the
    block's light gives to the cells around it by a sharpened spline, less what its averages would
    give if it were smooth.
    """
    smooth = jnp.asarray(_smooth(len(given) - 2 * SPREAD), mean.dtype)
    before = tuple(first - SPREAD - 1 for first in corner)
    around = jax.lax.dynamic_slice(
        mean, before, (smooth.shape[1],) * 2, allow_negative_indices=False
    )
    corrected = around[1:-1, 1:-1] + given - product(smooth, around, smooth.T)
    start = tuple(first - SPREAD for first in corner)
    return jax.lax.dynamic_update_slice(mean, corrected, start, allow_negative_indices=False)


def _framed(
    sources: Sources,
    count: int,
    grid: Grid,
    sampling: Sampling,
    cusps: Sequence[tuple[Array, Array]],
    smeared: bool,
) -> list[Cells]:
    """Averages over the cells of the frame alone, with darkness or the frame's own edge around them."""
    ny, nx = (int(sampling.convolve * n) for n in grid.shape)
    rows, columns = sampling.cells(grid.shape)
    frame = dataclasses.replace(sampling, margin=0, outside="sky")
    before = int(sampling.margin * sampling.convolve)
    around = ((before, rows - before - ny), (before, columns - before - nx))
    mode = "constant" if sampling.outside == "dark" else "edge"
    return [
        jnp.pad(image[:ny, :nx], around, mode=mode)
        for image in cell_means(sources, count, grid, frame, cusps, smeared)
    ]


def _even_means(
    evaluate: Sources, count: int, shape: tuple[int, int], sampling: Sampling, dtype: jnp.dtype
) -> list[Cells]:
    """Averages over cells from nodes × nodes points in each."""
    nodes = sampling.nodes
    points, weights = (2 * np.arange(nodes) + 1) / nodes - 1, np.full(nodes, 2 / nodes)
    if sampling.rule == "gauss":
        points, weights = np.polynomial.legendre.leggauss(nodes)
    row, column = (
        jnp.arange(shape[0], dtype=dtype)[:, None],
        jnp.arange(shape[1], dtype=dtype)[None, :],
    )
    at = np.stack(np.meshgrid((points + 1) / 2, (points + 1) / 2, indexing="ij"), axis=-1).reshape(
        -1, 2
    )
    steps = jnp.asarray(np.column_stack([at, np.outer(weights, weights).ravel() / 4]), dtype)
    if len(steps) * shape[0] * shape[1] <= AT_ONCE:
        down, along, weight = steps.T[:, :, None, None]
        return [jnp.sum(weight * image, axis=0) for image in evaluate(row + down, column + along)]

    # Point by point. What is cheap to compute again is not kept for the gradient.
    @jax.checkpoint
    def add(sums: list[Array], point: Array) -> tuple[list[Array], None]:
        images = evaluate(row + point[0], column + point[1])
        return [total + point[2] * image for total, image in zip(sums, images, strict=True)], None

    return jax.lax.scan(add, [jnp.zeros(shape, dtype)] * count, steps)[0]


def _crowded(
    cusp: Array, first: Array, count: int, nodes: int
) -> tuple[Float[Array, " points"], Float[Array, "cells points"]]:
    """Points in a row of cells from `first` on, crowded towards a cusp; and the matrix of what cells take of the values there.

    A cell is divided at the cusp, or in its middle. With the distance from the cusp as t³, a Sersic
    profile is smooth in t.
    """
    lower = first + jnp.arange(count, dtype=cusp.dtype)
    inside = (cusp > lower) & (cusp < lower + 1)
    middle = jnp.where(inside, cusp, lower + 0.5)
    near, far = jnp.stack([lower, middle]) - cusp, jnp.stack([middle, lower + 1]) - cusp
    begin, end = jnp.cbrt(near), jnp.cbrt(far)
    points, weights = (a[:, None, None] for a in np.polynomial.legendre.leggauss(nodes))
    t = begin + (end - begin) * jnp.asarray((points + 1) / 2, cusp.dtype)
    steps = CROWDING * t ** (CROWDING - 1) * (end - begin) * jnp.asarray(weights / 2, cusp.dtype)
    place = cusp + t**CROWDING
    at = place - lower - 0.5
    # Not a product of matrices: with six cells to a batch it would be slow, and round on a GPU.
    moments = [moment.reshape(-1, count) for moment in (steps, steps * at, steps * at**2)]
    first, second, third = (
        jnp.asarray(share, cusp.dtype)[:, None] * m
        for share, m in zip(_takes(count), moments, strict=True)
    )
    matrix = first + second + third
    return place.ravel(), matrix.reshape(len(matrix), -1)


def _takes(count: int) -> np.ndarray:
    """What a row of cells takes of the moments 1, t, t² of the light in each of them, t from -1/2 to 1/2.

    First the averages in these cells; then what these and SPREAD more on either side take of a
    sharpened quadratic spline.
    """
    spline = np.array([[1 / 8, -1 / 2, 1 / 2], [3 / 4, 0.0, -1.0], [1 / 8, 1 / 2, 1 / 2]])
    takes = np.zeros((3, 2 * count + 2 * SPREAD, count))
    for i in range(count):
        takes[0, i, i] = 1.0
        takes[:, count + i : count + i + 2 * SPREAD + 1, i] = (_sharpened() @ spline).T
    return takes


def _sharpened() -> np.ndarray:
    """What the cells from -SPREAD to SPREAD get of the light that a quadratic spline gives to the cells -1, 0 and 1."""
    taps, power = np.zeros(2 * SPREAD - 1), np.ones(1)
    for coefficient in SHARPEN:
        reach = len(power) // 2
        taps[SPREAD - 1 - reach : SPREAD + reach] += coefficient * power
        power = np.convolve(power, [-1.0, 2.0, -1.0])
    return np.stack(
        [np.concatenate([np.zeros(i), taps, np.zeros(2 - i)]) for i in range(3)], axis=1
    )


def _smooth(count: int) -> np.ndarray:
    """What cells give to themselves and SPREAD more on either side if their light is smooth, from SPREAD + 1 more averages on either side.

    Their light is a parabola through the averages of three. What all parabolas together give
    differs from the averages themselves by a fourth difference; it is added as the second
    difference of a second difference in the cells, so that no light is lost and none moves.
    """
    # The spline's integrals with 1, t and t² - 1/12 over a cell, and these three from the averages
    # before, in and after it.
    moments = np.array(
        [[1 / 6, -1 / 24, 1 / 360], [2 / 3, 0.0, -1 / 180], [1 / 6, 1 / 24, 1 / 360]]
    )
    parabola = np.array([[0.0, 1.0, 0.0], [-0.5, 0.0, 0.5], [0.5, -1.0, 0.5]])
    gives = _sharpened() @ moments @ parabola
    # What cell 0 gets from the averages in the cells from -SPREAD - 1 to SPREAD + 1, and what it
    # should.
    missing = np.zeros(2 * SPREAD + 3)
    missing[SPREAD + 1] = 1.0
    for k in range(2 * SPREAD + 1):
        missing[2 * SPREAD - k : 2 * SPREAD - k + 3] -= gives[k]
    bend = np.array([-1.0, 2.0, -1.0])
    inner = np.convolve(np.polydiv(missing, np.convolve(bend, bend))[0], bend)
    matrix = np.zeros((count + 2 * SPREAD, count + 2 * SPREAD + 2))
    for i in range(count):
        matrix[i : i + 2 * SPREAD + 1, i + SPREAD : i + SPREAD + 3] += gives
        matrix[i + SPREAD - 1 : i + SPREAD + 2, i + 1 : i + 2 * SPREAD + 2] += np.outer(bend, inner)
    return matrix


def transfer_function(grid: Grid, psf: PSF, sampling: Sampling) -> Array:
    """What becomes of the waves of the padded frame's real Fourier transform, from averages over cells to pixels.

        T(k) = K(k),   and where cells are larger than pixels   T(k) = K(k) · sinc(k) / sinc(k / c)

    The average over a pixel is taken here if cells are larger than pixels, and that over the cell
    divided out.
    """
    rows, columns = sampling.cells(grid.shape)
    dtype = grid.origin.dtype
    kx = jnp.fft.rfftfreq(columns, 1 / sampling.convolve).astype(dtype)
    ky = jnp.fft.fftfreq(rows, 1 / sampling.convolve).astype(dtype)
    transfer = psf.transfer(grid, kx[None, :], ky[:, None])
    if sampling.convolve >= 1:
        return transfer
    x, y = (jnp.sinc(k) / jnp.sinc(k / sampling.convolve) for k in (kx, ky))
    return transfer * x[None, :] * y[:, None]


def smear(
    cells: Float[Array, "images rows columns"],
    transfer: Array | None,
    grid: Grid,
    sampling: Sampling,
) -> Float[Array, "images ny nx"]:
    """The images as the pixels of the frame see them through the PSF; the margin takes what wraps around.

    Parameters
    ----------
    cells
        averages over cells.
    transfer
        the transfer function, or None for a perfect telescope and cells no larger than pixels.
    grid, sampling
        the pixels and how they are divided.
    """
    if transfer is None:
        return _folded(cells, grid, sampling)
    waves = jnp.fft.rfft2(cells) * transfer
    if sampling.convolve >= 1:
        return _folded(jnp.fft.irfft2(waves, s=cells.shape[-2:]), grid, sampling)
    return _drawn(waves, grid, sampling)


def _drawn(waves: Array, grid: Grid, sampling: Sampling) -> Float[Array, "images ny nx"]:
    """The sum of the waves at the centre of each pixel: two small matrix products, since few waves pass a wide PSF."""
    (rows, columns), (ny, nx) = sampling.cells(grid.shape), grid.shape
    row, column = (
        (np.arange(n) + sampling.margin + 0.5) * sampling.convolve - 0.5 for n in (ny, nx)
    )
    down = np.exp(2j * np.pi * np.outer(row, np.fft.fftfreq(rows))) / rows
    half = np.arange(columns // 2 + 1)
    # A real image has every wave twice, but the even one and the finest.
    twice = np.where((half == 0) | (half == columns // 2), 1, 2) / columns
    along = twice[:, None] * np.exp(2j * np.pi * np.outer(half, column) / columns)
    # In real numbers: products of complex matrices are slow on a CPU.
    down = np.concatenate(
        [np.concatenate([down.real, down.imag]), np.concatenate([-down.imag, down.real])], axis=1
    )
    parts = product(
        jnp.asarray(down, grid.origin.dtype), jnp.concatenate([waves.real, waves.imag], axis=1)
    )
    along = jnp.asarray(np.concatenate([along.real, -along.imag]), grid.origin.dtype)
    return product(jnp.concatenate([parts[:, :ny], parts[:, ny:]], axis=2), along)


def _folded(
    cells: Float[Array, "images rows columns"], grid: Grid, sampling: Sampling
) -> Float[Array, "images ny nx"]:
    """The average over each pixel of the frame, the margin cut away."""
    ny, nx = grid.shape
    c, start = int(sampling.convolve), int(sampling.margin * sampling.convolve)
    frame = cells[:, start : start + ny * c, start : start + nx * c]
    return frame.reshape(-1, ny, c, nx, c).mean(axis=(2, 4))
