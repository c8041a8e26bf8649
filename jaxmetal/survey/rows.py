"""The rows of a catalogue, checked: the facts of the galaxies that are usable, and the others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.inference.progress import bar
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.groups import Facts, facts_of
from jaxmetal.survey.scenes import scene_of
from jaxmetal.survey.workers import Rows, by_workers, has_workers

# Rows that a worker of an executor checks before it reports: some seconds.
AT_ONCE = 100

# Facts of the galaxies that are usable, and {row: what is wrong} of the others.
Checked = tuple[list[Facts], dict[str, str]]


def check_rows(
    raw: Mapping[str, Any],
    folder: Path,
    catalogue: Catalogue,
    numbers: Sequence[int],
    executor: Any = None,
    progress: bool | None = None,
) -> Checked:
    """The facts of those galaxies of some rows that are usable, and what is wrong with the others.

    The galaxies' files are read; an error in one does not affect the others.

    Parameters
    ----------
    raw, folder, catalogue
        the configuration, the folder that its paths are relative to, and the galaxies.
    numbers
        of the rows, from 0.
    executor, progress
        as for `survey.run`.
    """
    ids = catalogue.ids
    first_row = {name: row for row, name in reversed(list(enumerate(ids)))}
    bad = {str(row): text for row in numbers if (text := _wrong_name(ids[row], row, first_row))}
    usable = [row for row in numbers if str(row) not in bad]
    parts = [
        Rows.of(raw, folder, catalogue, part)
        for part in (usable[i : i + AT_ONCE] for i in range(0, len(usable), AT_ONCE))
    ]
    facts: list[Facts] = []
    with bar(len(numbers), progress, "checking", "galaxies") as display:
        display.update(len(bad))
        parallel = has_workers(executor) and len(parts) > 1
        answers = _in_turn(parts)
        if parallel:
            answers = chain.from_iterable(by_workers(executor, check_all, parts))
        for row, answer in answers:
            display.update(1)
            if isinstance(answer, Facts):
                facts.append(answer)
            else:
                bad[str(row)] = answer
    return facts, bad


def check_one(rows: Rows, index: int) -> tuple[int, Facts | str]:
    """The number of one of the rows in the catalogue, and its facts or what is wrong with it."""
    number = rows.numbers[index]
    try:
        facts = facts_of(index, scene_of(rows.raw, rows.folder, rows.catalogue, index)[0])
    except (InputError, OSError) as error:
        return number, str(error)
    return number, replace(facts, row=number)


def check_all(rows: Rows) -> list[tuple[int, Facts | str]]:
    """`check_one` of all rows, in a worker process."""
    return list(_in_turn([rows]))


def _in_turn(parts: Sequence[Rows]) -> Iterator[tuple[int, Facts | str]]:
    for part in parts:
        for index in range(len(part.numbers)):
            yield check_one(part, index)


def _wrong_name(name: str, row: int, first_row: Mapping[str, int]) -> str:
    """What is wrong with the name of a galaxy; empty if nothing is."""
    if not name:
        return "the galaxy has no name."
    if first_row[name] != row:
        return f"the galaxy of row {first_row[name] + 1} has the same name."
    odd = "\n" in name or "\0" in name
    return "the galaxy's name has a line break or a null character in it." if odd else ""
