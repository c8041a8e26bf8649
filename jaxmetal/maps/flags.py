"""Masks and other marks of pixels, as users give them, checked."""

from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.quantities import contents


def flags(where: str, mask: Any, shape: tuple[int, ...], meaning: str) -> np.ndarray:
    """True or False of each measurement; what is masked in a mask is True too.

    Parameters
    ----------
    where
        names the argument in messages.
    mask
        an array of this shape, or a region of pixels of the package `regions`, or several, which
        are True inside; None for False everywhere.
    shape
        of the measurements.
    meaning
        what True says, for messages.

    Raises
    ------
    InputError
        for another shape, or what is neither True nor False.
    """
    if mask is None:
        return np.zeros(shape, bool)
    mask = _pixels_inside(where, mask, shape)
    data, expected = contents(mask), f"expected True ({meaning}) or False"
    if data.unit is not None and str(data.unit):
        raise InputError(f"{where}: {expected}, got a quantity in {data.unit}.")
    masked = np.asarray(data.numbers)
    if masked.shape != shape:
        shape_of = "the grid's" if len(shape) == 2 else "the values'"
        raise InputError(
            f"{where}: shape {masked.shape} does not match {shape_of} {shape}{axes_of(shape)}."
        )
    if masked.dtype.kind not in "bui" or not np.isin(masked, (0, 1)).all():
        raise InputError(f"{where}: {expected}, got values of type {masked.dtype}.")
    return masked.astype(bool) if data.mask is None else masked.astype(bool) | data.mask


def _pixels_inside(where: str, mask: Any, shape: tuple[int, ...]) -> Any:
    """The pixels whose centres lie in regions; anything else as it is."""
    if hasattr(mask, "to_pixel") and not hasattr(mask, "to_mask"):
        remedy = "give its pixels, region.to_pixel(wcs)"
        raise InputError(f"{where}: a region on the sky; {remedy}.")
    if hasattr(mask, "to_mask"):
        if len(shape) != 2:
            raise InputError(f"{where}: a region is for maps of pixels, not of apertures.")
        image = mask.to_mask(mode="center").to_image(shape)
        return np.zeros(shape, bool) if image is None else image > 0
    several = getattr(mask, "regions", mask if isinstance(mask, list | tuple) else ())
    if len(several) and all(map(_is_region, several)):
        return np.any([_pixels_inside(where, one, shape) for one in several], axis=0)
    return mask


def _is_region(value: Any) -> bool:
    """Whether it is a region of the sky or of pixels, as those of the package regions."""
    return hasattr(value, "to_pixel") or hasattr(value, "to_mask")


def axes_of(shape: tuple[int, ...]) -> str:
    """What a message says of the axes of an image."""
    return " (rows, columns)" if len(shape) == 2 else ""
