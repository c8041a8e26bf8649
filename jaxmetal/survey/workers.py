"""Parts of the planning of a survey by the workers of an executor."""

from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxmetal.io.compiled import keep_compiled
from jaxmetal.survey.catalogue import Catalogue


@dataclass(frozen=True)
class Rows:
    """Some rows of a catalogue with what is needed to read them, to be sent to a worker.

    Parameters
    ----------
    raw, folder
        the configuration with its references, and the folder that its paths are relative to.
    catalogue
        these rows alone.
    numbers
        of each of them in the whole catalogue.
    """

    raw: Mapping[str, Any]
    folder: Path
    catalogue: Catalogue
    numbers: Sequence[int]

    @classmethod
    def of(
        cls, raw: Mapping[str, Any], folder: Path, catalogue: Catalogue, numbers: Sequence[int]
    ) -> "Rows":
        """The rows of a whole catalogue with these numbers."""
        return cls(raw, folder, Catalogue(catalogue.table[list(numbers)], catalogue.id), numbers)


def has_workers(executor: Any) -> bool:
    """Whether an executor computes functions; a scheduler's takes whole shards only."""
    return hasattr(executor, "submit")


def by_workers(executor: Any, function: Callable, parts: Sequence[Any]) -> Iterator[Any]:
    """What a function gives for each part, in their order.

    Parameters
    ----------
    executor
        as for `survey.run`; without workers, and where one dies, this process computes.
    function
        of one part, both of which can be sent to a process.
    parts
        of the work.
    """
    futures: list[Any] = []
    if has_workers(executor):
        with suppress(Exception):  # of a cluster that has ended, which the first shard will say
            futures = [executor.submit(_worked, function, part) for part in parts]
    if not futures:
        yield from map(function, parts)
        return
    for future, part in zip(futures, parts, strict=True):
        try:
            yield future.result()
        except (Exception, CancelledError):
            yield function(part)


def _worked(function: Callable, part: Any) -> Any:
    """What a worker gives, with the programs that it or another one has compiled."""
    keep_compiled()
    return function(part)
