"""Ranges of parameters as the docstrings of their profiles state them.

A description has a range as one of its parts, beside the unit: "half-light radius, arcsec,
positive", "slope of the wings, at least 1.3". What is described as an ellipticity is below 1, each
component and both together. A user's own function states ranges in the same words.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.profiles.units import descriptions, is_ellipticity, owner_of, stated_parts


class Range(NamedTuple):
    """The numbers that a parameter may be.

    Parameters
    ----------
    words
        as they follow "must be" in a message.
    low, high
        the ends.
    with_low, with_high
        whether they belong to it.
    """

    words: str
    low: float = -np.inf
    high: float = np.inf
    with_low: bool = False
    with_high: bool = False

    def holds(self, numbers: np.ndarray) -> np.ndarray | np.bool_:
        """Which of the numbers lie in it, in their own precision."""
        low, high = numbers.dtype.type(self.low), numbers.dtype.type(self.high)
        above = numbers >= low if self.with_low else numbers > low
        return above & (numbers <= high if self.with_high else numbers < high)


POSITIVE = Range("positive", low=0.0)
NOT_NEGATIVE = Range("zero or positive", low=0.0, with_low=True)
ELLIPTICITY = Range("between -1 and 1", -1.0, 1.0)
_BY_WORDS = {"positive": POSITIVE, "not negative": NOT_NEGATIVE}
# What the other words limit, and whether the limit itself is allowed.
_LIMITS = {
    "at least": ("low", True),
    "above": ("low", False),
    "at most": ("high", True),
    "below": ("high", False),
}
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_LIMIT = rf"({'|'.join(_LIMITS)}) {_NUMBER}"
_ONE_OR_TWO_LIMITS = re.compile(rf"{_LIMIT}(?: and {_LIMIT})?")
_BETWEEN = re.compile(rf"between {_NUMBER} and {_NUMBER}")


def declared_range(owner: Any, name: str) -> Range | None:
    """The range of a parameter as the docstring of its profile declares it.

    Parameters
    ----------
    owner
        the function of the profile, or an object of a class that describes its parameters.
    name
        of the parameter.

    Returns
    -------
    range
        None where none is declared.
    """
    return _ranges(_describing(owner_of(owner, name))).get(name)


def check_number(owner: Any, name: str, value: Any, where: str = "") -> None:
    """Refuse a number, or numbers, outside of the range that is declared.

    Parameters
    ----------
    owner, name
        as for `declared_range`.
    value, where
        as for `check_within`.

    Raises
    ------
    InputError
        that says what the parameter may be.
    """
    check_within(declared_range(owner, name), value, where)


def check_within(allowed: Range | None, value: Any, where: str = "") -> None:
    """Refuse a number, or numbers, outside of a range.

    Parameters
    ----------
    allowed
        the range; None for any number.
    value
        without a unit.
    where
        begins the message.

    Raises
    ------
    InputError
        that says what the number may be.
    """
    if allowed is None:
        return
    numbers = np.asarray(value)
    numbers = numbers if numbers.dtype.kind == "f" else numbers.astype(float)
    inside = allowed.holds(numbers)
    if not inside.all():
        wrong = numbers[~inside].flat[0]
        raise InputError(f"{where}must be {allowed.words}, got {wrong:g}.")


def check_numbers(function: Callable, values: Mapping[str, np.ndarray], where: str) -> None:
    """Refuse parameters of a profile outside of their ranges, one by one or together.

    Parameters
    ----------
    function
        of the profile.
    values
        its parameters by name, those that are known.
    where
        begins the message.

    Raises
    ------
    InputError
        naming the first that is wrong.
    """
    for name, numbers in values.items():
        check_number(function, name, numbers, f"{where}.{name}: ")
    for pair in _ellipticities(_describing(function)):
        if not set(pair) <= set(values):
            continue
        size = np.max(np.hypot(*(values[name] for name in pair)))
        if size >= 1:
            raise InputError(f"{where}: {' and '.join(pair)} together must be below 1: {size:g}.")


def _describing(owner: Any) -> Any:
    """A function, or the class of anything else, whose docstring describes the parameters."""
    # Under a decorator such as jax.jit, too.
    function = inspect.unwrap(owner) if callable(owner) else owner
    return function if inspect.isfunction(function) else type(owner)


@functools.cache
def _ranges(documented: Any) -> dict[str, Range]:
    """The ranges that a docstring declares, of a class those of its bases too."""
    bases = reversed(documented.__mro__) if inspect.isclass(documented) else (documented,)
    ranges = {
        name: ELLIPTICITY if is_ellipticity(base, name) else _range(text)
        for base in bases
        for name, text in descriptions(base).items()
    }
    return {name: stated for name, stated in ranges.items() if stated is not None}


@functools.cache
def _ellipticities(function: Any) -> list[tuple[str, str]]:
    """The pairs of parameters that are the two components of one ellipticity."""
    names = [name for name in descriptions(function) if is_ellipticity(function, name)]
    return list(zip(names[::2], names[1::2], strict=False))


def _range(text: str) -> Range | None:
    """The range that a description states."""
    for part in stated_parts(text):
        if part in _BY_WORDS:
            return _BY_WORDS[part]
        if between := _BETWEEN.fullmatch(part):
            return Range(part, float(between[1]), float(between[2]))
        if limits := _ONE_OR_TWO_LIMITS.fullmatch(part):
            return _limited(part, limits.groups())
    return None


def _limited(words: str, limits: tuple[str | None, ...]) -> Range:
    """The range of one or two limits: a word and a number of each."""
    ends: dict[str, Any] = {}
    for word, number in zip(limits[::2], limits[1::2], strict=True):
        if word is not None and number is not None:
            end, included = _LIMITS[word]
            ends |= {end: float(number), f"with_{end}": included}
    return Range(words, **ends)
