"""What goes wrong because of the input: one error and one warning, each a readable line."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from inspect import isclass, isfunction, ismodule
from typing import Any


class InputError(ValueError):
    """Something the user can put right; the message names the field, what was expected and what arrived."""


class InputWarning(UserWarning):
    """The input was usable only after a change, and the message says which."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> InputError:
    """The error for a name that does not exist, with the nearest right one and the whole list."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(known) or "none"
    return InputError(f"{where + ': ' if where else ''}unknown {kind} {name!r}.{hint} It may be one of: {listed}.")


def check_type(value: Any, kind: type, where: str, hint: str = "") -> None:
    """Refuse an argument of another type.

    Parameters
    ----------
    value, kind
        the argument, and the class that it must be an instance of.
    where
        the function and the argument, such as "predict: galaxy".
    hint
        how it is written instead.

    Raises
    ------
    InputError
        that says what was expected and what arrived.
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        said = f"; {hint}" if hint else ""
        raise InputError(f"{where}: expected {article} {kind.__name__}, got {described(value)}{said}.")


def described(value: Any) -> str:
    """What kind of thing a value is, in a few words."""
    if value is None:
        return "None"
    if isclass(value):
        return f"the class {value.__name__} itself"
    if isfunction(value) or ismodule(value):
        return f"the {type(value).__name__} {value.__name__.rpartition('.')[2]}"
    return type(value).__name__


def comma_hint(value: Any) -> str:
    """What to write instead of a text that is a number with a decimal comma; nothing for any other value."""
    if not isinstance(value, str) or not re.fullmatch(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*", value):
        return ""
    return f", which is read as text: numbers have a decimal point, write {value.strip().replace(',', '.')}"
