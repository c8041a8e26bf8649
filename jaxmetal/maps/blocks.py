"""Blocks of one repeated value, such as 0 in a velocity map where nothing was measured."""

import numpy as np

from jaxmetal.maps.sentinels import FEWEST, Odd, quantiles

# A distribution is clipped if this fraction of it ...
CLIPPED_PART = 0.05
# ... lies within this fraction of its width from its end.
CLIPPED_WIDTH = 0.1
# Light that ends so many errors above a sky of exactly zero was cut off.
CUT_OFF = 5.0
# A block of one value is at least this fraction of the map ...
BLOCK_PART = 0.02
# ... and more frequent than any other value by this factor.
BLOCK_EXCESS = 5
# The fraction of the pixels of a block that have three neighbours like them.
COMPACT = 0.5
# The jump at its edge over the usual distance.
JUMP = 0.5


def missing_block(
    values: np.ndarray, sigma: np.ndarray, usable: np.ndarray, light: bool
) -> Odd | None:
    """The most frequent value of a map, if it fills a part of the frame like a missing one.

    Values of ages or velocities lie on both sides of a 0 that means missing; the place and the
    number of such pixels tell.

    Parameters
    ----------
    values, sigma, usable
        of every pixel, shape (rows, columns); those that are not chosen do not count.
    light
        whether it is a map of light, whose sky may be exactly zero.
    """
    if values.ndim != 2 or not usable.any():
        return None
    repeated_value = _frequent(values[usable])
    if repeated_value is None:
        return None
    same = usable & (values == repeated_value)
    others = usable & ~same
    alike, edge = _surroundings(same, usable)
    if np.mean(alike[same] >= 3) < COMPACT:
        return None
    if light:
        is_missing = repeated_value < 0 or (
            repeated_value == 0 and _cut_off(values, sigma, others, edge)
        )
    else:
        is_missing = _jumps(values, sigma, same, others, edge) and not _clipped(
            values[others], repeated_value
        )
    if not is_missing:
        return None
    low, _, high = quantiles(values[others])
    count = int(same.sum())
    return Odd(repeated_value, count, count, False, low, high)


def _frequent(values: np.ndarray) -> float | None:
    """The most frequent value, if it is much more frequent than any other."""
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size < FEWEST:
        return None
    runner_up, first = np.sort(counts)[-2:]
    if first < max(FEWEST, BLOCK_PART * values.size, BLOCK_EXCESS * runner_up):
        return None
    return float(distinct[np.argmax(counts)])


def _surroundings(same: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many neighbours of each pixel belong to the block, and which others touch it."""
    alike, edge = np.zeros(same.shape, int), np.zeros(same.shape, bool)
    for axis in (0, 1):
        for step in (1, -1):
            # What is beyond the frame or not chosen may be anything.
            alike += _shifted(same | ~usable, step, axis, True)
            edge |= _shifted(same, step, axis, False)
    return alike, edge & usable & ~same


def _cut_off(values: np.ndarray, sigma: np.ndarray, others: np.ndarray, edge: np.ndarray) -> bool:
    """Whether light of zero is no sky.

    It stands among noise of both signs, or where noisy light ends in a step.
    """
    if np.mean(values[others] < 0) > BLOCK_PART:
        return True
    has_step = edge.any() and quantiles(values[edge] / sigma[edge])[1] > CUT_OFF
    return bool(has_step and _noisy(values, others))


def _jumps(
    values: np.ndarray, sigma: np.ndarray, same: np.ndarray, others: np.ndarray, edge: np.ndarray
) -> bool:
    """Whether the values around the block are as far from it as those elsewhere."""
    if not edge.any():
        return True
    repeated_value = values[same].flat[0]
    jump, usual = (quantiles(np.abs(values[where] - repeated_value))[1] for where in (edge, others))
    return jump >= JUMP * usual and jump >= 2 * quantiles(sigma[same])[1]


def _clipped(others: np.ndarray, repeated_value: float) -> bool:
    """Whether the value is the end of a distribution that goes on up to it."""
    if others.min() < repeated_value < others.max():
        return False
    low, _, high = quantiles(others)
    return bool(
        np.mean(np.abs(others - repeated_value) < CLIPPED_WIDTH * (high - low)) > CLIPPED_PART
    )


def _noisy(values: np.ndarray, usable: np.ndarray) -> bool:
    """Whether second differences along rows change sign from pixel to pixel, like noise."""
    image = np.where(usable, values, 0.0)
    bend = image[:, 1:-1] - (image[:, 2:] + image[:, :-2]) / 2
    whole = usable[:, 1:-1] & usable[:, 2:] & usable[:, :-2]
    pairs = (bend[:, 1:] * bend[:, :-1])[whole[:, 1:] & whole[:, :-1]]
    return bool(pairs.size >= FEWEST and np.mean(np.sign(pairs)) < 0)


def _shifted(image: np.ndarray, step: int, axis: int, outside: bool) -> np.ndarray:
    """Each pixel's neighbour along an axis."""
    copy = np.roll(image, step, axis)
    border = [slice(None)] * image.ndim
    border[axis] = slice(0, 1) if step > 0 else slice(-1, None)
    copy[tuple(border)] = outside
    return copy
