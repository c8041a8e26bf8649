"""PSF kernels, from FITS files."""

import os
import warnings
from contextlib import nullcontext
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

# Extensions of STPSF (WebbPSF) in the order of preference.
_OVERSAMPLED = ("OVERDIST", "OVERSAMP")
# Extensions of STPSF whose values are integrals over detector pixels.
_DETECTOR = ("DET_DIST", "DET_SAMP")
# Header keys of a kernel's scale in arcsec.
SCALES = ("PIXELSCL", "PIXSCL", "PIXSCALE")
# Header keys of the number of kernel pixels per detector pixel.
_SAMPLES = ("DET_SAMP", "OVERSAMP")
# The relative difference by which two statements of a scale may differ.
SAME = 0.02
# Kernel pixels per map pixel below which the scale is a mistake.
COARSEST = 0.1


@dataclass(frozen=True)
class _Statement:
    """A statement of a kernel's scale, and the kernel pixels per map pixel that it means."""

    text: str
    per_pixel: float

    @property
    def is_scale(self) -> bool:
        """Whether it is a length on the sky, not a count of pixels."""
        return self.text.endswith("arcsec")


def read_psf(
    path: Any,
    pixel_scale: Any,
    extension: str | int | None = None,
    oversampling: float | None = None,
    includes_pixel: bool | str | None = None,
) -> KernelPSF:
    """A PSF from its image, such as STPSF (WebbPSF) writes it or returns it.

        oversampling = pixel_scale / scale of the image

    The scale of the image is PIXELSCL, PIXSCL or PIXSCALE (arcsec) of its header; failing these,
    the number of its pixels per detector pixel, DET_SAMP or OVERSAMP; failing these, its WCS.

    Parameters
    ----------
    path, pixel_scale
        the file, or an astropy HDUList such as that of `calc_psf`; and arcsec per pixel of the map
        that the PSF is for, (along columns, along rows) if its pixels are not squares.
    extension
        by name or number; else OVERDIST, OVERSAMP or the first image, whichever there is first.
    oversampling, includes_pixel
        as in KernelPSF; else what the header says, and True for the detector-sampled DET_DIST and
        DET_SAMP alone.

    Returns
    -------
    psf
        with its scale.

    Raises
    ------
    InputError
        for a file or extension that cannot be read, if the scale is not stated, or if by the scale
        the PSF is a point.

    Warns
    -----
    InputWarning
        if statements of the scale contradict each other: which of them is used.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> psf = jm.read_psf("psf.fits", pixel_scale=0.1)  # doctest: +SKIP
    """
    sides = np.broadcast_to(
        np.asarray(plain(pixel_scale, f"{path}: pixel_scale", PIXEL_SCALE), float), (2,)
    )
    if not np.all(sides > 0):
        raise InputError(f"{path}: pixel_scale must be positive (arcsec), got {pixel_scale!r}.")
    in_file = isinstance(path, str | os.PathLike)
    with opened(path) if in_file else nullcontext(path) as hdus:
        path = path if in_file else "the HDUList"
        if extension is None:
            extension = _preferred_extension(hdus)
        kernel, header = image_of(hdus, path, extension)
        name = text(find(hdus, path, extension).header, "EXTNAME", str(path)).upper()
    where, on_detector = f"{path}[{extension}]", name in _DETECTOR
    side = float(np.sqrt(sides.prod()))
    statements = _statements(header, side, on_detector, where)
    if oversampling is not None:
        statements.insert(0, _Statement(f"oversampling = {oversampling:g}", oversampling))
    statement = _agreed(statements, side, where)
    _check_scale(kernel, statement, side, where)
    # A kernel with a scale of its own has square pixels; others have the shape of the map's.
    oblong = statement.is_scale and not on_detector and not np.allclose(sides, side, rtol=1e-3)
    along = statement.per_pixel * sides / side if oblong else statement.per_pixel
    if includes_pixel is None:
        includes_pixel = on_detector
    return _kernel_psf(where, kernel, along, includes_pixel)


def _preferred_extension(hdus: Any) -> str | int:
    """The extension of the most finely sampled kernel, or else of the first image."""
    present = {name.upper() for name in names(hdus)}
    for name in _OVERSAMPLED:
        if name in present:
            return name
    return first_image(hdus)


def _kernel_psf(
    where: str, kernel: np.ndarray, oversampling: Any, includes_pixel: bool | str
) -> KernelPSF:
    """The PSF of a kernel, whose errors and warnings name the file."""
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always", InputWarning)
        try:
            psf = KernelPSF(kernel, oversampling, includes_pixel=includes_pixel)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    for warning in records:
        warnings.warn(f"{where}: {warning.message}", warning.category, stacklevel=3)
    return psf


def _statements(header: Any, side: float, on_detector: bool, where: str) -> list[_Statement]:
    """All statements of the scale in a header, the most reliable first."""
    scales = {key: _number(header, key, where) for key in SCALES}
    samples = {key: _number(header, key, where) for key in _SAMPLES}
    statements = [_Statement(f"{k} = {v:.6g} arcsec", side / v) for k, v in scales.items() if v]
    if on_detector:
        statements.append(_Statement("EXTNAME", 1.0))
    else:
        # DET_SAMP and OVERSAMP are the same in files that have both.
        statements += [_Statement(f"{k} = {v:g}", v) for k, v in samples.items() if v][:1]
    scale = _wcs_scale(header, where, needed=not statements)
    if scale is not None:
        statements.append(_Statement(f"the WCS = {scale:.4g} arcsec", side / scale))
    return statements


def _wcs_scale(header: Any, where: str, needed: bool) -> float | None:
    """Arcsec per pixel of a WCS; None if there is none, or none that can be read or is needed."""
    try:
        with warnings.catch_warnings():
            # A suspicious unit is reported by what it would mean.
            warnings.simplefilter("ignore", InputWarning)
            wcs = celestial(header, where)
    except InputError:
        if needed:
            raise
        return None
    if wcs is None:
        return None
    return 3600 * float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))


def _number(header: Any, key: str, where: str) -> float | None:
    """A card's value if it is a positive number."""
    try:
        value = float(card(header, key, where))
    except (TypeError, ValueError):
        return None
    return value if 0 < value < np.inf else None


def _agreed(statements: list[_Statement], side: float, where: str) -> _Statement:
    """The first statement of the scale; a warning names it and the first that contradicts it."""
    if not statements:
        keys = f"no usable {', '.join(SCALES + _SAMPLES)} or WCS"
        lack = f"the header does not tell the scale of the PSF ({keys})"
        raise InputError(f"{where}: {lack}; give oversampling=, kernel pixels per map pixel.")
    preferred, *alternatives = statements
    for alternative in alternatives:
        if preferred.per_pixel > 0 and abs(alternative.per_pixel / preferred.per_pixel - 1) > SAME:
            means = f"{preferred.text} means {preferred.per_pixel:.4g} kernel pixels per map pixel"
            means += f" ({side:.4g} arcsec), {alternative.text} means {alternative.per_pixel:.4g}"
            remedy = "If it is wrong, give oversampling, kernel pixels per map pixel."
            message = f"{where}: {means}; the former is used. {remedy}"
            warnings.warn(message, InputWarning, stacklevel=3)
            break
    return preferred


def _check_scale(kernel: np.ndarray, statement: _Statement, side: float, where: str) -> None:
    """Raise if by the scale the PSF is a point, or its pixels are much larger than the map's."""
    if not (statement.per_pixel > 0 and np.all(np.isfinite(kernel)) and kernel.max() > 0):
        return
    # A kernel without a finite width is refused elsewhere.
    width = min(max(fwhm(kernel), 1.0), max(kernel.shape))
    pixels, scale = width / statement.per_pixel, side / statement.per_pixel
    remedy = "Give oversampling: kernel pixels per map pixel."
    if pixels < POINT:
        part = f"1/{1 / pixels:.0f} of a pixel of the map"
        wide = f"the PSF is {width * scale:.2g} arcsec wide, {part}"
        if statement.is_scale:
            in_degrees = f"a pixel of the kernel is {3600 * scale:.3g} arcsec"
            remedy = f"If it is in degrees, {in_degrees}. {remedy}"
        raise InputError(f"{where}: by {statement.text} {wide} ({side:.3g} arcsec). {remedy}")
    if statement.per_pixel < COARSEST:
        wide = (
            f"a pixel of the kernel is as wide as {1 / statement.per_pixel:.3g} pixels of the map"
        )
        cause = "is the scale in milliarcsec?"
        raise InputError(
            f"{where}: by {statement.text} {wide} ({side:.3g} arcsec); {cause} {remedy}"
        )
