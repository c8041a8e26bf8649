"""The extra scatter of a map about its model, checked."""

from typing import Any

import numpy as np
from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.profiles.profile import as_array, is_traced


def as_scatter(scatter: Any, kind: str, unit: Any, relative: bool) -> Array:
    """An extra scatter as an array.

    Parameters
    ----------
    scatter
        zero or a positive number.
    kind
        the class of the map, for messages.
    unit
        of the map's values.
    relative
        whether it is a fraction of the flux, a number without a unit.

    Raises
    ------
    InputError
        if it is negative, or no number.
    """
    expected = "" if relative else getattr(unit, "function_unit", unit)
    number = as_array(scatter, f"{kind}.scatter", expected)
    if number.shape == () and (is_traced(number) or 0 <= float(number) < np.inf):
        return number
    raise InputError(f"{kind}.scatter: expected zero or a positive number, got {scatter!r}.")


def check_scatter(one_map: Any) -> None:
    """Refuse a scatter relative to the flux beside a covariance: they share no eigenbasis.

    Raises
    ------
    InputError
        if a map has both.
    """
    if one_map.modes is None or not one_map.additive or is_traced(one_map.scatter):
        return
    if float(one_map.scatter) > 0:
        problem = "does not go with a scatter, which is a fraction of the model's flux"
        raise InputError(f"{type(one_map).__name__}.covariance: {problem}.")
