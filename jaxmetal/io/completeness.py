"""Checks that a configuration is complete: for a fit, or for a simulation."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from jaxmetal.errors import unknown
from jaxmetal.forward.cells import beam_of
from jaxmetal.galaxy import LIGHT, Galaxy
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes
from jaxmetal.io.mock_maps import blank_maps
from jaxmetal.io.observations import Observed
from jaxmetal.maps import Map, Moment


def check_fit(
    config: schema.Config, galaxy: Galaxy | None, maps: Mapping[str, Observed], mistakes: Mistakes
) -> None:
    """Check that there are data, something is free, and the galaxy carries what was observed."""
    _check_not_empty(config, maps, mistakes)
    tracers = {
        name: observed.map.tracer
        for name, observed in maps.items()
        if observed.map.tracer is not None
    }
    if galaxy is not None and not mistakes.touches("galaxy"):
        for observed in maps.values():
            for key, name in observed.map.tracers.items():
                _check_tracer(f"maps.{observed.entry}.{key}", name, galaxy, mistakes)
        _check_lights(galaxy, maps, mistakes)
        _check_bright(galaxy, config.priors, mistakes)
    if config.baseline.map not in (None, *tracers) and not mistakes.touches("maps"):
        mistakes.add("baseline.map", unknown("tracer map", str(config.baseline.map), tracers))
    _check_center(config.baseline.center, maps, mistakes)


def _check_center(
    center: tuple[float, float] | None, maps: Mapping[str, Observed], mistakes: Mistakes
) -> None:
    """Check that the centre of the naive fits is not farther from every map than a map is wide."""
    for observed in maps.values() if center is not None else ():
        grid = observed.map.instrument.grid
        column, row = (float(p) for p in grid.pixel(*np.asarray(center)))
        rows, columns = grid.shape
        if -columns <= column <= 2 * columns and -rows <= row <= 2 * rows:
            return
    if center is not None and maps:
        mistakes.add("baseline.center", f"lies far outside of every map, got {list(center)}.")


def _check_not_empty(
    config: schema.Config, maps: Mapping[str, Observed], mistakes: Mistakes
) -> None:
    """Check that there are data, and that something is free."""
    if not maps and not mistakes.touches("maps"):
        reason = (
            "none is left as data."
            if config.maps
            else "is missing; a fit needs a map, such as one of kind tracer, light or manga."
        )
        mistakes.add("maps", reason)
    priors = config.priors.values()
    free = any(prior.tied is None and prior.tied_inclination is None for prior in priors)
    if not free and not mistakes.touches("priors"):
        mistakes.add("priors", "nothing is free; give at least one parameter a prior.")


def _check_tracer(where: str, tracer: str, galaxy: Galaxy, mistakes: Mistakes) -> None:
    """Check that the galaxy carries a tracer."""
    if tracer not in galaxy.tracers:
        mistakes.add(where, unknown("tracer", tracer, galaxy.tracers))


def _check_lights(galaxy: Galaxy, maps: Mapping[str, Observed], mistakes: Mistakes) -> None:
    """Check that the galaxy has the lights that the maps see."""
    for observed in maps.values():
        where = f"maps.{observed.entry}.light"
        with mistakes.at(where):
            _check_moments(observed.map, galaxy)


def _check_moments(one_map: Map, galaxy: Galaxy) -> None:
    """Check that the galaxy has the lights that a map sees; its tracers are checked elsewhere."""
    for moment in one_map.moments(galaxy):
        beam_of(galaxy, Moment(light=moment.light, numerator=moment.numerator))


def _check_bright(galaxy: Galaxy, priors: Collection[str], mistakes: Mistakes) -> None:
    """Check that no component is dark and stays so."""
    for name, component in galaxy.components.items():
        for light, profile in component.lights.items():
            place = f"{name}.light" if light == LIGHT else f"{name}.light.{light}"
            amp = profile.parameters.get("amp")
            if amp is not None and not np.any(amp) and f"{place}.amp" not in priors:
                mistakes.add(f"galaxy.{place}.amp", "must be positive, or free, got 0.")


def check_simulation(
    config: schema.Config, folder: Path, galaxy: Galaxy | None, mistakes: Mistakes
) -> None:
    """Check that there is an instrument, and that the galaxy carries what is to be observed."""
    simulation = config.simulate
    if simulation is None:
        if not mistakes.touches("simulate"):
            mistakes.add("simulate", "is missing: shape, pixel_scale and psf.")
        return
    maps: Mapping[str, Map] = {}
    with mistakes.at("simulate"):
        maps = blank_maps(simulation, folder)
    if galaxy is None or mistakes.touches("galaxy"):
        return
    _check_bright(galaxy, {}, mistakes)
    if simulation.lines:
        for one_map in maps.values():
            with mistakes.at("simulate.lines"):
                _check_moments(one_map, galaxy)
    else:
        _check_tracer("simulate.tracer", simulation.tracer, galaxy, mistakes)
        _check_unnamed_light(galaxy, mistakes)


def _check_unnamed_light(galaxy: Galaxy, mistakes: Mistakes) -> None:
    """Check that the galaxy has the light that the maps of a simulation see."""
    if LIGHT not in galaxy.lights:
        names = ", ".join(galaxy.lights)
        mistakes.add("simulate", f"expected a light without a name, got lights named {names}.")
