"""Units in the headers of FITS files: errors in another unit than that of their values."""

import warnings
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.unit_texts import unit_of_text

# The power of the values' unit in which each kind of error is.
POWERS = {"error": 1, "variance": 2, "ivar": -2}


def standard_deviations(
    kind: str, numbers: np.ndarray, error_unit: str, values: str, where: str
) -> np.ndarray:
    """Standard deviations in the unit of the values, from what a file has of the errors.

    Parameters
    ----------
    kind, error_unit, values, where
        as for `error_factor`.
    numbers
        errors, variances or inverse variances.

    Returns
    -------
    sigma
        infinite where a variance is not positive.

    Raises
    ------
    InputError
        if no number is positive, or as for `error_factor`.
    """
    positive = numbers > 0
    if not positive.any():
        raise InputError(f"{where}: expected positive numbers ({kind}), it has none.")
    scaled = numbers * error_factor(kind, error_unit, values, where)
    if kind == "error":
        return scaled
    power = 0.5 if kind == "variance" else -0.5
    return np.where(positive, np.where(positive, scaled, 1.0) ** power, np.inf)


def error_factor(kind: str, error_unit: str, values: str, where: str) -> float:
    """The factor that converts an error to the unit of the values.

    Parameters
    ----------
    kind
        "error", "variance" or "ivar".
    error_unit, values
        the text of BUNIT of the error and of the values; a text that names no unit is ignored.
    where
        names the error in messages.

    Raises
    ------
    InputError
        for a unit that is that of another kind of error.

    Warns
    -----
    InputWarning
        for a unit that has nothing to do with that of the values; it is not used.
    """
    unit, target = unit_of_text(error_unit), unit_of_text(values)
    if unit is None or target is None or unit == target:
        # A variance whose header repeats the unit of the values was copied from them.
        return 1.0
    factors = _factors(unit, getattr(target, "function_unit", target))
    if kind in factors:
        return factors[kind]
    if set(factors) - {"error"}:
        other = next(name for name in factors if name != "error")
        meaning = f"its BUNIT {error_unit!r} is that of the {other} of values in {values!r}"
        raise InputError(f"{where}: given as {kind}, but {meaning}; give it as {other}.")
    if not factors:
        remedy = "these cannot be converted, so it is taken as it stands."
        text = f"{where}: its BUNIT is {error_unit!r}, that of the values {values!r}; {remedy}"
        warnings.warn(text, InputWarning, stacklevel=2)
    return 1.0


def _factors(unit: Any, target: Any) -> dict[str, float]:
    """The kinds of error whose unit this may be, with the factor to that of the values."""
    factors = {}
    for kind, power in POWERS.items():
        try:
            factors[kind] = float(unit.to(target**power))
        except (TypeError, ValueError):
            continue
    return factors
