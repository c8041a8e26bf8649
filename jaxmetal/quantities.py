"""Units, masks and uncertainties of arrays: they are used or refused, never ignored.

A plain number is always in the expected unit. The objects of astropy are recognised by their
attributes, so that astropy need not be imported.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError

# An expected unit: a unit, several alternatives, "" for no unit, or None if the unit is unknown.
Unit = Any
ARCSEC = "arcsec"
DEGREES = "deg"
PIXEL_SCALE = ("arcsec", "arcsec / pix")
PIXELS = ("", "pix")
# Of images that are normalised, whatever their unit.
ANY = "any"


class Contents(NamedTuple):
    """The parts of an array.

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
        masked array of NumPy, a Map of marvin, or a list of any of these; anything else is returned
        as it is.
    """
    if type(value) is np.ndarray or isinstance(value, int | float | str):
        return Contents(value)
    if isinstance(value, list | tuple):
        return _listed(value)
    if _has(value, "uncertainty", "data", "mask"):
        return _combined(contents(value.data), value.mask, value.unit, value.uncertainty)
    unit = getattr(value, "unit", None)
    if _has(value, "ivar", "masked", "unit", "value"):
        return _from_marvin(value)
    if isinstance(value, np.ma.MaskedArray):
        return _combined(contents(value.data), np.ma.getmaskarray(value), unit)
    if _has(value, "unmasked", "mask"):
        return _combined(contents(value.unmasked), value.mask)
    if _has(value, "unit", "to_value"):
        return Contents(np.asarray(value.value), unit=value.unit)
    if isinstance(value, np.ndarray) and unit is not None:
        return Contents(np.asarray(value), unit=unit)
    return Contents(value)


def _has(value: Any, *names: str) -> bool:
    return all(hasattr(value, name) for name in names)


def _from_marvin(value: Any) -> Contents:
    """A Map of marvin: its errors, and the pixels that its quality flags leave out."""
    from astropy.nddata import InverseVariance

    mask = np.ma.getmaskarray(value.masked)
    errors = None if value.ivar is None else InverseVariance(np.asarray(value.ivar, float))
    return Contents(np.asarray(value.value), mask, value.unit, errors)


def _combined(inner: Contents, mask: Any, unit: Any = None, uncertainty: Any = None) -> Contents:
    """Contents with the mask, unit and uncertainty of their container."""
    if mask is None:
        mask = inner.mask
    else:
        mask = np.broadcast_to(np.asarray(mask) != 0, np.shape(inner.numbers))
        mask = mask if inner.mask is None else mask | inner.mask
    return Contents(inner.numbers, mask, inner.unit if unit is None else unit, uncertainty)


def _listed(values: list | tuple) -> Contents:
    """A list of numbers with units or masks as one array, in the unit of the first of them."""
    if not any(_carries(value) for value in values):
        return Contents(values)
    parts = [contents(value) for value in values]
    unit = parts[0].unit
    if any((part.unit is None) != (unit is None) for part in parts):
        description = "a list of numbers of which some have a unit and others have none"
        raise InputError(f"{description}; give all a unit, or none.")
    numbers = [
        part.numbers if unit is None else converted(part.numbers, part.unit, unit, "list")
        for part in parts
    ]
    masks = [_whole_mask(part) for part in parts]
    try:
        return Contents(np.array(numbers, float), np.array(masks), unit)
    except ValueError:
        uneven = "a list of quantities of different shapes"
        raise InputError(f"{uneven}; expected an array of numbers.") from None


def _whole_mask(part: Contents) -> np.ndarray:
    """The mask of an array, False everywhere if it has none."""
    return np.zeros(np.shape(part.numbers), bool) if part.mask is None else part.mask


def _carries(value: Any) -> bool:
    """Whether a unit, a mask or an uncertainty comes with a value, or with any item of a list."""
    if isinstance(value, list | tuple):
        return any(_carries(item) for item in value)
    parts = contents(value)
    return parts.unit is not None or parts.mask is not None


def converted(numbers: Any, unit: Any, target: Unit, where: str) -> Any:
    """Numbers converted to the expected unit.

    Parameters
    ----------
    numbers, unit
        an array and its astropy unit.
    target
        a unit, several alternatives, "" for none, `ANY`, or None if the unit is unknown.
    where
        names the value in messages.

    Raises
    ------
    InputError
        if the unit cannot be converted; the message names both units.
    """
    if isinstance(target, str) and target == ANY:
        return numbers
    choices = target if isinstance(target, tuple) else (target,)
    for choice in choices:
        try:
            return unit.to("" if choice is None else choice, numbers)
        except (TypeError, ValueError):
            continue
    if target is None:
        raise InputError(
            f"{where}: got a quantity in {unit}, but the unit of this number is that of your own "
            "maps or function; give a plain number in that unit."
        )
    expected = str(choices[0]) or "a number without a unit"
    description = f"a quantity in {str(unit) or 'no unit'}, which cannot be converted"
    raise InputError(f"{where}: expected {expected}, got {description}.")


def plain(value: Any, where: str, unit: Unit = "") -> Any:
    """The value without unit and mask: in the expected unit, NaN where it is masked.

    Parameters
    ----------
    value
        as for `contents`; a value with neither unit nor mask is returned as it is.
    where
        names the value in messages.
    unit
        the expected unit, as for `converted`.

    Raises
    ------
    InputError
        if the value has a unit that cannot be converted.
    """
    if _has(value, "units", "to") and not hasattr(value, "unit"):
        package = type(value).__module__.split(".")[0]
        raise InputError(
            f"{where}: got a {package} quantity; give one of astropy, or a plain number."
        )
    if isinstance(value, list | tuple):
        # Item by item, because a plain number beside a quantity is in the expected unit.
        return [plain(item, where, unit) for item in value] if _carries(value) else value
    parts = contents(value)
    numbers = parts.numbers
    if parts.unit is not None:
        numbers = converted(numbers, parts.unit, unit, where)
    if parts.mask is None:
        return numbers
    return np.where(parts.mask, np.nan, np.asarray(numbers, float))


def as_numbers(value: Any, where: str, unit: Unit = "") -> np.ndarray:
    """A number or array of numbers on the host in double precision; masked values are NaN.

    Parameters
    ----------
    value, where, unit
        as for `plain`.

    Raises
    ------
    InputError
        for values that are no numbers, or have a unit that cannot be converted.
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
    """Arrays of one quantity, such as line fluxes, in the unit of the first; NaN where masked.

    Parameters
    ----------
    where
        names the arrays in messages, followed by their own names.
    unit
        to be used instead of that of the first.
    columns
        the arrays by name; those with neither unit nor mask are returned as they are.

    Raises
    ------
    InputError
        if one has a unit and another has none, or a unit that cannot be converted.
    """
    parts = {name: contents(value) for name, value in columns.items()}
    units = {name: part.unit for name, part in parts.items() if part.unit is not None}
    if units and len(units) < len(columns):
        without = next(name for name in columns if name not in units)
        name, first = next(iter(units.items()))
        raise InputError(f"{where}: {without} has no unit, {name} is in {first}; give all or none.")
    common = next(iter(units.values()), "") if unit is None else unit
    return {name: plain(value, f"{where}.{name}", common) for name, value in columns.items()}
