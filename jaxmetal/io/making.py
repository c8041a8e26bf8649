"""The map of an entry of a configuration, from what was read of its files."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.io.entries import FromReader
from jaxmetal.io.line_blocks import Ratio
from jaxmetal.io.map_blocks import FitsFile, Other
from jaxmetal.io.paths import imported_function, made_by_user
from jaxmetal.io.readers.protocol import ReadMap
from jaxmetal.maps import (
    Calibration,
    DispersionMap,
    LightMap,
    Likelihood,
    LineMap,
    Map,
    RatioMap,
    TracerMap,
)
from jaxmetal.maps.binned import common
from jaxmetal.maps.likelihood import LIKELIHOODS
from jaxmetal.unit_texts import unit_of_text


def make_map(
    entry: Any, data: ReadMap, instrument: Instrument, folder: Path, correlation: Any
) -> Map:
    """The map of an entry, in pixels or in bins.

    Parameters
    ----------
    entry
        of the configuration.
    data, instrument
        what was read, and with what it was measured.
    folder
        that paths are relative to.
    correlation
        how neighbours share the errors, or None.
    """
    additive = data.tracer is data.moment is None and not isinstance(entry, Ratio)
    calibration = _calibration(entry)
    if not additive and float(calibration.flux_scale) != 1:
        raise InputError("calibration.flux_scale: this map shows no flux; leave it out.")
    noise: dict[str, Any] = {
        "likelihood": make_likelihood(entry.likelihood, folder),
        "calibration": calibration,
        "check": entry.check,
        "correlation": correlation,
        "scatter": _scatter(entry, additive),
        # A text that names no unit, as headers have them, is ignored.
        "unit": unit_of_text(data.unit),
    }
    light = {"light": getattr(entry, "light", None) or data.light}
    if data.tracer is not None:
        kind = {"tracer": data.tracer, "scale": data.scale}
        return TracerMap(
            data.values, data.sigma, instrument, mask=data.mask, **kind, **light, **noise
        )
    if data.moment is not None:
        kind = asdict(data.moment)
        arrays = (data.values, data.sigma, instrument)
        return DispersionMap(*arrays, mask=data.mask, **kind, **light, **noise)
    if isinstance(entry, Ratio):
        lines = {"numerator": entry.numerator, "denominator": entry.denominator}
        return RatioMap(data.values, data.sigma, instrument, mask=data.mask, **lines, **noise)
    return _light_map(entry, data, instrument, folder, light, **noise)


def _scatter(entry: Any, additive: bool) -> float:
    """The scatter of an entry; a survey's reader has one for its light and one for its tracer."""
    scatter = entry.light_scatter if isinstance(entry, FromReader) and additive else entry.scatter
    return scatter or 0.0


def _light_map(
    entry: Any, data: ReadMap, instrument: Instrument, folder: Path, light: Any, **noise: Any
) -> Map:
    """A map of a sum over the light: of a line, of all light, or of a user's own kind."""
    values, sigma, mask = data.values, data.sigma, data.mask
    if data.flux != "pixel" and instrument.apertures is not None:
        values, sigma, mask = _of_bins(data, instrument.apertures)
    if isinstance(entry, Other):
        return _own_map(entry, (values, sigma, instrument, mask), light | noise, folder)
    if data.line is not None:
        limits = data.limits
        if limits is not None and instrument.apertures is not None:
            limits = _of_bins(replace(data, mask=limits), instrument.apertures)[2]
        return LineMap(values, sigma, instrument, data.line, mask, limits=limits, **noise)
    return LightMap(values, sigma, instrument, mask, **light, **noise)


def _own_map(
    entry: Other, arguments: tuple[Any, ...], options: dict[str, Any], folder: Path
) -> Map:
    """A map of a user's own kind."""
    kind = imported_function(entry.type, folder, "type")
    if not (isinstance(kind, type) and issubclass(kind, Map)):
        raise InputError(f"type: {entry.type!r} is no subclass of jaxmetal.Map.")
    return made_by_user(entry.type, kind, *arguments, **options, **entry.options)


def _calibration(entry: Any) -> Calibration:
    """The corrections of a map in extensions; a reader's option of that name is its own."""
    correction = entry.calibration if isinstance(entry, FitsFile) else None
    return Calibration(**correction.model_dump()) if correction else Calibration()


def make_likelihood(choice: str | dict[str, dict[str, Any]], folder: Path) -> Likelihood:
    """The likelihood of an entry: by name, or a user's own, with its parameters."""
    name, parameters = (choice, {}) if isinstance(choice, str) else next(iter(choice.items()))
    kind = LIKELIHOODS.get(name) or imported_function(name, folder, "likelihood")
    if not (isinstance(kind, type) and issubclass(kind, Likelihood)):
        raise InputError(f"likelihood: {name!r} is no subclass of jaxmetal.Likelihood.")
    return made_by_user(f"likelihood: {name}", kind, **parameters)


def _of_bins(light: ReadMap, bins: Apertures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux, error and mask of each bin, whose pixels repeat its mean or its total flux."""
    shape = light.values.shape
    sigma = np.broadcast_to(np.asarray(light.sigma, float), shape)
    mask = np.zeros(shape, bool) if light.mask is None else light.mask
    flux, sigma, mask = common("LightMap", bins, light.values, sigma, mask)
    count = bins.totals(np.ones(shape)) if light.flux == "mean" else 1.0
    return count * flux, count * sigma, mask
