"""The maps of a simulation: blank ones, with instrument and kind, and those of a galaxy."""

from pathlib import Path

import numpy as np

from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.io import schema
from jaxmetal.io.correlations import make_correlation
from jaxmetal.io.instruments import mock_instrument
from jaxmetal.io.line_blocks import line_or_lines
from jaxmetal.maps import LightMap, LineMap, Map, TracerMap
from jaxmetal.science import noise
from jaxmetal.science.simulate.mocks import FAINT, noise_free


def blank_maps(simulation: schema.Simulate, folder: Path) -> dict[str, Map]:
    """The maps of a simulation on their common instrument, without values.

    Parameters
    ----------
    simulation, folder
        the part of the configuration, and the folder that its paths are relative to.

    Returns
    -------
    maps
        by name; their values are 0, their errors 1.

    Raises
    ------
    InputError
        for a PSF that cannot be used, or an unknown line.
    """
    return _maps(simulation, folder, mock_instrument(simulation, folder), {}, {})


def mock_maps(galaxy: Galaxy, simulation: schema.Simulate, folder: Path) -> dict[str, Map]:
    """The maps of a simulation without noise, and with their errors.

    Parameters
    ----------
    galaxy
        what is observed.
    simulation, folder
        the part of the configuration, and the folder that its paths are relative to.

    Returns
    -------
    maps
        by name, on one instrument.
    """
    blank = blank_maps(simulation, folder)
    images = noise_free(galaxy, **blank)
    instrument = next(iter(blank.values())).instrument
    return _maps(simulation, folder, instrument, images, _errors(simulation, images))


def _errors(simulation: schema.Simulate, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The standard deviations of the maps of these images."""
    if simulation.lines:
        brightest = np.abs(next(iter(images.values()))).max()
        sigma = FAINT * brightest
        if simulation.line_noise is not None:
            # The variances of the square arcseconds in a pixel add up.
            sigma = simulation.line_noise * simulation.pixel_scale
        return {name: np.full(image.shape, sigma) for name, image in images.items()}
    flux = images[schema.LIGHT]
    sigma = FAINT * flux.max() if simulation.light_sigma is None else simulation.light_sigma
    variance = noise.variance(flux, simulation.c1, simulation.c2)
    return {schema.TRACER: np.sqrt(variance), schema.LIGHT: np.full(flux.shape, sigma)}


def _maps(
    simulation: schema.Simulate,
    folder: Path,
    instrument: Instrument,
    images: dict[str, np.ndarray],
    errors: dict[str, np.ndarray],
) -> dict[str, Map]:
    """Maps with these values and errors; 0 and 1 for those that are not among them."""
    shape = instrument.grid.shape
    correlation = None
    if simulation.correlation is not None:
        correlation = make_correlation(simulation.correlation, folder, shape)
    zeros, ones = np.zeros(shape), np.ones(shape)
    common = {"correlation": correlation, "check": False}
    lines = {name.replace("+", "_"): line_or_lines(name) for name in simulation.lines}
    maps: dict[str, Map] = {}
    for name in simulation.maps:
        arrays = images.get(name, zeros), errors.get(name, ones), instrument
        if name in lines:
            maps[name] = LineMap(*arrays, lines[name], **common)
        elif name == schema.LIGHT:
            maps[name] = LightMap(*arrays, **common)
        else:
            tracer, scale = simulation.tracer, simulation.scale
            maps[name] = TracerMap(*arrays, tracer=tracer, scale=scale, **common)
    return maps
