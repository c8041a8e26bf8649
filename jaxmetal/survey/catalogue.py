"""A catalogue of galaxies, and the configuration of each galaxy.

In a configuration, {column} stands for the value of that column in the galaxy's row.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.io.config import Mistakes, Place
from jaxmetal.io.tables import read_table
from jaxmetal.profiles.units import known_unit
from jaxmetal.survey.absent import REFERENCE, without_absent_lines

log = logging.getLogger("jaxmetal")

# Parts of a configuration in which galaxies may differ; the others hold for all of them.
DIFFER = ("maps", "galaxy", "priors", "reference", "baseline", "truth")
# Units of numbers outside the galaxy; those of the galaxy's parameters go by their names.
_UNITS = {
    "fwhm": "arcsec",
    "pixel_scale": "arcsec",
    "effective_radius": "arcsec",
    "center": "arcsec",
    "reference": "deg",
}
_UNITS |= dict.fromkeys(("inclination", "position_angle"), "deg")
# Numbers of a prior, after the first, that are those of a logarithm.
_LOGARITHMIC = ("log_normal",)


@dataclass(frozen=True)
class Catalogue:
    """A table with a row for each galaxy, and the name of the column with their names."""

    table: Any
    id: str

    def __len__(self) -> int:
        return len(self.table)

    @property
    def ids(self) -> list[str]:
        """The name of each galaxy; empty where it is masked."""
        return [
            "" if np.ma.is_masked(value) else str(_plain(value)) for value in self.table[self.id]
        ]


def read_catalogue(path: str | os.PathLike, names: str = "") -> Any:
    """The table of an ECSV, CSV or FITS file, by its suffix.

    Parameters
    ----------
    path
        of the file.
    names
        the column of the galaxies' names, which are texts: in CSV, 007 and 7 are two.

    Raises
    ------
    InputError
        if there is no such file, it is not written as its suffix says, or has no rows.
    """
    return read_table(path, "a catalogue", names)


def check_references(raw: Mapping[str, Any], catalogue: Catalogue) -> None:
    """Check that every {column} exists and stands in a part in which galaxies may differ.

    Raises
    ------
    InputError
        with a line for each that does not.
    """
    mistakes = Mistakes()
    if catalogue.id not in catalogue.table.colnames:
        mistakes.add("survey.id", unknown("column", catalogue.id, catalogue.table.colnames))
    for place, text in _texts(raw, ()):
        where = ".".join(map(str, place))
        for name in REFERENCE.findall(text):
            if place[0] not in DIFFER:
                mistakes.add(
                    where,
                    f"a column of the catalogue cannot stand here, only in {', '.join(DIFFER)}.",
                )
            elif name not in catalogue.table.colnames:
                mistakes.add(where, unknown("column", name, catalogue.table.colnames))
            elif (unit := getattr(catalogue.table[name], "unit", None)) is not None and unit_at(
                place, raw
            ) is None:
                log.info("%s: %s is taken as it stands, in %s", where, name, unit)
    mistakes.raise_all()


def configure(raw: Mapping[str, Any], catalogue: Catalogue, row: int) -> dict[str, Any]:
    """The configuration of one galaxy.

    A value that is {column} and nothing else takes the column's type, in the unit that is expected
    at its place. A line whose file or extension is empty in the row is left out, with a warning.

    Raises
    ------
    InputError
        with a line for every value that the catalogue lacks or that cannot stand at its place.
    """
    mistakes = Mistakes()

    def fill(value: Any, place: Place) -> Any:
        if isinstance(value, Mapping):
            return {key: fill(below, (*place, key)) for key, below in value.items()}
        if isinstance(value, list | tuple):
            return [fill(below, (*place, i)) for i, below in enumerate(value)]
        if isinstance(value, str) and place[0] in DIFFER and REFERENCE.search(value):
            with mistakes.at(".".join(map(str, place))):
                return _filled(value, place, raw, catalogue.table, row)
        return value

    present = without_absent_lines(raw, catalogue.table, row)
    content = {key: fill(value, (key,)) for key, value in present.items()}
    mistakes.raise_all()
    return content


def _texts(tree: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Iterate over (place, text) of all strings in a configuration."""
    if isinstance(tree, str):
        yield place, tree
    elif isinstance(tree, Mapping | list | tuple):
        for key, below in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from _texts(below, (*place, key))


def _filled(text: str, place: Place, raw: Mapping[str, Any], table: Any, row: int) -> Any:
    """A text of the configuration with its references replaced by the values of a row."""
    if whole := REFERENCE.fullmatch(text):
        value = _cell(table, whole[1], row, unit_at(place, raw))
    else:
        value = REFERENCE.sub(lambda match: str(_cell(table, match[1], row, None)), text)
    # "file.py:function" as a profile or reader would run code that the catalogue names.
    if place[-1] in ("profile", "kind") and ":" in str(value):
        plural = "profiles" if place[-1] == "profile" else "readers"
        raise InputError(
            f"a catalogue may name {plural} that come with jaxmetal only, got {value!r}."
        )
    return value


def _cell(table: Any, name: str, row: int, target: str | None) -> Any:
    """The value of a cell in the target unit; without conversion if the target is None."""
    value = table[name][row]
    if np.ma.is_masked(value):
        raise InputError(f"the catalogue has no {name} in this row.")
    unit = getattr(table[name], "unit", None)
    # The unit of a tracer is that of its map, which is not known here.
    if unit is None or target is None:
        return _plain(getattr(value, "value", value))
    try:
        return float((np.asarray(getattr(value, "value", value), float) * unit).to_value(target))
    except Exception:
        raise InputError(
            f"{name} is in {unit}, expected {target or 'a number without a unit'}."
        ) from None


def _plain(value: Any) -> Any:
    """A Python value instead of NumPy's."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def unit_at(place: Place, raw: Mapping[str, Any]) -> str | None:
    """The unit that is expected at a place of a configuration; None where it is unknown."""
    names = [part for part in place if isinstance(part, str)]
    if place[0] == "priors":
        kind, number = (names[2] if len(names) > 2 else ""), place[-1]
        return (
            ""
            if kind in _LOGARITHMIC and number == 1
            else _parameter_unit(names[1].split("."), raw)
        )
    if place[0] == "truth":
        return _parameter_unit(names[1].split("."), raw)
    return _parameter_unit(names[1:], raw) if place[0] == "galaxy" else _UNITS.get(names[-1])


def _parameter_unit(path: list[str], raw: Mapping[str, Any]) -> str | None:
    """The unit of the parameter at a dotted path, according to the profile in the configuration."""
    # Not at the top of the module: the profiles import JAX, which `jaxmetal status` does not need.
    from jaxmetal.galaxy import LENS
    from jaxmetal.profiles import lens, light, tracer

    below: Any = raw if path[0] == LENS else raw.get("galaxy")
    for part in path[:-1]:
        below = below.get(part) if isinstance(below, Mapping) else None
    profile = str(below.get("profile")) if isinstance(below, Mapping) else ""
    homes = (lens,) if path[0] == LENS else (light,) if path[1:2] == ["light"] else (tracer, light)
    function = next(
        (value for home in homes if (value := getattr(home, profile, None)) is not None), None
    )
    return known_unit(function, path[-1])
