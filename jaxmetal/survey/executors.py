"""Executors that compute the shards of a survey: a pool of local processes, or Dask."""

import itertools
import multiprocessing
import multiprocessing.connection
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def opened(text: str) -> Iterator[Any]:
    """The executor that a command line names: local:N or dask:ADDRESS.

    Raises
    ------
    InputError
        for anything else, or if Dask is not installed or does not answer.
    """
    kind, _, argument = text.partition(":")
    if kind == "local" and argument.isdigit() and int(argument) > 0:
        with Pool(int(argument)) as pool:
            yield pool
    elif kind == "dask" and argument:
        with _dask(argument) as executor:
            yield executor
    else:
        raise InputError(
            f"--executor: expected local:N (N processes) or dask:ADDRESS, got {text!r}."
        )


class Pool:
    """A pool of processes on this machine, to which the GPUs are assigned in turn.

    Parameters
    ----------
    count
        how many processes.
    """

    def __init__(self, count: int):
        self._count = count
        self._pool = self._fresh()

    def _fresh(self) -> ProcessPoolExecutor:
        # A new interpreter, because JAX's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(
            self._count, context, initializer=_settle, initargs=(context.Value("i", 0), gpus())
        )

    def submit(self, function: Callable, *arguments: Any) -> Any:
        """A future; the pool is started again if one of its processes has died."""
        try:
            return self._pool.submit(function, *arguments)
        except BrokenExecutor:
            self._pool = self._fresh()
            return self._pool.submit(function, *arguments)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: Any, *details: Any) -> None:
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        if kind is not None:
            # An interrupt would otherwise wait until the shards that are being computed are done.
            # Executors have a method for this from Python 3.14 on.
            for process in processes:
                process.terminate()


def gpus() -> list[str]:
    """The GPUs that this process may use, as in CUDA_VISIBLE_DEVICES; the list may be empty."""
    if (visible := os.environ.get(VISIBLE)) is not None:
        return [name for name in visible.split(",") if name]
    matches = (re.fullmatch(r"nvidia(\d+)", path.name) for path in Path("/dev").glob("nvidia*"))
    return sorted((match[1] for match in matches if match), key=int)


def check_executor(executor: Any) -> None:
    """Refuse a pool whose processes are forks of this one, in which JAX's threads do not run.

    Raises
    ------
    InputError
        with the line to write instead.
    """
    context: Any = getattr(executor, "_mp_context", None)
    if isinstance(executor, ProcessPoolExecutor) and context.get_start_method() == "fork":
        instead = "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('spawn'))"
        raise InputError(
            f"executor: its processes are forks, in which JAX never ends; write {instead}, or "
            "jaxmetal.survey.executors.Pool(2)."
        )


def _settle(turns: Any, devices: Sequence[str]) -> None:
    """Prepare a new process of the pool."""
    _assign_gpu(turns, devices)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this process when the one that started it has died, and so could not tell it to."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _assign_gpu(turns: Any, devices: Sequence[str]) -> None:
    """Restrict a new process of the pool to one GPU, before JAX is imported."""
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
