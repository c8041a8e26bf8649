"""Frames of a few sizes: maps and kernels filled up with nothing, so that galaxies of many sizes share a program."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import PSF
from jaxmetal.io.readers.protocol import ReadMap


def common_size(n: int) -> int:
    """The smallest of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, … that is at least n: at most a quarter is filled up in vain."""
    step = 1
    while 7 * step < n:
        step *= 2
    return next(k * step for k in (1, 2, 3, 4, 5, 6, 7) if k * step >= n)


def filled(image: np.ndarray, nothing: float) -> np.ndarray:
    """An image with `nothing` after its last row and column, so that pixel [0, 0] stays where it is."""
    return np.pad(image, [(0, common_size(n) - n) for n in image.shape], constant_values=nothing)


def filled_up(source: ReadMap) -> ReadMap:
    """A map with masked pixels after its last row and column."""
    sigma = source.sigma if np.ndim(source.sigma) == 0 else filled(source.sigma, np.nan)
    mask = None if source.mask is None else filled(source.mask, True)
    return replace(source, values=filled(source.values, np.nan), sigma=sigma, mask=mask)


def widened(grid: Grid) -> Grid:
    """The grid of a map that was filled up."""
    rows, columns = (common_size(n) for n in grid.shape)
    return Grid(grid.origin, grid.matrix, (rows, columns))


def framed(psf: PSF) -> PSF:
    """A picture of a point source with darkness after its last row and column; other PSFs have no frame."""
    if not isinstance(psf, KernelPSF):
        return psf
    after = [(0, common_size(n) - n) for n in psf.kernel.shape]
    return eqx.tree_at(lambda psf: psf.kernel, psf, jnp.pad(psf.kernel, after))
