"""A mask that leaves out the good pixels and keeps the bad ones."""

from typing import NamedTuple

import numpy as np

from jaxmetal.maps.findings import Finding, Inspected
from jaxmetal.maps.sentinels import FEWEST, quantiles

# A mask that leaves out more than this fraction of all measurements leaves out most of them.
MOSTLY = 0.5
# The fraction that must be left out to judge it.
ENOUGH = 0.1
# What is kept is worse by this factor in its errors or signal-to-noise ratio, if most is left
# out ...
WORSE = 3.0
# ... and in any case.
MUCH_WORSE = 10.0
# The least signal-to-noise ratio of light that is worth keeping.
GOOD = 5.0
# Neighbours are no measurements if they differ by so many of their errors ...
ROUGH = 3.0
# ... and by so many times what those that are left out do.
ROUGHER = 5.0


class Divided(NamedTuple):
    """A map, divided by its mask into what is left out and what is kept.

    Parameters
    ----------
    data
        the map; what is kept is what is usable.
    measures, out
        where there is a measurement, and where one is left out.
    most
        whether most of the measurements are left out.
    better, worse
        the usual quality of what is left out, and of what is kept: the signal-to-noise ratio of
        light, and one over the error of other maps.
    """

    data: Inspected
    measures: np.ndarray
    out: np.ndarray
    most: bool
    better: float
    worse: float


def inverted_mask(data: Inspected) -> list[Finding]:
    """A sign that a mask is the wrong way round, if there is one.

    Parameters
    ----------
    data
        the map.
    """
    measures = np.isfinite(data.values) & np.isfinite(data.sigma) & (data.sigma > 0)
    out = measures & data.masked
    if out.sum() < max(FEWEST, ENOUGH * measures.sum()):
        return []
    text = f"the mask leaves out {int(out.sum())} of {int(measures.sum())} measurements and keeps"
    divided = _divided(data, measures, out)
    for sign_of in (_constant, _worse, _rougher, _unmeasured, _surroundings):
        sign = sign_of(divided)
        if sign is not None:
            whole = f"{text} {sign.text}; is it inverted? True leaves a pixel out."
            return [sign._replace(text=whole)]
    return []


def _divided(data: Inspected, measures: np.ndarray, out: np.ndarray) -> Divided:
    quality = np.abs(data.values) / data.sigma if data.light else 1 / data.sigma
    better, worse = quantiles(quality[out])[1], quantiles(quality[data.usable])[1]
    most = bool(out.sum() >= MOSTLY * measures.sum())
    return Divided(data, measures, out, most, better, worse)


def _constant(divided: Divided) -> Finding | None:
    """What is kept is one number; beyond doubt if it is far from what is left out."""
    kept, left_out = divided.data.values[divided.data.usable], divided.data.values[divided.out]
    first = kept.flat[0]
    if kept.size < FEWEST or np.any(kept != first) or not np.ptp(left_out) > 0:
        return None
    low, _, high = quantiles(left_out)
    far = max(low - first, first - high) > high - low
    return Finding(bool(far), f"{kept.size} that are all exactly {first:g}")


def _worse(divided: Divided) -> Finding | None:
    """What is kept has larger errors, or is light with a lower signal-to-noise ratio."""
    # Bright light may be masked on purpose, such as a star; hardly most of a map.
    if divided.data.light and not (divided.most and divided.better > GOOD):
        return None
    limit = WORSE if divided.most else MUCH_WORSE
    if not divided.better > limit * divided.worse:
        return None
    if divided.worse == 0:
        return Finding(False, "those with a signal-to-noise ratio of mostly 0")
    what = "a signal-to-noise ratio" if divided.data.light else "errors"
    return Finding(False, f"those with {what} {divided.better / divided.worse:.2g} times worse")


def _rougher(divided: Divided) -> Finding | None:
    """What is kept differs from pixel to pixel more than its errors allow."""
    if divided.data.light:
        return None
    rough, differ = _roughness(divided.data, divided.data.usable)
    _, usual = _roughness(divided.data, divided.out)
    if not (rough > ROUGH and differ > ROUGHER * usual > 0):
        return None
    return Finding(False, f"those whose neighbours differ by {rough:.2g} times their errors")


def _unmeasured(divided: Divided) -> Finding | None:
    """What is kept are mostly pixels that hold no measurement."""
    nothing, out = ~divided.data.masked & ~divided.measures, divided.out
    if nothing.sum() <= divided.data.usable.sum() or out.sum() <= 0.9 * divided.measures.sum():
        return None
    if divided.better < divided.worse:
        return None
    return Finding(False, f"{int(nothing.sum())} pixels without one")


def _surroundings(divided: Divided) -> Finding | None:
    """What is left out lies in the middle, and is most of the map."""
    image = divided.data.values.ndim == 2
    if not (divided.most and image and _enclosed(divided.measures, divided.out)):
        return None
    return Finding(False, "what lies around them, up to the edge")


def _roughness(data: Inspected, chosen: np.ndarray) -> tuple[float, float]:
    """Median difference of neighbours in a row, in their errors and as it is; 0 if too few."""
    if data.values.ndim != 2:
        return 0.0, 0.0
    pairs = chosen[:, 1:] & chosen[:, :-1]
    if pairs.sum() < FEWEST:
        return 0.0, 0.0
    values, sigma = np.where(chosen, data.values, 0.0), np.where(chosen, data.sigma, 1.0)
    differ = np.abs(values[:, 1:] - values[:, :-1])[pairs]
    errors = np.hypot(sigma[:, 1:], sigma[:, :-1])[pairs]
    return quantiles(differ / errors)[1], quantiles(differ)[1]


def _enclosed(measures: np.ndarray, out: np.ndarray) -> bool:
    """Whether the masked pixels touch neither the frame's edge nor an unmeasured pixel."""
    beyond = np.pad(~measures, 1, constant_values=True)
    touches = beyond[:-2, 1:-1] | beyond[2:, 1:-1] | beyond[1:-1, :-2] | beyond[1:-1, 2:]
    return bool(np.sum(touches & out) <= 0.01 * out.sum())
