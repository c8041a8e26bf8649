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
    """

    value: float
    count: int
    size: int
    far: bool
    low: float
    high: float

    def text(self) -> str:
        """What is odd, and what to do about it, for a user."""
        plural = "s are" if self.count > 1 else " is"
        if np.isnan(self.value):
            where = f"lie{'' if self.count > 1 else 's'} far from all others ({self.low:.4g} … {self.high:.4g})"
            return f"{self.count} of {self.size} values {where}; mask them if they are no measurements."
        usual = f", the others {self.low:.4g} … {self.high:.4g}" if self.far else ""
        shown = f"{self.count} of {self.size} value{plural} exactly {self.value:g}{usual}"
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
        ends = np.percentile(values[rest & ~alone], [5, 95])
        odd.append(Odd(np.nan, int(alone.sum()), int(usable.sum()), True, float(ends[0]), float(ends[1])))
    if (block := _block(values, rest & ~alone, light)) is not None:
        odd.append(block._replace(size=int(usable.sum())))
        where |= rest & (values == block.value)
    return odd, where | alone


def _at_the_end(values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray, end: int, light: bool) -> Odd | None:
    """The smallest (end 0) or the largest (end -1) value, if it is repeated or conventional, and far from all others."""
    one = values[chosen].min() if end == 0 else values[chosen].max()
    same = chosen & (values == one)
    rest = values[chosen & ~same]
    count = int(same.sum())
    conventional = bool(np.isclose(one, CONVENTIONAL, rtol=1e-6, atol=0).any())
    if rest.size < FEWEST or not (count >= REPEATS or conventional):
        return None
    low, middle, high = np.percentile(rest, [5, 50, 95])
    error = float(np.median(sigma[same]))
    width = max(high - low, 3 * float(np.median(sigma[chosen & ~same])), 1e-4 * abs(middle))
    beyond = low - one if end == 0 else one - high
    if light:
        # Light has a noise level below zero, and no limit above it.
        dip = max(-float(np.percentile(rest, 1)), 3 * float(np.median(sigma[chosen & ~same])))
        far = one < -2 * FAR * dip if end == 0 else one > (1.0 if conventional and one > 1e9 else 1e6) * 10 * np.abs(rest).max()
    elif conventional:
        far = beyond > 0.5 * width and (one < rest.min() if end == 0 else one > rest.max())
    else:
        far = beyond > FAR * width
    return Odd(float(one), count, count, True, float(low), float(high)) if far and beyond > FAR * error else None


def _alone(values: np.ndarray, sigma: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Where a value lies far from all others, by the width of their distribution and by its own error."""
    low, middle, high = np.percentile(values[chosen], [5, 50, 95])
    width = max(high - low, 3 * float(np.median(sigma[chosen])), 1e-4 * abs(middle))
    with np.errstate(invalid="ignore"):
        beyond = np.maximum(low - values, values - high)
        return chosen & (beyond > ALONE * width) & (beyond > ALONE * sigma)


def _block(values: np.ndarray, chosen: np.ndarray, light: bool) -> Odd | None:
    """The most frequent value, if it fills a part of the frame like a missing one: 0 in a map of velocities or ages."""
    if values.ndim != 2 or (light and np.sum(chosen & (values == 0)) < FEWEST):
        return None
    distinct, counts = np.unique(values[chosen], return_counts=True)
    if distinct.size < 2:
        return None
    first = int(np.argmax(counts))
    one, count = float(distinct[first]), int(counts[first])
    second = int(np.delete(counts, first).max())
    if count < max(FEWEST, BLOCK_PART * chosen.sum()) or count < BLOCK_EXCESS * second:
        return None
    if light and (one != 0 or not np.mean(values[chosen] < 0) > BLOCK_PART):
        # A sky of exactly zero is that of a model; among negative values it is a frame without data.
        return None
    same = chosen & (values == one)
    alike, edge = np.zeros(values.shape, int), np.zeros(values.shape, bool)
    for axis in (0, 1):
        for step in (1, -1):
            beside = _shifted(same | ~chosen, step, axis, True)
            alike += beside
            edge |= _shifted(same, step, axis, False) & chosen & ~same
    distance = np.abs(values[chosen & ~same] - one)
    jump = np.median(np.abs(values[edge] - one)) / max(float(np.median(distance)), 1e-300) if edge.any() else 1.0
    if np.mean(alike[same] >= 3) < COMPACT or (jump < JUMP and not light):
        return None
    low, high = np.percentile(values[chosen & ~same], [5, 95])
    return Odd(one, count, count, False, float(low), float(high))


def _shifted(image: np.ndarray, step: int, axis: int, outside: bool) -> np.ndarray:
    """Each pixel's neighbour along an axis."""
    moved = np.roll(image, step, axis)
    border = [slice(None)] * image.ndim
    border[axis] = slice(0, 1) if step > 0 else slice(-1, None)
    moved[tuple(border)] = outside
    return moved
