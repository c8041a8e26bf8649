"""Figures on disk."""

import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.view import style

# Options of each format; without the time of writing, the same figure gives the same file.
FORMATS: dict[str, dict[str, Any]] = {".png": {}, ".pdf": {"metadata": {"CreationDate": None}}}


def save_figure(figure: Figure, path: str | os.PathLike) -> None:
    """Write a figure as PNG (150 dots per inch) or PDF, atomically.

    Parameters
    ----------
    figure
        from any function of `jaxmetal.view`.
    path
        ends in .png or .pdf.

    Raises
    ------
    InputError
        for another ending.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"save_figure: expected a path that ends in {' or '.join(FORMATS)}, "
            f"got {os.fspath(path)!r}."
        )
    with whole_file(path) as part:
        figure.savefig(part, dpi=style.DPI, **FORMATS[suffix])


def save_page(page: str, path: str | os.PathLike) -> None:
    """Write an HTML document, atomically."""
    with whole_file(path) as part:
        part.write_text(page, encoding="utf-8")
