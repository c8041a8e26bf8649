"""supersampling="auto": chosen by measuring its error."""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.forward.cells import is_concentric
from jaxmetal.forward.coverage import check_coverage
from jaxmetal.forward.criterion import WITHIN_TOLERANCE, Comparison, Criterion
from jaxmetal.forward.views import View, largest_rounding, look_once
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.choice import choose, guess, margin_for
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.sampling import MAX_POINTS, Sampling
from jaxmetal.maps import Map
from jaxmetal.profiles.units import is_own

log = logging.getLogger("jaxmetal")

# The margin may grow to this many times what the PSF asks for.
LARGEST_MARGIN = 3


def resolve(
    galaxy: Galaxy, maps: Mapping[str, Map], criterion: Criterion = WITHIN_TOLERANCE
) -> dict[str, Map]:
    """The maps with every "auto" sampling chosen; see `resolve_with_light`."""
    return resolve_with_light(galaxy, maps, criterion)[0]


def resolve_with_light(
    galaxy: Galaxy, maps: Mapping[str, Map], criterion: Criterion = WITHIN_TOLERANCE
) -> tuple[dict[str, Map], dict[str, np.ndarray]]:
    """The maps with every "auto" sampling chosen, by measuring it.

    A first guess from the PSF's transfer function is compared with a finer sampling. As long as the
    two differ by more than is allowed, a finer one is taken and compared in its turn.

    Parameters
    ----------
    galaxy
        the numbers for which the sampling is to be fine enough.
    maps
        by name. A map whose instrument has its sampling already is returned as it is, and maps that
        share an instrument go on sharing it.
    criterion
        what is allowed: by default 1e-4 dex, and 1e-3 in light, anywhere where light matters
        (brighter than 1e-4 of the peak).

    Returns
    -------
    maps
        by name; `map.instrument.describe()` says what was chosen and the error that was measured.
    lights
        {map: smeared light} of the maps whose sampling was chosen here.

    Raises
    ------
    InputError
        if a frame reaches beyond the deflection map that the galaxy is seen through.
    """
    result = dict(maps)
    check_coverage(galaxy, result)
    lights: dict[str, np.ndarray] = {}
    for names in _by_instrument(maps):
        instrument, excess, views = _resolved(galaxy, maps, names, criterion)
        level, limit = logging.INFO, ""
        if excess > 1:
            level, limit = logging.WARNING, f", which is more than {criterion.allowed}"
        log.log(level, "%s: %s%s", ", ".join(names), instrument.describe(), limit)
        for name in names:
            result[name] = result[name].with_instrument(instrument)
            lights[name] = np.asarray(views[name].light)
        check_coverage(galaxy, {name: result[name] for name in names})
    return result, lights


def _by_instrument(maps: Mapping[str, Map]) -> list[list[str]]:
    """The names of the maps whose sampling is to be chosen.

    Those of one instrument that lie in the same place are together.
    """
    names: dict[Any, list[str]] = {}
    for name, one_map in maps.items():
        if one_map.instrument.sampling is None:
            names.setdefault((id(one_map.instrument), one_map.shift), []).append(name)
    return list(names.values())


def _resolved(
    galaxy: Galaxy, maps: Mapping[str, Map], names: Sequence[str], criterion: Criterion
) -> tuple[Instrument, float, dict[str, View]]:
    """The maps' instrument with a sampling that is fine enough.

    With its largest error over what is allowed, and what the maps show.
    """
    instrument, group = maps[names[0]].instrument, {name: maps[name] for name in names}
    start, widest = first_sampling(galaxy, instrument, criterion), widest_margin(instrument)

    @cache
    def views(sampling: Sampling) -> dict[str, View]:
        return views_at(galaxy, group, sampling)

    def compare(coarse: Sampling, fine: Sampling) -> Comparison:
        # To compile takes longer than to compute: two programs at once.
        with ThreadPoolExecutor(2) as pool:
            of_coarse, of_fine = pool.map(views, (coarse, fine))
        return criterion.compare(group, of_coarse, of_fine, coarse.convolve < 1)

    def possible(sampling: Sampling) -> bool:
        return sampling.points(instrument.grid.shape) <= MAX_POINTS

    more_nodes = needs_more_nodes(galaxy)
    sampling, comparison = choose(start, widest, more_nodes, compare, possible)
    rounding = max(largest_rounding(view) for view in views(sampling).values())
    errors = {label: jnp.asarray(error) for label, error in sorted(comparison.errors.items())}
    resolved_instrument = instrument.with_sampling(sampling, errors, jnp.asarray(rounding))
    return resolved_instrument, comparison.excess, views(sampling)


def needs_more_nodes(galaxy: Galaxy) -> bool:
    """Whether only more points in a cell help, not smaller cells alone.

    This is the case around the images of a lensed centre.
    """
    return any(galaxy.is_lensed(name) for name in galaxy.components)


def _is_smooth(galaxy: Galaxy) -> bool:
    """Whether averages over cells follow from the middles of cells, but for the cusps.

    Those of the package's own profiles do; images and users' functions may be sharp anywhere, and
    so may what is lensed.
    """
    components = galaxy.components.items()
    profiles = [p for _, c in components for p in (*c.lights.values(), *c.tracers.values())]
    smooth = all(is_own(p.function) and "image" not in p.parameters for p in profiles)
    return smooth and not needs_more_nodes(galaxy)


def first_sampling(galaxy: Galaxy, instrument: Instrument, criterion: Criterion) -> Sampling:
    """Where the search for a sampling begins.

    Parameters
    ----------
    galaxy, instrument
        what is computed, and the optics and pixels.
    criterion
        what the PSF may pass, and scatter beyond the margin, and whether centres move.
    """
    psf, grid, margin = instrument.psf, instrument.grid, instrument.margin
    margin = margin_for(psf, grid, criterion.first.outside) if margin is None else margin
    start = guess(psf, grid, margin, criterion.first)
    nodes = 1 if margin and _is_smooth(galaxy) else start.nodes
    concentric = not criterion.centres_move and is_concentric(galaxy)
    return dataclasses.replace(start, nodes=nodes, concentric=concentric)


def widest_margin(instrument: Instrument) -> int:
    """How wide the margin of an instrument may become."""
    if instrument.margin is not None:
        return instrument.margin
    return LARGEST_MARGIN * margin_for(instrument.psf, instrument.grid)


def views_at(galaxy: Galaxy, maps: Mapping[str, Map], sampling: Sampling) -> dict[str, View]:
    """What maps of one instrument would show at a sampling, in double precision.

    The sampling is judged, not the rounding.

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    maps
        by name; they share an instrument.
    sampling
        cells, points and margin.
    """
    with jax.enable_x64(True):
        instrument = next(iter(maps.values())).instrument.with_sampling(sampling)
        sampled_maps = {name: one_map.with_instrument(instrument) for name, one_map in maps.items()}
        views = look_once(*_in_double(galaxy, sampled_maps))
        return jax.tree.map(np.asarray, views)


def _in_double(*trees: Any) -> Any:
    numbers, static = eqx.partition(trees, eqx.is_inexact_array)
    # Of NumPy: to make arrays of JAX one by one takes longer than the views of a small map.
    doubles = jax.tree.map(lambda a: np.asarray(a, float), numbers)
    return eqx.combine(doubles, static)
