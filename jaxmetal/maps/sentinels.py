"""Values that stand for something missing: repeated exactly, or far from all others."""

from typing import NamedTuple

import numpy as np

# Fewer values than this have no distribution to lie outside of.
FEWEST = 10
# So many equal values are no coincidence.
REPEATS = 3
# A repeated value is far if it lies this many widths outside the range of the others, and this many
# of its errors.
FAR = 5.0
# The same for a value that occurs once: further out, because real maps have outliers.
ALONE = 10.0
# What pipelines write where nothing was measured.
_LARGEST = float(np.finfo(np.float32).max)
_SIZES = [99.0, 99.9, 99.99, 999.0, 999.9, 999.99, 9999.0, 99999.0, 1e10, 1e20, 1e30, _LARGEST]
CONVENTIONAL = np.array([*_SIZES, *(-size for size in _SIZES), -32768.0])
# A conventional value above so many times all other light is no measurement.
BRIGHTER = 10.0
# The same for a value that is not conventional.
MUCH_BRIGHTER = 1e7


class Range(NamedTuple):
    """The usual range of some numbers.

    Parameters
    ----------
    low, high
        their 5th and 95th percentile.
    error
        the usual standard deviation.
    width
        of the range, but not less than numbers with these errors need.
    """

    low: float
    high: float
    error: float
    width: float


class Odd(NamedTuple):
    """Values that look like no measurements.

    Parameters
    ----------
    value
        that is repeated; NaN for values that differ.
    count, size
        how many there are, of how many.
    far
        whether they lie far from all others.
    low, high
        the 5th and 95th percentile of the others.
    first
        some of the values, if they differ.
    """

    value: float
    count: int
    size: int
    far: bool
    low: float
    high: float
    first: tuple[float, ...] = ()

    def text(self) -> str:
        """What is odd, and what to do about it, for a user."""
        counts = f"{self.count} of {self.size} values"
        others = f"{self.low:.4g} … {self.high:.4g}"
        if np.isnan(self.value):
            examples = ", ".join(f"{value:.4g}" for value in self.first)
            more = ", …" if self.count > len(self.first) else ""
            lie = "lie" if self.count > 1 else "lies"
            return (
                f"{counts} ({examples}{more}) {lie} far from all others ({others}); mask them if "
                "they are no measurements."
            )
        are = "are" if self.count > 1 else "is"
        usual = f", the others {others}" if self.far else ""
        return (
            f"{counts} {are} exactly {self.value:g}{usual}; if that means missing, mask them or "
            "make them NaN."
        )


def odd_values(
    values: np.ndarray, sigma: np.ndarray, usable: np.ndarray, light: bool
) -> tuple[list[Odd], np.ndarray]:
    """What in a map lies far from all other values, and where.

    Parameters
    ----------
    values, sigma, usable
        of every pixel or aperture; those that are not usable do not count.
    light
        whether it is a map of light, whose bright end has no limit.

    Returns
    -------
    odd, where
        a description for each kind of value, and True where there is one; both empty for a constant
        map.
    """
    odd: list[Odd] = []
    where = np.zeros(values.shape, bool)
    size = int(usable.sum())
    if size < FEWEST or np.ptp(values[usable]) == 0:
        return odd, where
    # Missing values of several kinds are found one after the other, the outermost first.
    while len(odd) < FEWEST:
        others = usable & ~where
        extreme = _at_the_end(values, sigma, others, False, light)
        extreme = extreme or _at_the_end(values, sigma, others, True, light)
        if extreme is None:
            break
        odd.append(extreme._replace(size=size))
        where |= usable & (values == extreme.value)
    others = usable & ~where
    if light or others.sum() < FEWEST:
        return odd, where
    alone = _alone(values, sigma, others)
    if alone.any():
        low, _, high = quantiles(values[others & ~alone])
        first = tuple(values[alone][:3])
        odd.append(Odd(np.nan, int(alone.sum()), size, True, low, high, first))
    return odd, where | alone


def quantiles(values: np.ndarray) -> tuple[float, float, float]:
    """The 5th, 50th and 95th percentile of some numbers.

    Parameters
    ----------
    values
        any shape, at least one.
    """
    # A whole sort is faster than np.percentile.
    sorted_values = np.sort(values, axis=None)
    low, middle, high = (round(part * (sorted_values.size - 1)) for part in (0.05, 0.5, 0.95))
    return float(sorted_values[low]), float(sorted_values[middle]), float(sorted_values[high])


def _at_the_end(
    values: np.ndarray, sigma: np.ndarray, usable: np.ndarray, largest: bool, light: bool
) -> Odd | None:
    """The smallest or largest value, if repeated or conventional, and far from all others."""
    extreme = float(values[usable].max() if largest else values[usable].min())
    same = usable & (values == extreme)
    others, count = values[usable & ~same], int(same.sum())
    conventional = bool(np.isclose(extreme, CONVENTIONAL, rtol=1e-6, atol=0).any())
    if not _may_be_missing(count, conventional, others):
        return None
    usual = _range(others, sigma[usable & ~same])
    beyond = extreme - usual.high if largest else usual.low - extreme
    if light:
        far = _is_far_from_light(extreme, conventional, others, usual.error, largest)
    elif conventional:
        outermost = extreme > others.max() if largest else extreme < others.min()
        far = outermost and beyond > 0.5 * usual.width
    else:
        far = beyond > FAR * usual.width
    if not far or beyond < FAR * quantiles(sigma[same])[1]:
        return None
    return Odd(extreme, count, count, True, usual.low, usual.high)


def _may_be_missing(count: int, conventional: bool, others: np.ndarray) -> bool:
    """Whether a value is conventional or repeated, and the others have a distribution."""
    if others.size < FEWEST:
        return False
    # A model of a few parts has no distribution.
    return conventional or (count >= REPEATS and np.unique(others[:1000]).size >= FEWEST)


def _is_far_from_light(
    extreme: float, conventional: bool, others: np.ndarray, error: float, largest: bool
) -> bool:
    """Whether a flux, the largest or else the smallest, is one that no other light comes near."""
    if largest:
        times = BRIGHTER if conventional and extreme > 1e9 else MUCH_BRIGHTER
        return extreme > times * np.abs(others).max()
    # Below zero there is nothing but noise.
    noise = max(-float(np.percentile(others, 1)), 3 * error)
    return extreme < -2 * FAR * noise


def _range(values: np.ndarray, sigma: np.ndarray) -> Range:
    low, middle, high = quantiles(values)
    error = quantiles(sigma)[1]
    return Range(low, high, error, max(high - low, 3 * error, 1e-4 * abs(middle)))


def _alone(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Where a value lies far from all others, by their distribution and by its own error."""
    usual = _range(values[usable], sigma[usable])
    beyond = np.maximum(usual.low - values, values - usual.high)
    return usable & (beyond > ALONE * usual.width) & (beyond > ALONE * sigma)
