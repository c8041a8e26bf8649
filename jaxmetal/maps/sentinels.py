"""Values that stand for something missing: repeated exactly, or far from all others."""

from typing import NamedTuple

import numpy as np

# Fewer values than this have no distribution to lie outside of.
FEWEST = 10
# So many equal values are no chance.
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
        counted = f"{self.count} of {self.size} values"
        others = f"{self.low:.4g} … {self.high:.4g}"
        if np.isnan(self.value):
            examples = ", ".join(f"{value:.4g}" for value in self.first)
            more = ", …" if self.count > len(self.first) else ""
            lie = "lie" if self.count > 1 else "lies"
            return (
                f"{counted} ({examples}{more}) {lie} far from all others ({others}); mask them if "
                "they are no measurements."
            )
        are = "are" if self.count > 1 else "is"
        usual = f", the others {others}" if self.far else ""
        return (
            f"{counted} {are} exactly {self.value:g}{usual}; if that means missing, mask them or "
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
    ordered = np.sort(values, axis=None)
    low, middle, high = (round(part * (ordered.size - 1)) for part in (0.05, 0.5, 0.95))
    return float(ordered[low]), float(ordered[middle]), float(ordered[high])


def _at_the_end(
    values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray, largest: bool, light: bool
) -> Odd | None:
    """The smallest or largest value, if repeated or conventional, and far from all others."""
    one = float(values[chosen].max() if largest else values[chosen].min())
    same = chosen & (values == one)
    others = chosen & ~same
    count, other_values = int(same.sum()), values[others]
    conventional = bool(np.isclose(one, CONVENTIONAL, rtol=1e-6, atol=0).any())
    if other_values.size < FEWEST or not (count >= REPEATS or conventional):
        return None
    if not conventional and np.unique(other_values[:1000]).size < FEWEST:
        # A model of a few parts has no distribution.
        return None
    low, middle, high = quantiles(other_values)
    error = quantiles(sigma[others])[1]
    width = max(high - low, 3 * error, 1e-4 * abs(middle))
    beyond = one - high if largest else low - one
    if light and largest:
        times = BRIGHTER if conventional and one > 1e9 else MUCH_BRIGHTER
        far = one > times * np.abs(other_values).max()
    elif light:
        # Below zero there is nothing but noise.
        noise = max(-float(np.percentile(other_values, 1)), 3 * error)
        far = one < -2 * FAR * noise
    elif conventional:
        far = beyond > 0.5 * width and (
            one > other_values.max() if largest else one < other_values.min()
        )
    else:
        far = beyond > FAR * width
    if not far or beyond < FAR * quantiles(sigma[same])[1]:
        return None
    return Odd(one, count, count, True, low, high)


def _alone(values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Where a value lies far from all others, by their distribution and by its own error."""
    low, middle, high = quantiles(values[chosen])
    width = max(high - low, 3 * quantiles(sigma[chosen])[1], 1e-4 * abs(middle))
    beyond = np.maximum(low - values, values - high)
    return chosen & (beyond > ALONE * width) & (beyond > ALONE * sigma)
