"""A mask that leaves out the good pixels and keeps the bad ones."""

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
    refused, sign = _sign(data, measures, out)
    if not sign:
        return []
    return [Finding(refused, f"{text} {sign}; is it inverted? True leaves a pixel out.")]


def _sign(data: Inspected, measures: np.ndarray, out: np.ndarray) -> tuple[bool, str]:
    """Whether it is beyond doubt, and what is kept instead of what is left out."""
    values, kept, most = data.values, data.usable, out.sum() >= MOSTLY * measures.sum()
    first = values[kept].flat[0]
    if kept.sum() >= FEWEST and np.all(values[kept] == first) and np.ptp(values[out]) > 0:
        low, _, high = quantiles(values[out])
        far = max(low - first, first - high) > high - low
        return bool(far), f"{int(kept.sum())} that are all exactly {first:g}"
    quality = np.abs(values) / data.sigma if data.light else 1 / data.sigma
    better, worse = quantiles(quality[out])[1], quantiles(quality[kept])[1]
    limit = WORSE if most else MUCH_WORSE
    # Bright light may be masked on purpose, such as a star; hardly most of a map.
    judged = (most and better > GOOD) if data.light else True
    if judged and better > limit * worse:
        what = "a signal-to-noise ratio" if data.light else "errors"
        return False, f"those with {what} {better / worse:.2g} times worse"
    if not data.light:
        (rough, differ), (_, usual) = _roughness(data, kept), _roughness(data, out)
        if rough > ROUGH and differ > ROUGHER * usual > 0:
            return False, f"those whose neighbours differ by {rough:.2g} times their errors"
    nothing = ~data.masked & ~measures
    if nothing.sum() > kept.sum() and out.sum() > 0.9 * measures.sum() and not better < worse:
        return False, f"{int(nothing.sum())} pixels without one"
    if most and values.ndim == 2 and _enclosed(measures, out):
        return False, "what lies around them, up to the edge"
    return False, ""


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
