"""Units that are given as text, as headers spell them."""

import warnings
from typing import Any

from jaxmetal.errors import InputError

# Spellings in headers that astropy does not know.
_SPELLINGS = {
    "kms": "km/s",
    "km/sec": "km/s",
    "gyr": "Gyr",
    "gyrs": "Gyr",
    "myr": "Myr",
    "myrs": "Myr",
    "years": "yr",
    "counts": "ct",
    "magnitude": "mag",
    "magnitudes": "mag",
    "mags": "mag",
    "abmag": "mag(AB)",
}


def unit_of_text(text: str) -> Any:
    """The astropy unit of a text in a header, or None if there is no such unit.

    Parameters
    ----------
    text
        such as "km/s", "Gyr" or "1e-17 erg / (s cm2)", in the spellings that headers use.
    """
    text = text.strip()
    if not text:
        return None
    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in (text, _SPELLINGS.get(text.lower(), ""), text.lower()):
            try:
                if name:
                    return units.Unit(name)
            except (TypeError, ValueError):
                continue
    return None


def expected_unit(unit: Any, where: str) -> Any:
    """An astropy unit from a unit or its name, or None.

    Raises
    ------
    InputError
        for a text that is no unit.
    """
    if unit is None or not isinstance(unit, str):
        return unit
    result = unit_of_text(unit)
    if result is None and unit.strip():
        raise InputError(
            f"{where}: expected an astropy unit or its name, such as 'km/s', got {unit!r}."
        )
    return result
