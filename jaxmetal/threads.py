"""One thread for each Fourier transform, where two of them could wait for each other for ever."""

import os
from importlib.metadata import version

FLAG = "xla_cpu_multi_thread_eigen"
# On a CPU a transform of these versions of JAX sits on a thread of a pool and waits for others of the same pool, which may all
# be waiting too: a gradient, or two threads that compute at once, then stand still.
SINCE = (0, 11)


def needed() -> bool:
    """Whether this JAX has transforms that may stand still."""
    return tuple(map(int, version("jax").split(".")[:2])) >= SINCE


def keep_from_waiting() -> None:
    """Tell XLA, which reads it when JAX computes for the first time; whoever has chosen for himself keeps his choice."""
    flags = os.environ.get("XLA_FLAGS", "")
    if needed() and FLAG not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{FLAG}=false".strip()
