"""Mutated configurations: values, keys, and the text itself."""

import datetime
import random
from pathlib import Path
from typing import Any

import yaml

from fuzz import scenes
from fuzz.trials import Case
from jaxmetal.io import scene

ODD: list[Any] = [
    "",
    "abc",
    " 3 ",
    "8,5",
    "nan",
    "~nobody/x",
    "${NOWHERE}",
    "a\0b",
    "å" * 300,
    -1,
    0,
    1,
    1e39,
    -1e300,
    float("nan"),
    float("inf"),
    10**400,
    2**63,
    1e-50,
    True,
    [],
    {},
    [1],
    [1, 2, 3],
    [[1, 2], [3]],
    {"a": 1},
    {1.5: 2},
    {"file": "map.fits", "extension": "Z"},
    ["x"] * 1000,
    datetime.date(2024, 1, 1),
]
# What no value may be: nothing.
EMPTY = [None, {}, []]
# Numbers that cannot be negative, wherever they stand.
POSITIVE = ("amp", "R_sersic", "n_sersic", "fwhm", "pixel_scale", "theta_E", "inclination")
POSITIVE += ("margin", "starts", "draws", "warmup", "chains", "seed", "redshift", "beta")
KINDS = ["odd", "odd", "odd", "several", "text", "text", "empty", "negative", "key"]
NOISE = "\t\0:{}[]&*!|>'\"%@`#,-?é\n "


class Cases:
    """Each is a file of its own, read and built as `jaxmetal validate` does."""

    def __init__(self, folder: Path):
        self._path = folder / "fit.yaml"
        scenes.write_map(folder / "map.fits")
        self._load(yaml.safe_dump(scenes.config()))

    def make(self, rng: random.Random) -> Case:
        kind = rng.choice(KINDS)
        config, nonsense = scenes.config(), kind in ("empty", "negative", "key")
        place = rng.choice(scenes.leaves(config))
        if kind == "negative":
            numbers = [p for p in scenes.leaves(config) if p[-1] in POSITIVE]
            place = rng.choice(numbers)
            _put(config, place, -rng.choice([1, 0.5, 3, 1e3]))
        elif kind == "empty":
            _put(config, place, rng.choice(EMPTY))
        elif kind == "key":
            scenes.holder(config, place)[f"{place[-1]}x"] = rng.choice(ODD[:10])
        else:
            for _ in range(rng.randint(1, 4) if kind == "several" else 1):
                _mutate(config, rng)
        text = yaml.safe_dump(config, allow_unicode=True)
        if kind == "text":
            text = _spoiled(text, rng)
        return Case(f"{kind} {place}", lambda: self._load(text), nonsense)

    def _load(self, text: str) -> object:
        self._path.write_text(text, "utf-8", errors="replace")
        return scene.load(self._path)


def _put(config: Any, place: tuple, value: Any) -> None:
    scenes.holder(config, place)[place[-1]] = value


def _mutate(config: Any, rng: random.Random) -> None:
    """Another value, a key less, a key more, a value from elsewhere."""
    places = scenes.leaves(config)
    place, other = rng.choice(places), rng.choice(places)
    parent = scenes.holder(config, place)
    if not isinstance(parent, dict):
        return
    how = rng.randrange(5)
    if how == 0:
        del parent[place[-1]]
    elif how == 1:
        parent[rng.choice(["x", "e1", "file", 3, "a.b", "profile"])] = rng.choice(ODD)
    elif how == 2:
        _put(config, place, scenes.holder(config, other)[other[-1]])
    else:
        # A whole branch, or a leaf.
        depth = rng.randint(1, len(place))
        _put(config, place[:depth], rng.choice(ODD))


def _spoiled(text: str, rng: random.Random) -> str:
    """The text with letters and lines changed, taken out or repeated."""
    for _ in range(rng.randint(1, 5)):
        lines, at = text.split("\n"), rng.randrange(len(text) or 1)
        line = rng.randrange(len(lines))
        choice = rng.randrange(5)
        if choice == 0:
            text = text[:at] + rng.choice(NOISE) + text[at:]
        elif choice == 1:
            text = text[:at] + text[at + rng.randint(1, 9) :]
        elif choice == 2:
            text = "\n".join([*lines[:line], lines[line], *lines[line:]])
        elif choice == 3:
            lines[line] = " " * rng.randint(1, 3) + lines[line]
            text = "\n".join(lines)
        else:
            text = text[:at] + rng.choice(NOISE) * rng.choice([1, 50, 5000]) + text[at:]
    return text
