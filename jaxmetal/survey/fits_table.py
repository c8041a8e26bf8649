"""The catalogue of results as a FITS table."""

from typing import Any

import numpy as np

from jaxmetal.io.cards import escaped


def hdu_list(table: Any) -> Any:
    """The catalogue of results as an astropy HDUList.

    Text is escaped to ASCII. A unit that FITS does not know is a comment on its column. The header
    has the version, precision, seed and hashes of the survey.

    Parameters
    ----------
    table
        of `output.table`, with its `meta`.
    """
    from astropy.io import fits
    from astropy.table import Table

    units = {name: getattr(table[name], "unit", None) for name in table.colnames}
    plain = Table({escaped(name): _ascii(table[name]) for name in table.colnames})
    hdu, meta = fits.table_to_hdu(plain), table.meta
    for i, unit in enumerate(units.values()):
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
