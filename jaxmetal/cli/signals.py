"""Signals of a running command: interrupts (SIGINT) and the end that a scheduler sets (SIGTERM)."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jaxmetal.cli.statuses import INTERRUPTED

INTERRUPTED_LINE = "jaxmetal: interrupted"


class Interrupts:
    """How an interrupt (Ctrl-C, SIGINT) is handled.

    Parameters
    ----------
    at_once
        whether it ends the process without unwinding the stack. It should while modules are being
        imported: NumPy prints an exception that is raised during its import, and continues.
    """

    def __init__(self, at_once: bool):
        self.at_once = at_once
        self.received = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle interrupts in a block, unless Python's default handler was replaced.

        A shell may have set SIGINT to be ignored, as it does for commands in the background.
        """
        is_main_thread = threading.current_thread() is threading.main_thread()
        if not is_main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, number: int, frame: Any) -> None:
        self.received = True
        if self.at_once:
            os.write(2, f"{INTERRUPTED_LINE}\n".encode())
            os._exit(INTERRUPTED)
        raise KeyboardInterrupt


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM, as schedulers send it, into SystemExit, so that partial files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: Any) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
