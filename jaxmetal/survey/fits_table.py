"""The catalogue of results as a FITS table."""

from collections.abc import Iterable
from itertools import chain, count
from typing import Any

import numpy as np

from jaxmetal.errors import warn_user
from jaxmetal.instrument.cards import quiet
from jaxmetal.io.cards import escaped
from jaxmetal.io.hdus import first_line

# A card holds 68 characters; some are for what tells equal names apart.
LONGEST = 60


def hdu_list(table: Any) -> Any:
    """The catalogue of results as an astropy HDUList.

    Text is escaped to ASCII. A unit that FITS does not know is a comment on its column, and a name
    that it cannot hold is changed. The header has the version, precision, seed and hashes of the
    survey.

    Parameters
    ----------
    table
        of `output.table`, with its `meta`.

    Warns
    -----
    InputWarning
        for each column of a kind that FITS does not have, which is left out.
    """
    from astropy.io import fits
    from astropy.table import Table

    columns = _columns(table)
    units = [getattr(table[name], "unit", None) for name in columns]
    plain = Table(dict(zip(_names(columns), columns.values(), strict=True)))
    with quiet():
        hdu, meta = fits.table_to_hdu(plain), table.meta
    for i, unit in enumerate(units):
        if unit:
            # FITS has no dex, for example.
            hdu.header[f"{'TUNIT' if _in_fits(unit) else 'TCOMM'}{i + 1}"] = escaped(
                str(unit).replace(" ", "")
            )
    hdu.header.update(
        {
            "CREATOR": f"jaxmetal {meta['jaxmetal']}",
            "PRECISN": meta["precision"],
            "SEED": meta["seed"],
        }
    )
    hdu.header.update(
        {"CONFHASH": meta["configuration"]["sha256"], "CATHASH": meta["catalogue"]["sha256"]}
    )
    return fits.HDUList([fits.PrimaryHDU(), hdu])


def _columns(table: Any) -> dict[str, Any]:
    """The columns that FITS can hold, without units, by the names that they have in the table."""
    from astropy.io import fits
    from astropy.table import Table

    columns = {}
    for name in table.colnames:
        column = _ascii(table[name])
        try:
            fits.table_to_hdu(Table({"column": column}))
        except Exception as error:  # of astropy and NumPy, by the type of the column
            text = f"the column {name!r} cannot be in a FITS table ({first_line(error)})"
            warn_user(f"{text}; it is left out there.")
        else:
            columns[name] = column
    return columns


def _names(names: Iterable[str]) -> list[str]:
    """Names of columns as FITS can hold them: short, in ASCII, different whatever their case."""
    result: list[str] = []
    for name in names:
        stem = escaped(name)[:LONGEST] or "column"
        candidates = chain([stem], (f"{stem}_{i}" for i in count(2)))
        taken = {other.casefold() for other in result}
        result.append(next(new for new in candidates if new.casefold() not in taken))
    return result


def _ascii(column: Any) -> Any:
    """A column without its unit, its text escaped to ASCII."""
    if column.dtype.kind in "OU":
        return np.array([escaped(str(value)) for value in column])
    plain = column.copy()
    plain.unit = None
    return plain


def _in_fits(unit: Any) -> bool:
    """Whether the FITS standard has a unit."""
    from astropy.units import UnrecognizedUnit

    try:
        return not isinstance(unit, UnrecognizedUnit) and bool(unit.to_string(format="fits"))
    except ValueError:
        return False
