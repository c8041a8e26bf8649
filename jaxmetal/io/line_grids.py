"""Grids of line ratios in files."""

import os
from pathlib import Path
from typing import Any

from jaxmetal.emission import LineGrid
from jaxmetal.emission.grid import AXES
from jaxmetal.errors import InputError
from jaxmetal.io.tables import read_table


def read_line_grid(
    path: str | os.PathLike,
    axes: Any = AXES,
    lines: Any = None,
    reference: str = "Hb",
    log: bool = True,
) -> LineGrid:
    """A grid of line ratios of photoionisation models, from an ECSV, CSV or FITS table.

    Parameters
    ----------
    path
        of the file, one row for each point of the grid.
    axes, lines, reference, log
        see `LineGrid`.

    Returns
    -------
    grid
        for `Emission(relation=grid)`.

    Raises
    ------
    InputError
        if the file is missing or no table, or for what `LineGrid` refuses.

    Examples
    --------
    >>> grid = jm.read_line_grid("cloudy.ecsv", axes=["metallicity", "log_u"])  # doctest: +SKIP
    >>> emission = jm.Emission(grid)  # doctest: +SKIP
    """
    table = read_table(path, "a grid of line ratios")
    try:
        return LineGrid(table, axes, lines, reference, log, Path(path).name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
