"""What goes wrong because of the input: one error and one warning, each a readable line."""

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


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


def warn_user(message: str) -> None:
    """An InputWarning at the line of the script that called the package."""
    level = 2
    # Equinox makes the objects of its classes, so its frames lie between.
    while sys._getframe(level - 1).f_globals.get("__name__", "").startswith(("jaxmetal.", "equinox.")):
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
            texts += dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, InputWarning))
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
