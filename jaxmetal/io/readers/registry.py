"""Readers by name: those of this package, of installed packages, and users' own functions."""

import functools
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from jaxmetal.errors import unknown
from jaxmetal.io.paths import imported_function

# Entry points of this group in other packages are readers.
GROUP = "jaxmetal.readers"
BUILTIN = {
    "manga": "jaxmetal.io.readers.manga:read_manga",
    "sami": "jaxmetal.io.readers.sami:read_sami",
}


@functools.cache
def installed() -> dict[str, str]:
    """The readers that are known by name.

    Returns
    -------
    readers
        {name: "module:function"}; a package cannot replace a reader of this one.
    """
    return {point.name: point.value for point in entry_points(group=GROUP)} | BUILTIN


def is_reader(kind: object) -> bool:
    """Whether a map's `kind` in a configuration names a reader, or may: "module:function"."""
    return isinstance(kind, str) and (":" in kind or kind in installed())


def find_reader(kind: str, folder: Path) -> Callable:
    """The function that reads a kind of file.

    Parameters
    ----------
    kind
        the name of a reader, or "module:function" or "file.py:function" of a user's own.
    folder
        that a user's file is relative to.

    Returns
    -------
    read
        function of a path and options by keyword, which returns a `Reading`.

    Raises
    ------
    InputError
        if there is no such reader, or it cannot be imported.
    """
    if ":" in kind:
        return imported_function(kind, folder, "kind")
    if kind not in installed():
        raise unknown("reader", kind, installed())
    return imported_function(installed()[kind], folder, "kind")
