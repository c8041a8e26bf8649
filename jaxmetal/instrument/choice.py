"""The choice of a sampling: where the search begins, and how it goes on."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.compiling import compiled
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF
from jaxmetal.instrument.sampling import CELL_SIZES, Sampling

# The margin stays where widening it changes less than this fraction of the allowed error.
SETTLED = 0.1


class FirstGuess(NamedTuple):
    """Where the search for a sampling begins.

    Parameters
    ----------
    large_cells, whole_cells
        what the PSF may pass at half a cycle per cell, for cells larger than a pixel and for whole
        cells in a pixel.
    outside
        part of the PSF's light that it scatters further than the margin.
    """

    large_cells: float
    whole_cells: float
    outside: float


# For errors of 1e-4 and 1e-3, and for the errors that data allow.
STRICT = FirstGuess(1e-6, 1e-3, 1e-4)
LENIENT = FirstGuess(1e-4, 3e-2, 1e-2)


def choose(
    start: Sampling,
    widest: int,
    more_nodes: bool,
    compare: Callable[[Sampling, Sampling], Any],
    possible: Callable[[Sampling], bool],
) -> tuple[Sampling, Any]:
    """The coarsest sampling that is fine enough, by comparison with finer ones.

    Parameters
    ----------
    start
        the coarsest to try.
    widest
        pixels that the margin may grow to.
    more_nodes
        whether finer means more points in a cell too.
    compare
        gives the errors of one sampling by a finer one; its `excess` is the largest over what is
        allowed.
    possible
        whether a sampling fits into the memory.

    Returns
    -------
    sampling, comparison
        the choice, with its errors; their excess is above 1 if nothing fine enough is possible.
    """
    sampling = start
    while True:
        finer = sampling.finer(widest, more_nodes)
        comparison = compare(sampling, finer)
        if comparison.excess > 1:
            between = sampling.between(finer, comparison.excess)
            if between is not None:
                # By the reference that a fit judges it by where it ends: nothing new to compile.
                finer = between.finer(widest, more_nodes)
                sampling, comparison = between, compare(between, finer)
        if comparison.excess <= 1 or not possible(finer):
            return sampling, comparison
        # Usually only one of the two dominates the error, the cells or the margin; refining the
        # other would be wasted.
        narrow = finer.with_margin(sampling.margin)
        cells = compare(sampling, narrow).excess
        margin = compare(narrow, finer).excess if finer.margin > narrow.margin else 0.0
        if margin < SETTLED:
            widest = sampling.margin
        if cells > 1 or margin < SETTLED:
            sampling = sampling.with_smaller_cells(finer, cells)
        if margin >= SETTLED:
            sampling = sampling.with_wider_margin(widest, margin)


def margin_for(psf: PSF, grid: Grid, outside: float = 1e-4) -> int:
    """Pixels around the frame from which the PSF scatters all but this part of its light into it.

    Parameters
    ----------
    psf, grid
        the optics and the pixels.
    outside
        part of the light that the PSF scatters further.
    """
    scale = float(grid.pixel_scale)
    reach = int(np.ceil(psf.radius(outside, scale) / scale))
    # The far wings of a wide Moffat would make the frame many times larger without benefit: a
    # margin of one frame's width is enough.
    return min(reach, max(grid.shape))


def guess(psf: PSF, grid: Grid, margin: int, first: FirstGuess = STRICT) -> Sampling:
    """The coarsest convolution whose cells still resolve the PSF, and two points per cell.

    A convolution on cells is right when the PSF passes nothing beyond half a cycle per cell. With
    whole cells in a pixel more is let through, because the average over the pixel and the galaxy's
    own smoothness suppress those frequencies further, than with cells larger than a pixel.

    Parameters
    ----------
    psf, grid
        the optics and the pixels.
    margin
        pixels around the frame.
    first
        what the PSF may pass.
    """
    if margin == 0:
        return Sampling(1, 2, margin)
    coarse, whole = [1 / size for size in reversed(CELL_SIZES[1:])], range(1, 9)
    leakage = np.asarray(_passed(psf, grid, 0.5 * np.array([*coarse, *whole])))
    limits = np.array([first.large_cells] * len(coarse) + [first.whole_cells] * len(whole))
    fit = [
        c for c, part, limit in zip([*coarse, *whole], leakage, limits, strict=True) if part < limit
    ]
    return Sampling(fit[0] if fit else whole[-1], 2, margin)


@compiled
def _passed(psf: PSF, grid: Grid, frequency: Float[ArrayLike, " n"]) -> Array:
    """The transfer function of the PSF at these cycles per pixel along either axis."""
    frequencies, zero = jnp.asarray(frequency, grid.origin.dtype), jnp.zeros(1, grid.origin.dtype)
    along, across = (
        psf.transfer(grid, frequencies[None, :], zero[:, None]),
        psf.transfer(grid, zero[None, :], frequencies[:, None]),
    )
    passed = jnp.maximum(jnp.abs(along[..., 0, :]), jnp.abs(across[..., :, 0]))
    # The largest of several PSFs.
    return passed.reshape(-1, len(frequencies)).max(axis=0)
