"""Errors that look like variances or inverse variances: compared with how much the values change from pixel to pixel.

r = value - mean of the four neighbours,   variance of r = sigma² + Σ sigma² of the neighbours / 16   for white noise
"""

from typing import NamedTuple

import numpy as np

# Fewer pixels than this tell nothing about the noise.
FEWEST = 50
# Median |r| of a normal distribution with a standard deviation of one.
MEDIAN = 0.6745
# How near to one the scatter in units of the errors must come if the errors are read rightly, and how far from one it must be
# as they are: where they change over the map, which is a second sign, and where they do not.
NEAR = (0.5, 1.6)
WRONG, WRONG_ALONE = 1.6, 10.0
# White noise changes its sign from one r to the next, that of smoothed maps does so less; what has no noise does not.
ALTERNATES, SMOOTH = -0.1, 0.5
# Noise that neighbours share shows in r in part only.
SHARED = 0.25
# Errors this many times larger than the range of all values measure nothing.
HUGE = 10.0


class Scatter(NamedTuple):
    """What the pixels say about the errors.

    Parameters
    ----------
    as_given, as_variance, as_inverse
        robust scatter from pixel to pixel in units of the errors: as they are, and if they were variances or inverse variances.
    alternates
        mean product of the signs of neighbouring r: -0.26 for white noise, near 1 for a smooth map.
    slope
        d ln |r| / d ln error: 1 for standard deviations, 1/2 for variances, -1/2 for inverse variances; NaN if the errors
        are much the same everywhere.
    """

    as_given: float
    as_variance: float
    as_inverse: float
    alternates: float
    slope: float


def misread_errors(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray, light: bool) -> str:
    """A sentence if an error map looks like a variance or an inverse variance, else nothing.

    Parameters
    ----------
    values, sigma, usable
        of every pixel, shape (rows, columns).
    light
        whether it is a map of light, which changes from pixel to pixel by itself.
    """
    if values.ndim != 2 or np.ptp(values[usable]) == 0:
        return ""
    scatter = pixel_scatter(values, sigma, usable)
    if scatter is None:
        return ""
    typical, spread = float(np.median(sigma[usable])), float(np.ptp(np.percentile(values[usable], [5, 95])))
    seen = f"values scatter from pixel to pixel by {scatter.as_given:.2g} of their errors (median {typical:.3g})"
    if _is_inverse(scatter, typical, spread):
        better = f"{scatter.as_inverse:.2f} if the errors are inverse variances"
        return f"{seen}, by {better}; if so, give sigma = 1/sqrt(ivar), in a configuration ivar: instead of error:."
    if _is_variance(scatter, light):
        better = f"{scatter.as_variance:.2f} if the errors are variances"
        return f"{seen}, by {better}; if so, give sigma = sqrt(variance), in a configuration variance: instead of error:."
    return ""


def _is_inverse(scatter: Scatter, typical: float, spread: float) -> bool:
    near = NEAR[0] < scatter.as_inverse < NEAR[1]
    absurd = typical > HUGE * spread and 0.2 < scatter.as_inverse < 3
    varied = np.isfinite(scatter.slope)
    wrong = WRONG if varied else WRONG_ALONE
    noisy = scatter.alternates < ALTERNATES and not 1 / wrong < scatter.as_given < wrong
    return absurd or (near and noisy and (scatter.slope < -0.25 or not varied))


def _is_variance(scatter: Scatter, light: bool) -> bool:
    varied = np.isfinite(scatter.slope)
    like = 0.25 < scatter.slope < 0.75
    wrong = WRONG if varied else WRONG_ALONE
    noisy = scatter.alternates < ALTERNATES and not 1 / wrong < scatter.as_given < wrong
    if NEAR[0] < scatter.as_variance < NEAR[1] and noisy and (like or not varied):
        return True
    # Noise that neighbours share, in a map that is smooth by itself.
    shared = scatter.alternates < SMOOTH and scatter.as_given > WRONG_ALONE and SHARED < scatter.as_variance < NEAR[1]
    return bool(shared and like and not light)


def pixel_scatter(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray) -> Scatter | None:
    """How much values differ from the mean of their neighbours; None if too few have four.

    Parameters
    ----------
    values, sigma, usable
        of every pixel, shape (rows, columns).
    """
    if min(values.shape) < 4:
        return None
    whole = usable[1:-1, 1:-1] & np.all(_neighbours(usable), axis=0)
    if whole.sum() < FEWEST:
        return None
    filled = np.where(usable, values, 0.0)
    rough = filled[1:-1, 1:-1] - np.mean(_neighbours(filled), axis=0)
    error = np.where(usable, sigma, 1.0)

    def in_errors(power: float) -> float:
        with np.errstate(over="ignore"):
            variance = error**power
            expected = variance[1:-1, 1:-1] + np.sum(_neighbours(variance), axis=0) / 16
            return float(np.median(np.abs(rough[whole]) / np.sqrt(expected[whole])) / MEDIAN)

    pairs = [(rough[:, 1:] * rough[:, :-1])[whole[:, 1:] & whole[:, :-1]], (rough[1:] * rough[:-1])[whole[1:] & whole[:-1]]]
    alternates = float(np.mean(np.sign(np.concatenate(pairs)))) if sum(map(np.size, pairs)) else 1.0
    return Scatter(in_errors(2.0), in_errors(1.0), in_errors(-1.0), alternates, _slope(np.abs(rough[whole]), error[1:-1, 1:-1][whole]))


def _neighbours(image: np.ndarray) -> list[np.ndarray]:
    """The four neighbours of all pixels that have four."""
    return [image[:-2, 1:-1], image[2:, 1:-1], image[1:-1, :-2], image[1:-1, 2:]]


def _slope(rough: np.ndarray, error: np.ndarray) -> float:
    """From the third of the pixels with the smallest errors to the third with the largest."""
    low, high = np.percentile(error, [33, 67])
    small, large = error <= low, error >= high
    change = np.log(np.median(error[large]) / np.median(error[small]))
    if not change > np.log(1.5):
        return np.nan
    sizes = np.median(rough[large]), np.median(rough[small])
    return float(np.log(sizes[0] / sizes[1]) / change) if min(sizes) > 0 else np.nan
