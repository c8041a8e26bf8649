"""Tables in files, such as catalogues of galaxies and grids of line ratios; without JAX."""

import os
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.io.hdus import first_line

_FORMATS = {
    ".ecsv": "ascii.ecsv",
    ".csv": "ascii.csv",
    ".fits": "fits",
    ".fit": "fits",
    ".fits.gz": "fits",
}


def read_table(path: str | os.PathLike, noun: str) -> Any:
    """The table of an ECSV, CSV or FITS file, by its suffix.

    Parameters
    ----------
    path
        of the file.
    noun
        what it is, for messages, such as "a catalogue".

    Raises
    ------
    InputError
        if there is no such file, it is not written as its suffix says, or has no rows.
    """
    from astropy.table import Table

    path = Path(path)
    kind = next(
        (kind for suffix, kind in _FORMATS.items() if path.name.lower().endswith(suffix)), None
    )
    if kind is None:
        raise InputError(f"{path}: expected {noun} that ends in .ecsv, .csv or .fits.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    try:
        # A name in CSV may be read as a number: quotes do not tell text from numbers there.
        table = Table.read(path, format=kind)
    except Exception as error:  # a dozen classes, by format
        raise InputError(f"{path}: cannot be read as a table ({first_line(error)}).") from None
    if not len(table):
        raise InputError(f"{path}: the {noun.removeprefix('a ')} has no rows.")
    return table
