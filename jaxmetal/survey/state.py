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
    sizes = [len(shard["rows"]) for shard in plan.shards]
    absent = missing(folder, plan)
    complete = sorted(set(range(len(sizes))).difference(absent))
    running = [number for number in absent if store.is_claimed(folder, number)]
    idle = sorted(set(absent).difference(running))
    reasons = {number: store.read_failure(folder, number) for number in idle}
    return Status(
        done=complete,
        running=running,
        failed={number: text for number, text in reasons.items() if text is not None},
        missing=[number for number, text in reasons.items() if text is None],
        galaxies=sum(sizes),
        arrived=sum(sizes[number] for number in complete),
        left_out=len(plan.bad),
    )
