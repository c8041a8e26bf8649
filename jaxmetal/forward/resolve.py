"""supersampling="auto": chosen by measuring what it costs in accuracy."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.forward.coverage import check_coverage
from jaxmetal.forward.faint import FAINTEST, rounding_error
from jaxmetal.forward.observe import Average, observe_once
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.sampling import MAX_POINTS, Sampling, guess, margin_for
from jaxmetal.maps import Map, TracerMap

Scene = tuple[Galaxy, Mapping[str, Map]]

log = logging.getLogger("jaxmetal")

# How near to the converged map "auto" must come where light matters: dex (or tracer unit), and relative light.
TOLERANCE = np.array([1e-4, 1e-3])
# What a fit may pass counts only where its averages span no more dex than this: beyond, no map would tell one from the other, and what
# is far outside the frame outshines it.
MOST_DEX = 3
# The margin may grow to so many times what the PSF asks for, but not where it changes less than this part of what is allowed.
MOST_MARGIN, SETTLED = 3, 0.1


def resolve(scenes: Iterable[Scene]) -> dict[str, Map]:
    """The maps of the first scene with every "auto" sampling chosen; see `resolve_with_light`."""
    return resolve_with_light(scenes)[0]


def resolve_with_light(scenes: Iterable[Scene]) -> tuple[dict[str, Map], dict[str, np.ndarray]]:
    """The maps of the first scene with every "auto" sampling chosen, by measuring it.

    A first guess from the PSF's transfer function is compared with a finer sampling. As long as the two differ by more
    than 1e-4 dex or 1e-3 in light anywhere where light matters (brighter than 1e-4 of the peak), a finer one is taken
    and compared in its turn. A tracer map that spans more than one unit is held to 1e-4 of its span.

    Parameters
    ----------
    scenes
        (galaxy, maps by name): first the numbers to start from, then others that a fit may visit; the choice holds
        for all of them, but not for averages that span 3 dex and more. They may be a generator: while it works the first
        scene is looked at. A map whose instrument has its sampling already is returned as it is, and maps that share an
        instrument go on sharing it.

    Returns
    -------
    maps
        by name; `map.instrument.describe()` says what was chosen and the error that was measured.
    lights
        {map: smeared light of the first scene} of the maps whose sampling was chosen here.

    Raises
    ------
    InputError
        if a frame reaches beyond the deflection map that the galaxy is seen through.
    """
    others = iter(scenes)
    first = galaxy, start = next(others)
    everything = cache(lambda: [first, *others])
    maps = dict(start)
    check_coverage(galaxy, maps)
    lights: dict[str, np.ndarray] = {}
    together: dict[int, list[str]] = {}
    for name, map in maps.items():
        if map.instrument.sampling is None:
            together.setdefault(id(map.instrument), []).append(name)
    for names in together.values():
        averages = tuple(dict.fromkeys((m.tracer, m.scale) for m in (start[name] for name in names) if isinstance(m, TracerMap)))
        instrument, excess, view = _resolved(first, everything, names[0], averages)
        level, but = (logging.INFO, "") if excess <= 1 else (logging.WARNING, ", which is more than the 1e-4 and 1e-3 asked for")
        log.log(level, "%s: %s%s", ", ".join(names), instrument.describe(), but)
        for name in names:
            maps[name] = eqx.tree_at(lambda m: m.instrument, maps[name], instrument)
            lights[name] = view[0]
    check_coverage(galaxy, {name: maps[name] for names in together.values() for name in names})
    return maps, lights


def _resolved(
    first: Scene, everything: Callable[[], Sequence[Scene]], name: str, averages: tuple[Average, ...]
) -> tuple[Instrument, float, list[np.ndarray]]:
    """The instrument of this map with a sampling that holds for all scenes.

    With its largest error over what is allowed, and the view of the first scene.
    """
    galaxy, instrument = first[0], first[1][name].instrument
    possible = lambda sampling: sampling.points(instrument.grid.shape) <= MAX_POINTS  # noqa: E731
    # Around the images of a lensed centre, wherever they are, only more points help.
    lensed = any(map(galaxy.is_lensed, galaxy.components))
    # To compile takes longer than to compute: two programs at once, the next one on the chance that it is needed.
    with ThreadPoolExecutor(2) as pool:
        ahead = cache(lambda sampling: pool.submit(_prepare, galaxy, instrument.with_sampling(sampling), averages))
        likely, widest = _first_guess([instrument])
        for each in (likely, likely.finer(widest, lensed)):
            ahead(each)
        scenes = [(galaxy, maps[name].instrument) for galaxy, maps in everything()]

        @cache
        def views(sampling: Sampling) -> list[list[np.ndarray]]:
            ahead(sampling).result()
            return [_view(galaxy, i.with_sampling(sampling), averages) for galaxy, i in scenes]

        apart = lambda coarse, fine: _apart(views(coarse), views(fine), [scale for _, scale in averages])  # noqa: E731
        sampling, widest = _first_guess([i for _, i in scenes])
        while True:
            finer = sampling.finer(widest, lensed)
            ahead(finer)
            errors, excess = apart(sampling, finer)
            if excess > 1 and (between := sampling.between(finer, excess)) is not None:
                sampling = between
                errors, excess = apart(sampling, finer)
            if excess <= 1 or not possible(finer):
                view = views(sampling)[0]
                rounding = jnp.asarray(rounding_error(view, [scale for _, scale in averages]))
                return instrument.with_sampling(sampling, jnp.asarray(errors), rounding), excess, view
            if finer.margin > sampling.margin:
                # Most often only one of the two is to blame, the cells or the margin, and the other would cost for nothing.
                narrow = finer.with_margin(sampling.margin)
                ahead(narrow)
                if possible(beyond := narrow.finer(narrow.margin, lensed)):
                    ahead(beyond)
                if apart(narrow, finer)[1] < SETTLED:
                    finer, widest = narrow, narrow.margin
                elif apart(sampling, narrow)[1] <= 1:
                    finer = sampling.with_margin(finer.margin)
            sampling = finer


def _first_guess(instruments: Sequence[Instrument]) -> tuple[Sampling, int]:
    """The finest of the first guesses, and how wide the margin may become."""
    fixed = instruments[0].margin
    margin = max(margin_for(i.psf, i.grid) for i in instruments) if fixed is None else fixed
    finest = max((guess(i.psf, i.grid, margin) for i in instruments), key=lambda s: s.convolve)
    return finest, MOST_MARGIN * margin if fixed is None else fixed


def _apart(coarse: list[list[np.ndarray]], fine: list[list[np.ndarray]], scales: list[Any]) -> tuple[np.ndarray, float]:
    """The errors of the coarser views, and the largest of them over what is allowed."""
    # The first is where a fit starts, and always counts.
    pairs = [_difference(*pair) for i, pair in enumerate(zip(coarse, fine, strict=True)) if i == 0 or _counts(pair[1], scales)]
    # What is left to the converged map is about twice the difference where it falls as the cube of the sampling.
    return 2 * np.max([error for error, _ in pairs], axis=0), max(float(np.max(2 * error / allowed)) for error, allowed in pairs)


def _counts(view: list[np.ndarray], scales: list[Any]) -> bool:
    """Whether a fit could be there: the averages are numbers, and span what a map may show."""
    matters = _matters(view)
    spans = [np.ptp(mean[matters]) for mean, scale in zip(view[1:], scales, strict=True) if scale == "log10"]
    return all(np.isfinite(image[matters]).all() for image in view) and max(spans, default=0) < MOST_DEX


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
    matters = _matters(fine) & np.isfinite([*coarse, *fine]).all(axis=0)
    if not matters.any():
        return np.zeros(2), TOLERANCE
    light = np.abs(coarse[0] / np.where(matters, fine[0], 1.0) - 1.0)[matters].max()
    # A map that spans many units, such as a velocity field, is held to the same fraction of its range.
    spans = [max(1.0, float(np.ptp(b[matters]))) for b in fine[1:]]
    errors = [float(np.abs(a[matters] - b[matters]).max()) for a, b in zip(coarse[1:], fine[1:], strict=True)]
    worst = max(range(len(spans)), key=lambda i: errors[i] / spans[i], default=None)
    tracer, span = (0.0, 1.0) if worst is None else (errors[worst], spans[worst])
    return np.array([tracer, light]), TOLERANCE * np.array([span, 1.0])


def _matters(view: list[np.ndarray]) -> np.ndarray:
    """Where there is light enough to count."""
    brightness = np.abs(view[0])
    return brightness > FAINTEST * np.nanmax(brightness)
