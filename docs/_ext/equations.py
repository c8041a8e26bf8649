"""Equations of docstrings, indented by four spaces in front of the sections, as literal blocks."""

import re
from typing import Any

from sphinx.application import Sphinx

_UNDERLINE = re.compile(r"-{3,}\s*")


def literal_equations(lines: list[str]) -> list[str]:
    """A docstring whose indented equations are code blocks.

    Parameters
    ----------
    lines
        of the docstring, as it is written for a terminal.

    Returns
    -------
    lines
        the same in reStructuredText; what follows the first section is left as it is.
    """
    end = next((i - 1 for i, line in enumerate(lines) if _UNDERLINE.fullmatch(line)), len(lines))
    result: list[str] = []
    inside = False
    for i, line in enumerate(lines[:end]):
        after_blank = i == 0 or not lines[i - 1].strip()
        if line.startswith("    ") and after_blank and not inside and not _after_marker(result):
            result += [".. code-block:: text", "   :class: equation", ""]
            inside = True
        elif line.strip() and not line.startswith("    "):
            inside = False
        result.append(line)
    return result + lines[end:]


def _after_marker(lines: list[str]) -> bool:
    """Whether what follows is literal or in a list already."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return last.endswith("::") or last.startswith((".. ", ":", "- "))


def _process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: Any) -> None:
    lines[:] = literal_equations(list(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Look at every docstring before numpydoc does.

    Parameters
    ----------
    app
        of the build.

    Returns
    -------
    metadata
        of the extension.
    """
    app.connect("autodoc-process-docstring", _process, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
