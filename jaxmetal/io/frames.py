"""Padding of maps and kernels to a few common sizes, so that galaxies share compiled programs."""

from collections.abc import Mapping
from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import PSF
from jaxmetal.io.readers.protocol import ReadMap

# Rows and columns of a frame, and those to which the maps of a galaxy are padded, by their labels;
# None to leave them as they are.
Shape = tuple[int, int]
Frames = Mapping[str, Shape] | None


def padded_shape(label: str, shape: Shape, frames: Mapping[str, Shape]) -> Shape:
    """The size of a map's frame once it is padded.

    Parameters
    ----------
    label, shape
        the name of the map, and the size of its own frame.
    frames
        {label: size that all galaxies of a group have}; a common size for a map that is not there,
        or does not fit.
    """
    rows, columns = frames.get(label, (0, 0))
    if rows >= shape[0] and columns >= shape[1]:
        return rows, columns
    return common_size(shape[0]), common_size(shape[1])


def common_size(n: int) -> int:
    """The smallest of 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, … that is at least n.

    At most a quarter of n is added.
    """
    step = 1
    while 7 * step < n:
        step *= 2
    return next(k * step for k in (1, 2, 3, 4, 5, 6, 7) if k * step >= n)


def filled(image: np.ndarray, blank: float, shape: Shape) -> np.ndarray:
    """An image padded after its last row and column, so that pixel [0, 0] stays."""
    after = [(0, n - old) for n, old in zip(shape, image.shape, strict=True)]
    return np.pad(image, after, constant_values=blank)


def filled_up(source: ReadMap, shape: Shape) -> ReadMap:
    """A map padded with masked pixels after its last row and column."""
    sigma = source.sigma if np.ndim(source.sigma) == 0 else filled(source.sigma, np.nan, shape)
    mask = None if source.mask is None else filled(source.mask, True, shape)
    limits = None if source.limits is None else filled(source.limits, False, shape)
    values, moment = filled(source.values, np.nan, shape), source.moment
    if moment is not None and np.ndim(moment.instrumental):
        moment = replace(moment, instrumental=filled(moment.instrumental, np.nan, shape))
    return replace(source, values=values, sigma=sigma, mask=mask, limits=limits, moment=moment)


def widened(grid: Grid, shape: Shape) -> Grid:
    """The grid of a padded map."""
    return Grid(grid.origin, grid.matrix, shape)


def framed(psf: PSF) -> PSF:
    """A kernel padded with zeros after its last row and column; other PSFs are unchanged."""
    if not isinstance(psf, KernelPSF):
        return psf
    after = [(0, common_size(n) - n) for n in psf.kernel.shape]
    return eqx.tree_at(lambda psf: psf.kernel, psf, jnp.pad(psf.kernel, after))
