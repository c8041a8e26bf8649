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
