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


def unknown(kind: str, name: str, valid_names: Iterable[str], where: str = "") -> InputError:
    """The error for a name that does not exist, with the most similar one and all that exist."""
    names = sorted(valid_names)
    # Without regard to case: METALLICITY is similar to metalicity.
    by_casefold = {valid_name.casefold(): valid_name for valid_name in names}
    near = get_close_matches(name.casefold(), by_casefold, n=1)
    hint = f" Did you mean {by_casefold[near[0]]!r}?" if near else ""
    options = ", ".join(names) or "none"
    problem = f"unknown {kind} {name!r}.{hint}"
    return InputError(f"{where + ': ' if where else ''}{problem} It may be one of: {options}.")


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


def reason(error: BaseException, short: bool = False) -> str:
    """Why something failed, in one line.

    Errors other than those of the input have the name of their class before the message.

    Parameters
    ----------
    error
        as it was raised.
    short
        whether only the first line of its message is told.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    message = str(error).strip()
    text = " ".join((message.partition("\n")[0] if short else message).split())
    if isinstance(error, InputError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@contextmanager
def surviving(failures: dict[str, str], task: str) -> Iterator[None]:
    """Continue after a block that fails, so that the other parts of a result are made.

    Parameters
    ----------
    failures
        {what failed: why}, to which the block is added if it fails.
    task
        is made in the block, for messages.
    """
    try:
        yield
    except Exception as error:
        failures[task] = reason(error)
        log.warning("%s failed: %s", task, failures[task])
        log.debug("%s failed", task, exc_info=True)


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
    with warnings.catch_warnings(record=True) as records:
        warnings.simplefilter("always", InputWarning)
        try:
            yield texts
        finally:
            texts += dict.fromkeys(
                str(w.message) for w in records if issubclass(w.category, InputWarning)
            )
    for record in records:
        if not issubclass(record.category, InputWarning):
            warnings.warn_explicit(record.message, record.category, record.filename, record.lineno)


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
