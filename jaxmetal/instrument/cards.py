"""Single cards of FITS headers, and what astropy and wcslib say of them, in readable words."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from jaxmetal.errors import InputError


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings of harmless repairs: old spellings, long keys, a cube's third axis."""
    from astropy.utils.exceptions import AstropyWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        yield


def card(header: Any, key: str, where: str) -> Any:
    """The value of a card, None if it is not there.

    Raises
    ------
    InputError
        for a card that does not follow the rules of FITS.
    """
    from astropy.io.fits import VerifyError

    try:
        with quiet():
            return header.get(key)
    except VerifyError:
        expected = "expected a number, or a text in quotes"
        raise InputError(f"{where}: the header card {key} cannot be read: {expected}.") from None


def text(header: Any, key: str, where: str) -> str:
    """The value of a card as a text without blanks around it, empty if it is not there."""
    value = card(header, key, where)
    return "" if value is None else str(value).strip()


def number(header: Any, key: str, where: str) -> float:
    """The value of a card as a finite number, which may stand in quotes.

    Raises
    ------
    InputError
        for anything else.
    """
    value = card(header, key, where)
    try:
        number_value = float(value)
    except (TypeError, ValueError):
        number_value = np.nan
    if isinstance(value, bool) or not np.isfinite(number_value):
        raise InputError(f"{where}: the header card {key} must be a number, got {value!r}.")
    return number_value


def reason(error: BaseException) -> str:
    """An error's reason in one line, without the places in wcslib's sources."""
    place = r"ERROR \d+ in \S+ at line \d+ of file \S+:"
    lines = [line.strip().rstrip(".") for line in re.sub(place, "", str(error)).splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line)) or type(error).__name__
