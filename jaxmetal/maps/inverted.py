"""Masks that are inverted: the good pixels masked, the bad ones kept."""

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
    split = _divided(data, measures, out)
    for sign_of in (_constant, _worse, _rougher, _unmeasured, _surroundings):
        sign = sign_of(split)
        if sign is not None:
            whole = f"{text} {sign.text}; is it inverted? True leaves a pixel out."
            return [sign._replace(text=whole)]
    return []


def _divided(data: Inspected, measures: np.ndarray, out: np.ndarray) -> Divided:
    quality = np.abs(data.values) / data.sigma if data.light else 1 / data.sigma
    better, worse = quantiles(quality[out])[1], quantiles(quality[data.usable])[1]
    mostly_out = bool(out.sum() >= MOSTLY * measures.sum())
    return Divided(data, measures, out, mostly_out, better, worse)


def _constant(split: Divided) -> Finding | None:
    """What is kept is one number; beyond doubt if it is far from what is left out."""
    values, masked_values = split.data.values[split.data.usable], split.data.values[split.out]
    first = values.flat[0]
    if values.size < FEWEST or np.any(values != first) or not np.ptp(masked_values) > 0:
        return None
    low, _, high = quantiles(masked_values)
    far = max(low - first, first - high) > high - low
    return Finding(bool(far), f"{values.size} that are all exactly {first:g}")


def _worse(split: Divided) -> Finding | None:
    """What is kept has larger errors, or is light with a lower signal-to-noise ratio."""
    # Bright light may be masked on purpose, such as a star; hardly most of a map.
    if split.data.light and not (split.most and split.better > GOOD):
        return None
    limit = WORSE if split.most else MUCH_WORSE
    if not split.better > limit * split.worse:
        return None
    if split.worse == 0:
        return Finding(False, "those with a signal-to-noise ratio of mostly 0")
    quantity = "a signal-to-noise ratio" if split.data.light else "errors"
    return Finding(False, f"those with {quantity} {split.better / split.worse:.2g} times worse")


def _rougher(split: Divided) -> Finding | None:
    """What is kept differs from pixel to pixel more than its errors allow."""
    if split.data.light:
        return None
    rough, differ = _roughness(split.data, split.data.usable)
    _, usual = _roughness(split.data, split.out)
    if not (rough > ROUGH and differ > ROUGHER * usual > 0):
        return None
    return Finding(False, f"those whose neighbours differ by {rough:.2g} times their errors")


def _unmeasured(split: Divided) -> Finding | None:
    """What is kept are mostly pixels that hold no measurement."""
    unmeasured, out = ~split.data.masked & ~split.measures, split.out
    if unmeasured.sum() <= split.data.usable.sum() or out.sum() <= 0.9 * split.measures.sum():
        return None
    if split.better < split.worse:
        return None
    return Finding(False, f"{int(unmeasured.sum())} pixels without one")


def _surroundings(split: Divided) -> Finding | None:
    """What is left out lies in the middle, and is most of the map."""
    image = split.data.values.ndim == 2
    if not (split.most and image and _enclosed(split.measures, split.out)):
        return None
    return Finding(False, "what lies around them, up to the edge")


def _roughness(data: Inspected, subset: np.ndarray) -> tuple[float, float]:
    """Median difference of neighbours in a row, in their errors and as it is; 0 if too few."""
    if data.values.ndim != 2:
        return 0.0, 0.0
    pairs = subset[:, 1:] & subset[:, :-1]
    if pairs.sum() < FEWEST:
        return 0.0, 0.0
    values, sigma = np.where(subset, data.values, 0.0), np.where(subset, data.sigma, 1.0)
    differ = np.abs(values[:, 1:] - values[:, :-1])[pairs]
    errors = np.hypot(sigma[:, 1:], sigma[:, :-1])[pairs]
    return quantiles(differ / errors)[1], quantiles(differ)[1]


def _enclosed(measures: np.ndarray, out: np.ndarray) -> bool:
    """Whether the masked pixels touch neither the frame's edge nor an unmeasured pixel."""
    beyond = np.pad(~measures, 1, constant_values=True)
    touches = beyond[:-2, 1:-1] | beyond[2:, 1:-1] | beyond[1:-1, :-2] | beyond[1:-1, 2:]
    return bool(np.sum(touches & out) <= 0.01 * out.sum())
