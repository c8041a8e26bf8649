"""When a sampling is fine enough: within the tolerances of the maps, or by another criterion."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from jaxmetal.forward.faint import FAINTEST
from jaxmetal.forward.views import View
from jaxmetal.instrument.choice import STRICT, FirstGuess
from jaxmetal.maps import Map
from jaxmetal.maps.map import LIGHT_TOLERANCE

# The label of the error in light, which every map is held to beside its own.
LIGHT_ERROR = "light"
Maps = Mapping[str, Map]
Views = Mapping[str, View]


class Comparison(NamedTuple):
    """A sampling beside a finer one.

    Parameters
    ----------
    errors
        {what is shown: largest error}, in its unit; of light, relative.
    excess
        the largest error over what is allowed.
    """

    errors: dict[str, float]
    excess: float


class Criterion(NamedTuple):
    """When a sampling is fine enough.

    Parameters
    ----------
    first
        where the search begins.
    compare
        (maps of one instrument, what they show at a sampling and at a finer one, whether its cells
        are larger than a pixel) -> Comparison.
    allowed
        what a message says of it.
    centres_move
        whether a fit may move the centre of a profile away from those of others.
    """

    first: FirstGuess
    compare: Callable[[Maps, Views, Views, bool], Comparison]
    allowed: str
    centres_move: bool = False


def by_tolerance(maps: Maps, coarse: Views, fine: Views, large_cells: bool = False) -> Comparison:
    """The errors of the coarser views over the tolerances of the maps.

    Parameters
    ----------
    maps
        of one instrument.
    coarse, fine
        what they show.
    large_cells
        makes no difference here.

    Returns
    -------
    comparison
        of the two.
    """
    errors: dict[str, float] = {}
    excess = 0.0
    for name, view in fine.items():
        differences = _differences(maps[name], coarse[name], view)
        for label, (error, tolerance) in differences.items():
            errors[label] = max(errors.get(label, 0.0), error)
            excess = max(excess, error / tolerance)
    return Comparison(errors, excess)


WITHIN_TOLERANCE = Criterion(STRICT, by_tolerance, "the tolerance of 1e-4 and 1e-3")


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


def _matters(view: View) -> np.ndarray:
    """Where there is light enough to count."""
    brightness = np.abs(view.light)
    return brightness > FAINTEST * np.nanmax(brightness)
