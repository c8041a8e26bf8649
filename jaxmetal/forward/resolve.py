"""supersampling="auto": chosen by measuring what it costs in accuracy."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.forward.coverage import check_coverage
from jaxmetal.forward.faint import FAINTEST
from jaxmetal.forward.views import View, largest_rounding, look_once
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.sampling import MAX_POINTS, Sampling, choose, guess, margin_for
from jaxmetal.maps import Map
from jaxmetal.maps.map import LIGHT_TOLERANCE

Scene = tuple[Galaxy, Mapping[str, Map]]

log = logging.getLogger("jaxmetal")

# A draw that a fit may pass counts only where its means span no more dex than this: beyond, no map
# would tell one from the other, and what is far outside the frame outshines it.
LARGEST_RANGE = 3
# The margin may grow to this many times what the PSF asks for.
LARGEST_MARGIN = 3
# The label of the error in light, which every map is held to beside its own.
LIGHT_ERROR = "light"


class Comparison(NamedTuple):
    """A sampling beside a finer one.

    Parameters
    ----------
    errors
        {what is shown: largest error}, in its unit; of light, relative.
    excess
        the largest error over its tolerance.
    """

    errors: dict[str, float]
    excess: float


def resolve(scenes: Iterable[Scene]) -> dict[str, Map]:
    """The maps of the first scene with every "auto" sampling chosen; see `resolve_with_light`."""
    return resolve_with_light(scenes)[0]


def resolve_with_light(scenes: Iterable[Scene]) -> tuple[dict[str, Map], dict[str, np.ndarray]]:
    """The maps of the first scene with every "auto" sampling chosen, by measuring it.

    A first guess from the PSF's transfer function is compared with a finer sampling. As long as the
    two differ by more than the maps' tolerances (1e-4 dex, 1e-3 in light) anywhere where light
    matters (brighter than 1e-4 of the peak), a finer one is taken and compared in its turn.

    Parameters
    ----------
    scenes
        (galaxy, maps by name): first the numbers to start from, then others that a fit may visit;
        the choice holds for all of them, but not for means that span 3 dex and more. A map whose
        instrument has its sampling already is returned as it is, and maps that share an instrument
        go on sharing it.

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
    all_scenes = cache(lambda: [first, *others])
    maps = dict(start)
    check_coverage(galaxy, maps)
    lights: dict[str, np.ndarray] = {}
    for names in _by_instrument(start):
        instrument, excess, views = _resolved(first, all_scenes, names)
        level, limit = logging.INFO, ""
        if excess > 1:
            level, limit = logging.WARNING, ", which is more than the tolerance of 1e-4 and 1e-3"
        log.log(level, "%s: %s%s", ", ".join(names), instrument.describe(), limit)
        for name in names:
            maps[name] = eqx.tree_at(lambda m: m.instrument, maps[name], instrument)
            lights[name] = np.asarray(views[name].light)
        check_coverage(galaxy, {name: maps[name] for name in names})
    return maps, lights


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
    first: Scene, all_scenes: Callable[[], Sequence[Scene]], names: Sequence[str]
) -> tuple[Instrument, float, dict[str, View]]:
    """The maps' instrument with a sampling that holds for all scenes.

    With its largest error over the tolerance, and the views of the first scene.
    """
    galaxy, instrument = first[0], first[1][names[0]].instrument
    # Around the images of a lensed centre, wherever they are, only more points help.
    lensed = any(galaxy.is_lensed(name) for name in galaxy.components)

    @cache
    def first_views(sampling: Sampling) -> dict[str, View]:
        return _views(first, names, sampling)

    @cache
    def views(sampling: Sampling) -> list[dict[str, View]]:
        return [first_views(sampling), *(_views(s, names, sampling) for s in all_scenes()[1:])]

    def compare(coarse: Sampling, fine: Sampling) -> Comparison:
        return _compare(first[1], views(coarse), views(fine))

    # To compile takes longer than to compute: two programs at once.
    likely, widest = _first_guess([instrument])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(first_views, (likely, likely.finer(widest, lensed))))
    start, widest = _first_guess([maps[names[0]].instrument for _, maps in all_scenes()])
    possible = lambda s: s.points(instrument.grid.shape) <= MAX_POINTS  # noqa: E731
    sampling, comparison = choose(start, widest, lensed, compare, possible)
    final = views(sampling)[0]
    rounding = max(largest_rounding(view) for view in final.values())
    errors = {label: jnp.asarray(error) for label, error in sorted(comparison.errors.items())}
    resolved = instrument.with_sampling(sampling, errors, jnp.asarray(rounding))
    return resolved, comparison.excess, final


def _first_guess(instruments: Sequence[Instrument]) -> tuple[Sampling, int]:
    """The finest of the first guesses, and how wide the margin may become."""
    margin = instruments[0].margin
    widest = margin
    if margin is None:
        margin = max(margin_for(i.psf, i.grid) for i in instruments)
        widest = LARGEST_MARGIN * margin
    guesses = (guess(i.psf, i.grid, margin) for i in instruments)
    return max(guesses, key=lambda sampling: sampling.convolve), widest or 0


def _compare(
    maps: Mapping[str, Map], coarse: Sequence[dict[str, View]], fine: Sequence[dict[str, View]]
) -> Comparison:
    """The errors of the coarser views of all scenes."""
    errors: dict[str, float] = {}
    excess = 0.0
    for number, views in enumerate(zip(coarse, fine, strict=True)):
        # The first is where a fit starts, and always counts.
        if number > 0 and not _counts(maps, views[1]):
            continue
        for name in views[1]:
            for label, (error, tolerance) in _differences(
                maps[name], views[0][name], views[1][name]
            ).items():
                errors[label] = max(errors.get(label, 0.0), error)
                excess = max(excess, error / tolerance)
    return Comparison(errors, excess)


def _differences(one_map: Map, coarse: View, fine: View) -> dict[str, tuple[float, float]]:
    """{what is shown: (error, tolerance)} of the coarser view where light matters."""
    matters = _matters(fine)
    for view in (coarse, fine):
        matters &= np.isfinite(view.light) & np.isfinite(view.shown)
    if not matters.any():
        return {LIGHT_ERROR: (0.0, LIGHT_TOLERANCE)}
    # What is left to the converged map is about twice the difference where it falls as the cube of
    # the sampling.
    light = 2 * np.abs(coarse.light[matters] / fine.light[matters] - 1.0).max()
    result = {LIGHT_ERROR: (float(light), LIGHT_TOLERANCE)}
    if not one_map.additive:
        error = 2 * np.abs(coarse.shown - fine.shown)[matters]
        tolerance = one_map.tolerance(np.asarray(fine.shown[matters]))
        tolerance = np.broadcast_to(tolerance, error.shape)
        worst = int(np.argmax(error / tolerance))
        result[one_map.quantity] = float(error[worst]), float(tolerance[worst])
    return result


def _counts(maps: Mapping[str, Map], views: Mapping[str, View]) -> bool:
    """Whether a fit could be there: what is shown is finite, and spans what a map may show."""
    for name, view in views.items():
        quantity = view.shown[_matters(view)]
        logarithmic = maps[name].scale == "log10"
        if not (np.isfinite(quantity).all() and np.isfinite(view.light[_matters(view)]).all()):
            return False
        if logarithmic and np.ptp(quantity) >= LARGEST_RANGE:
            return False
    return True


def _matters(view: View) -> np.ndarray:
    """Where there is light enough to count."""
    brightness = np.abs(view.light)
    return brightness > FAINTEST * np.nanmax(brightness)


def _views(scene: Scene, names: Sequence[str], sampling: Sampling) -> dict[str, View]:
    """What the maps of one instrument would show, in double precision.

    The sampling is judged, not the rounding.
    """
    galaxy, maps = scene
    instrument = maps[names[0]].instrument.with_sampling(sampling)
    chosen = {n: eqx.tree_at(lambda m: m.instrument, maps[n], instrument) for n in names}
    with jax.enable_x64(True):
        views = look_once(*_in_double(galaxy, chosen))
        return jax.tree.map(np.asarray, views)


def _in_double(*trees: Any) -> Any:
    numbers, static = eqx.partition(trees, eqx.is_inexact_array)
    doubles = jax.tree.map(lambda a: jnp.asarray(np.asarray(a, float)), numbers)
    return eqx.combine(doubles, static)
