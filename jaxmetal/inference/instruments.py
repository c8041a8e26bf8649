"""The instruments of a model's maps: shared where they are the same, sampled, and ready to convolve."""

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.forward.faint import without_dark
from jaxmetal.forward.resolve import resolve_with_light
from jaxmetal.forward.views import look_once
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.maps import Map

Maps = dict[str, Map]
# Of each set of cells, of each instrument on it: the names of the maps.
Groups = tuple[tuple[tuple[str, ...], ...], ...]


def set_apart(maps: Mapping[str, Map], names: Collection[str]) -> Maps:
    """The maps, those named with an instrument of their own: one with a free parameter belongs to its map alone."""
    return {name: _with(m, jax.tree.map(lambda leaf: leaf, m.instrument)) if name in names else m for name, m in maps.items()}


def make_ready(scenes: Iterable[tuple[Galaxy, Mapping[str, Map]]], free: Collection[str], light_is_known: bool) -> Maps:
    """The maps of the first scene with their samplings chosen for all scenes, and with their PSFs transformed where not free.

    Where the light is known, pixels that are too dark for the precision in use are left out.
    """
    known: dict[int, Instrument] = {}
    scenes = iter(scenes)
    first = galaxy, _ = next(scenes)
    maps, lights = resolve_with_light(chain([first], scenes))
    maps = _on_common_cells(maps)
    for name, m in maps.items():
        if light_is_known and not m.additive:
            light = lights[name] if name in lights else look_once(galaxy, {name: m})[name].light
            maps[name] = m = without_dark(name, m, light)
        if name not in free:
            maps[name] = _with(m, known.setdefault(id(m.instrument), m.instrument.with_transfer()))
    return maps


def _on_common_cells(maps: Mapping[str, Map]) -> Maps:
    """Maps of the same pixels with one sampling, the finest that was chosen for any, where one costs less than all of them."""
    groups: dict[Any, list[str]] = {}
    for name, m in maps.items():
        if m.instrument.error is not None:
            groups.setdefault(_cells_key(m)[:-2], []).append(name)
    result = dict(maps)
    for names in groups.values():
        used = {id(maps[n].instrument): maps[n].instrument for n in names}
        samplings = [i.sampling for i in used.values() if i.sampling is not None]
        finest = max(samplings, key=lambda s: (s.convolve, s.nodes))
        common = finest.with_margin(max(s.margin for s in samplings))
        shape = maps[names[0]].instrument.grid.shape
        if len(used) == 1 or common.points(shape) > sum(s.points(shape) for s in samplings):
            continue
        instruments: dict[int, Instrument] = {}
        for name in names:
            own = maps[name].instrument
            again = own.with_sampling(common, own.error, own.rounding)
            result[name] = _with(maps[name], instruments.setdefault(id(own), again))
    return result


def sampled_like(maps: Mapping[str, Map], like: Mapping[str, Map]) -> Maps:
    """New maps, their instruments sampled like those of the old maps of the same names.

    Raises
    ------
    InputError
        if a map is of another kind than the old one.
    """
    known: dict[int, Any] = {}
    made = {}
    for name, old in like.items():
        new = maps[name].instrument
        if id(new) not in known:
            assert old.instrument.sampling is not None, "a model's maps are sampled"
            sampled = new.with_sampling(old.instrument.sampling, old.instrument.error, old.instrument.rounding)
            known[id(new)] = sampled if old.instrument.transfer is None else sampled.with_transfer()
        made[name] = _with(maps[name], known[id(new)])
        if jax.tree.structure(made[name]) != jax.tree.structure(old) or maps[name].values.shape != old.values.shape:
            raise InputError(f"with_maps: {name!r} is another kind of map than the model's: shape, tracer, scale, likelihood or PSF.")
    return made


def shared(maps: Mapping[str, Map], apart: Collection[str], moving: Collection[str]) -> Groups:
    """The names of the maps that are computed together.

    Parameters
    ----------
    maps
        with their samplings chosen.
    apart
        maps with a free parameter in their instrument: nobody shares it.
    moving
        maps whose pixels move in a fit: nobody shares their cells.

    Returns
    -------
    groups
        of each set of cells, of each instrument on it: names of maps.
    """
    groups: dict[Any, dict[Any, list[str]]] = {}
    for name, one_map in maps.items():
        cells = name if name in moving else _cells_key(one_map)
        instrument = name if name in apart else id(one_map.instrument)
        groups.setdefault(cells, {}).setdefault(instrument, []).append(name)
    return tuple(tuple(map(tuple, members.values())) for members in groups.values())


def _cells_key(one_map: Map) -> Any:
    """What must be equal for two maps to be computed on the same cells."""
    pointing = one_map.pointing
    numbers = tuple(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(pointing.grid))
    return (*numbers, pointing.grid.shape, pointing.sampling, isinstance(pointing.psf, NoPSF))


def cells(maps: Mapping[str, Map]) -> int:
    """How many cells all maps together are computed on."""
    return sum(math.prod(m.instrument.sampling.cells(m.instrument.grid.shape)) for m in maps.values() if m.instrument.sampling)


def _with(map: Map, instrument: Instrument) -> Map:
    return eqx.tree_at(lambda m: m.instrument, map, instrument)
