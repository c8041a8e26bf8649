"""Strip the output of notebooks, and fail if there was any: a pre-commit hook."""

import sys
from pathlib import Path

import nbformat


def clean(path: Path) -> bool:
    """Strip outputs and execution counts; say whether there were any."""
    notebook = nbformat.read(path, as_version=4)
    dirty = False
    for cell in notebook.cells:
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            cell.outputs, cell.execution_count, dirty = [], None, True
    if dirty:
        nbformat.write(notebook, path)
    return dirty


if __name__ == "__main__":
    sys.exit(sum(clean(Path(name)) for name in sys.argv[1:]) > 0)
