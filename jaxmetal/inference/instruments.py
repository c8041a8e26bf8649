"""The instruments of a model's maps: shared where equal, and with their samplings chosen."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.forward.criterion import Criterion
from jaxmetal.forward.faint import without_dark
from jaxmetal.forward.resolve import resolve_with_light
from jaxmetal.forward.views import look_once
from jaxmetal.galaxy import LENS, Galaxy
from jaxmetal.inference import transfers
from jaxmetal.instrument.convolve import Separable
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.instrument.sampling import finest
from jaxmetal.maps import Map

Maps = dict[str, Map]
# The names of the maps of each instrument.
Groups = tuple[tuple[str, ...], ...]


def shared(maps: Mapping[str, Map], free: Collection[str]) -> Groups:
    """The names of the maps, those of one instrument that lie in the same place together.

    Parameters
    ----------
    maps
        as the user made them.
    free
        names of those with a free parameter in their instrument, which is not shared.
    """
    groups: dict[Any, list[str]] = {}
    for name, one_map in maps.items():
        key = name if name in free else (id(one_map.instrument), one_map.shift)
        groups.setdefault(key, []).append(name)
    return tuple(map(tuple, groups.values()))


def pixels_of(maps: Mapping[str, Map], groups: Groups, moving: Collection[str]) -> list[Any]:
    """For each group of `shared` a key, equal for those that have their pixels in common.

    They share one Grid object, as instruments share one Instrument: grids that are equal in one
    galaxy may differ in the next.

    Parameters
    ----------
    maps
        as the user made them.
    groups
        of `shared`.
    moving
        names of the maps whose pixels move in a fit; these are not shared.
    """
    firsts = [maps[names[0]] for names in groups]
    return [
        names if set(names) & set(moving) else (id(one_map.instrument.grid), one_map.shift)
        for names, one_map in zip(groups, firsts, strict=True)
    ]


def set_apart(maps: Mapping[str, Map], names: Collection[str]) -> Maps:
    """The maps, those named with an instrument of their own.

    Maps of another model have its transfer functions, which a PSF that is free now must not keep.
    """
    apart = dict(maps)
    for name in names:
        apart[name] = maps[name].with_instrument(transfers.without(maps[name].instrument))
    return apart


def make_ready(
    galaxy: Galaxy,
    maps: Mapping[str, Map],
    criterion: Criterion,
    groups: Groups,
    pixels: Sequence[Any],
    free: Collection[str],
    light_is_fixed: bool,
) -> Maps:
    """The maps with their samplings chosen, and their PSFs transformed.

    Parameters
    ----------
    galaxy, maps
        where a fit starts.
    criterion
        when an automatic sampling is fine enough.
    groups, pixels
        of `shared`, and the key of `pixels_of` for each.
    free
        names of the maps whose PSF changes in a fit: it cannot be transformed beforehand.
    light_is_fixed
        whether no light changes in a fit. Then pixels that are too dark for the precision in use
        are masked.
    """
    maps, lights = resolve_with_light(galaxy, maps, criterion)
    common = _with_common_samplings([maps[names[0]].instrument for names in groups], pixels)
    for names, instrument in zip(groups, common, strict=True):
        ready = instrument if names[0] in free else instrument.with_transfer()
        for name in names:
            m = maps[name]
            if light_is_fixed and not m.additive:
                if name not in lights:
                    lights[name] = np.asarray(look_once(galaxy, {name: m})[name].light)
                m = without_dark(name, m, lights[name])
            maps[name] = m.with_instrument(ready)
    return maps


def _with_common_samplings(
    instruments: Sequence[Instrument], pixels: Sequence[Any]
) -> list[Instrument]:
    """Instruments of the same pixels with one sampling, where one costs less than all of them.

    It is the finest that was chosen for any; samplings that the user chose stay.
    """
    together: dict[Any, list[int]] = {}
    for index, (instrument, key) in enumerate(zip(instruments, pixels, strict=True)):
        if instrument.error is not None:
            together.setdefault(key, []).append(index)
    result = list(instruments)
    for indices in together.values():
        samplings = [s for s in (instruments[index].sampling for index in indices) if s is not None]
        common = finest(samplings)
        shape = instruments[indices[0]].grid.shape
        if common.points(shape) > sum(s.points(shape) for s in samplings):
            continue
        for index in indices:
            instrument_used = instruments[index]
            result[index] = instrument_used.with_sampling(
                common, instrument_used.error, instrument_used.rounding
            )
    return result


def light_is_fixed(paths: Iterable[str]) -> bool:
    """Whether none of the free parameters changes where the light lies in the maps.

    Parameters
    ----------
    paths
        of all parameters that are free, tied or Linear.
    """
    parts = [path.split(".") for path in paths]
    places = ("light", "instrument", "calibration", "distance_ratio")
    return not any(part[0] == LENS or part[1] in places for part in parts)


def sampled_like(maps: Mapping[str, Map], like: Mapping[str, Map], groups: Groups) -> Maps:
    """New maps, their instruments sampled and transformed like those of a model's maps.

    Parameters
    ----------
    maps, like
        by name: the new maps, and those of the model.
    groups
        names of the maps that share an instrument.

    Raises
    ------
    InputError
        if a map is of another kind than the old one.
    """
    result = with_samplings(maps, like, groups)
    for names in groups:
        transfer = like[names[0]].instrument.transfer
        if transfer is not None:
            ready = result[names[0]].instrument.with_transfer(isinstance(transfer, Separable))
            result |= {name: result[name].with_instrument(ready) for name in names}
    for name, old in like.items():
        # The form of the errors follows from the model.
        new = result[name].with_noise(old.noise)
        same = transfers.structure(new) == transfers.structure(old)
        if not same or maps[name].values.shape != old.values.shape:
            raise InputError(
                f"with_maps: {name!r} is another kind of map than the model's: shape, tracer, "
                "scale, likelihood, correlation or PSF."
            )
    return {name: result[name] for name in like}


def with_samplings(maps: Mapping[str, Map], like: Mapping[str, Map], groups: Groups) -> Maps:
    """The maps, their instruments at the samplings of other maps of the same names.

    Parameters
    ----------
    maps, like
        by name.
    groups
        names of the maps that share an instrument.
    """
    result = {}
    for names in groups:
        model = like[names[0]].instrument
        assert model.sampling is not None, "a model's maps are sampled"
        old = maps[names[0]].instrument
        new_instrument = old.with_sampling(model.sampling, model.error, model.rounding)
        result |= {name: maps[name].with_instrument(new_instrument) for name in names}
    return result


def without_automatic_sampling(maps: Mapping[str, Map], groups: Groups) -> Maps:
    """The maps, their instruments without a sampling where it was chosen automatically.

    Parameters
    ----------
    maps
        by name.
    groups
        names of the maps that share an instrument.
    """
    result = dict(maps)
    for names in groups:
        old = maps[names[0]].instrument
        if old.error is not None:
            new_instrument = Instrument(
                old.grid, old.psf, "auto", old.margin, apertures=old.apertures
            )
            result |= {name: maps[name].with_instrument(new_instrument) for name in names}
    return result


def on_common_cells(
    maps: Mapping[str, Map], groups: Groups, pixels: Sequence[Any]
) -> tuple[Groups, ...]:
    """Which instruments are computed on the same cells.

    Parameters
    ----------
    maps
        with their samplings chosen.
    groups, pixels
        of `shared`, and the key of `pixels_of` for each.

    Returns
    -------
    groups
        of each set of cells, of each instrument on it: names of maps.
    """
    cells: dict[Any, list[tuple[str, ...]]] = {}
    for names, key in zip(groups, pixels, strict=True):
        instrument = maps[names[0]].instrument
        smeared = not isinstance(instrument.psf, NoPSF)
        cells.setdefault((key, instrument.sampling, smeared), []).append(names)
    return tuple(map(tuple, cells.values()))


def check_shared(maps: Mapping[str, Map], groups: Sequence[Groups]) -> None:
    """Maps share instruments and pixels as those of the model do whose data they replace.

    Raises
    ------
    InputError
        naming the maps that do not.
    """
    for cells in groups:
        for names in cells:
            if len({id(maps[name].instrument) for name in names}) > 1:
                raise InputError(
                    f"with_maps: {', '.join(names)} share an instrument in this model, "
                    "so they must share one here."
                )
        names = [name for part in cells for name in part]
        pointings = [maps[name].pointing for name in names]
        if any(_pixels(pointing) != _pixels(pointings[0]) for pointing in pointings):
            raise InputError(
                f"with_maps: {', '.join(names)} have the same pixels in this model, "
                "so they must have the same here, shifts included."
            )


def _pixels(instrument: Instrument) -> Any:
    """What is equal if the pixels are the same."""
    grid = instrument.grid
    return (*(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(grid)), grid.shape)


def cells(maps: Mapping[str, Map]) -> int:
    """How many cells all maps together are computed on."""
    return sum(
        math.prod(m.instrument.sampling.cells(m.instrument.grid.shape))
        for m in maps.values()
        if m.instrument.sampling
    )
