"""Pixel scale and PSF of a file, as far as its headers say."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.cards import card
from jaxmetal.instrument.grid import Grid
from jaxmetal.io.initial.contents import Image
from jaxmetal.io.psfs import SCALES

# Header keys of a full width at half maximum, and the factor to arcsec.
FWHM = {
    "PSFFWHM": 1.0,
    "PSF_FWHM": 1.0,
    "FWHM": 1.0,
    "RFWHM": 1.0,
    "SEEING": 1.0,
    "IQ": 1.0,
    "BMAJ": 3600.0,
}
# Those of the air above the telescope, not of the image.
SEEING = ("SEEING", "ESO TEL IA FWHM", "ESO TEL AMBI FWHM END", "ESO TEL AMBI FWHM START")
# Header keys of the side of a pixel, arcsec.
SIDES = (*SCALES, "PIXSCAL1", "SECPIX")
# The widths that a PSF may have, arcsec, and its width in pixels where nothing is known.
RANGE, PIXELS = (0.01, 60.0), 3.0


class Telescope(NamedTuple):
    """The telescope of a map.

    Parameters
    ----------
    pixel_scale
        arcsec; None where the WCS says it.
    psf
        as a configuration writes it.
    scale_note, psf_note
        where they come from, in words; they begin with "? " if nobody says so.
    side
        of a pixel, arcsec.
    """

    pixel_scale: float | None
    psf: str
    scale_note: str
    psf_note: str
    side: float


def telescope_of(image: Image, primary: Any, grid: Grid | None) -> Telescope:
    """The pixel scale and the PSF of a map.

    Parameters
    ----------
    image
        of values.
    primary
        the header of the file's first extension.
    grid
        by the WCS of the image; None without one.

    Returns
    -------
    telescope
        with a guess, marked as such, where no header says it.
    """
    headers = (image.header, primary)
    scale, scale_note = None, "of the WCS"
    if grid is None:
        scale, scale_note = _scale(headers)
    side = float(grid.pixel_scale) if grid is not None else scale or 1.0
    for key, value in _numbers(headers, (*FWHM, *SEEING)):
        fwhm = value * FWHM.get(key, 1.0)
        if RANGE[0] < fwhm < RANGE[1]:
            doubt = "? " if key in SEEING else ""
            kind = "the seeing above the telescope, not measured on the image" if doubt else ""
            note = f"{doubt}header key {key}{', ' if kind else ''}{kind}"
            return Telescope(scale, _psf(headers, fwhm), scale_note, note, side)
    note = f"? no header key has it: this is {PIXELS:g} pixels; measure it on a star"
    return Telescope(scale, _psf((), PIXELS * side), scale_note, note, side)


def _psf(headers: tuple[Any, ...], fwhm: float) -> str:
    """A PSF as a configuration writes it: a Moffat profile if there is its slope."""
    for _, beta in _numbers(headers, ("PSFBETA", "PSF_BETA", "MOFFBETA")):
        if beta > 1.3:
            return f"{{moffat: {{fwhm: {fwhm:.4g}, beta: {beta:.4g}}}}}"
    return f"{{gaussian: {{fwhm: {fwhm:.4g}}}}}"


def _scale(headers: tuple[Any, ...]) -> tuple[float, str]:
    """The side of a pixel without a WCS, arcsec, and where it comes from."""
    for key, value in _numbers(headers, SIDES):
        if 0 < value < 3600:
            return value, f"header key {key}"
    for key, value in _numbers(headers, ("CD2_2", "CDELT2", "CDELT1")):
        # Without a WCS these are in degrees, or 1 for "pixels".
        if 0 < abs(value) < 0.1:
            return float(f"{3600 * abs(value):.6g}"), f"header key {key}, taken as degrees"
    return 1.0, "? neither a WCS nor a header key says it: arcsec per pixel"


def _numbers(headers: tuple[Any, ...], keys: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """Iterate over (key, value) of the cards that are finite numbers."""
    for key in keys:
        for header in headers:
            try:
                value = card(header, key, key)
            except InputError:
                continue
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if is_number and np.isfinite(value):
                yield key, float(value)


def noise_of(values: np.ndarray) -> float:
    """The scatter of neighbouring pixels about each other, for a file without errors.

    Parameters
    ----------
    values
        shape (rows, columns).

    Returns
    -------
    sigma
        1.48 times the median difference of neighbours over sqrt(2), in the unit of the values.
    """
    known = np.where(values == 0, np.nan, values)
    steps = np.concatenate([np.diff(known, axis=0).ravel(), np.diff(known, axis=1).ravel()])
    steps = np.abs(steps[np.isfinite(steps)])
    sigma = 1.4826 * float(np.median(steps)) / np.sqrt(2) if steps.size else 0.0
    scale = float(np.nanstd(values)) if np.isfinite(values).any() else 1.0
    return float(f"{sigma if sigma > 0 else 0.05 * scale or 1.0:.3g}")
