"""Compressed files, unpacked in memory up to a limit of size."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile
from pathlib import Path

from jaxmetal.errors import InputError

# Bytes of an unpacked file above which it is a mistake or a decompression bomb.
MOST_BYTES = 2**31

# Openers by the first bytes of a file.
_OPEN = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# The first bytes of zip archives and of files of `compress`.
_ZIP = b"PK\x03\x04"
_COMPRESS = b"\x1f\x9d"


def unpacked(path: Path) -> io.BufferedIOBase:
    """A plain file, open, or the contents of one packed by gzip, bzip2, xz, or zip with one file.

    Raises
    ------
    InputError
        for contents beyond 2 GiB, a zip with several files, and files of the old `compress`.
    """
    with open(path, "rb") as file:
        start = file.read(6)
        if start.startswith(_COMPRESS):
            reason = "packed by the old compress (.Z), which is not read here"
            raise InputError(f"{path}: {reason}; unpack it with uncompress or gzip -d.")
        if start.startswith(b"\x1f\x8b"):
            file.seek(-4, io.SEEK_END)
            # The size of the contents modulo 4 GiB, as gzip writes it.
            _check_size(struct.unpack("<I", file.read(4))[0], path)
    if start.startswith(_ZIP):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise InputError(f"{path}: a zip with {len(names)} files; unpack it.")
            with archive.open(names[0]) as stream:
                return _contents(stream.read(MOST_BYTES + 1), path)
    for magic, opener in _OPEN.items():
        if start.startswith(magic):
            with opener(path, "rb") as stream:
                return _contents(stream.read(MOST_BYTES + 1), path)
    return open(path, "rb")


def _contents(contents: bytes, path: Path) -> io.BytesIO:
    _check_size(len(contents), path)
    return io.BytesIO(contents)


def _check_size(size: int, path: Path) -> None:
    if size > MOST_BYTES:
        limit = f"more than {MOST_BYTES / 2**30:.0f} GiB, more than any maps"
        raise InputError(f"{path}: unpacks to {limit}; cut out what is needed.")
