"""The log of a running command on the standard error."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputWarning

log = logging.getLogger("jaxmetal")


@contextmanager
def progress_log(quiet: bool, path: Path | None = None) -> Iterator[None]:
    """Write progress and InputWarnings as single lines to the standard error in a block.

    Parameters
    ----------
    quiet
        whether only warnings are shown.
    path
        of a file to which all lines are added, with the time; None for none.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("jaxmetal: %(message)s"))
    handler.setLevel(logging.WARNING if quiet else logging.INFO)
    handlers: list[logging.Handler] = [handler]
    if path is not None:
        handlers.append(logging.FileHandler(path, encoding="utf-8"))
        handlers[-1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = log.level
    for one in handlers:
        log.addHandler(one)
    log.setLevel(logging.WARNING if quiet and path is None else logging.INFO)
    with warnings.catch_warnings():
        default = warnings.showwarning

        def show(message: Any, category: type[Warning], *arguments: Any, **options: Any) -> None:
            if issubclass(category, InputWarning):
                log.warning("%s", message)
            else:
                default(message, category, *arguments, **options)

        warnings.showwarning = show
        try:
            yield
        finally:
            for one in handlers:
                log.removeHandler(one)
                one.close()
            log.setLevel(level)
