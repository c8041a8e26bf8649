"""The instruments of a model's maps: shared where they are the same, sampled, and ready to convolve."""

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

import equinox as eqx
import jax

from jaxmetal.errors import InputError
from jaxmetal.forward.faint import without_dark
from jaxmetal.forward.observe import observe_once
from jaxmetal.forward.resolve import resolve_with_light
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps import Map, TracerMap

Maps = dict[str, Map]


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
    for name, m in maps.items():
        if light_is_known and isinstance(m, TracerMap):
            light = lights[name] if name in lights else _light(galaxy, m.instrument)
            maps[name] = m = without_dark(name, m, light)
        if name not in free:
            maps[name] = _with(m, known.setdefault(id(m.instrument), m.instrument.with_transfer()))
    return maps


def _light(galaxy: Galaxy, instrument: Instrument) -> Any:
    return observe_once(galaxy, instrument, (), True)[0]


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


def shared(maps: Mapping[str, Map], free: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """The names of the maps, those with one instrument together; those with a free parameter in their instrument alone."""
    groups: dict[Any, list[str]] = {}
    for name, map in maps.items():
        groups.setdefault(name if name in free else id(map.instrument), []).append(name)
    return tuple(tuple(group) for group in groups.values())


def cells(maps: Mapping[str, Map]) -> int:
    """How many cells all maps together are computed on."""
    return sum(math.prod(m.instrument.sampling.cells(m.instrument.grid.shape)) for m in maps.values() if m.instrument.sampling)


def _with(map: Map, instrument: Instrument) -> Map:
    return eqx.tree_at(lambda m: m.instrument, map, instrument)
