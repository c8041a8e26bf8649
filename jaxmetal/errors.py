"""Errors and warnings about the input, and steps that may fail without ending a run."""

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
    """An error in the input that the user can correct.

    The message names the field, what was expected and what arrived.
    """


class InputWarning(UserWarning):
    """A change of the input that was necessary to use it; the message says which."""


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> InputError:
    """The error for a name that does not exist, with the most similar one and all that exist."""
    names = sorted(known)
    # Without regard to case: METALLICITY is similar to metalicity.
    folded = {other.casefold(): other for other in names}
    near = get_close_matches(name.casefold(), folded, n=1)
    hint = f" Did you mean {folded[near[0]]!r}?" if near else ""
    listed = ", ".join(names) or "none"
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
        hint_text = f"; {hint}" if hint else ""
        raise InputError(
            f"{where}: expected {article} {kind.__name__}, got {described(value)}{hint_text}."
        )


def described(value: Any) -> str:
    """The type of a value, in a few words."""
    if value is None:
        return "None"
    if isclass(value):
        return f"the class {value.__name__} itself"
    if isfunction(value) or ismodule(value):
        return f"the {type(value).__name__} {value.__name__.rpartition('.')[2]}"
    return type(value).__name__


def comma_hint(value: Any) -> str:
    """The correction of a text that is a number with a decimal comma; empty for other values."""
    if not isinstance(value, str) or not re.fullmatch(r"\s*[-+]?\d+,\d+([eE][-+]?\d+)?\s*", value):
        return ""
    number = value.strip().replace(",", ".")
    return f", which is read as text: numbers have a decimal point, write {number}"


def reason(error: BaseException) -> str:
    """Why something failed, in one line.

    Errors other than those of the input have the name of their class before the message.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = " ".join(str(error).split())
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def surviving(failures: dict[str, str], what: str) -> Iterator[None]:
    """Continue after a block that fails, so that the other parts of a result are made.

    Parameters
    ----------
    failures
        {what failed: why}, to which the block is added if it fails.
    what
        is made in the block, for messages.
    """
    try:
        yield
    except Exception as error:
        failures[what] = reason(error)
        log.warning("%s failed: %s", what, failures[what])
        log.debug("%s failed", what, exc_info=True)


def warn_user(message: str) -> None:
    """Issue an InputWarning at the line of the script that called the package."""
    level = 2
    # The frames of Equinox, which creates the objects of its classes, are skipped, too.
    while (
        sys._getframe(level - 1).f_globals.get("__name__", "").startswith(("jaxmetal.", "equinox."))
    ):
        level += 1
    warnings.warn(message, InputWarning, stacklevel=level)


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """Collect the InputWarnings of a block as texts, each once, instead of showing them.

    The list is filled when the block ends.
    """
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
    """Prefix the InputWarnings of a block with the part of the input that they are about.

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
