"""What numbers mean: units, masks and uncertainties of an array are used or refused, never dropped.

A plain number is always in the unit that its place expects. astropy is recognised by what its
objects offer, so that nothing has to be imported for it.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError

# What a place may expect: a unit, several alternatives, "" for no unit, or None where the library
# does not know the unit.
Unit = Any
ARCSEC, DEGREES = "arcsec", "deg"
PIXEL_SCALE = ("arcsec", "arcsec / pix")
PIXELS = ("", "pix")
# Pictures that are normalised, whatever their unit.
ANY = "any"

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


class Contents(NamedTuple):
    """An array taken apart.

    Parameters
    ----------
    numbers
        without unit and mask.
    mask
        True where a number is not valid; None without a mask.
    unit
        an astropy unit, or None.
    uncertainty
        an astropy NDUncertainty, or None.
    """

    numbers: Any
    mask: np.ndarray | None = None
    unit: Any = None
    uncertainty: Any = None


def contents(value: Any) -> Contents:
    """The numbers of an array with the mask, unit and uncertainty that come with them.

    Parameters
    ----------
    value
        numbers, an array, an astropy Quantity, Masked, Column or NDData (CCDData, NDDataArray), a
        masked array of NumPy, or a list of any of these; anything else is returned as it is.
    """
    if type(value) is np.ndarray or isinstance(value, int | float | str):
        return Contents(value)
    if isinstance(value, list | tuple):
        return _listed(value)
    if hasattr(value, "uncertainty") and hasattr(value, "data") and hasattr(value, "mask"):
        return _combined(contents(value.data), value.mask, value.unit, value.uncertainty)
    if isinstance(value, np.ma.MaskedArray):
        unit = getattr(value, "unit", None)
        return _combined(contents(value.data), np.ma.getmaskarray(value), unit)
    if hasattr(value, "unmasked") and hasattr(value, "mask"):
        return _combined(contents(value.unmasked), value.mask)
    if hasattr(value, "unit") and hasattr(value, "to_value"):
        return Contents(np.asarray(value.value), unit=value.unit)
    if isinstance(value, np.ndarray) and (unit := getattr(value, "unit", None)) is not None:
        return Contents(np.asarray(value), unit=unit)
    return Contents(value)


def _combined(inner: Contents, mask: Any, unit: Any = None, uncertainty: Any = None) -> Contents:
    """Contents with what their container adds."""
    if mask is not None:
        mask = np.broadcast_to(np.asarray(mask) != 0, np.shape(inner.numbers))
        mask = mask if inner.mask is None else mask | inner.mask
    else:
        mask = inner.mask
    return Contents(inner.numbers, mask, inner.unit if unit is None else unit, uncertainty)


def _listed(values: list | tuple) -> Contents:
    """A list of numbers with units or masks as one array, in the unit of the first of them."""
    if not any(_carries(value) for value in values):
        return Contents(values)
    parts = [contents(value) for value in values]
    unit = parts[0].unit
    if any((part.unit is None) != (unit is None) for part in parts):
        raise InputError(
            "a list of numbers of which some have a unit and others have none; give all a unit, or none."
        )
    numbers = [part.numbers for part in parts]
    if unit is not None:
        numbers = [converted(part.numbers, part.unit, unit, "list") for part in parts]
    unmasked = [np.zeros(np.shape(part.numbers), bool) for part in parts]
    masks = [
        none if part.mask is None else part.mask for part, none in zip(parts, unmasked, strict=True)
    ]
    try:
        return Contents(np.array(numbers, float), np.array(masks), unit)
    except ValueError:
        raise InputError(
            "a list of quantities of different shapes; expected an array of numbers."
        ) from None


def _carries(value: Any) -> bool:
    """Whether a unit, a mask or an uncertainty comes with a value, or with any item of a list."""
    if isinstance(value, list | tuple):
        return any(_carries(item) for item in value)
    found = contents(value)
    return found.unit is not None or found.mask is not None


def converted(numbers: Any, unit: Any, wanted: Unit, where: str) -> Any:
    """Numbers in the unit that is wanted.

    Parameters
    ----------
    numbers, unit
        an array and its astropy unit.
    wanted
        a unit, several to choose from, "" for none, `ANY`, or None if the unit that is meant is not
        known.
    where
        names the value in messages.

    Raises
    ------
    InputError
        if the unit cannot be converted; the message names both units.
    """
    if isinstance(wanted, str) and wanted == ANY:
        return numbers
    for choice in wanted if isinstance(wanted, tuple) else ("" if wanted is None else wanted,):
        try:
            return unit.to(choice, numbers)
        except (TypeError, ValueError):
            continue
    if wanted is None:
        raise InputError(
            f"{where}: got a quantity in {unit}, but the unit of this number is that of your own "
            "maps or function; give a plain number in that unit."
        )
    named = str(wanted[0] if isinstance(wanted, tuple) else wanted) or "a number without a unit"
    own = str(unit) or "no unit"
    raise InputError(
        f"{where}: expected {named}, got a quantity in {own}, which cannot be converted."
    )


def plain(value: Any, where: str, unit: Unit = "") -> Any:
    """The value without unit and mask: in the unit that is expected, NaN where it is masked.

    Parameters
    ----------
    value
        whatever `contents` takes apart; what carries neither unit nor mask is returned as it is.
    where
        names the value in messages.
    unit
        that is expected, as for `converted`.

    Raises
    ------
    InputError
        if the value has a unit that cannot be converted.
    """
    if hasattr(value, "units") and hasattr(value, "to") and not hasattr(value, "unit"):
        package = type(value).__module__.split(".")[0]
        raise InputError(
            f"{where}: got a {package} quantity; give one of astropy, or a plain number."
        )
    if isinstance(value, list | tuple):
        # Item by item, because a plain number beside a quantity is in the unit that is expected.
        return [plain(item, where, unit) for item in value] if _carries(value) else value
    found = contents(value)
    numbers = found.numbers
    if found.unit is not None:
        numbers = converted(numbers, found.unit, unit, where)
    if found.mask is None:
        return numbers
    return np.where(found.mask, np.nan, np.asarray(numbers, float))


def as_numbers(value: Any, where: str, unit: Unit = "") -> np.ndarray:
    """A number or array of numbers on the host in double precision; masked values are NaN.

    Parameters
    ----------
    value, where, unit
        as for `plain`.

    Raises
    ------
    InputError
        for what are no numbers, or have a unit that cannot be converted.
    """
    bare = plain(value, where, unit)
    try:
        return np.asarray(bare, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected numbers, got {type(value).__name__}.") from None


def as_number(value: Any, where: str, unit: Unit = "") -> float:
    """One number on the host, as `as_numbers`."""
    number = as_numbers(value, where, unit)
    if number.shape != ():
        raise InputError(f"{where}: expected one number, got shape {number.shape}.")
    return float(number)


def in_one_unit(where: str, unit: Unit = None, **columns: Any) -> dict[str, Any]:
    """Arrays of one kind, such as line fluxes, in the unit of the first; NaN where they are masked.

    Parameters
    ----------
    where
        names the arrays in messages, followed by their own names.
    unit
        to be used instead of that of the first.
    columns
        the arrays by name. What carries neither unit nor mask is returned as it is.

    Raises
    ------
    InputError
        if one has a unit and another has none, or a unit that cannot be converted.
    """
    found = {name: contents(value) for name, value in columns.items()}
    units = {name: part.unit for name, part in found.items() if part.unit is not None}
    if not units:
        return {name: plain(value, f"{where}.{name}") for name, value in columns.items()}
    if len(units) < len(columns):
        without = next(name for name in columns if name not in units)
        name, first = next(iter(units.items()))
        raise InputError(f"{where}: {without} has no unit, {name} is in {first}; give all or none.")
    common = next(iter(units.values())) if unit is None else unit
    return {name: plain(value, f"{where}.{name}", common) for name, value in columns.items()}


def unit_of_text(text: str) -> Any:
    """The astropy unit that a header's text names, or None if it names none.

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
    """An astropy unit as it was given or named, or None.

    Raises
    ------
    InputError
        for a text that names no unit.
    """
    if unit is None or not isinstance(unit, str):
        return unit
    found = unit_of_text(unit)
    if found is None and unit.strip():
        raise InputError(
            f"{where}: expected an astropy unit or its name, such as 'km/s', got {unit!r}."
        )
    return found
