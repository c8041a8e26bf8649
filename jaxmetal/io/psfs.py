"""Pictures of point sources, from FITS files."""

import os
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.instrument.psf import KernelPSF
from jaxmetal.io.fits import celestial, image_of
from jaxmetal.io.hdus import find, opened
from jaxmetal.quantities import PIXEL_SCALE, as_number

# Extensions of STPSF (WebbPSF) in the order of preference, and those whose values are light collected in detector pixels;
# header keys of a PSF's scale in arcsec, and of its pixels per detector pixel.
_OVERSAMPLED, _DETECTOR = ("OVERDIST", "OVERSAMP"), ("DET_DIST", "DET_SAMP")
_SCALES, _SAMPLES = ("PIXELSCL", "PIXSCL", "PIXSCALE"), ("DET_SAMP", "OVERSAMP")


def read_psf(
    path: str | os.PathLike, pixel_scale: float, extension: str | int | None = None, oversampling: float | None = None,
    includes_pixel: bool | None = None,
) -> KernelPSF:  # fmt: skip
    """A PSF's picture, such as STPSF (WebbPSF) writes it.

        oversampling = pixel_scale / scale of the picture

    The scale of the picture is PIXELSCL, PIXSCL or PIXSCALE (arcsec) of its header; failing these, the number of its
    pixels per detector pixel, DET_SAMP or OVERSAMP; failing these, its WCS.

    Parameters
    ----------
    path, pixel_scale
        the file, and arcsec per pixel of the map that the PSF is for.
    extension
        by name or number; else OVERDIST, OVERSAMP or the first image, whichever there is first.
    oversampling, includes_pixel
        as in KernelPSF; else what the header says, and True for the detector-sampled DET_DIST and DET_SAMP alone.

    Raises
    ------
    InputError
        for a file or extension that cannot be read, or if nothing tells the scale.
    """
    pixel_scale = as_number(pixel_scale, f"{path}: pixel_scale", PIXEL_SCALE)
    if not pixel_scale > 0:
        raise InputError(f"{path}: pixel_scale must be positive (arcsec), got {pixel_scale!r}.")
    with opened(path) as hdus:
        if extension is None:
            names = [hdu.name for hdu in hdus]
            pictures = [i for i, hdu in enumerate(hdus) if hdu.is_image and hdu.header.get("NAXIS", 0)]
            extension = next((name for name in _OVERSAMPLED if name in names), pictures[0] if pictures else 0)
        kernel, header = image_of(hdus, path, extension)
        detector = find(hdus, path, extension).name in _DETECTOR
    if oversampling is None:
        oversampling = _oversampling(header, pixel_scale, detector, f"{path}[{extension}]")
    return KernelPSF(kernel, oversampling, includes_pixel=detector if includes_pixel is None else includes_pixel)


def _oversampling(header: Any, pixel_scale: float, detector: bool, where: str) -> float:
    """Kernel pixels per map pixel, from whatever the header says of its scale."""
    scales: list[Any] = [header[key] for key in _SCALES if key in header]
    samples: list[Any] = [1] * detector + [header[key] for key in _SAMPLES if key in header]
    if not scales and not samples and (wcs := celestial(header, where)) is not None:
        scales = [3600 * float(wcs.proj_plane_pixel_area().to_value("deg2")) ** 0.5]
    try:
        return float(pixel_scale / scales[0] if scales else samples[0])
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        raise InputError(
            f"{where}: the header does not tell the scale of the PSF (no usable {', '.join(_SCALES + _SAMPLES)} or WCS); "
            "give oversampling=, kernel pixels per map pixel."
        ) from None
