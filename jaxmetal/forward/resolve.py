"""supersampling="auto": chosen by measuring what it costs in accuracy."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.forward.coverage import check_coverage
from jaxmetal.forward.observe import Average, observe_once
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.sampling import MAX_POINTS, Sampling, guess, margin_for
from jaxmetal.maps import Map, TracerMap

Scene = tuple[Galaxy, Mapping[str, Map]]

log = logging.getLogger("jaxmetal")

# How near to the converged map "auto" must come where light matters: dex (or tracer unit), and relative light.
TOLERANCE = np.array([1e-4, 1e-3])
# Light matters down to this fraction of the brightest pixel.
FAINTEST = 1e-4
# The margin may grow to so many times what the PSF asks for, but not where it changes less than this part of what is allowed.
MOST_MARGIN, SETTLED = 3, 0.1


def resolve(scenes: Sequence[Scene]) -> dict[str, Map]:
    """The maps of the first scene with every "auto" sampling chosen, by measuring it.

    A first guess from the PSF's transfer function is compared with the next finer sampling. As long as the two differ
    by more than 1e-4 dex or 1e-3 in light anywhere where light matters (brighter than 1e-4 of the peak), the finer one
    is taken and compared in its turn. A tracer map that spans more than one unit is held to 1e-4 of its span.

    Parameters
    ----------
    scenes
        (galaxy, maps by name): first the numbers to start from, then others that a fit may visit; the choice holds
        for all of them. A map whose instrument has its sampling already is returned as it is, and maps that share an
        instrument go on sharing it.

    Returns
    -------
    maps
        by name; `map.instrument.describe()` says what was chosen and the error that was measured.

    Raises
    ------
    InputError
        if a frame reaches beyond the deflection map that the galaxy is seen through.
    """
    maps = dict(scenes[0][1])
    check_coverage(scenes[0][0], maps)
    together: dict[int, list[str]] = {}
    for name, map in maps.items():
        if map.instrument.sampling is None:
            together.setdefault(id(map.instrument), []).append(name)
    for names in together.values():
        instrument = _resolved(scenes, names)
        for name in names:
            maps[name] = eqx.tree_at(lambda m: m.instrument, maps[name], instrument)
    check_coverage(scenes[0][0], {name: maps[name] for names in together.values() for name in names})
    return maps


def _resolved(scenes: Sequence[Scene], names: list[str]) -> Instrument:
    first = scenes[0][1]
    instruments = [maps[names[0]].instrument for _, maps in scenes]
    averages = tuple(dict.fromkeys((m.tracer, m.scale) for m in (first[name] for name in names) if isinstance(m, TracerMap)))
    fixed = instruments[0].margin
    margin = max(margin_for(i.psf, i.grid) for i in instruments) if fixed is None else fixed
    # Around the images of a lensed centre, wherever they are, only more points help.
    lensed = any(galaxy.is_lensed(name) for galaxy, _ in scenes for name in galaxy.components)
    sampling = max((guess(i.psf, i.grid, margin) for i in instruments), key=lambda s: s.convolve)

    @cache
    def views(sampling: Sampling) -> list[list[np.ndarray]]:
        ahead(sampling).result()
        return [_view(galaxy, i.with_sampling(sampling), averages) for (galaxy, _), i in zip(scenes, instruments, strict=True)]

    # To compile takes longer than to compute: two programs at once, the next one on the chance that it is needed.
    with ThreadPoolExecutor(2) as pool:
        ahead = cache(lambda sampling: pool.submit(_prepare, scenes[0][0], instruments[0].with_sampling(sampling), averages))
        widest = MOST_MARGIN * margin if fixed is None else fixed
        while True:
            finer = sampling.finer(widest, lensed)
            ahead(finer)
            coarse, fine = views(sampling), views(finer)
            errors, excess = _apart(coarse, fine)
            if excess <= 1 or finer.points(instruments[0].grid.shape) > MAX_POINTS:
                break
            if finer.margin > sampling.margin:
                # Most often only one of the two is to blame, the cells or the margin, and the other would cost for nothing.
                narrow = finer.with_margin(sampling.margin)
                ahead(narrow)
                if (beyond := narrow.finer(narrow.margin, lensed)).points(instruments[0].grid.shape) <= MAX_POINTS:
                    ahead(beyond)
                between = views(narrow)
                if _apart(between, fine)[1] < SETTLED:
                    finer, widest = narrow, narrow.margin
                elif _apart(coarse, between)[1] <= 1:
                    finer = sampling.with_margin(finer.margin)
            sampling = finer
    chosen = instruments[0].with_sampling(sampling, jnp.asarray(errors))
    if excess <= 1:
        log.info("%s: %s", ", ".join(names), chosen.describe())
    else:
        log.warning("%s: %s, which is more than the 1e-4 and 1e-3 asked for", ", ".join(names), chosen.describe())
    return chosen


def _apart(coarse: list[list[np.ndarray]], fine: list[list[np.ndarray]]) -> tuple[np.ndarray, float]:
    """The errors of the coarser views, and the largest of them over what is allowed."""
    pairs = [_difference(a, b) for a, b in zip(coarse, fine, strict=True)]
    # What is left to the converged map is about twice the difference where it falls as the cube of the sampling.
    return 2 * np.max([error for error, _ in pairs], axis=0), max(float(np.max(2 * error / allowed)) for error, allowed in pairs)


def _prepare(galaxy: Galaxy, instrument: Instrument, averages: tuple[Average, ...]) -> None:
    """Have the program of a view compiled."""
    with jax.enable_x64(True):
        observe_once.prepare(*_in_double(galaxy, instrument), averages, True)


def _view(galaxy: Galaxy, instrument: Instrument, averages: tuple[Average, ...]) -> list[np.ndarray]:
    """The light, and the mean of each tracer, in double precision: the sampling is judged, not the rounding."""
    with jax.enable_x64(True):
        light, means = observe_once(*_in_double(galaxy, instrument), averages, True)
        return [np.asarray(image) for image in (light, *means.values())]


def _in_double(*trees: Any) -> Any:
    numbers, rest = eqx.partition(trees, eqx.is_inexact_array)
    return eqx.combine(jax.tree.map(lambda a: jnp.asarray(np.asarray(a, float)), numbers), rest)


def _difference(coarse: list[np.ndarray], fine: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(tracer, relative light) differences where light matters, and what is allowed of each."""
    brightness = np.abs(fine[0])
    matters = np.all(np.isfinite(fine), axis=0) & (brightness > FAINTEST * np.nanmax(brightness))
    if not matters.any():
        return np.zeros(2), TOLERANCE
    light = np.abs(coarse[0] / np.where(matters, fine[0], 1.0) - 1.0)[matters].max()
    # A map that spans many units, such as a velocity field, is held to the same fraction of its range.
    spans = [max(1.0, float(np.ptp(b[matters]))) for b in fine[1:]]
    errors = [float(np.abs(a - b)[matters].max()) for a, b in zip(coarse[1:], fine[1:], strict=True)]
    worst = max(range(len(spans)), key=lambda i: errors[i] / spans[i], default=None)
    tracer, span = (0.0, 1.0) if worst is None else (errors[worst], spans[worst])
    return np.array([tracer, light]), TOLERANCE * np.array([span, 1.0])
