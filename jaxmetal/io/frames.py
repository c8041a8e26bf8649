"""Padding of maps and kernels to a few common sizes, so that galaxies share compiled programs."""

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import PSF
from jaxmetal.io.readers.protocol import ReadMap


def common_size(n: int) -> int:
    """The smallest of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, … that is at least n.

    At most a quarter of n is added.
    """
    step = 1
    while 7 * step < n:
        step *= 2
    return next(k * step for k in (1, 2, 3, 4, 5, 6, 7) if k * step >= n)


def filled(image: np.ndarray, blank: float) -> np.ndarray:
    """An image padded after its last row and column, so that pixel [0, 0] stays."""
    return np.pad(image, [(0, common_size(n) - n) for n in image.shape], constant_values=blank)


def filled_up(source: ReadMap) -> ReadMap:
    """A map padded with masked pixels after its last row and column."""
    sigma = source.sigma if np.ndim(source.sigma) == 0 else filled(source.sigma, np.nan)
    mask = None if source.mask is None else filled(source.mask, True)
    limits = None if source.limits is None else filled(source.limits, False)
    values, moment = filled(source.values, np.nan), source.moment
    if moment is not None and np.ndim(moment.instrumental):
        moment = replace(moment, instrumental=filled(moment.instrumental, np.nan))
    return replace(source, values=values, sigma=sigma, mask=mask, limits=limits, moment=moment)


def widened(grid: Grid) -> Grid:
    """The grid of a padded map."""
    rows, columns = (common_size(n) for n in grid.shape)
    return Grid(grid.origin, grid.matrix, (rows, columns))


def framed(psf: PSF) -> PSF:
    """A kernel padded with zeros after its last row and column; other PSFs are unchanged."""
    if not isinstance(psf, KernelPSF):
        return psf
    after = [(0, common_size(n) - n) for n in psf.kernel.shape]
    return eqx.tree_at(lambda psf: psf.kernel, psf, jnp.pad(psf.kernel, after))
