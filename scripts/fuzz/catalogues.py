"""Mutated catalogues: their text, their names, and what stands in their cells."""

import io
import random
from pathlib import Path
from typing import Any

from astropy.table import Table

from fuzz import scenes
from fuzz.trials import Case
from jaxmetal.survey.catalogue import Catalogue, check_references, read_catalogue
from jaxmetal.survey.plan import table_hash
from jaxmetal.survey.scenes import scene_of

CELLS: list[Any] = ["", "nan", "abc", "-1", "0", "1e39", "1e-50", "inf", "None", "{x}", "#a", " a "]
CELLS += [
    "../x",
    "a\0b",
    "å",
    "1,5",
    "true",
    "[1, 2]",
    "$HOME",
    "map.fits",
    "evil.py:run",
    "9" * 400,
]
NOISE = "\0\"',#\n {}é\t%"


class Cases:
    """Each is a table of two galaxies, read, checked, and one of them built."""

    def __init__(self, folder: Path):
        self._folder = folder
        scenes.write_map(folder / "map.fits")
        self._config = scenes.config()
        del self._config["truth"]
        self._config["maps"] = {"z": scenes.MAP | {"file": "{file}"}}
        self._config["galaxy"]["disc"]["light"]["R_sersic"] = "{size}"
        self._config["maps"]["z"]["psf"] = {"gaussian": {"fwhm": "{fwhm}"}}
        self._rows = {
            "id": ["a", "b"],
            "file": ["map.fits"] * 2,
            "size": [1.0, 1.2],
            "fwhm": [0.8] * 2,
        }

    def make(self, rng: random.Random) -> Case:
        kind = rng.choice(["cell", "cell", "text", "text", "column", "negative"])
        columns: dict[str, list[Any]] = {name: list(values) for name, values in self._rows.items()}
        suffix = rng.choice(["csv", "ecsv"])
        if kind == "negative":
            columns[rng.choice(["size", "fwhm"])][0] = -rng.choice([1.0, 0.5, 1e3])
        elif kind == "cell":
            name = rng.choice(list(columns))
            columns[name] = [rng.choice(CELLS), str(columns[name][1])]
        elif kind == "column":
            name = rng.choice(list(columns))
            values = columns.pop(name)
            if rng.random() < 0.5:
                columns[rng.choice([f"{name} ", name.upper(), "#", "", "é"])] = values
        text = _text(columns, suffix)
        for _ in range(rng.randint(1, 6) if kind == "text" else 0):
            at = rng.randrange(len(text) or 1)
            text = (
                text[:at] + rng.choice([rng.choice(NOISE), "", rng.choice(CELLS)]) + text[at + 1 :]
            )
        return Case(f"{kind} {suffix}", lambda: self._plan(text, suffix), kind == "negative")

    def _plan(self, text: str, suffix: str) -> object:
        path = self._folder / f"galaxies.{suffix}"
        path.write_text(text, "utf-8", newline="")
        catalogue = Catalogue(read_catalogue(path, "id"), "id")
        check_references(self._config, catalogue)
        table_hash(catalogue)
        return scene_of(self._config, self._folder, catalogue, 0)


def _text(columns: dict[str, list[Any]], suffix: str) -> str:
    text = io.StringIO()
    try:
        Table(columns).write(text, format=f"ascii.{suffix}")
    except (ValueError, TypeError):
        return ",".join(columns)
    return text.getvalue()
