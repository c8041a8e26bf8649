"""The instruments of a configuration: grid, PSF, sampling, bins or apertures of each map."""

from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.elliptical_psf import EllipticalPSF, ellipse_of
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import PSF, GaussianPSF, MoffatPSF, NoPSF
from jaxmetal.io import psf_blocks, schema
from jaxmetal.io.aperture_blocks import Footprint
from jaxmetal.io.aperture_tables import make_apertures
from jaxmetal.io.frames import Shape, filled, framed, widened
from jaxmetal.io.paths import file_path
from jaxmetal.io.psfs import read_psf
from jaxmetal.io.readers.protocol import Reading


def make_instrument(
    entry: Any,
    grid: Grid,
    psf: PSF,
    numbers: np.ndarray | None,
    footprint: Footprint | None,
    frame: Shape | None,
) -> Instrument:
    """The instrument of a map.

    Parameters
    ----------
    entry
        the map in the configuration.
    grid, psf
        of the map as it was read.
    numbers
        of each pixel's bin, shape (rows, columns); None without bins.
    footprint
        of fibres or slitlets, with numbers; None for images.
    frame
        the size to which the frame is padded, as kernels are to a common one; None to leave it.
    """
    if numbers is not None:
        numbers = np.asarray(numbers, float)
    if frame is not None:
        grid, psf = widened(grid, frame), framed(psf)
        numbers = None if numbers is None else filled(numbers, np.nan, frame)
    if footprint is not None:
        apertures = make_apertures(footprint, grid)
    else:
        apertures = None if numbers is None else Apertures.bins(numbers)
    sampling = as_sampling(entry.supersampling)
    return Instrument(grid, psf, sampling, entry.margin, apertures=apertures)


def mock_instrument(simulation: schema.Simulate, folder: Path) -> Instrument:
    """The instrument of a simulation."""
    grid = Grid.regular(simulation.pixels, simulation.pixel_scale)
    psf = make_psf(simulation.psf, grid, folder)
    return Instrument(grid, psf, as_sampling(simulation.supersampling))


def identity(instrument: Instrument) -> Any:
    """A key that is equal for instruments whose numbers are equal."""
    leaves, structure = jax.tree.flatten(instrument)
    return (structure, *(np.asarray(leaf).tobytes() for leaf in leaves))


def psf_of_map(key: str, entry: Any, source: Reading, grid: Grid, folder: Path) -> PSF:
    """The PSF of a map: the configuration's, or else the reader's.

    Parameters
    ----------
    key
        the map's name in the reading.
    entry, source
        the map in the configuration, and its file.
    grid, folder
        of the map's pixels, and that paths are relative to.

    Raises
    ------
    InputError
        if neither has a PSF, or the reader's is of a class that no configuration can name.
    """
    if entry.psf is not None:
        return make_psf(entry.psf, grid, folder)
    psf = source.psf_of(key)
    if psf is None:
        raise InputError(f"psf: the reader does not know that of {key!r}; give one, or none.")
    # Results are kept with a configuration that has to name the PSF.
    if not isinstance(ellipse_of(psf)[0], NoPSF | GaussianPSF | MoffatPSF | KernelPSF):
        kind = type(psf).__name__
        raise InputError(f"psf: expected NoPSF, GaussianPSF, MoffatPSF or KernelPSF, got {kind}.")
    return psf


def make_psf(psf: schema.Psf, grid: Grid, folder: Path) -> PSF:
    """The PSF that a configuration describes, for the pixels of a grid."""
    if psf.gaussian:
        return _squeezed(GaussianPSF(psf.gaussian.fwhm), psf.gaussian)
    if psf.moffat:
        return _squeezed(MoffatPSF(psf.moffat.fwhm, psf.moffat.beta), psf.moffat)
    if psf.kernel:
        kernel = psf.kernel
        path = file_path(kernel.file, folder)
        sides = np.linalg.norm(np.asarray(grid.matrix, float), axis=0)
        return read_psf(path, sides, kernel.extension, kernel.oversampling, kernel.includes_pixel)
    return NoPSF()


def _squeezed(psf: PSF, ellipse: psf_blocks.Ellipse) -> PSF:
    """A PSF with the axes of an entry, if it is not round."""
    if ellipse.axis_ratio == 1:
        return psf
    return EllipticalPSF(psf, ellipse.axis_ratio, ellipse.position_angle)


def as_sampling(supersampling: Any) -> Any:
    """A configuration's supersampling as an Instrument takes it."""
    return tuple(supersampling) if isinstance(supersampling, list) else supersampling
