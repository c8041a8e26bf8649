"""Parts of the planning of a survey by the workers of an executor."""

from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jaxmetal.io.compiled import keep_compiled


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
    try:
        futures = [
            executor.submit(_worked, function, part) for part in parts if has_workers(executor)
        ]
    except Exception:  # of a cluster that has ended, which the first shard will say
        futures = []
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
