"""What a FITS header can hold: texts in ASCII, finite numbers, and units under names that ASCII has."""

import math
import unicodedata
import warnings
from typing import Any

import numpy as np


def card_value(value: Any) -> Any:
    """A value as a FITS card can hold it: a number that is not finite as text, and a text in ASCII on one line.

    Parameters
    ----------
    value
        a number, a text, or anything else that a card may have.

    Returns
    -------
    value
        the same where FITS can hold it; "nan", "inf", and texts with escapes such as \\xe9 in place
        of what it cannot.
    """
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return str(float(value))
    if isinstance(value, str):
        return escaped(value)
    return value


def escaped(text: str) -> str:
    """A text in printable ASCII on one line, with escapes such as \\xe9 in place of other characters."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in line)


def fits_unit(unit: str) -> str | None:
    """A unit as FITS can hold it, such as Angstrom for Å; None if there is no such text.

    Parameters
    ----------
    unit
        as it was given. A text in ASCII stays what it is, whether FITS knows the unit or not.
    """
    from astropy.units import Unit

    if unit == escaped(unit):
        return unit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(Unit(unit).to_string("fits"))
        except (ValueError, TypeError):
            pass
    plain = unicodedata.normalize("NFKD", unit)
    return plain if plain == escaped(plain) else None
