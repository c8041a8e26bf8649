"""Progress of a long computation: a bar on a terminal or in a notebook, else log lines."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Protocol

# Seconds between the lines in a log.
EVERY = 30.0


class Progress(Protocol):
    """The interface by which a computation reports its progress."""

    def update(self, count: float) -> Any:
        """Add to the number of completed items."""
        ...


@contextmanager
def bar(total: int | None, progress: bool | None, text: str, unit: str = "") -> Iterator[Progress]:
    """Show the progress of a computation; updates are thread-safe.

    Parameters
    ----------
    total
        what it counts to; None for what cannot be counted, of which the text alone is shown.
    progress
        whether to show anything. If None: a bar on a terminal and in a notebook, elsewhere (a log
        file, a job of Slurm) a line every half minute.
    text
        what is being done.
    unit
        of what is counted, such as "galaxies".
    """
    if progress is False:
        yield _Nothing()
        return
    display: Any = (
        _Bar(total, text, unit) if progress or _is_watched() else _Lines(total, text, unit)
    )
    try:
        yield display
    finally:
        display.close()


def _is_watched() -> bool:
    """Whether the output goes to a terminal or a notebook."""
    return sys.stderr.isatty() or _is_notebook()


def _is_notebook() -> bool:
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None


class _Nothing:
    def update(self, count: float) -> None:
        pass


class _Bar:
    """tqdm's bar with a lock, because tqdm itself is not thread-safe."""

    def __init__(self, total: int | None, text: str, unit: str):
        self._lock, self._total = threading.Lock(), total
        looks = (
            {"bar_format": "{desc} …"} if total is None else {"unit": f" {unit}" if unit else "it"}
        )
        self._bar = _tqdm()(total=total, desc=text, leave=False, **looks)

    def update(self, count: float) -> None:
        with self._lock:
            # Work is done in pieces of one size, the last of which may be more than what was left.
            remainder = count if self._total is None else self._total - self._bar.n
            self._bar.update(min(count, remainder))

    def close(self) -> None:
        self._bar.close()


def _tqdm() -> Any:
    """The bar of a notebook where one is shown and can draw it, else that of a terminal."""
    import tqdm

    if _is_notebook() and find_spec("ipywidgets"):
        import tqdm.notebook

        return tqdm.notebook.tqdm
    return tqdm.tqdm


class _Lines:
    """A line on the standard error every half minute, also without updates."""

    def __init__(self, total: int | None, text: str, unit: str):
        self._total, self._text, self._unit = total, text, unit
        self._done, self._since = 0.0, time.monotonic()
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._report, daemon=True)
        self._thread.start()

    def update(self, count: float) -> None:
        with self._lock:
            self._done = (
                self._done + count if self._total is None else min(self._done + count, self._total)
            )

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _report(self) -> None:
        while not self._ended.wait(EVERY):
            line = progress_line(
                self._text, self._done, self._total, self._unit, time.monotonic() - self._since
            )
            print(f"jaxmetal: {line}", file=sys.stderr, flush=True)


def progress_line(text: str, count: float, total: float | None, unit: str, seconds: float) -> str:
    """The line of a log about a computation.

    Parameters
    ----------
    text, unit
        what is being done, and what is counted.
    count, total
        how much of it; None if that cannot be counted.
    seconds
        since it began.

    Returns
    -------
    line
        such as "sampling: 43 % (344 of 800 steps), 2 min so far, 3 min left".
    """
    if total is None:
        return f"{text}, {duration(seconds)} so far"
    parts = f"{count:.0f} of {total:.0f} {unit}".rstrip()
    eta = f", {duration(seconds * (total - count) / count)} left" if 0 < count < total else ""
    percent = f"{100 * count / max(total, 1):.0f} %"
    return f"{text}: {percent} ({parts}), {duration(seconds)} so far{eta}"


def duration(seconds: float) -> str:
    """A time in its largest unit, such as "45 s", "12 min" or "3.2 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
