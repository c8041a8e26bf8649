"""FITS files opened with checks: other files, damage and excessive sizes are bad input."""

import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning, unknown
from jaxmetal.instrument.cards import card, quiet
from jaxmetal.io.unpack import unpacked

# Values of an image or cube above which a file is a mistake or an attack: 0.8 GB in float64.
MOST_VALUES = 10**8
# The files of a block of `kept_open`, and what closes them.
_KEPT: ContextVar[tuple[ExitStack, dict[Path, Any]] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_open() -> Iterator[None]:
    """Files that `opened` opens in a block stay open until its end, so that each is read once."""
    files: dict[Path, Any] = {}
    with ExitStack() as stack:
        before = _KEPT.set((stack, files))
        try:
            yield
        finally:
            _KEPT.reset(before)


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[Any]:
    """The file's astropy HDUList, its headers read; an InputError if it is no FITS file."""
    path, kept = Path(path), _KEPT.get()
    with quiet(), ExitStack() as own:
        if kept is None:
            yield _read(path, own)
            return
        stack, files = kept
        if path not in files:
            files[path] = _read(path, stack)
        yield files[path]


def _read(path: Path, stack: ExitStack) -> Any:
    """The HDUList of a file, which the stack closes."""
    from astropy.io import fits

    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        # Opened here, because astropy does not close a file that it cannot read.
        file = stack.enter_context(unpacked(path))
        hdus = stack.enter_context(fits.open(file, memmap=False))
        hdus.readall()
    except (InputError, PermissionError):
        raise
    except Exception as error:  # only astropy's code runs here, and it has two dozen classes
        damage = f"cannot be read as a FITS file, or is damaged ({first_line(error)})"
        raise InputError(f"{path}: {damage}.") from None
    return hdus


def names(hdus: Any) -> list[str]:
    """The names of the extensions as they are written; the number of one that has none."""
    known = getattr(hdus, "_names_as_written", None)
    if known is None:
        known = hdus._names_as_written = [_name(hdu) or str(i) for i, hdu in enumerate(hdus)]
    return list(known)


def _name(hdu: Any) -> str:
    try:
        name = card(hdu.header, "EXTNAME", "")
    except InputError:
        return ""
    # The primary HDU has a name without a card.
    return str(hdu.name if name is None else name).strip()


def find(hdus: Any, path: Any, extension: str | int) -> Any:
    """The extension of this name, in any case, or number.

    Parameters
    ----------
    hdus, path
        the open file, and its name in messages.
    extension
        its name, "NAME,VERSION" by EXTVER, or its number from 0.

    Raises
    ------
    InputError
        that lists the extensions, if there is no such one.

    Warns
    -----
    InputWarning
        if several have this name, and the first is used.
    """
    labels = names(hdus)
    if isinstance(extension, str):
        matches = _matches(hdus, labels, extension.strip())
        if len(matches) > 1:
            several = f"extensions {', '.join(map(str, matches))} are all called"
            text = f"{path}: {several} {labels[matches[0]]!r}; the first is used."
            warnings.warn(f"{text} Give the number of another.", InputWarning, stacklevel=3)
        if matches:
            return hdus[matches[0]]
        extension = int(extension) if extension.strip().isdigit() else extension
    if isinstance(extension, int | np.integer) and 0 <= extension < len(hdus):
        return hdus[int(extension)]
    raise unknown("extension", str(extension), labels, str(path))


def _matches(hdus: Any, labels: list[str], name: str) -> list[int]:
    """The numbers of the extensions that this name may mean."""
    same = _called(name, labels)
    if same:
        # Names that differ in their case alone are distinguished by it.
        exact = [i for i in same if labels[i] == name]
        return exact or same
    with_version = re.fullmatch(r"(.+?)\s*,\s*(\d+)", name)
    if with_version is None:
        return []
    version = int(with_version[2])
    same = _called(with_version[1], labels)
    return [i for i in same if card(hdus[i].header, "EXTVER", labels[i]) == version]


def _called(name: str, labels: list[str]) -> list[int]:
    """The numbers of the extensions of this name, in any case."""
    return [i for i, label in enumerate(labels) if label.casefold() == name.casefold()]


def first_image(hdus: Any) -> int:
    """The number of the first extension with an image; 0 if there is none."""
    for i, hdu in enumerate(hdus):
        try:
            if hdu.is_image and hdu.shape:
                return i
        except Exception:  # a header that astropy only looks at now, and of another extension
            continue
    return 0


def pixels(hdu: Any, where: str) -> Any:
    """The array of an image extension.

    Raises
    ------
    InputError
        if it is no image, is damaged, or by its header is larger than its file or than any map.
    """
    try:
        shape = hdu.shape if hdu.is_image else None
    except Exception as error:  # a header that astropy only looks at now
        raise InputError(f"{where}: cannot be read as an image ({first_line(error)}).") from None
    if shape is None:
        raise InputError(f"{where}: expected an image, the extension holds a table.")
    # Before an array of that size is allocated.
    _check_header(hdu.header, shape, where)
    try:
        # Before the data are read, and so kept by astropy: then the sum is not that of the file.
        unread = "data" not in vars(hdu)
        if unread and "DATASUM" in hdu.header and not hdu.verify_datasum():
            changed = "DATASUM is not the sum of the data: they are damaged, or were edited"
            warnings.warn(f"{where}: {changed}.", InputWarning, stacklevel=3)
        data = hdu.data
    except Exception as error:  # only astropy's code runs here, and it has two dozen classes
        damage = f"the data are damaged or cut short ({first_line(error)})"
        raise InputError(f"{where}: {damage}.") from None
    if data is None or data.size == 0:
        raise InputError(f"{where}: expected an image, the extension holds no data.")
    return data


def _check_header(header: Any, shape: tuple[int, ...], where: str) -> None:
    """Raise for an image that is too large, or whose scale in the header is unusable."""
    if math.prod(shape or (0,)) > MOST_VALUES:
        size = " × ".join(map(str, shape))
        raise InputError(f"{where}: the header says {size} values, more than any map has.")
    for key in ("BSCALE", "BZERO"):
        value = card(header, key, where)
        if value is not None and not _scales(value, key):
            reason = f"the values are scaled by {key} = {value!r}"
            raise InputError(f"{where}: {reason}, after which none of them means anything.")


def _scales(value: Any, key: str) -> bool:
    """Whether values may be multiplied by a BSCALE, or shifted by a BZERO."""
    if isinstance(value, str | bool) or not np.isfinite(value):
        return False
    return key == "BZERO" or value != 0


def first_line(error: BaseException) -> str:
    """An error's first line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
