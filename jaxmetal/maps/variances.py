"""Errors that look like variances or inverse variances, by how values change from pixel to pixel.

r = value - mean of the four neighbours,   variance of r = sigma² + Σ sigma² of the neighbours / 16
for white noise
"""

from typing import NamedTuple

import numpy as np

from jaxmetal.maps.sentinels import quantiles

# Fewer pixels than this tell nothing about the noise.
FEWEST = 50
# Median |r| of a normal distribution with a standard deviation of one.
MEDIAN = 0.6745
# Range of the scatter in units of the errors if the errors are read rightly.
NEAR = (0.5, 1.6)
# Factor from one beyond which the errors are wrong, if they change over the map, which is a second
# sign ...
WRONG = 1.6
# ... and if they do not.
WRONG_ALONE = 7.0
# So many pixels tell enough of the noise; of larger maps only some rows are looked at.
ENOUGH = 4000
# The mean sign of products of neighbouring r is below this for white noise.
ALTERNATES = -0.1
# It is below this for the noise of smoothed maps, and above it without noise.
SMOOTH = 0.5
# Noise that neighbours share shows in r in part only.
SHARED = 0.25
# Errors this many times larger than the range of all values carry no information.
HUGE = 10.0


# Positive values that are this part of their errors cannot all be measurements: noise would have
# made some of them negative, ...
ABSURD = 0.2
# ... if there are at least so many.
FEWEST_POSITIVE = 20


class Scatter(NamedTuple):
    """Statistics of the pixels that test the errors.

    Parameters
    ----------
    as_given, as_variance, as_inverse
        robust scatter from pixel to pixel in units of the errors: as they are, and if they were
        variances or inverse variances.
    alternates
        mean product of the signs of neighbouring r: -0.26 for white noise, near 1 for a smooth map.
    slope
        d ln |r| / d ln error: 1 for standard deviations, 1/2 for variances, -1/2 for inverse
        variances; NaN if the errors are much the same everywhere.
    """

    as_given: float
    as_variance: float
    as_inverse: float
    alternates: float
    slope: float

    @property
    def varied(self) -> bool:
        """Whether the errors change over the map, so that there is a slope."""
        return bool(np.isfinite(self.slope))

    @property
    def contradicts(self) -> bool:
        """Whether the noise is white, and much more or less than the errors say."""
        wrong = WRONG if self.varied else WRONG_ALONE
        return self.alternates < ALTERNATES and not 1 / wrong < self.as_given < wrong


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
    low, _, high = quantiles(values[usable])
    typical, spread = quantiles(sigma[usable])[1], high - low
    if _is_inverse(scatter, typical, spread):
        better, kind = scatter.as_inverse, "inverse variances"
        give = "sigma = 1/sqrt(ivar), in a configuration ivar: instead of error:"
    elif _is_variance(scatter, light):
        better, kind = scatter.as_variance, "variances"
        give = "sigma = sqrt(variance), in a configuration variance: instead of error:"
    else:
        return ""
    return (
        f"values scatter from pixel to pixel by {scatter.as_given:.2g} of their errors (median "
        f"{typical:.3g}), by {better:.2f} if the errors are {kind}; if so, give {give}."
    )


def exchanged(values: np.ndarray, sigma: np.ndarray) -> str:
    """A sentence if errors are no errors of these values, else nothing.

    Parameters
    ----------
    values, sigma
        of the usable pixels or apertures, shape (n,).
    """
    if values.size < FEWEST_POSITIVE:
        return ""
    if np.array_equal(values, sigma):
        return "the errors are the values themselves."
    ratio = float(np.median(values / sigma))
    if values.min() <= 0 or ratio >= ABSURD:
        return ""
    return (
        f"the errors are {1 / ratio:.3g} times the values, of which none is negative: are values "
        "and errors exchanged?"
    )


def _is_inverse(scatter: Scatter, typical: float, spread: float) -> bool:
    near = NEAR[0] < scatter.as_inverse < NEAR[1]
    absurd = typical > HUGE * spread and 0.2 < scatter.as_inverse < 3
    like = scatter.slope < -0.25 or not scatter.varied
    return absurd or (near and scatter.contradicts and like)


def _is_variance(scatter: Scatter, light: bool) -> bool:
    near = NEAR[0] < scatter.as_variance < NEAR[1]
    like = 0.25 < scatter.slope < 0.75
    if near and scatter.contradicts and (like or not scatter.varied):
        return True
    # Noise that neighbours share, in a map that is smooth by itself.
    far = scatter.alternates < SMOOTH and scatter.as_given > WRONG_ALONE
    return bool(far and SHARED < scatter.as_variance < NEAR[1] and like and not light)


def pixel_scatter(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray) -> Scatter | None:
    """How much values differ from the mean of their neighbours; None if too few have four.

    Parameters
    ----------
    values, sigma, usable
        of every pixel, shape (rows, columns).
    """
    if min(values.shape) < 4:
        return None
    stride = max(1, values.size // ENOUGH)
    neighbours = _with_neighbours(usable, stride)
    whole = np.all(neighbours, axis=0)
    if whole.sum() < FEWEST:
        return None
    middle, *beside = _with_neighbours(np.where(usable, values, 0.0), stride)
    rough = middle - sum(beside) / 4
    error = np.where(usable, sigma, 1.0)

    def in_errors(variance: np.ndarray) -> float:
        middle, *beside = _with_neighbours(variance, stride)
        expected = np.sqrt(middle + sum(beside) / 16)
        return quantiles((np.abs(rough) / expected)[whole])[1] / MEDIAN

    pairs = (rough[:, 1:] * rough[:, :-1])[whole[:, 1:] & whole[:, :-1]]
    alternates = float(np.mean(np.sign(pairs))) if pairs.size else 1.0
    with np.errstate(over="ignore", divide="ignore"):
        scatters = in_errors(error * error), in_errors(error), in_errors(1 / error)
    slope = _slope(np.abs(rough[whole]), _with_neighbours(error, stride)[0][whole])
    return Scatter(*scatters, alternates, slope)


def _with_neighbours(image: np.ndarray, stride: int) -> list[np.ndarray]:
    """The pixels that have four neighbours, in some rows, and these neighbours."""
    row, above, below = slice(1, -1, stride), slice(None, -2, stride), slice(2, None, stride)
    middle = slice(1, -1)
    beside = [image[row, :-2], image[row, 2:], image[above, middle], image[below, middle]]
    return [image[row, middle], *beside]


def _slope(rough: np.ndarray, error: np.ndarray) -> float:
    """From the third of the pixels with the smallest errors to the third with the largest."""
    order = np.argsort(error)
    third = len(order) // 3
    small, large = order[:third], order[-third:]
    change = np.log(np.median(error[large]) / np.median(error[small]))
    if not change > np.log(1.5):
        return np.nan
    sizes = np.median(rough[large]), np.median(rough[small])
    return float(np.log(sizes[0] / sizes[1]) / change) if min(sizes) > 0 else np.nan
