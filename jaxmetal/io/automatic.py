"""Numbers and priors of a configuration that are `auto`: taken from the data, and written out.

A parameter of a profile may be `auto`, a prior (`disc.light.amp: auto`), or all priors together
(`priors: auto`; beside others, `others: auto`). What is found replaces the word, so that the
configuration that the results keep has numbers, and gives the same fit again.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.priors import Tied
from jaxmetal.io.config import Mistakes, Place
from jaxmetal.maps import Map
from jaxmetal.science.starts.estimates import numbers_of
from jaxmetal.science.starts.guess import Guess, Line, guess

AUTO = "auto"
# The key of all priors that are not given by their paths.
OTHERS = "others"
# Digits of what is written.
DIGITS = 6


@dataclass(frozen=True)
class Automatic:
    """What a configuration leaves to the data.

    Parameters
    ----------
    values
        {path of a parameter: its place in the configuration}.
    priors
        the paths of priors.
    others
        whether all others are given a prior, too.
    """

    values: Mapping[str, Place]
    priors: tuple[str, ...] = ()
    others: bool = False

    def __bool__(self) -> bool:
        return bool(self.values or self.priors or self.others)


def find_automatic(raw: Mapping[str, Any]) -> tuple[dict[str, Any], Automatic]:
    """What a configuration leaves to the data, and its contents without those priors.

    Parameters
    ----------
    raw
        the contents of a file, not yet checked.

    Returns
    -------
    rest, automatic
        of which the parameters of the first still say `auto`.
    """
    rest, priors = dict(raw), raw.get("priors")
    if priors == AUTO:
        priors = {OTHERS: AUTO}
    words: list[str] = []
    if isinstance(priors, Mapping):
        words = [str(path) for path, prior in priors.items() if prior == AUTO]
        rest["priors"] = {path: prior for path, prior in priors.items() if prior != AUTO}
    paths = tuple(path for path in words if path != OTHERS)
    return rest, Automatic(_places(raw.get("galaxy")), paths, OTHERS in words)


def _places(galaxy: Any) -> dict[str, Place]:
    """{path of a parameter: its place} of each `auto` in the part of a configuration."""
    parts = galaxy.items() if isinstance(galaxy, Mapping) else ()
    blocks = {name: part for name, part in parts if isinstance(part, Mapping)}
    return {
        path: place
        for name, block in blocks.items()
        for path, place in _words(block, (str(name),), ("galaxy", name))
    }


def _words(block: Mapping[str, Any], path: tuple, place: Place) -> Iterator[tuple[str, Place]]:
    """Iterate over (path of a parameter, place) of each `auto` in a part of a component."""
    for key, value in block.items():
        if isinstance(value, Mapping) and key != "emission":
            # The parameters of a random field are those of its tracer.
            below = path if key == "field" and len(path) > 1 else (*path, str(key))
            yield from _words(value, below, (*place, key))
        elif isinstance(value, str) and value == AUTO and len(path) > 1:
            yield ".".join((*path, str(key))), (*place, key)


def check_want(automatic: Automatic, want: str, mistakes: Mistakes) -> None:
    """Note what is left to the data in a simulation, which has none.

    Parameters
    ----------
    automatic
        what is left to the data.
    want
        "fit" or "simulate".
    mistakes
        to which they are added.
    """
    if want != "fit":
        places = [".".join(map(str, place)) for place in automatic.values.values()]
        places += [f"priors.{path}" for path in automatic.priors]
        places += ["priors"] if automatic.others else []
        for place in places:
            mistakes.add(place, "auto: a simulation has no maps to take it from; write it out.")


def filled_in(
    raw: Mapping[str, Any],
    automatic: Automatic,
    galaxy: Galaxy,
    maps: Mapping[str, Map],
    mistakes: Mistakes,
) -> tuple[dict[str, Any], tuple[Line, ...]]:
    """The contents of a configuration with numbers and priors from the data in their places.

    Parameters
    ----------
    raw, automatic
        as `find_automatic` gives them.
    galaxy
        with any number where the configuration says `auto`.
    maps
        the data, by name.
    mistakes
        to which is added what the data do not tell.

    Returns
    -------
    filled, lines
        the contents, and what was used of the guess.
    """
    proposal = guess(galaxy, maps, automatic.values)
    lines = {line.path: line for line in proposal.lines}
    filled = copy.deepcopy(dict(raw))
    used: dict[str, Line] = {}
    given = filled.get("priors") or {}
    for path, place in automatic.values.items():
        line = lines.get(path) or Line(path, None, None, "no number of a profile")
        if line.value is None:
            mistakes.add(".".join(map(str, place)), f"auto: {line.source}; write a number.")
            continue
        _put(filled, place, rounded(line.value))
        used[path] = line._replace(prior="as written" if path in given else None)
    for path in _wanted(automatic, proposal, filled, mistakes, lines):
        filled["priors"][path] = prior_block(proposal.priors[path])
        started = used.get(path)
        used[path] = lines[path]._replace(value=started and started.value)
    return filled, tuple(used[path] for path in lines if path in used)


def _wanted(
    automatic: Automatic,
    proposal: Guess,
    filled: dict[str, Any],
    mistakes: Mistakes,
    lines: Mapping[str, Line],
) -> list[str]:
    """The paths whose priors are taken from a guess."""
    given = filled.get("priors") or {}
    filled["priors"] = dict(given)
    for path in automatic.priors:
        if path not in proposal.priors:
            why = lines[path].source if path in lines else "nothing is guessed of it"
            mistakes.add(f"priors.{path}", f"auto: {why}; write a prior.")
    wanted = proposal.priors if automatic.others else automatic.priors
    return [path for path in wanted if path in proposal.priors and path not in given]


def _put(tree: dict[str, Any], place: Place, value: Any) -> None:
    """Replace a value of nested mappings."""
    for key in place[:-1]:
        tree = tree[key]
    tree[place[-1]] = value


def rounded(number: float) -> float:
    """A number with as many digits as a configuration needs."""
    return float(f"{number:.{DIGITS}g}")


def prior_block(prior: Any) -> dict[str, Any]:
    """A prior of a guess as a configuration writes it.

    Parameters
    ----------
    prior
        a distribution that `guess` gives, or a `Tied` to one path.

    Returns
    -------
    block
        such as {"normal": [8.6, 0.3]}.

    Raises
    ------
    InputError
        for a tie by a function.
    """
    if isinstance(prior, Tied):
        if len(prior.paths) != 1:
            raise InputError("a tie to several parameters cannot stand in a configuration.")
        return {"tied": prior.paths[0]}
    family, numbers = numbers_of(prior)
    values = [rounded(number) for number in numbers]
    return {family: values[0] if len(values) == 1 else values}


def placeholder(function: Any, name: str) -> float:
    """A number that a parameter may be, to stand where a configuration says `auto`."""
    from jaxmetal.profiles.ranges import ELLIPTICITY, declared_range
    from jaxmetal.science.starts.estimates import inside

    allowed = declared_range(function, name)
    return 0.0 if allowed is ELLIPTICITY else float(np.float32(inside(1.0, allowed)))
