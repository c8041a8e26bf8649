"""The configuration: checked as a whole, and written out with every default.

All mistakes are reported at once.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jaxmetal.io.documents import as_text, read, write
from jaxmetal.io.entries import FromReader
from jaxmetal.io.explain import Place, explain, place_of
from jaxmetal.io.mistakes import Mistakes
from jaxmetal.io.paths import file_path, module_file
from jaxmetal.io.readers.options import path_options
from jaxmetal.io.schema import Config

# The public names of configurations, of whichever module.
__all__ = [
    "Mistakes",
    "Place",
    "as_text",
    "file_path",
    "module_file",
    "parse",
    "read",
    "resolved",
    "write",
]

# Keys that name a file.
FILES = ("file", "x_file", "y_file", "grid")
# Keys that may name a function of a user's file.
FUNCTIONS = ("profile", "kind", "relation", "attenuation")


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Config | None:
    """The configuration without its unusable parts, which are noted as mistakes.

    Parameters
    ----------
    raw
        the contents of the file.
    mistakes
        to which what is wrong is added, so that the other parts can be checked in the same run.

    Returns
    -------
    config
        None if nothing usable is left.
    """
    removals: set[Place] = set()
    tree = _without_odd_keys(raw, (), mistakes, removals)
    while True:
        try:
            config = Config.model_validate(tree)
            _refuse_nothing(tree, (), mistakes, _arguments(config))
            return config
        except ValidationError as error:
            errors = error.errors(include_url=False)
        for details in errors:
            place = place_of(details["loc"])
            # What is missing only because it was left out here has been reported already.
            if not any(removed_place[: len(place)] == place for removed_place in removals):
                place, text = explain(details)
                mistakes.add(".".join(map(str, place)) or "configuration", text)
        if not _without_errors(tree, errors, mistakes, removals):
            return None


def _without_errors(
    tree: dict[str, Any], errors: Sequence[Any], mistakes: Mistakes, removals: set[Place]
) -> bool:
    """Take what pydantic complains of out of a configuration; whether there was anything.

    Parameters
    ----------
    tree
        the configuration, which is changed.
    errors
        of a ValidationError.
    mistakes, removals
        to which the places of what is left out are added.
    """
    taken_out: set[Place] = set()
    for details in errors:
        place = place_of(details["loc"])
        unusable = place[:-1] if details["type"] == "missing" else place
        # Several complaints about one value take it out once.
        if any(unusable[: len(removed_place)] == removed_place for removed_place in taken_out):
            continue
        if part := _remove(tree, unusable):
            taken_out.add(part)
            removals |= {part, place}
            mistakes.broken.add(".".join(map(str, part)))
    return bool(taken_out)


def _arguments(config: Config) -> set[Place]:
    """The places of what a reader, or a user's own kind of map, gets as its arguments."""
    places: set[Place] = {("maps", name, "options") for name in config.maps}
    for name, entry in config.maps.items():
        options = entry.options if isinstance(entry, FromReader) else ()
        places |= {("maps", name, option) for option in options}
    return places


def _refuse_nothing(tree: Any, place: Place, mistakes: Mistakes, others: set[Place]) -> None:
    """Note keys whose value is missing; the default is meant by leaving out the key.

    Parameters
    ----------
    tree, place
        a part of the configuration, and where it stands.
    mistakes
        to which they are added.
    others
        places whose values are for others to judge.
    """
    if place in others:
        return
    if tree is None:
        hint = "leave the key out for its default"
        mistakes.add(".".join(map(str, place)), f"expected a value, got nothing; {hint}.")
    elif isinstance(tree, Mapping):
        for key, value in tree.items():
            _refuse_nothing(value, (*place, key), mistakes, others)


def _without_odd_keys(tree: Any, place: Place, mistakes: Mistakes, removals: set[Place]) -> Any:
    """A copy of a configuration in which every key is a text; the other keys are mistakes.

    Parameters
    ----------
    tree, place
        what to copy, and its place in the configuration.
    mistakes, removals
        to which what is wrong, and the places of what is left out, are added.
    """
    if isinstance(tree, list | tuple):
        return [_without_odd_keys(v, (*place, i), mistakes, removals) for i, v in enumerate(tree)]
    if not isinstance(tree, Mapping):
        return tree
    entries, name = {}, ""
    for key, value in tree.items():
        if isinstance(key, str):
            entries[key], name = _without_odd_keys(value, (*place, key), mistakes, removals), key
            continue
        where = ".".join(map(str, place)) or "configuration"
        if _is_decimal(key, value) and isinstance(entries.get(name), int | float):
            # {central: 8,5} is {central: 8, 5: nothing} to YAML: neither is what was meant.
            whole = entries.pop(name)
            removals.add((*place, name))
            remedy = f"numbers have a decimal point, write {whole}.{key}."
            mistakes.add(
                f"{where}.{name}".removeprefix("configuration."),
                f"'{whole},{key}' is read as text: {remedy}",
            )
        else:
            reason = f"{key} is no text"
            if isinstance(key, bool):
                reason = "yes, no, on and off mean true and false"
            mistakes.add(where, f"expected names as keys, and {reason}; put it in quotes.")
    return entries


def _is_decimal(key: Any, value: Any) -> bool:
    """Whether a key without a value may be the digits after a decimal comma."""
    return isinstance(key, int) and not isinstance(key, bool) and value is None


def _remove(tree: dict[str, Any], place: Place) -> Place:
    """Remove a place, or the list or value that it is inside; the place removed, () if none is."""
    holder, depth = tree, 0
    while depth < len(place) and isinstance(holder, dict) and place[depth] in holder:
        inside = holder[place[depth]]
        depth += 1
        if depth == len(place) or not isinstance(inside, dict) or place[depth] not in inside:
            del holder[place[depth - 1]]
            return place[:depth]
        holder = inside
    return ()


def resolved(
    config: Config, folder: Path, sampling: Mapping[str, tuple[Any, int]]
) -> dict[str, Any]:
    """The configuration with every default, files by absolute path, and the chosen sampling.

    Parameters
    ----------
    config, folder
        the configuration and the folder that its paths are relative to.
    sampling
        {map: ((evaluate, convolve), margin)} for each map of the configuration.
    """
    tree = config.model_dump(mode="json", exclude_none=True)
    tree["sample"] = False if config.sample is None else tree["sample"]
    tree.setdefault("accuracy", "none")
    for name, ((evaluate, convolve), margin) in sampling.items():
        tree["maps"][name] |= {"supersampling": [evaluate, convolve], "margin": margin}
    _absolute(tree, folder)
    for name, entry in config.maps.items():
        if isinstance(entry, FromReader):
            for option in path_options(entry.kind, folder):
                if (path := tree["maps"][name].get(option)) is not None:
                    tree["maps"][name][option] = _from_anywhere(path, folder)
    return tree


def _from_anywhere(path: str, folder: Path) -> str:
    """An absolute path; one that begins with a variable or ~ is unchanged."""
    return path if path.startswith(("$", "~")) else str((folder / path).resolve())


def _absolute(tree: Any, folder: Path) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _absolute(value, folder)
        elif key in FILES and isinstance(value, str):
            tree[key] = _from_anywhere(value, folder)
        elif key in FUNCTIONS and ":" in value:
            source, _, name = value.rpartition(":")
            if path := module_file(source, folder):
                tree[key] = f"{path.resolve()}:{name}"
