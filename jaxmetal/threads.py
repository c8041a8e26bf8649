"""Computation in several threads, and a flag of XLA against a deadlock in its thread pool.

On a CPU, from jaxlib 0.11 on, a Fourier transform (XLA's FftThunk) runs on a thread of XLA's Eigen
thread pool and waits there for tasks that it has submitted to the same pool. If all threads wait
like this, none is left for the tasks: two transforms at once, in a gradient or in two threads, end
in a deadlock. With `--xla_cpu_multi_thread_eigen=false` each transform runs in the thread that
calls it, which avoids the deadlock; the flag is not set for other versions.

The flag can go once the oldest jaxlib that this package admits is one in which the first two
reports are closed as fixed, and the tests of transforms at the same time in tests/test_compiled.py
pass there without it.

References
----------
https://github.com/openxla/xla/issues/46345, https://github.com/openxla/xla/issues/46347: the
transform and the pool.
https://github.com/jax-ml/jax/issues/39081: the deadlock in JAX.
PyAutoFit, issues 1528 and 1530: the same remedy, found independently.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

FLAG = "xla_cpu_multi_thread_eigen"
# The first version of JAX with the deadlock; no later version is known to be without it.
SINCE = (0, 11)


def needed() -> bool:
    """Whether this version of JAX has the deadlock."""
    return tuple(map(int, version("jax").split(".")[:2])) >= SINCE


def keep_from_waiting() -> None:
    """Set the flag, unless it is set; XLA reads it when JAX computes for the first time."""
    flags = os.environ.get("XLA_FLAGS", "")
    if needed() and FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{FLAG}=false".strip()


def here(function: Callable) -> Callable:
    """`function` for another thread, in the precision of this one.

    `jax.enable_x64` as a context manager sets the precision of its own thread only.
    """
    import jax

    double: Any = jax.config.jax_enable_x64  # type: ignore[attr-defined]

    def in_same_precision(*arguments: Any) -> Any:
        # A precision that is set already is not set again, because JAX would compile again.
        current: Any = jax.config.jax_enable_x64  # type: ignore[attr-defined]
        with nullcontext() if current == double else jax.enable_x64(double):
            return function(*arguments)

    return in_same_precision


def side_by_side(function: Callable, cases: Sequence) -> list:
    """The values of `function` for each case, computed in as many threads as there are cores."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if min(len(cases), cores) == 1:
        return [function(case) for case in cases]
    pool = ThreadPoolExecutor(min(len(cases), cores))
    try:
        return list(pool.map(here(function), cases))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
