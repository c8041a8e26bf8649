"""The log of a running command on the standard error."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jaxmetal.errors import InputWarning

log = logging.getLogger("jaxmetal")


@contextmanager
def progress_log(quiet: bool) -> Iterator[None]:
    """Write progress and InputWarnings as single lines to the standard error in a block."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("jaxmetal: %(message)s"))
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.WARNING if quiet else logging.INFO)
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
            log.removeHandler(handler)
            log.setLevel(level)
