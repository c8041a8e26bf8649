"""The configuration: checked as a whole so that all mistakes are reported at once, and told as it was understood."""

from collections.abc import Mapping
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

# All that others need of a configuration, whichever module it stands in.
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

# Keys that name a file, and those that may name a function of a user's file.
FILES = ("file", "x_file", "y_file")
FUNCTIONS = ("profile", "kind")


def parse(raw: Mapping[str, Any], mistakes: Mistakes) -> Config | None:
    """The configuration with every unusable part noted as a mistake and left out, or None if nothing usable is left.

    Parameters
    ----------
    raw
        the contents of the file.
    mistakes
        to which what is wrong is added, so that the rest can be checked in the same run.
    """
    removed: set[Place] = set()
    rest = _without_odd_keys(raw, (), mistakes, removed)
    while True:
        try:
            return Config.model_validate(rest)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        for details in errors:
            # What is missing only because it was left out here has been reported already.
            if not any(
                gone[: len(place)] == place
                for gone in removed
                for place in [place_of(details["loc"])]
            ):
                place, text = explain(details)
                mistakes.add(".".join(map(str, place)) or "configuration", text)
        taken_out = set()
        for details in errors:
            place = place_of(details["loc"])
            unusable = place[:-1] if details["type"] == "missing" else place
            # Several complaints about one value take it out once.
            if any(unusable[: len(gone)] == gone for gone in taken_out):
                continue
            if gone := _remove(rest, unusable):
                taken_out.add(gone)
                removed |= {gone, place}
                mistakes.broken.add(".".join(map(str, gone)))
        if not taken_out:
            return None


def _without_odd_keys(tree: Any, place: Place, mistakes: Mistakes, removed: set[Place]) -> Any:
    """A copy of a configuration in which every key is a text; the other keys are mistakes.

    Parameters
    ----------
    tree, place
        what to copy, and where it stands.
    mistakes, removed
        to which what is wrong, and the places of what is left out, are added.
    """
    if isinstance(tree, list | tuple):
        return [_without_odd_keys(v, (*place, i), mistakes, removed) for i, v in enumerate(tree)]
    if not isinstance(tree, Mapping):
        return tree
    kept, name = {}, ""
    for key, value in tree.items():
        if isinstance(key, str):
            kept[key], name = _without_odd_keys(value, (*place, key), mistakes, removed), key
            continue
        where = ".".join(map(str, place)) or "configuration"
        if _is_decimal(key, value) and isinstance(kept.get(name), int | float):
            # {central: 8,5} is {central: 8, 5: nothing} to YAML: neither is what was meant.
            whole = kept.pop(name)
            removed.add((*place, name))
            mistakes.add(
                f"{where}.{name}".removeprefix("configuration."),
                f"'{whole},{key}' is read as text: numbers have a decimal point, write {whole}.{key}.",
            )
        else:
            said = (
                "yes, no, on and off mean true and false"
                if isinstance(key, bool)
                else f"{key} is no text"
            )
            mistakes.add(where, f"expected names as keys, and {said}; put it in quotes.")
    return kept


def _is_decimal(key: Any, value: Any) -> bool:
    """Whether a key without a value may be what stands behind a decimal comma."""
    return isinstance(key, int) and not isinstance(key, bool) and value is None


def _remove(tree: dict[str, Any], place: Place) -> Place:
    """Take out what stands at a place, or the list or value that it is inside; what was taken out, () if there is nothing."""
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
    """The configuration as it was understood: every default said, files by absolute path, "auto" by what was chosen.

    Parameters
    ----------
    config, folder
        the configuration and the folder that its paths are relative to.
    sampling
        {map: ((evaluate, convolve), margin)} for each map of the configuration.
    """
    said = config.model_dump(mode="json", exclude_none=True)
    said["sample"] = False if config.sample is None else said["sample"]
    for name, ((evaluate, convolve), margin) in sampling.items():
        said["maps"][name] |= {"supersampling": [evaluate, convolve], "margin": margin}
    _absolute(said, folder)
    for name, entry in config.maps.items():
        if isinstance(entry, FromReader):
            for option in path_options(entry.kind, folder):
                if (path := said["maps"][name].get(option)) is not None:
                    said["maps"][name][option] = _from_anywhere(path, folder)
    return said


def _from_anywhere(path: str, folder: Path) -> str:
    """A path that means the same from every folder, as one that begins with a variable does."""
    return path if path.startswith(("$", "~")) else str((folder / path).resolve())


def _absolute(tree: Any, folder: Path) -> None:
    for key, value in tree.items():
        if isinstance(value, dict):
            _absolute(value, folder)
        elif key in FILES and isinstance(value, str):
            tree[key] = _from_anywhere(value, folder)
        elif (
            key in FUNCTIONS
            and ":" in value
            and (path := module_file(value.rpartition(":")[0], folder))
        ):
            tree[key] = f"{path.resolve()}:{value.rpartition(':')[2]}"
