"""The state of a survey: which shards are done, running, failed or missing."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from jaxmetal.survey import store
from jaxmetal.survey.identity import Plan


@dataclass(frozen=True)
class Status:
    """The state of a survey's shards.

    Parameters
    ----------
    done, running, failed, missing
        numbers of the shards; {number: reason} of those that failed.
    galaxies, arrived, left_out
        numbers of galaxies: in all shards, in those that are done, and left out for wrong input.
    unanswered, unread
        numbers of galaxies in the shards that are done: without an answer, and those of them whose
        files could not be read.
    """

    done: list[int]
    running: list[int]
    failed: dict[int, str]
    missing: list[int]
    galaxies: int
    arrived: int
    left_out: int
    unanswered: int = 0
    unread: int = 0

    def __str__(self) -> str:
        count = len(self.done) + len(self.running) + len(self.failed) + len(self.missing)
        counts = (
            f"{len(self.done)} done, {len(self.running)} running, "
            f"{len(self.failed)} failed, {len(self.missing)} missing"
        )
        lines = [f"{self.arrived} of {self.galaxies} galaxies; {count} shards: {counts}"]
        lines += [f"{self.left_out} galaxies were left out"] if self.left_out else []
        lines += [f"{self.unanswered} galaxies have no answer"] if self.unanswered else []
        if self.unread:
            again = "the same batch tries them again"
            lines += [f"{self.unread} of them could not be read; {again}"]
        return "\n".join(
            lines + [f"shard {number}: {text}" for number, text in self.failed.items()]
        )


def missing(folder: str | os.PathLike, plan: Plan) -> list[int]:
    """The numbers of the shards whose files do not exist."""
    return [
        number
        for number in range(len(plan.shards))
        if not store.shard_path(folder, number).is_file()
    ]


def status(folder: str | os.PathLike) -> Status:
    """The state of the survey in a folder.

    Raises
    ------
    InputError
        if there is none.
    """
    plan = store.read_plan(folder)
    sizes = [len(shard["rows"]) for shard in plan.shards]
    absent = missing(folder, plan)
    tallies = {n: store.read_tally(folder, n) for n in set(range(len(sizes))).difference(absent)}
    damaged = [n for n, tally in tallies.items() if not _is_whole(folder, n, tally)]
    complete = sorted(set(tallies).difference(damaged))
    running = [number for number in absent if store.is_claimed(folder, number)]
    idle = sorted(set(absent).difference(running))
    failures = _failures(folder, idle)
    return Status(
        done=complete,
        running=running,
        failed=failures | dict.fromkeys(damaged, "is damaged; the same batch computes it again"),
        missing=[number for number in idle if number not in failures],
        galaxies=sum(sizes),
        arrived=sum(sizes[number] for number in complete),
        left_out=len(plan.bad),
        unanswered=_total("unanswered", tallies, complete),
        unread=_total("unread", tallies, complete),
    )


def _total(what: str, tallies: Mapping[int, Mapping[str, int]], numbers: Sequence[int]) -> int:
    """The sum of what some shards have counted."""
    return sum(tallies[number].get(what, 0) for number in numbers)


def _failures(folder: str | os.PathLike, numbers: Iterable[int]) -> dict[int, str]:
    """{number: why} of those shards that could not be computed."""
    texts = ((number, store.read_failure(folder, number)) for number in numbers)
    return {number: text for number, text in texts if text is not None}


def _is_whole(folder: str | os.PathLike, number: int, tally: dict[str, int]) -> bool:
    """Whether a shard has the size that it was written with, as far as that is known."""
    return store.shard_path(folder, number).stat().st_size == tally.get("bytes", -1) or not tally
