"""Forecasts of a configuration: errors to expect, as a function of whatever it says."""

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.inference.forecast import Forecast, forecast
from jaxmetal.inference.model import Model
from jaxmetal.io.changes import with_changes
from jaxmetal.io.config import read
from jaxmetal.io.mock_maps import mock_maps
from jaxmetal.io.scene import Scene, build

if TYPE_CHECKING:
    from astropy.table import Table

log = logging.getLogger("jaxmetal")

# What may vary beside the values of a configuration.
EXPOSURE = "exposure"
# Rows of a table; each may compile programs of its own.
MOST_ROWS = 1000


def planned_model(scene: Scene) -> Model:
    """The model of the maps of a configuration, or of those that its simulation makes.

    Parameters
    ----------
    scene
        loaded for a fit, or for a simulation.

    Returns
    -------
    model
        whose maps have no noise if they are simulated.

    Raises
    ------
    InputError
        if nothing is free.
    """
    config = scene.config
    if not scene.priors:
        raise InputError("priors: nothing is free; give at least one parameter a prior.")
    if config.simulate is None:
        return scene.model()
    maps = mock_maps(scene.galaxy, config.simulate, scene.folder)
    return Model(scene.galaxy, maps, scene.priors, config.accuracy, config.errors)


def forecast_of(raw: Mapping[str, Any], folder: Path, exposure: float = 1.0) -> Forecast:
    """The errors to expect of a fit of a configuration, at its starting values.

    Parameters
    ----------
    raw, folder
        the contents, and the folder that paths are relative to.
    exposure
        relative to that of the maps.

    Returns
    -------
    forecast
        see `jaxmetal.forecast`.
    """
    scene = build(raw, folder, "simulate" if "simulate" in raw else "fit")
    return forecast(planned_model(scene), exposure=exposure)


def forecast_table(
    path: Path,
    variations: Mapping[str, Sequence[Any]],
    changes: Mapping[str, Any],
    parameters: Sequence[str] = (),
    wanted: tuple[str, float] | None = None,
) -> "Table":
    """Errors to expect for every combination of some values of a configuration.

    Parameters
    ----------
    path
        of the configuration.
    variations
        {path: values} in the place of the configuration's; "exposure" is relative to its own.
    changes
        {path: value} that are the same in all rows.
    parameters
        of which errors are given; all if left out.
    wanted
        (parameter, error) for which the exposure is computed, relative to the configuration's;
        infinite where no exposure is long enough.

    Returns
    -------
    table
        a row for each combination: the values that vary, the error of each parameter, and the
        exposure for `wanted`.

    Raises
    ------
    InputError
        for an unknown parameter, or too many rows.
    """
    from astropy.table import Table

    rows = list(_combinations(variations))
    if len(rows) > MOST_ROWS:
        raise InputError(f"--vary: expected at most {MOST_ROWS} combinations, got {len(rows)}.")
    raw, folder = with_changes(read(path), changes), path.resolve().parent
    columns: dict[str, list[Any]] = {}
    for i, row in enumerate(rows):
        exposure = float(row.get(EXPOSURE, 1.0))
        settings = {name: value for name, value in row.items() if name != EXPOSURE}
        with _quietly(len(rows)):
            expected = forecast_of(with_changes(raw, settings), folder, exposure)
        cells = {name: _cell(value) for name, value in row.items()}
        cells |= _errors(expected, parameters)
        if wanted is not None:
            cells[f"exposure for {wanted[0]} {wanted[1]:g}"] = _exposure(expected, *wanted)
        for name, cell in cells.items():
            columns.setdefault(name, []).append(cell)
        log.info("forecast %d of %d", i + 1, len(rows))
    return Table(columns)


@contextmanager
def _quietly(count: int) -> Iterator[None]:
    """Without a line of the log for each sampling, where there are many forecasts."""
    level = log.level
    if count > 1:
        log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


def _combinations(variations: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the values that vary; one without any if nothing does."""
    for values in itertools.product(*variations.values()):
        yield dict(zip(variations, values, strict=True))


def _errors(expected: Forecast, parameters: Sequence[str]) -> dict[str, float]:
    """{"error of parameter": its error}."""
    errors = {name: row["error"] for name, row in expected.summary().items()}
    if odd := [name for name in parameters if name not in errors]:
        raise unknown("free parameter", odd[0], errors, "--of")
    return {f"error of {name}": errors[name] for name in parameters or errors}


def _exposure(expected: Forecast, path: str, error: float) -> float:
    """The exposure for an error; infinite where none is long enough."""
    least = expected.least_error(path)
    return np.inf if least > error else expected.exposure_for(path, error)


def _cell(value: Any) -> Any:
    """A value of a configuration in a column of numbers or texts."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else str(value)
