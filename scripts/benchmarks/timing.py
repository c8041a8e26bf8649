"""Times that can be compared on a machine that does other work too: the sides take turns."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax


def alternate(
    sides: Mapping[str, Callable[[], Any]], rounds: int = 15, least: float = 0.02
) -> dict[str, float]:
    """Median seconds of each side, called in turns: A B A B.

    Parameters
    ----------
    sides
        {name: function}; each is called once beforehand, which compiles it.
    rounds
        how many turns.
    least
        seconds of a turn; a faster function is called as often as fits.
    """
    counts = {}
    for name, run in sides.items():
        jax.block_until_ready(run())
        counts[name] = max(1, min(200, int(least / max(once(run), 1e-6))))
    turns: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            begin = time.perf_counter()
            for _ in range(counts[name]):
                jax.block_until_ready(run())
            turns[name].append((time.perf_counter() - begin) / counts[name])
    return {name: statistics.median(times) for name, times in turns.items()}


def once(run: Callable[[], Any]) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - begin
