"""Work in several threads, and one thread for each Fourier transform where two of them could wait for each other for ever."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

FLAG = "xla_cpu_multi_thread_eigen"
# On a CPU a transform of these versions of JAX sits on a thread of a pool and waits for others of the same pool, which may all
# be waiting too: a gradient, or two threads that compute at once, then stand still.
SINCE = (0, 11)


def needed() -> bool:
    """Whether this JAX has transforms that may stand still."""
    return tuple(map(int, version("jax").split(".")[:2])) >= SINCE


def keep_from_waiting() -> None:
    """Tell XLA, which reads it when JAX computes for the first time; a choice that is there already stays."""
    flags = os.environ.get("XLA_FLAGS", "")
    if needed() and FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{FLAG}=false".strip()


def here(function: Callable) -> Callable:
    """`function` for another thread, in the precision of this one: what is set for a block of code is set for its thread alone."""
    import jax

    double: Any = jax.config.jax_enable_x64  # type: ignore[attr-defined]

    def there(*arguments: Any) -> Any:
        # What is set already is not set again: JAX would take each program for another one.
        with nullcontext() if jax.config.jax_enable_x64 == double else jax.enable_x64(double):  # type: ignore[attr-defined]
            return function(*arguments)

    return there


def side_by_side(function: Callable, cases: Sequence) -> list:
    """What `function` gives for each case, as many at once as this process has cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if min(len(cases), cores) == 1:
        return [function(case) for case in cases]
    pool = ThreadPoolExecutor(min(len(cases), cores))
    try:
        return list(pool.map(here(function), cases))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
