"""The maps of a configuration: read from files, on one sky, with their instruments."""

import logging
from collections.abc import Container
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown, warnings_about
from jaxmetal.galaxy import LENS
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes
from jaxmetal.io.correlations import described_correlation, in_frame, make_correlation
from jaxmetal.io.frames import Frames, filled_up, padded_shape
from jaxmetal.io.instruments import identity, make_instrument, psf_of_map
from jaxmetal.io.line_blocks import Ratio
from jaxmetal.io.making import make_likelihood, make_map
from jaxmetal.io.map_blocks import FitsMap
from jaxmetal.io.places import find_reference, make_grid
from jaxmetal.io.readers.protocol import Geometry, Reading, ReadMap
from jaxmetal.io.readings import read_files
from jaxmetal.maps import Map, RelativeLineMap

log = logging.getLogger("jaxmetal")


@dataclass(frozen=True)
class Observed:
    """A map, and what its file has that a model does not need.

    Parameters
    ----------
    map
        the map itself.
    entry
        the name in the configuration; a reader may give several maps.
    wcs, unit
        the astropy.wcs.WCS or None, and the unit as text.
    shape
        (rows, columns) in the file; the map may have been padded.
    block
        what the configuration says of this map; of several lines of a file, of this one.
    geometry
        of the galaxy, as far as the file has it.
    """

    map: Map
    entry: str
    wcs: Any
    unit: str
    shape: tuple[int, int]
    block: Any
    geometry: Geometry = field(default_factory=Geometry)


@dataclass(frozen=True)
class Observations:
    """The maps of a configuration and the place of their origin.

    Parameters
    ----------
    maps
        by name.
    reference
        (right ascension, declination) of (x, y) = (0, 0), degrees; None if the maps have no place
        on the sky.
    bases
        the names of those that others are relative to; they are no data of their own.
    """

    maps: dict[str, Observed]
    reference: tuple[float, float] | None
    bases: frozenset[str] = frozenset()


def observe(
    config: schema.Config, folder: Path, mistakes: Mistakes, frames: Frames = None
) -> Observations:
    """The maps of a configuration, as many as can be made.

    Parameters
    ----------
    config, folder
        the configuration, and the folder that its paths are relative to.
    mistakes
        to which what is wrong is added.
    frames
        as for `scene.build`.
    """
    sources: dict[str, Reading] = {}
    for name, entry in config.maps.items():
        with mistakes.at(f"maps.{name}"), warnings_about(f"maps.{name}"):
            reading = read_files(name, entry, folder, mistakes)
            if reading is not None:
                sources[name] = reading
    with mistakes.at("reference"):
        reference = find_reference(config, sources, mistakes)
        maps = _maps(config, folder, sources, reference, mistakes, frames)
        return _with_relative_lines(Observations(maps, reference), mistakes)
    # Without a place of the maps nothing else can be judged.
    mistakes.raise_all()
    return Observations({}, None)


def _maps(
    config: schema.Config,
    folder: Path,
    sources: dict[str, Reading],
    reference: Any,
    mistakes: Mistakes,
    frames: Frames,
) -> dict[str, Observed]:
    maps: dict[str, Observed] = {}
    instruments: dict[Any, Instrument] = {}
    for name, source in sources.items():
        entry = config.maps[name]
        if mistakes.spoils(f"maps.{name}.bins"):
            # Without its bins it would be another map.
            continue
        where = f"maps.{name}"
        # A value that was left out because it was wrong may be missing here.
        with mistakes.at(where, follows=mistakes.touches(where)), warnings_about(where):
            grid = make_grid(name, entry, source, reference)
            for label, key in _labels(name, entry, source).items():
                _check_name(label, {LENS, *maps, *config.galaxy})
                part = _with_places(entry.part(key), source)
                psf = psf_of_map(key, part, source, grid, folder)
                bins, footprint = source.bins_of(key), source.footprint
                frame = None if frames is None else padded_shape(label, grid.shape, frames)
                instrument = make_instrument(part, grid, psf, bins, footprint, frame)
                # Maps of one instrument share its object, and so the convolution of their light.
                instrument = instruments.setdefault(identity(instrument), instrument)
                data = source.maps[key]
                shared = _correlation(label, part, data, folder)
                if frame is not None:
                    shared = in_frame(shared, source.shape, frame)
                if frame is not None and footprint is None:
                    data = filled_up(data, frame)
                observed = make_map(part, data, instrument, folder, shared)
                place = (source.wcs, _unit(part, data), grid.shape)
                maps[label] = Observed(observed, name, *place, part, source.geometry)
    return maps


def _with_relative_lines(observations: Observations, mistakes: Mistakes) -> Observations:
    """The same, with lines relative to those that their entries name."""
    maps, bases = dict(observations.maps), set()
    for label, observed in observations.maps.items():
        base = observed.block.base(label)
        if base is None:
            continue
        where = f"maps.{observed.entry}.relative_to"
        with mistakes.at(where, follows=mistakes.touches("maps")):
            if base not in observations.maps:
                raise unknown("map", base, observations.maps)
            pair: Any = (observed.map, observations.maps[base].map)
            maps[label] = replace(observed, map=RelativeLineMap(*pair))
            bases.add(base)
    return Observations(maps, observations.reference, frozenset(bases))


def _with_places(entry: Any, source: Reading) -> Any:
    """An entry, the columns of its fibres or slitlets replaced by their numbers."""
    if source.footprint is None:
        return entry
    kind = "slitlets" if entry.fibres is None else "fibres"
    return entry.model_copy(update={kind: source.footprint})


def _check_name(name: str, others: Container[str]) -> None:
    """Raise if paths could not tell a map from something else."""
    if name in others:
        kinds = "another map, of a component or of the lenses"
        raise InputError(f"{name!r} is also the name of {kinds}; paths would be ambiguous.")


def _unit(entry: Any, data: ReadMap) -> str:
    """The unit of a map as it was read; of a logarithm, dex."""
    in_dex = isinstance(entry, Ratio) or (data.tracer and data.scale == "log10")
    return data.unit or ("dex" if in_dex else "")


def _labels(name: str, entry: Any, source: Reading) -> dict[str, str]:
    """{name in the model: name in the reading} of the maps of an entry."""
    if isinstance(entry, FitsMap):
        return {name: name}
    for key in entry.names:
        if key not in source.maps:
            raise unknown("map", key, source.maps, "names")
    labels = {key: entry.names.get(key, key) for key in source.maps}
    return {label: key for key, label in labels.items() if label != "none"}


def _correlation(label: str, part: Any, data: ReadMap, folder: Path) -> Any:
    """How neighbours share the errors of a map: by the configuration, else by its reader."""
    if part.correlation is not None:
        return make_correlation(part.correlation, folder, np.shape(data.values))
    if data.correlation is not None:
        if make_likelihood(part.likelihood, folder).gaussian:
            log.info("%s: errors correlated as %s", label, described_correlation(data.correlation))
            return data.correlation
        log.info("%s: errors taken as independent, as its likelihood must have them", label)
    return None
