"""What goes wrong: one error and one warning of the input, each a readable line, and what may fail without taking the rest along."""

import logging
import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from inspect import isclass, isfunction, ismodule
from typing import Any

log = logging.getLogger("jaxmetal")


class InputError(ValueError):
    """Something the user can put right; the message names the field, what was expected and what arrived."""


class InputWarning(UserWarning):
    """The input was usable only after a change, and the message says which."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> InputError:
    """The error for a name that does not exist, with the nearest right one and the whole list."""
    known = sorted(known)
    # Whatever the case: METALLICITY is near metalicity.
    folded = {other.casefold(): other for other in known}
    near = get_close_matches(name.casefold(), folded, n=1)
    hint = f" Did you mean {folded[near[0]]!r}?" if near else ""
    listed = ", ".join(known) or "none"
    return InputError(
        f"{where + ': ' if where else ''}unknown {kind} {name!r}.{hint} It may be one of: {listed}."
    )


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
        raise InputError(
            f"{where}: expected {article} {kind.__name__}, got {described(value)}{said}."
        )


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


def reason(error: BaseException) -> str:
    """Why something failed, in one line for whoever reads a summary; what is no error of the input has its class's name before it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def surviving(failures: dict[str, str], what: str) -> Iterator[None]:
    """Go on after a block that fails, so that one part of a result costs none of the others.

    Parameters
    ----------
    failures
        {what failed: why}, to which the block is added if it does.
    what
        is made in the block, for people.
    """
    try:
        yield
    except Exception as error:
        failures[what] = reason(error)
        log.warning("%s failed: %s", what, failures[what])
        log.debug("%s failed", what, exc_info=True)


def warn_user(message: str) -> None:
    """An InputWarning at the line of the script that called the package."""
    level = 2
    # Equinox makes the objects of its classes, so its frames lie between.
    while (
        sys._getframe(level - 1).f_globals.get("__name__", "").startswith(("jaxmetal.", "equinox."))
    ):
        level += 1
    warnings.warn(message, InputWarning, stacklevel=level)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """The InputWarnings of a block as a list of texts, each once, which is filled when the block ends; they are not shown."""
    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        try:
            yield texts
        finally:
            texts += dict.fromkeys(
                str(w.message) for w in caught if issubclass(w.category, InputWarning)
            )
    for other in caught:
        if not issubclass(other.category, InputWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)


@contextmanager
def warnings_about(where: str) -> Iterator[None]:
    """InputWarnings of a block say which part of the input they are about.

    Parameters
    ----------
    where
        the part, such as "maps.z".
    """
    texts: list[str] = []
    try:
        with collected_warnings() as texts:
            yield
    finally:
        for text in texts:
            warnings.warn(f"{where}: {text}", InputWarning, stacklevel=3)
