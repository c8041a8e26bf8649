"""Pictures of point sources, from FITS files."""

import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.cards import card, text
from jaxmetal.instrument.headers import celestial
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.point_images import fwhm
from jaxmetal.instrument.psf_checks import POINT
from jaxmetal.io.fits import image_of
from jaxmetal.io.hdus import find, first_image, names, opened
from jaxmetal.quantities import PIXEL_SCALE, plain

# Extensions of STPSF (WebbPSF) in the order of preference, and those whose values are light
# collected in detector pixels; header keys of a PSF's scale in arcsec, and of its pixels per
# detector pixel.
_OVERSAMPLED, _DETECTOR = ("OVERDIST", "OVERSAMP"), ("DET_DIST", "DET_SAMP")
_SCALES, _SAMPLES = ("PIXELSCL", "PIXSCL", "PIXSCALE"), ("DET_SAMP", "OVERSAMP")
# By how much two statements of a scale may differ.
SAME = 0.02
# Kernel pixels per map pixel below which the scale is a mistake.
COARSEST = 0.1


@dataclass(frozen=True)
class _Statement:
    """What tells the scale of a picture, and the kernel pixels per map pixel that it means."""

    said: str
    per_pixel: float

    @property
    def is_scale(self) -> bool:
        """Whether it is a length on the sky, and no count of pixels."""
        return self.said.endswith("arcsec")


def read_psf(
    path: str | os.PathLike,
    pixel_scale: Any,
    extension: str | int | None = None,
    oversampling: float | None = None,
    includes_pixel: bool | None = None,
) -> KernelPSF:
    """A PSF's picture, such as STPSF (WebbPSF) writes it.

        oversampling = pixel_scale / scale of the picture

    The scale of the picture is PIXELSCL, PIXSCL or PIXSCALE (arcsec) of its header; failing these,
    the number of its pixels per detector pixel, DET_SAMP or OVERSAMP; failing these, its WCS.

    Parameters
    ----------
    path, pixel_scale
        the file, and arcsec per pixel of the map that the PSF is for; (along columns, along rows)
        if its pixels are not squares.
    extension
        by name or number; else OVERDIST, OVERSAMP or the first image, whichever there is first.
    oversampling, includes_pixel
        as in KernelPSF; else what the header says, and True for the detector-sampled DET_DIST and
        DET_SAMP alone.

    Raises
    ------
    InputError
        for a file or extension that cannot be read, if nothing tells the scale, or if by the scale
        the PSF is a point.

    Warns
    -----
    InputWarning
        if statements of the scale contradict each other: which of them is used.
    """
    sides = np.broadcast_to(
        np.asarray(plain(pixel_scale, f"{path}: pixel_scale", PIXEL_SCALE), float), (2,)
    )
    if not np.all(sides > 0):
        raise InputError(f"{path}: pixel_scale must be positive (arcsec), got {pixel_scale!r}.")
    with opened(path) as hdus:
        if extension is None:
            known = {name.upper() for name in names(hdus)}
            preferred = (name for name in _OVERSAMPLED if name in known)
            extension = next(preferred, first_image(hdus))
        kernel, header = image_of(hdus, path, extension)
        name = text(find(hdus, path, extension).header, "EXTNAME", str(path)).upper()
    where, detector = f"{path}[{extension}]", name in _DETECTOR
    side = float(np.sqrt(sides.prod()))
    statements = _statements(header, side, detector, where)
    if oversampling is not None:
        statements.insert(0, _Statement(f"oversampling = {oversampling:g}", oversampling))
    used = _agreed(statements, side, where)
    _check_scale(kernel, used, side, where)
    # A kernel with a scale of its own has square pixels; others have the shape of the map's.
    oblong = used.is_scale and not detector and not np.allclose(sides, side, rtol=1e-3)
    along = used.per_pixel * sides / side if oblong else used.per_pixel
    return _named(where, kernel, along, detector if includes_pixel is None else includes_pixel)


def _named(where: str, kernel: np.ndarray, oversampling: Any, includes_pixel: bool) -> KernelPSF:
    """The PSF of a kernel, the file named in all that is said of it."""
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", InputWarning)
        try:
            psf = KernelPSF(kernel, oversampling, includes_pixel=includes_pixel)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    for warning in noticed:
        warnings.warn(f"{where}: {warning.message}", warning.category, stacklevel=3)
    return psf


def _statements(header: Any, side: float, detector: bool, where: str) -> list[_Statement]:
    """Everything that a header says of its scale, in the order of trust."""
    scales = {key: _number(header, key, where) for key in _SCALES}
    samples = {key: _number(header, key, where) for key in _SAMPLES}
    made = [_Statement(f"{k} = {v:.6g} arcsec", side / v) for k, v in scales.items() if v]
    if detector:
        made.append(_Statement("EXTNAME", 1.0))
    else:
        # DET_SAMP and OVERSAMP are the same in the pictures that have both.
        made += [_Statement(f"{k} = {v:g}", v) for k, v in samples.items() if v][:1]
    try:
        with warnings.catch_warnings():
            # What is odd about its unit is said by what it would mean.
            warnings.simplefilter("ignore", InputWarning)
            wcs = celestial(header, where)
    except InputError:
        if not made:
            raise
        wcs = None
    if wcs is not None:
        scale = 3600 * float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))
        made.append(_Statement(f"the WCS = {scale:.4g} arcsec", side / scale))
    return made


def _number(header: Any, key: str, where: str) -> float | None:
    """A card's value if it is a positive number."""
    try:
        found = float(card(header, key, where))
    except (TypeError, ValueError):
        return None
    return found if 0 < found < np.inf else None


def _agreed(statements: list[_Statement], side: float, where: str) -> _Statement:
    """The first statement of the scale; where another contradicts it, both are said, once."""
    if not statements:
        told = f"no usable {', '.join(_SCALES + _SAMPLES)} or WCS"
        told = f"no usable {', '.join(_SCALES + _SAMPLES)} or WCS"
        lack = f"the header does not tell the scale of the PSF ({told})"
        raise InputError(f"{where}: {lack}; give oversampling=, kernel pixels per map pixel.")
    used, *others = statements
    for other in others:
        if used.per_pixel > 0 and abs(other.per_pixel / used.per_pixel - 1) > SAME:
            means = f"{used.said} means {used.per_pixel:.4g} kernel pixels per map pixel"
            means += f" ({side:.4g} arcsec), {other.said} means {other.per_pixel:.4g}"
            remedy = "If it is wrong, give oversampling, kernel pixels per map pixel."
            said = f"{where}: {means}; the former is used. {remedy}"
            warnings.warn(said, InputWarning, stacklevel=3)
            break
    return used


def _check_scale(kernel: np.ndarray, used: _Statement, side: float, where: str) -> None:
    """Refuse a scale by which the PSF is a point, or its pixels are much larger than the map's."""
    if not (used.per_pixel > 0 and np.all(np.isfinite(kernel)) and kernel.max() > 0):
        return
    # A picture without a width of its own is refused for that.
    width = min(max(fwhm(kernel), 1.0), max(kernel.shape))
    pixels, scale = width / used.per_pixel, side / used.per_pixel
    remedy = "Give oversampling: kernel pixels per map pixel."
    if pixels < POINT:
        part = f"1/{1 / pixels:.0f} of a pixel of the map"
        wide = f"the PSF is {width * scale:.2g} arcsec wide, {part}"
        if used.is_scale:
            in_degrees = f"a pixel of the kernel is {3600 * scale:.3g} arcsec"
            remedy = f"If it is in degrees, {in_degrees}. {remedy}"
        raise InputError(f"{where}: by {used.said} {wide} ({side:.3g} arcsec). {remedy}")
    if used.per_pixel < COARSEST:
        wide = f"a pixel of the kernel is as wide as {1 / used.per_pixel:.3g} pixels of the map"
        cause = "is the scale in milliarcsec?"
        raise InputError(f"{where}: by {used.said} {wide} ({side:.3g} arcsec); {cause} {remedy}")
