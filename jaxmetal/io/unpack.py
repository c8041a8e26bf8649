"""Compressed files, unpacked in memory up to a limit: a few kilobytes can be made to expand into terabytes."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from jaxmetal.errors import InputError

# Bytes of an unpacked file beyond which it is a mistake or a trap, not maps.
MOST_BYTES = 2**31

_OPEN = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_ZIP, _COMPRESS = b"PK\x03\x04", b"\x1f\x9d"


def unpacked(path: Path) -> BinaryIO:
    """A plain file, open, or the contents of a compressed one (gzip, bzip2, xz, zip with a single file).

    Raises
    ------
    InputError
        for contents beyond 2 GiB, for a zip with several files, and for a file of the old `compress`.
    """
    with open(path, "rb") as file:
        start = file.read(6)
        if start.startswith(_COMPRESS):
            raise InputError(f"{path}: packed by the old compress (.Z), which is not read here; unpack it with uncompress or gzip -d.")
        if start.startswith(b"\x1f\x8b"):
            file.seek(-4, io.SEEK_END)
            # What gzip wrote as the size of its contents, modulo 4 GiB; to refuse honest giants at once.
            _check_size(struct.unpack("<I", file.read(4))[0], path)
    if start.startswith(_ZIP):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise InputError(f"{path}: a zip with {len(names)} files; unpack it and name one of them.")
            with archive.open(names[0]) as packed:
                return _contents(packed, path)
    for magic, opener in _OPEN.items():
        if start.startswith(magic):
            with opener(path, "rb") as packed:
                return _contents(packed, path)
    return open(path, "rb")


def _contents(packed: BinaryIO, path: Path) -> BinaryIO:
    contents = packed.read(MOST_BYTES + 1)
    _check_size(len(contents), path)
    return io.BytesIO(contents)


def _check_size(size: int, path: Path) -> None:
    if size > MOST_BYTES:
        raise InputError(
            f"{path}: unpacks to more than {MOST_BYTES / 2**30:.0f} GiB, more than any maps; unpack it and cut out what is needed."
        )
