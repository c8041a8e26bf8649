"""FITS files: maps that are read and written."""

import os
import warnings
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.files import whole_file
from jaxmetal.instrument.cards import text
from jaxmetal.instrument.headers import celestial
from jaxmetal.io.cards import set_card, unit_card
from jaxmetal.io.hdus import find, first_line, opened, pixels
from jaxmetal.io.planes import image_plane
from jaxmetal.io.units import standard_deviations


@dataclass(frozen=True)
class MapFile:
    """A map as a file has it.

    Parameters
    ----------
    values, sigma
        shape (rows, columns); sigma is infinite where the file has no information, None if it has
        no errors.
    mask
        True where a pixel is to be left out.
    wcs, unit
        the celestial astropy.wcs.WCS or None, and the text of BUNIT.
    bins
        the number of each pixel's bin, or None.
    limits
        True where a value is an upper limit, or None.
    """

    values: Float[np.ndarray, "ny nx"]
    sigma: Float[np.ndarray, "ny nx"] | None
    mask: Bool[np.ndarray, "ny nx"]
    wcs: Any
    unit: str
    bins: Float[np.ndarray, "ny nx"] | None = None
    limits: Bool[np.ndarray, "ny nx"] | None = None


@dataclass(frozen=True)
class Part:
    """An image that belongs to a map.

    Parameters
    ----------
    file
        the map's own if None.
    extension
        by name or number.
    channel
        the plane of a cube, by number or name; None for an image.
    """

    file: str | os.PathLike | None = None
    extension: str | int = 0
    channel: int | str | None = None


def read_header(path: str | os.PathLike, extension: str | int = 0) -> dict[str, Any]:
    """The readable cards of an extension.

    Raises
    ------
    InputError
        if there is no such extension.
    """
    from astropy.io.fits import VerifyError

    cards = {}
    with opened(path) as hdus:
        header = find(hdus, path, extension).header
        for key in header:
            with suppress(VerifyError):
                cards[key] = header[key]
    return cards


def read_image(
    path: str | os.PathLike, extension: str | int = 0, channel: int | str | None = None
) -> Float[np.ndarray, "ny nx"]:
    """One image of a FITS file, as float64.

    Parameters
    ----------
    path, extension
        the file, and the extension's name or number.
    channel
        the plane of a cube, by number from 0 or by the name that a header card such as C01 gives
        it.

    Raises
    ------
    InputError
        naming the file and the extension, if there is no such image.
    """
    with opened(path) as hdus:
        return image_of(hdus, path, extension, channel)[0]


def read_map(
    path: str | os.PathLike,
    value: str | int,
    error: str | int | Part | None = None,
    variance: str | int | Part | None = None,
    ivar: str | int | Part | None = None,
    mask: str | int | Part | None = None,
    channel: int | str | None = None,
    unit: str | None = None,
    bins: str | int | Part | None = None,
    needs_wcs: bool = True,
    limits: str | int | Part | None = None,
) -> MapFile:
    """A map with its errors, mask and bins from the extensions of one FITS file, or of several.

    Parameters
    ----------
    path, value
        the file, and the extension of the values by name or number.
    error, variance, ivar
        of the standard deviations, of their squares, or of the inverse squares: one of them, or
        none; an extension, or a Part. Where its BUNIT is another unit than that of the values, it
        is converted.
    mask
        not zero where a pixel is to be left out; an extension, or a Part.
    channel
        the plane of all these extensions if they are cubes, by number from 0 or by the name in a
        header card such as C01.
    unit
        to be used instead of the header's BUNIT.
    bins
        of the number of each pixel's bin, negative or NaN where it is in none; an extension, or a
        Part.
    needs_wcs
        whether a WCS that cannot be read is an error; else the map has none, and a warning says so.
    limits
        not zero where a value is an upper limit; an extension, or a Part.

    Raises
    ------
    InputError
        naming the file and the extension, for what cannot be read or does not fit together.
    """
    errors = _only_kind(path, {"error": error, "variance": variance, "ivar": ivar})
    with opened(path) as hdus:
        values, header = image_of(hdus, path, value, channel)

        def image(part: str | int | Part) -> tuple[np.ndarray, Any, str]:
            part = part if isinstance(part, Part) else Part(None, part, channel)
            file = path if part.file is None else part.file
            with nullcontext(hdus) if part.file is None else opened(part.file) as others:
                array, cards = image_of(others, file, part.extension, part.channel, values.shape)
            return array, cards, f"{file}[{part.extension}]"

        where = f"{path}[{value}]"
        values_unit = text(header, "BUNIT", where) or unit or ""
        sigma = None
        if errors is not None:
            kind, part = errors
            array, cards, place = image(part)
            unit_of_errors = text(cards, "BUNIT", place)
            sigma = standard_deviations(kind, array, unit_of_errors, values_unit, place)
        masked = np.zeros(values.shape, bool) if mask is None else image(mask)[0] != 0
        ids = None if bins is None else image(bins)[0]
        below = None if limits is None else image(limits)[0] != 0
    unit = text(header, "BUNIT", where) if unit is None else unit
    return MapFile(values, sigma, masked, _wcs(header, where, needs_wcs), unit, ids, below)


def _only_kind(path: Any, kinds: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The kind of errors that a map has, and their extension; None if it has none."""
    present = {kind: part for kind, part in kinds.items() if part is not None}
    if len(present) > 1:
        raise InputError(
            f"{path}: only one of error, variance and ivar may be given, got {', '.join(present)}."
        )
    return next(iter(present.items()), None)


def _wcs(header: Any, where: str, needed: bool) -> Any:
    try:
        return celestial(header, where)
    except InputError as error:
        if needed:
            raise
        warnings.warn(f"{error} The WCS is not used.", InputWarning, stacklevel=3)
        return None


def image_of(
    hdus: Any, path: Any, extension: str | int, channel: Any = None, shape: tuple | None = None
) -> tuple[np.ndarray, Any]:
    """The image of an extension of an open file as native float64, and its header.

    Parameters
    ----------
    hdus, path
        the open file, and its name in messages.
    extension, channel
        of the image, as in `read_image`.
    shape
        (rows, columns) that the image must have; None for any.

    Raises
    ------
    InputError
        naming the file and the extension, if there is no such image.
    """
    hdu, where = find(hdus, path, extension), f"{path}[{extension}]"
    data, header = pixels(hdu, where), hdu.header
    data = image_plane(data, header, channel, where)
    if shape is not None and data.shape != shape:
        raise InputError(f"{where}: shape {data.shape} does not match the values' {shape}.")
    return np.array(data, dtype=np.float64), header


def write_maps(
    path: str | os.PathLike,
    images: Mapping[str, tuple[Any, str]],
    wcs: Any = None,
    header: Mapping | None = None,
) -> None:
    """Maps as the extensions of one FITS file, which appears whole or not at all.

    Parameters
    ----------
    path, images
        the file, replaced if it exists, and (array, unit) by extension name; float32 and float64
        stay what they are.
    wcs, header
        an astropy.wcs.WCS for every map, and further cards for the primary header. What a header
        cannot hold is written as text in ASCII; a unit without such a text is replaced by a
        comment.

    Raises
    ------
    InputError
        naming the map that is no image of numbers, or the card whose name FITS does not allow, or
        if the file cannot be written.
    """
    from astropy.io import fits

    primary = fits.PrimaryHDU()
    for key, value in (header or {}).items():
        set_card(primary.header, key, value, f"{path}: header")
    coordinates = {} if wcs is None else dict(wcs.to_header(relax=True))
    hdus = fits.HDUList([primary])
    for name, (array, unit) in images.items():
        cards = {"EXTNAME": str(name), **unit_card(str(unit or "")), **coordinates}
        hdus.append(_image_hdu(np.asarray(array), cards, f"{path}[{name}]"))
    try:
        with whole_file(path) as part:
            hdus.writeto(part)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({first_line(error)}).") from None


def _image_hdu(data: np.ndarray, cards: Mapping[str, Any], where: str) -> Any:
    """The extension of one map."""
    from astropy.io import fits

    if data.ndim != 2 or data.dtype.kind not in "fiub":
        description = f"shape {data.shape} of type {data.dtype}"
        raise InputError(f"{where}: expected a map of numbers (rows, columns), got {description}.")
    hdu = fits.ImageHDU(data.astype(np.uint8) if data.dtype == bool else data)
    for key, value in cards.items():
        set_card(hdu.header, key, value, where)
    return hdu
