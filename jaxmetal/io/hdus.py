"""FITS files opened with care: what is no FITS file, is damaged or asks for too much is an error of the input."""

import math
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown

# What astropy raises for a file that is no FITS file, is cut short or is damaged.
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError, IndexError)

# Values of one picture or cube beyond which a file is a mistake or a trap, not a map: 0.8 GB in double precision.
MOST_VALUES = 10**8


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[Any]:
    """The file's astropy HDUList, its headers read; an InputError if it is no FITS file."""
    from astropy.io import fits

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    with quiet(), ExitStack() as stack:
        try:
            hdus = stack.enter_context(fits.open(path, memmap=False))
            hdus.readall()
        except UNREADABLE as error:
            raise InputError(f"{path}: cannot be read as a FITS file, or is damaged ({first_line(error)}).") from None
        yield hdus


@contextmanager
def quiet() -> Iterator[None]:
    """No word of harmless repairs: old spellings, long keys, a map that kept its cube's third axis."""
    from astropy.utils.exceptions import AstropyWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        yield


def find(hdus: Any, path: Any, extension: str | int) -> Any:
    """The extension of this name or number; an InputError that lists them if there is none."""
    names = [hdu.name or str(i) for i, hdu in enumerate(hdus)]
    if isinstance(extension, str) and extension.strip().upper() in names:
        return hdus[names.index(extension.strip().upper())]
    if isinstance(extension, int | np.integer) and 0 <= extension < len(hdus):
        return hdus[int(extension)]
    raise unknown("extension", str(extension), names, str(path))


def pixels(hdu: Any, where: str) -> Any:
    """The array of an image extension, if its header does not ask for more than there can be.

    Raises
    ------
    InputError
        if it is no image, is damaged, or says that it is larger than the file that holds it or than any map.
    """
    if not hdu.is_image:
        raise InputError(f"{where}: expected an image, the extension holds a table.")
    # Before anything of that size is made.
    count = math.prod(hdu.shape) if hdu.shape else 0
    if count > MOST_VALUES:
        raise InputError(f"{where}: the header says {' × '.join(map(str, hdu.shape))} values, more than any map has.")
    try:
        data = hdu.data
    except (*UNREADABLE, MemoryError) as error:
        raise InputError(f"{where}: the data are damaged or cut short ({first_line(error)}).") from None
    if data is None:
        raise InputError(f"{where}: expected an image, the extension holds no data.")
    return data


def first_line(error: BaseException) -> str:
    """An error's first line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
