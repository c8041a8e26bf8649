"""Maps of fibres and slitlets: a table with a row for each measurement, and the model's pixels."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.shutters import OPEN, PITCH
from jaxmetal.io.aperture_blocks import Fibres, Footprint, Slitlets
from jaxmetal.io.fits import MapFile
from jaxmetal.io.map_blocks import FitsMap
from jaxmetal.io.tables import read_table
from jaxmetal.io.units import POWERS, standard_deviations
from jaxmetal.quantities import ARCSEC, DEGREES, converted
from jaxmetal.unit_texts import unit_of_text

# The side of the model's pixels if none is given: a part of a fibre's diameter, arcsec of slitlets.
PART_OF_FIBRE, OF_SLITLETS = 0.2, 0.04


def read_apertures(entry: FitsMap, path: Path) -> tuple[MapFile, Footprint]:
    """The numbers of a map of fibres or slitlets, and their places with every column filled in.

    Parameters
    ----------
    entry
        of the configuration, with `fibres` or `slitlets`.
    path
        of the table.

    Returns
    -------
    file, footprint
        values, errors and flags, shape (n,); and the block of the configuration with numbers.

    Raises
    ------
    InputError
        for a table that cannot be read, a column that it does not have, or one without numbers.
    """
    table = read_table(path, "a table of measurements")
    values, unit = _numbers(table, entry.value, path, "value")
    unit = entry.unit or unit
    flags = {"mask": entry.mask, "limits": getattr(entry, "limits", None)}
    mask, below = (
        None if place is None else _numbers(table, place, path, key)[0] != 0
        for key, place in flags.items()
    )
    masked = np.zeros(len(values), bool) if mask is None else mask
    file = MapFile(values, _sigma(entry, table, path, unit), masked, None, unit, None, below)
    assert entry.footprint is not None
    return file, _filled(entry.footprint, table, path)


def frame_of(footprint: Footprint, pixel_scale: float | None) -> Grid:
    """The pixels of the model that hold all apertures.

    Parameters
    ----------
    footprint
        with numbers.
    pixel_scale
        arcsec; a fifth of the smallest fibre, or 0.04 for slitlets, if left out.

    Returns
    -------
    grid
        square pixels, x to the east and y to the north, (0, 0) at the reference.
    """
    x, y = (np.atleast_1d(np.asarray(a, float)) for a in (footprint.x, footprint.y))
    if isinstance(footprint, Fibres):
        size = np.atleast_1d(np.asarray(footprint.diameter, float))
        reach, side = size.max() / 2, pixel_scale or PART_OF_FIBRE * size.min()
    else:
        assert isinstance(footprint, Slitlets)
        steps = np.hypot(*(np.abs(np.asarray(a, float)).max() for a in _steps(footprint)))
        length = (footprint.shutters - 1) * PITCH[1] + OPEN[1]
        reach, side = steps + np.hypot(length, OPEN[0]) / 2, pixel_scale or OF_SLITLETS
    low = np.array([x.min(), y.min()]) - reach
    high = np.array([x.max(), y.max()]) + reach
    columns, rows = (int(n) for n in np.ceil((high - low) / side) + 1)
    corner = (low + high) / 2 - side * (np.array([columns, rows]) - 1) / 2
    return Grid(corner, side * np.eye(2), (rows, columns))


def make_apertures(footprint: Footprint, grid: Grid) -> Apertures:
    """The fibres or slitlets of a configuration on a grid.

    Parameters
    ----------
    footprint
        with numbers.
    grid
        that holds them.
    """
    places = {"x": footprint.x, "y": footprint.y}
    if isinstance(footprint, Fibres):
        return Apertures.circles(grid, **places, radius=np.asarray(footprint.diameter) / 2)
    return Apertures.slitlets(grid, **places, **footprint.model_dump(exclude={"x", "y"}))


def _steps(footprint: Slitlets) -> tuple[Any, Any]:
    return footprint.across, footprint.along


def _filled(footprint: Footprint, table: Any, path: Path) -> Footprint:
    """The block with the numbers of its columns, in arcsec or degrees."""
    kind, columns = type(footprint).__name__.lower(), {}
    for name, value in footprint:
        if isinstance(value, str):
            found, stated = _numbers(table, value, path, f"{kind}.{name}")
            if (own := unit_of_text(stated)) is not None:
                target = DEGREES if name == "angle" else ARCSEC
                found = converted(found, own, target, f"{path}[{value}]")
            columns[name] = np.asarray(found).tolist()
    return footprint.model_copy(update=columns)


def _numbers(table: Any, name: Any, path: Path, key: str) -> tuple[np.ndarray, str]:
    """A column as numbers, NaN where it has none, and its unit as text."""
    if not isinstance(name, str):
        raise InputError(f"{key}: expected the name of a column of {path.name}, got {name!r}.")
    if name not in table.colnames:
        raise unknown("column", name, table.colnames, key)
    column = table[name]
    try:
        values = np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
    except (TypeError, ValueError):
        raise InputError(f"{key}: the column {name!r} of {path.name} has no numbers.") from None
    if values.ndim != 1:
        raise InputError(f"{key}: the column {name!r} of {path.name} has arrays, not numbers.")
    return np.asarray(values), str(column.unit or "")


def _sigma(entry: FitsMap, table: Any, path: Path, unit: str) -> np.ndarray | None:
    """The standard deviations in the unit of the values; None if the entry has one for all."""
    for kind in POWERS:
        if (name := getattr(entry, kind)) is not None:
            numbers, stated = _numbers(table, name, path, kind)
            return standard_deviations(kind, numbers, stated, unit, f"{path}[{name}]")
    return None
