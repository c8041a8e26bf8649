"""Where the shards of a survey are computed: a pool of local processes, Dask, or anything with a method submit."""

import itertools
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def opened(said: str) -> Iterator[Any]:
    """The executor that a command line names: local:N or dask:ADDRESS.

    Raises
    ------
    InputError
        for anything else, or if Dask is not installed or does not answer.
    """
    kind, _, rest = said.partition(":")
    if kind == "local" and rest.isdigit() and int(rest) > 0:
        with Pool(int(rest)) as pool:
            yield pool
    elif kind == "dask" and rest:
        with _dask(rest) as executor:
            yield executor
    else:
        raise InputError(
            f"--executor: expected local:N (N processes) or dask:ADDRESS, got {said!r}."
        )


class Pool:
    """Processes of this machine; each has a GPU to itself as long as there are enough, and then they take turns.

    Parameters
    ----------
    count
        how many processes.
    """

    def __init__(self, count: int):
        self._count = count
        self._pool = self._fresh()

    def _fresh(self) -> ProcessPoolExecutor:
        # A fresh interpreter, because a forked one would share what JAX has started.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(
            self._count, context, initializer=_settle, initargs=(context.Value("i", 0), gpus())
        )

    def submit(self, function: Callable, *arguments: Any) -> Any:
        """A future, by other processes if one of the last has died."""
        try:
            return self._pool.submit(function, *arguments)
        except BrokenExecutor:
            self._pool = self._fresh()
            return self._pool.submit(function, *arguments)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            # Whoever interrupts a survey would otherwise wait for the end of the shards that are
            # being computed; before Python 3.14 an executor has no word of its own for this.
            for process in processes:
                process.terminate()


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; none may be there."""
    if (said := os.environ.get(VISIBLE)) is not None:
        return [name for name in said.split(",") if name]
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in Path("/dev").glob("nvidia*"))
    return sorted((match[1] for match in found if match), key=int)


def _settle(turns: Any, devices: Sequence[str]) -> None:
    """What a process of the pool does first: it takes its GPU, before JAX looks for any."""
    with turns.get_lock():
        turn, turns.value = turns.value, turns.value + 1
    if devices:
        os.environ[VISIBLE] = next(itertools.islice(itertools.cycle(devices), turn, None))


@contextmanager
def _dask(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            '--executor dask: Dask is not installed; pip install "jaxmetal[cluster]".'
        ) from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--executor dask: {address} does not answer ({error}).") from None
    with client:
        yield client.get_executor(pure=False)
