"""Lines that a galaxy of a catalogue lacks: it is fitted with the others, if two are left."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, warn_user

# A column; ${NAME} is a variable of the environment.
REFERENCE = re.compile(r"(?<!\$)\{([^{}]+)\}")
# The keys of a map that say where it is; without them there is none.
PLACES = ("file", "value")
# Maps that by themselves say nothing of a ratio.
SINGLE = ("line", "lines", "light")


def without_absent_lines(raw: Mapping[str, Any], table: Any, row: int) -> dict[str, Any]:
    """The configuration of a galaxy without the lines whose file or extension its row leaves empty.

    Priors of the maps that are left out are left out too.

    Parameters
    ----------
    raw
        the configuration, with its references.
    table, row
        the catalogue, and the galaxy.

    Raises
    ------
    InputError
        if fewer than two lines are left, and no map of another kind.

    Warns
    -----
    InputWarning
        that names the lines.
    """
    if not isinstance(raw.get("maps"), Mapping):
        return dict(raw)
    maps, absent = _divided(raw["maps"], table, row)
    if not absent:
        return dict(raw)
    columns = ", ".join(dict.fromkeys(absent.values()))
    if not _are_enough(maps):
        raise InputError(f"maps: the catalogue has no {columns} in this row; one line is no ratio.")
    warn_user(f"without {', '.join(absent)}: the catalogue has no {columns} in this row")
    priors = raw.get("priors")
    if isinstance(priors, Mapping):
        priors = {p: v for p, v in priors.items() if str(p).split(".")[0] not in absent}
        return {**raw, "maps": maps, "priors": priors}
    return {**raw, "maps": maps}


def _divided(
    entries: Mapping[str, Any], table: Any, row: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """The maps that a galaxy has, and {map that it lacks: empty column}."""
    maps: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name, entry in entries.items():
        if _has_lines(entry):
            maps |= _of_several(name, entry, table, row, absent)
            continue
        is_line = isinstance(entry, Mapping) and entry.get("kind") == "line"
        column = _empty(entry, table, row) if is_line else None
        if column is None:
            maps[name] = entry
        else:
            absent[name] = column
    return maps, absent


def _are_enough(maps: Mapping[str, Any]) -> bool:
    """Whether two lines are left, or a map of another kind."""
    counts = [len(e["lines"]) if _has_lines(e) else 1 for e in maps.values()]
    others = [e for e in maps.values() if isinstance(e, Mapping) and e.get("kind") not in SINGLE]
    return sum(counts) >= 2 or bool(others)


def _has_lines(entry: Any) -> bool:
    return isinstance(entry, Mapping) and isinstance(entry.get("lines"), Mapping)


def _of_several(
    name: str, entry: Mapping[str, Any], table: Any, row: int, absent: dict[str, str]
) -> dict[str, Any]:
    """The entry of several lines with those that the galaxy has; none if it has none."""
    lines, names = dict(entry["lines"]), dict(entry.get("names") or {})
    for line, block in entry["lines"].items():
        if column := _empty(block, table, row):
            del lines[line]
            key = str(line).replace("+", "_")
            absent[names.pop(key, key)] = column
    if not lines:
        return {}
    return {name: {**entry, "lines": lines} | ({"names": names} if "names" in entry else {})}


def _empty(block: Any, table: Any, row: int) -> str | None:
    """The first column that says where a map is, and is empty in this row."""
    places = [block] if isinstance(block, str) else [block.get(key) for key in PLACES]
    for text in places:
        for column in REFERENCE.findall(text) if isinstance(text, str) else ():
            if column in table.colnames and _is_empty(table[column][row]):
                return column
    return None


def _is_empty(value: Any) -> bool:
    return bool(np.ma.is_masked(value)) or (isinstance(value, str) and not value.strip())
