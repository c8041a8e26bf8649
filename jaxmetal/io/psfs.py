"""Pictures of point sources, from FITS files."""

import os
import warnings
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.headers import card, celestial
from jaxmetal.instrument.pictures import fwhm
from jaxmetal.instrument.psf import KernelPSF
from jaxmetal.instrument.psf_checks import POINT
from jaxmetal.io.fits import image_of
from jaxmetal.io.hdus import find, first_image, names, opened

# Extensions of STPSF (WebbPSF) in the order of preference, and those whose values are light collected in detector pixels;
# header keys of a PSF's scale in arcsec, and of its pixels per detector pixel.
_OVERSAMPLED, _DETECTOR = ("OVERDIST", "OVERSAMP"), ("DET_DIST", "DET_SAMP")
_SCALES, _SAMPLES = ("PIXELSCL", "PIXSCL", "PIXSCALE"), ("DET_SAMP", "OVERSAMP")
# By how much two statements of a scale may differ.
SAME = 0.02


def read_psf(
    path: str | os.PathLike, pixel_scale: Any, extension: str | int | None = None, oversampling: float | None = None,
    includes_pixel: bool | None = None,
) -> KernelPSF:  # fmt: skip
    """A PSF's picture, such as STPSF (WebbPSF) writes it.

        oversampling = pixel_scale / scale of the picture

    The scale of the picture is PIXELSCL, PIXSCL or PIXSCALE (arcsec) of its header; failing these, the number of its
    pixels per detector pixel, DET_SAMP or OVERSAMP; failing these, its WCS.

    Parameters
    ----------
    path, pixel_scale
        the file, and arcsec per pixel of the map that the PSF is for; (column, row) if its pixels are not squares.
    extension
        by name or number; else OVERDIST, OVERSAMP or the first image, whichever there is first.
    oversampling, includes_pixel
        as in KernelPSF; else what the header says, and True for the detector-sampled DET_DIST and DET_SAMP alone.

    Raises
    ------
    InputError
        for a file or extension that cannot be read, if nothing tells the scale, or if by the scale the PSF is a point.

    Warns
    -----
    InputWarning
        if statements of the scale contradict each other: which of them is used.
    """
    sides = np.broadcast_to(np.asarray(pixel_scale, float), (2,))
    if not np.all(sides > 0):
        raise InputError(f"{path}: pixel_scale must be positive (arcsec), got {pixel_scale!r}.")
    with opened(path) as hdus:
        if extension is None:
            known = {name.upper() for name in names(hdus)}
            extension = next((name for name in _OVERSAMPLED if name in known), first_image(hdus))
        kernel, header = image_of(hdus, path, extension)
        name = card(find(hdus, path, extension).header, "EXTNAME", str(path))
    detector = str(name or "").strip().upper() in _DETECTOR
    where = f"{path}[{extension}]"
    side = float(np.sqrt(sides.prod()))
    if oversampling is None:
        per_pixel, stated = _from_header(header, side, detector, where)
    else:
        per_pixel, stated = oversampling, f"oversampling = {oversampling:g}"
        if oversampling > 0:
            _compare(_scales(header, where), _samples(header, detector, where), per_pixel, side, stated, where)
    _check_scale(kernel, per_pixel, side, stated, where)
    # A kernel with a scale of its own has square pixels; others have the shape of the map's.
    own_pixels = stated.endswith("arcsec") and not detector and not np.allclose(sides, side, rtol=1e-3)
    along = per_pixel * sides / side if own_pixels else per_pixel
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", InputWarning)
        try:
            psf = KernelPSF(kernel, along, includes_pixel=detector if includes_pixel is None else includes_pixel)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    for warning in noticed:
        warnings.warn(f"{where}: {warning.message}", warning.category, stacklevel=2)
    return psf


def _from_header(header: Any, side: float, detector: bool, where: str) -> tuple[float, str]:
    """Kernel pixels per map pixel from whatever the header says of its scale, and what it was."""
    scales, samples = _scales(header, where), _samples(header, detector, where)
    cards = [key for key in scales if key != "WCS"]
    if cards:
        per_pixel, stated = side / scales[cards[0]], f"{cards[0]} = {scales[cards[0]]:g} arcsec"
    elif samples:
        name, count = next(iter(samples.items()))
        per_pixel, stated = count, f"{name} = {count:g}"
    elif scales:
        per_pixel, stated = side / scales["WCS"], f"a WCS with pixels of {scales['WCS']:.3g} arcsec"
    else:
        raise InputError(
            f"{where}: the header does not tell the scale of the PSF (no usable {', '.join(_SCALES + _SAMPLES)} or WCS); "
            "give oversampling=, kernel pixels per map pixel."
        )
    _compare(scales, samples, per_pixel, side, stated, where)
    return per_pixel, stated


def _compare(scales: dict[str, float], samples: dict[str, float], per_pixel: float, side: float, stated: str, where: str) -> None:
    """Say so, once, where another statement of the scale contradicts the one that is used."""
    meant = {f"{key} = {scale:.4g} arcsec": side / scale for key, scale in scales.items()}
    meant |= {f"{key} = {count:g}": count for key, count in list(samples.items())[:1]}
    for other, count in meant.items():
        if abs(count / per_pixel - 1) > SAME:
            warnings.warn(
                f"{where}: {stated} means {per_pixel:.4g} kernel pixels per map pixel ({side:.4g} arcsec), {other} means {count:.4g}; "
                "the former is used. If that is wrong, give oversampling, kernel pixels per map pixel.",
                InputWarning,
                stacklevel=4,
            )
            return


def _scales(header: Any, where: str) -> dict[str, float]:
    """Arcsec per kernel pixel, by the card that says so, or WCS."""
    found = {key: _number(header, key, where) for key in _SCALES}
    with warnings.catch_warnings():
        # What is odd about it is said when it is used.
        warnings.simplefilter("ignore", InputWarning)
        try:
            wcs = celestial(header, where)
        except InputError:
            if any(found.values()):
                wcs = None
            else:
                raise
    if wcs is not None:
        found["WCS"] = 3600 * float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))
    return {key: scale for key, scale in found.items() if scale}


def _samples(header: Any, detector: bool, where: str) -> dict[str, float]:
    """Kernel pixels per detector pixel, by the card that says so; one in an extension that has the detector's pixels."""
    if detector:
        return {"EXTNAME": 1.0}
    found = {key: _number(header, key, where) for key in _SAMPLES}
    return {key: count for key, count in found.items() if count}


def _number(header: Any, key: str, where: str) -> float | None:
    """A card's value if it is a positive number."""
    try:
        number = float(card(header, key, where))
    except (TypeError, ValueError):
        return None
    return number if 0 < number < np.inf else None


def _check_scale(kernel: np.ndarray, per_pixel: float, side: float, stated: str, where: str) -> None:
    """Refuse a scale by which the PSF is a point, or its pixels are much larger than the map's."""
    if not (per_pixel > 0 and np.all(np.isfinite(kernel)) and kernel.max() > 0):
        return
    width = max(fwhm(kernel), 1.0) if np.isfinite(fwhm(kernel)) else min(kernel.shape)
    pixels = width / per_pixel
    if pixels < POINT:
        scale = side / per_pixel
        unit = f"If it is in degrees, a pixel of the kernel is {3600 * scale:.3g} arcsec. " if stated.endswith("arcsec") else ""
        raise InputError(
            f"{where}: by {stated} the PSF is {width * scale:.2g} arcsec wide, 1/{1 / pixels:.0f} of a pixel of the map ({side:.3g} arcsec). "
            f"{unit}Give oversampling: kernel pixels per map pixel."
        )
    if per_pixel < 0.1:
        raise InputError(
            f"{where}: by {stated} a pixel of the kernel is as wide as {1 / per_pixel:.3g} pixels of the map ({side:.3g} arcsec); "
            "is the scale in milliarcsec? Give oversampling: kernel pixels per map pixel."
        )
