"""Checks of what an instrument is made of, and that the parts fit each other."""

from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.aperture_psfs import AperturePSFs
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.kernel_psf import CellPSF, KernelPSF
from jaxmetal.instrument.psf import PSF, NoPSF
from jaxmetal.instrument.psf_checks import check_width


def check_arguments(grid: Any, psf: Any, margin: Any, apertures: Any) -> None:
    if not isinstance(grid, Grid) or not isinstance(psf, PSF):
        raise InputError(
            f"Instrument: expected a Grid and a PSF, got {type(grid).__name__} and "
            f"{type(psf).__name__}."
        )
    if margin is not None and (not isinstance(margin, int | np.integer) or margin < 0):
        raise InputError(
            f"Instrument.margin: expected a number of pixels, zero or more, got {margin!r}."
        )
    count = 0
    if apertures is not None:
        _check_apertures(apertures, grid)
        count = apertures.count
    if isinstance(psf, AperturePSFs) and len(psf.index) != count:
        text = f"{count or 'no'} apertures"
        raise InputError(f"Instrument.psf: PSFs of {len(psf.index)} apertures, but {text}.")


def _check_apertures(apertures: Any, grid: Grid) -> None:
    if not isinstance(apertures, Apertures):
        raise InputError(
            "Instrument.apertures: expected Apertures, such as Apertures.bins(ids), got "
            f"{type(apertures).__name__}."
        )
    if apertures.shape != grid.shape:
        raise InputError(
            f"Instrument.apertures: made for shape {apertures.shape}, the grid has "
            f"{grid.shape} (rows, columns)."
        )


def check_psf_width(psf: PSF, grid: Grid) -> None:
    scale = float(grid.pixel_scale)
    half_light = 2 * psf.radius(0.5, scale)
    frame = min(grid.shape) * scale
    if half_light > frame:
        raise InputError(
            f"psf: larger than the frame: half of its light spreads over {half_light:.3g} arcsec, "
            f"the frame is {frame:.3g} arcsec wide; "
            "is its width in arcsec, or a kernel's oversampling wrong?"
        )


def check_not_a_point(psf: PSF, grid: Grid) -> None:
    if isinstance(psf, NoPSF | CellPSF):
        return
    if isinstance(psf, AperturePSFs):
        for one in psf.psfs.values():
            check_not_a_point(one, grid)
        return
    scale = float(grid.pixel_scale)
    width = 2 * psf.radius(0.5, scale)
    if isinstance(psf, KernelPSF):
        # A star in a single pixel of the kernel is not narrower than this pixel.
        width = max(width, psf.kernel_pixel(scale))
    check_width(width, scale)
