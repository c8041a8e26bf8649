"""The images of a FITS file, and of the files of errors and masks beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError, collected_warnings
from jaxmetal.instrument.cards import text
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.headers import celestial
from jaxmetal.io.hdus import names, opened
from jaxmetal.io.planes import image_plane

# The fewest rows and columns of a map of a galaxy.
FEWEST = 5
# Ends of the names of files that lie beside the one of the values.
SUFFIXES = ("unc", "err", "error", "sigma", "std", "var", "ivar", "mask")
ENDINGS = (".fits", ".fit", ".fits.gz")


class Image(NamedTuple):
    """An image of a file.

    Parameters
    ----------
    place
        the extension, as a configuration names it: its name, or its number where that is unique.
    name
        by which its meaning is guessed.
    values
        shape (rows, columns).
    unit
        the text of BUNIT.
    header
        of the extension.
    file
        that it lies in, if it is another one than that of the values.
    """

    place: str | int
    name: str
    values: np.ndarray
    unit: str
    header: Any
    file: Path | None = None


class Contents(NamedTuple):
    """What is in a file.

    Parameters
    ----------
    path
        of the file.
    images
        of its largest common shape, those of files beside it last.
    inventory
        a line for each extension.
    primary
        the header of the first extension.
    """

    path: Path
    images: list[Image]
    inventory: list[str]
    primary: Any


def read_contents(path: Path) -> Contents:
    """The images of a FITS file.

    Parameters
    ----------
    path
        of the file.

    Returns
    -------
    contents
        with at least one image.

    Raises
    ------
    InputError
        for what is no FITS file, or has no image in it: one line, that says what is there instead.
    """
    images, inventory, others = [], [], []
    with opened(path) as hdus:
        primary = hdus[0].header.copy()
        labels = names(hdus)
        for number, hdu in enumerate(hdus):
            kind, image = _look(hdu, number, labels, path)
            shape = " × ".join(map(str, _shape(hdu))) or "no data"
            inventory.append(f"{number:>3}  {labels[number]:<20} {shape:<14} {kind}")
            if image is not None:
                images.append(image)
            elif _shape(hdu):
                others.append(f"{labels[number]} ({kind}, {shape})")
    if not images:
        listed = f"only {', '.join(others[:3])}" if others else "no data at all"
        hint = "a configuration names a plane of a cube by channel"
        raise InputError(f"{path}: there is no image (rows, columns) in it, {listed}; {hint}.")
    images = _of_one_shape(images)
    return Contents(path, [*images, *_beside(path, images)], inventory, primary)


def _shape(hdu: Any) -> tuple[int, ...]:
    try:
        return tuple(hdu.shape) if hdu.is_image else (len(hdu.data),)
    except Exception:  # a header that astropy only looks at now
        return ()


def _look(hdu: Any, number: int, labels: list[str], path: Path) -> tuple[str, Image | None]:
    """What an extension is, in words, and its image if it has one."""
    if (other := _other_than_image(hdu)) is not None:
        return other, None
    where = f"{path}[{number}]"
    try:
        with collected_warnings():
            values = np.asarray(image_plane(hdu.data, hdu.header, None, where), float)
        unit = text(hdu.header, "BUNIT", where)
    except Exception as error:  # of a damaged extension, which is left out
        return f"cannot be read ({type(error).__name__})", None
    label = labels[number]
    unique = sum(other.casefold() == label.casefold() for other in labels) == 1
    place = label if unique and not label.isdigit() else number
    name = "" if label in ("PRIMARY", str(number)) else label
    return unit, Image(place, name, values, unit, hdu.header.copy())


def _other_than_image(hdu: Any) -> str | None:
    """What an extension is, in words, if it is no image of a galaxy."""
    if not hdu.is_image:
        return "table"
    longer = [length for length in _shape(hdu) if length > 1]
    if len(longer) > 2:
        return "cube"
    if len(longer) < 2 or min(longer) < FEWEST:
        return "row of numbers or small image" if _shape(hdu) else ""
    return None


def _of_one_shape(images: list[Image]) -> list[Image]:
    """The images of the shape that most of them have; of equally many, of the first's."""
    shapes = [image.values.shape for image in images]
    common = max(shapes, key=shapes.count)
    return [image for image in images if image.values.shape == common]


def _beside(path: Path, images: list[Image]) -> Iterator[Image]:
    """The errors and masks in files of the same name with an ending such as _unc."""
    if len(images) > 1:
        return
    ending = next((e for e in ENDINGS if path.name.lower().endswith(e)), "")
    stem = path.name[: len(path.name) - len(ending)] if ending else path.name
    for word in SUFFIXES:
        other = path.with_name(f"{stem}_{word}{ending}")
        if not other.is_file():
            continue
        try:
            image = read_contents(other).images[0]
        except InputError:
            continue
        if image.values.shape == images[0].values.shape:
            yield image._replace(name=word, file=other)


def grid_of(image: Image, where: str) -> Grid | None:
    """The grid of an image by its WCS.

    Parameters
    ----------
    image
        whose header may have one.
    where
        for messages.

    Returns
    -------
    grid
        None without a WCS, or with one that cannot be used.
    """
    try:
        with collected_warnings():
            wcs = celestial(image.header, where)
            return None if wcs is None else Grid.from_wcs(wcs, image.values.shape)
    except InputError:
        return None
