"""A bar that moves on a terminal and is silent elsewhere."""

import sys
from typing import Any


def bar(total: int, progress: bool | None, text: str | None = None) -> Any:
    """A tqdm bar.

    Parameters
    ----------
    total
        what it counts to.
    progress
        whether to show it; only if the standard error is a terminal, if None.
    text
        before the bar.
    """
    from tqdm.auto import tqdm

    shown = sys.stderr.isatty() if progress is None else progress
    return tqdm(total=total, desc=text, disable=not shown, leave=False)
