"""Work in several threads, and a flag for XLA against a deadlock in its thread pool.

On a CPU, from jaxlib 0.11 on, a Fourier transform (XLA's FftThunk) runs on a thread of XLA's Eigen
thread pool and waits there for parts of it that it has handed to the same pool. Where every thread
waits like this nobody does the work: two transforms at once, in a gradient or in two threads, end
in a deadlock. `--xla_cpu_multi_thread_eigen=false` makes each transform run in the thread that asks
for it, which cures it; other versions are left as they are.

The flag can go once the oldest jaxlib that this package admits is one in which the first two
reports are closed as fixed, and the tests of transforms at the same time in tests/test_compiled.py
pass there without it.

References ---------- https://github.com/openxla/xla/issues/46345,
https://github.com/openxla/xla/issues/46347: the transform and the pool.
https://github.com/jax-ml/jax/issues/39081: as users of JAX meet it. PyAutoFit, issues 1528 and
1530: the same cure, found independently.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.metadata import version
from typing import Any

FLAG = "xla_cpu_multi_thread_eigen"
# The first version of JAX with the deadlock. There is none yet that is known to be without it
# again.
SINCE = (0, 11)


def needed() -> bool:
    """Whether this version of JAX has the deadlock."""
    return tuple(map(int, version("jax").split(".")[:2])) >= SINCE


def keep_from_waiting() -> None:
    """Set the flag, which XLA reads when JAX computes for the first time; a choice that is there already stays."""
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
