"""Tables in files, such as catalogues of galaxies and grids of line ratios; without JAX."""

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
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


def ecsv_text(table: Any) -> str:
    """A table as ECSV, in which texts that begin with # or with a space are kept.

    Raises
    ------
    InputError
        naming the columns that no text can hold, such as those of objects.
    """
    try:
        lines = _lines(table)
    except Exception as error:  # of astropy, NumPy and json, by the type of the column
        names = [name for name in table.colnames if not _is_writable(table[[name]])]
        columns = f"the column {names[0]!r}" if names else "the table"
        line = first_line(error)
        raise InputError(f"{columns} cannot be written as text ({line}); leave it out.") from None
    start = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    # astropy's reader would take the line for a comment.
    quoted = [re.sub(r'^(#[^ "]*)(?= |$)', r'"\1"', line) for line in lines[start:]]
    return "\n".join([*lines[:start], *quoted, ""])


def _lines(table: Any) -> list[str]:
    """A table in the lines of an ECSV file, with the spaces around its texts."""
    from astropy.io import ascii as text_tables

    writer: Any = text_tables.get_writer(writer_cls=text_tables.Ecsv, strip_whitespace=False)
    splitter = writer.data.splitter
    # With spaces, astropy fails in a tuple that holds an empty text.
    splitter.join = partial(_joined, splitter.join)
    return writer.write(table.copy())


def _joined(join: Callable, values: Iterable[str]) -> str:
    return join(list(values))


def _is_writable(table: Any) -> bool:
    try:
        _lines(table)
    except Exception:  # of astropy, NumPy and json, by the type of the column
        return False
    return True


def read_table(path: str | os.PathLike, noun: str, texts: str = "") -> Any:
    """The table of an ECSV, CSV or FITS file, by its suffix.

    Parameters
    ----------
    path
        of the file.
    noun
        what it is, for messages, such as "a catalogue".
    texts
        the name of a column of CSV that is text, whatever it looks like: 007 is not 7.

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
        table = Table.read(path, format=kind, **_options(kind, texts))
    except Exception as error:  # a dozen classes, by format
        raise InputError(f"{path}: cannot be read as a table ({first_line(error)}).") from None
    if not len(table):
        raise InputError(f"{path}: the {noun.removeprefix('a ')} has no rows.")
    return table


def _options(kind: str, texts: str) -> dict[str, Any]:
    """How a table is read: with the spaces around its texts, and the column of texts as such."""
    if kind == "fits":
        return {}
    from astropy.io import ascii as text_tables

    class Splitter(text_tables.core.DefaultSplitter):
        process_val: Any = None

    if kind == "ascii.ecsv":
        return {"data_splitter_cls": Splitter}
    # Quotes do not tell text from numbers in CSV.
    return {"converters": {texts: [text_tables.convert_numpy(str)]}} if texts else {}
