"""Cards written to FITS headers: values and units as ASCII text and finite numbers."""

import math
import unicodedata
import warnings
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.cards import quiet
from jaxmetal.io.hdus import first_line


def set_card(header: Any, key: str, value: Any, where: str) -> None:
    """Write a value to a header.

    Parameters
    ----------
    header, key, value
        the header, the name of the card, and a value as `card_value` takes it.
    where
        names the header in messages.

    Raises
    ------
    InputError
        for a name that FITS does not allow.
    """
    try:
        with quiet():
            header[key] = card_value(value)
    except ValueError as error:
        raise InputError(
            f"{where}: {key} = {value!r} cannot stand in a FITS header ({first_line(error)})."
        ) from None


def unit_card(unit: str) -> dict[str, str]:
    """BUNIT, or a comment where FITS has no text for the unit."""
    text = fits_unit(unit)
    if text is not None:
        return {"BUNIT": text}
    return {"COMMENT": f"The unit is {escaped(unit)}, which a header cannot hold."}


def card_value(value: Any) -> Any:
    """A value as a FITS card can hold it.

    Parameters
    ----------
    value
        a number, a text, or anything else that a card may have.

    Returns
    -------
    value
        unchanged if FITS can hold it; else "nan" or "inf", and texts in ASCII on one line with
        escapes such as \\xe9.
    """
    if isinstance(value, float | np.floating) and not math.isfinite(value):
        return str(float(value))
    if isinstance(value, str):
        return escaped(value)
    return value


def escaped(text: str) -> str:
    """A text in printable ASCII on one line, other characters escaped, such as \\xe9."""
    line = " ".join(text.split()).encode("ascii", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in line)


def fits_unit(unit: str) -> str | None:
    """A unit as FITS can hold it, such as Angstrom for Å; None if there is no such text.

    Parameters
    ----------
    unit
        a text in ASCII is returned unchanged, whether FITS knows the unit or not.
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
