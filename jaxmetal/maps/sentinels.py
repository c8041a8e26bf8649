"""Values that stand for something missing: repeated exactly, or far from all others."""

from typing import NamedTuple

import numpy as np

# Fewer values than this have no distribution to lie outside of.
FEWEST = 10
# So many equal values are no chance.
REPEATS = 3
# A repeated value is far if it lies this many widths outside the range of the others, and this many of its errors; one that
# stands alone must lie further out, because real maps have outliers.
FAR, ALONE = 5.0, 10.0
# What pipelines write where nothing was measured.
CONVENTIONAL = np.array(
    [sign * value for value in (99.0, 99.9, 99.99, 999.0, 999.9, 999.99, 9999.0, 99999.0, 1e10, 1e20, 1e30) for sign in (1, -1)]
    + [-32768.0, float(np.finfo(np.float32).max), -float(np.finfo(np.float32).max)]
)
# A clipped distribution goes on up to its end: so much of it lies within this part of its width from there.
CLIPPED_PART, CLIPPED_WIDTH = 0.05, 0.1
# Light that ends so many errors above a sky of exactly zero was cut off.
CUT_OFF = 5.0
# A block of one value: at least this part of the map, more frequent than any other value by this factor.
BLOCK_PART, BLOCK_EXCESS = 0.02, 5
# The part of the pixels of a block that have three neighbours like them, and the jump at its edge over the usual distance.
COMPACT, JUMP = 0.5, 0.5


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
        verb = "are" if self.count > 1 else "is"
        if np.isnan(self.value):
            where = f"lie{'' if self.count > 1 else 's'} far from all others ({self.low:.4g} … {self.high:.4g})"
            shown = ", ".join(f"{value:.4g}" for value in self.first) + (", …" if self.count > len(self.first) else "")
            return f"{self.count} of {self.size} values ({shown}) {where}; mask them if they are no measurements."
        usual = f", the others {self.low:.4g} … {self.high:.4g}" if self.far else ""
        shown = f"{self.count} of {self.size} values {verb} exactly {self.value:g}{usual}"
        return f"{shown}; if that means missing, mask them or make them NaN."


def odd_values(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray, light: bool) -> tuple[list[Odd], np.ndarray]:
    """What in a map looks like no measurement, and where.

    Parameters
    ----------
    values, sigma, usable
        of every pixel or aperture; those that are not usable do not count.
    light
        whether it is a map of light, whose bright end has no limit and whose sky may be exactly zero.

    Returns
    -------
    odd, where
        a description for each kind of value, and True where there is one; both empty for a constant map.
    """
    odd, where = [], np.zeros(values.shape, bool)
    if usable.sum() < FEWEST or np.ptp(values[usable]) == 0:
        return odd, where
    for _ in range(2 * FEWEST):
        found = next((one for end in (0, -1) if (one := _at_the_end(values, sigma, usable & ~where, end, light))), None)
        if found is None:
            break
        odd.append(found._replace(size=int(usable.sum())))
        where |= usable & (values == found.value)
    rest = usable & ~where
    alone = _alone(values, sigma, rest) if not light and rest.sum() >= FEWEST else np.zeros(values.shape, bool)
    if alone.any():
        low, _, high = quantiles(values[rest & ~alone])
        odd.append(Odd(np.nan, int(alone.sum()), int(usable.sum()), True, low, high, tuple(values[alone][:3])))
    if (block := _block(values, sigma, rest & ~alone, light)) is not None:
        odd.append(block._replace(size=int(usable.sum())))
        where |= rest & (values == block.value)
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
    low, middle, high = (float(ordered[round(part * (ordered.size - 1))]) for part in (0.05, 0.5, 0.95))
    return low, middle, high


def _at_the_end(values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray, end: int, light: bool) -> Odd | None:
    """The smallest (end 0) or the largest (end -1) value, if it is repeated or conventional, and far from all others."""
    one = values[chosen].min() if end == 0 else values[chosen].max()
    same = chosen & (values == one)
    rest = values[chosen & ~same]
    count = int(same.sum())
    conventional = bool(np.isclose(one, CONVENTIONAL, rtol=1e-6, atol=0).any())
    if rest.size < FEWEST or not (count >= REPEATS or conventional):
        return None
    if not conventional and np.unique(rest[:1000]).size < FEWEST:
        # A model of a few parts has no distribution.
        return None
    low, middle, high = quantiles(rest)
    usual = quantiles(sigma[chosen & ~same])[1]
    width = max(high - low, 3 * usual, 1e-4 * abs(middle))
    beyond = low - one if end == 0 else one - high
    if light:
        # Light has a noise level below zero, and no limit above it.
        dip = max(-float(np.percentile(rest, 1)), 3 * usual)
        far = one < -2 * FAR * dip if end == 0 else one > (1.0 if conventional and one > 1e9 else 1e6) * 10 * np.abs(rest).max()
    elif conventional:
        far = beyond > 0.5 * width and (one < rest.min() if end == 0 else one > rest.max())
    else:
        far = beyond > FAR * width
    return Odd(float(one), count, count, True, low, high) if far and beyond > FAR * quantiles(sigma[same])[1] else None


def _alone(values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Where a value lies far from all others, by the width of their distribution and by its own error."""
    low, middle, high = quantiles(values[chosen])
    width = max(high - low, 3 * quantiles(sigma[chosen])[1], 1e-4 * abs(middle))
    if values[chosen].min() > low - ALONE * width and values[chosen].max() < high + ALONE * width:
        return np.zeros(values.shape, bool)
    with np.errstate(invalid="ignore"):
        beyond = np.maximum(low - values, values - high)
        return chosen & (beyond > ALONE * width) & (beyond > ALONE * sigma)


def _block(values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray, light: bool) -> Odd | None:
    """The most frequent value, if it fills a part of the frame like a missing one: 0 in a map of velocities or ages."""
    if values.ndim != 2:
        return None
    distinct, counts = np.unique(values[chosen], return_counts=True)
    if distinct.size < FEWEST:
        return None
    first = int(np.argmax(counts))
    one, count = float(distinct[first]), int(counts[first])
    second = int(np.delete(counts, first).max())
    if count < max(FEWEST, BLOCK_PART * chosen.sum()) or count < BLOCK_EXCESS * second:
        return None
    same = chosen & (values == one)
    others, edge = values[chosen & ~same], np.zeros(values.shape, bool)
    alike = np.zeros(values.shape, int)
    for axis in (0, 1):
        for step in (1, -1):
            alike += _shifted(same | ~chosen, step, axis, True)
            edge |= _shifted(same, step, axis, False) & chosen & ~same
    if np.mean(alike[same] >= 3) < COMPACT:
        return None
    low, _, high = quantiles(others)
    if light:
        # A sky of exactly zero is that of a model; among noise, or where noisy light ends in a step, it is a frame without data.
        stepped = edge.any() and quantiles(values[edge] / sigma[edge])[1] > CUT_OFF and _noisy(values, chosen & ~same)
        missing = one < 0 or (one == 0 and (np.mean(others < 0) > BLOCK_PART or stepped))
        return Odd(one, count, count, False, low, high) if missing else None
    jump = quantiles(np.abs(values[edge] - one))[1] if edge.any() else np.inf
    smooth = jump < max(JUMP * quantiles(np.abs(others - one))[1], 2 * quantiles(sigma[same])[1])
    end = one <= others.min() or one >= others.max()
    clipped = end and np.mean(np.abs(others - one) < CLIPPED_WIDTH * (high - low)) > CLIPPED_PART
    return None if smooth or clipped else Odd(one, count, count, False, low, high)


def _noisy(values: np.ndarray, chosen: np.ndarray) -> bool:
    """Whether the second differences along rows change their sign from pixel to pixel, as those of noise do."""
    filled = np.where(chosen, values, 0.0)
    bend = filled[:, 1:-1] - (filled[:, 2:] + filled[:, :-2]) / 2
    whole = chosen[:, 1:-1] & chosen[:, 2:] & chosen[:, :-2]
    pairs = (bend[:, 1:] * bend[:, :-1])[whole[:, 1:] & whole[:, :-1]]
    return bool(pairs.size >= FEWEST and np.mean(np.sign(pairs)) < 0)


def _shifted(image: np.ndarray, step: int, axis: int, outside: bool) -> np.ndarray:
    """Each pixel's neighbour along an axis."""
    moved = np.roll(image, step, axis)
    border = [slice(None)] * image.ndim
    border[axis] = slice(0, 1) if step > 0 else slice(-1, None)
    moved[tuple(border)] = outside
    return moved
