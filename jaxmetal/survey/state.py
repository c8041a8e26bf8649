"""The state of a survey: which shards are done, running, failed or missing."""

import os
from dataclasses import dataclass

from jaxmetal.survey import store
from jaxmetal.survey.store import Plan


@dataclass(frozen=True)
class Status:
    """The state of a survey's shards.

    Parameters
    ----------
    done, running, failed, missing
        numbers of the shards; {number: reason} of those that failed.
    galaxies, arrived, left_out
        numbers of galaxies: in all shards, in those that are done, and left out for wrong input.
    """

    done: list[int]
    running: list[int]
    failed: dict[int, str]
    missing: list[int]
    galaxies: int
    arrived: int
    left_out: int

    def __str__(self) -> str:
        count = len(self.done) + len(self.running) + len(self.failed) + len(self.missing)
        counts = (
            f"{len(self.done)} done, {len(self.running)} running, "
            f"{len(self.failed)} failed, {len(self.missing)} missing"
        )
        lines = [f"{self.arrived} of {self.galaxies} galaxies; {count} shards: {counts}"]
        lines += [f"{self.left_out} galaxies were left out"] if self.left_out else []
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
    absent = missing(folder, plan)
    running = [number for number in absent if store.is_claimed(folder, number)]
    failed = {
        n: text
        for n in absent
        if n not in running and (text := store.read_failure(folder, n)) is not None
    }
    sizes = [len(shard["rows"]) for shard in plan.shards]
    done = [number for number in range(len(sizes)) if number not in absent]
    idle = [number for number in absent if number not in running and number not in failed]
    return Status(
        done, running, failed, idle, sum(sizes), sum(sizes[n] for n in done), len(plan.bad)
    )
