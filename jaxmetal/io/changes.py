"""Single values of a configuration that the command line changes: --set path=value."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from jaxmetal.errors import InputError

# Blocks whose keys are paths themselves.
BY_PATH = ("priors", "truth")


def changes_of(texts: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """The values that a command line sets.

    Parameters
    ----------
    texts
        "path=value" of each, the value as YAML writes it.
    option
        of the command line, for messages.

    Returns
    -------
    changes
        {path: value}.

    Raises
    ------
    InputError
        for a text without a path, or a value that is no YAML.
    """
    changes = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not all(path.split(".")):
            raise InputError(f"{option}: expected PATH=VALUE, such as fit.starts=8, got {text!r}.")
        try:
            changes[path] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InputError(f"{option} {path}: {value!r} is no value that can be read.") from None
    return changes


def with_changes(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The contents of a configuration with other values.

    Parameters
    ----------
    raw
        the contents.
    changes
        {path: value}: "maps.z.psf.gaussian.fwhm", or "priors.disc.light.amp", whose key is the path
        of a parameter. What is not there yet is added.

    Returns
    -------
    changed
        a copy; the contents themselves without changes.

    Raises
    ------
    InputError
        for a path through a value that is no block.
    """
    changed = copy.deepcopy(dict(raw)) if changes else dict(raw)
    for path, value in changes.items():
        first, *below = path.split(".")
        names = [first, ".".join(below)] if first in BY_PATH and below else [first, *below]
        tree = changed
        for i, name in enumerate(names[:-1]):
            tree = tree.setdefault(name, {})
            if not isinstance(tree, dict):
                where = ".".join(names[: i + 1])
                raise InputError(f"--set {path}: {where} is {tree!r}, which has nothing below it.")
        tree[names[-1]] = value
    return changed
