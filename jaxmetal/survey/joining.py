"""Groups of galaxies joined where that takes less time than compiling programs for each."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.instrument.sampling import Sampling, finest
from jaxmetal.survey.groups import Facts

# Galaxies of one group are computed as finely, and in frames as large, as another one's where that
# adds fewer cells of all their maps than this: about those that two processes compute in the time
# that it takes to compile the programs of a group.
CELLS_OF_A_PROGRAM = 3e6


class Group(NamedTuple):
    """Galaxies that are computed by the same programs.

    Parameters
    ----------
    members
        of one structure.
    entry
        what a plan says of them: {"frames", "samplings", "errors"} of each map.
    """

    members: list[Facts]
    entry: dict[str, Any]

    @property
    def cells(self) -> int:
        """How many cells the maps of one of its galaxies have."""
        samplings = self.entry["samplings"]
        return sum(
            int(np.prod(Sampling(**samplings[name]).cells(frame)))
            for name, frame in self.entry["frames"].items()
        )

    def cells_added(self, other: "Group") -> int:
        """By how many cells all galaxies of two groups are more if they are one."""
        both = self.with_other(other)
        parts = (len(part.members) * part.cells for part in (self, other))
        return len(both.members) * both.cells - sum(parts)

    def with_other(self, other: "Group") -> "Group":
        """The galaxies of both, as fine and in frames as large as those of either."""
        mine, theirs = self.entry, other.entry
        frames = {
            name: tuple(np.maximum(frame, theirs["frames"][name]).tolist())
            for name, frame in mine["frames"].items()
        }
        samplings = {
            name: asdict(finest([Sampling(**one), Sampling(**theirs["samplings"][name])]))
            for name, one in mine["samplings"].items()
        }
        errors = {
            name: {
                label: max(error, theirs["errors"].get(name, {}).get(label, error))
                for label, error in of_map.items()
            }
            for name, of_map in mine["errors"].items()
        }
        entry = {"frames": frames, "samplings": samplings, "errors": errors}
        return Group([*self.members, *other.members], entry)


def joined(groups: Sequence[Group]) -> list[Group]:
    """The groups, of which those with one structure are joined where programs would cost more.

    Parameters
    ----------
    groups
        of galaxies that have the same frames and samplings.

    Returns
    -------
    groups
        each in the order of the catalogue, as are their first galaxies.
    """
    by_structure: dict[str, list[Group]] = {}
    for group in groups:
        by_structure.setdefault(group.members[0].structure, []).append(group)
    result = [group for same in by_structure.values() for group in _joined(same)]
    ordered = [Group(sorted(g.members, key=lambda f: f.row), g.entry) for g in result]
    return sorted(ordered, key=lambda group: group.members[0].row)


def _joined(groups: Sequence[Group]) -> list[Group]:
    """The groups of one structure, from coarse to fine and from small to large; neighbours join."""

    def order(group: Group) -> tuple:
        samplings = group.entry["samplings"].values()
        return sum(sampling["convolve"] for sampling in samplings), group.cells

    result = sorted(groups, key=order)
    while len(result) > 1:
        added = [one.cells_added(other) for one, other in pairwise(result)]
        i = int(np.argmin(added))
        if added[i] >= CELLS_OF_A_PROGRAM:
            break
        result[i : i + 2] = [result[i].with_other(result[i + 1])]
    return result
