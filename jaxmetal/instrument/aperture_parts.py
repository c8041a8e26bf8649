"""Which parts of which pixels belong to which aperture, worked out on the host."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxmetal.errors import InputError
from jaxmetal.instrument.footprints import Shapes, covered_pixels
from jaxmetal.instrument.grid import Grid
from jaxmetal.quantities import as_numbers


class Parts(NamedTuple):
    """A row for each part of a pixel that counts, as in Apertures.

    Parameters
    ----------
    aperture, pixel, weight
        the number of the aperture, the number of the pixel (row by row), and its weight.
    ids
        what the apertures are called.
    shape
        (rows, columns) of the grid.
    bar
        the weight of the bars of slitlets in each part; None without any.
    """

    aperture: Int[np.ndarray, " parts"]
    pixel: Int[np.ndarray, " parts"]
    weight: Any
    ids: Any
    shape: tuple[int, ...]
    bar: Any = None


def bin_parts(ids: Any) -> Parts:
    """The pixels of each bin of a map of bin numbers; see `Apertures.bins`.

    Parameters
    ----------
    ids
        the number of each pixel's bin, shape (rows, columns).

    Returns
    -------
    parts
        a row for every pixel, of no weight where it is in no bin.

    Raises
    ------
    InputError
        for an array that is not such a map, or has no bin.
    """
    numbers = as_numbers(ids, "Apertures.ids")
    if numbers.ndim != 2:
        raise InputError(
            "Apertures.bins: expected a map of bin numbers (rows, columns), "
            f"got shape {numbers.shape}."
        )
    inside = np.isfinite(numbers) & (numbers >= 0)
    if not inside.any():
        raise InputError("Apertures.bins: no bin: every pixel is negative, NaN or masked.")
    if np.any(numbers[inside] % 1):
        first = numbers[inside][numbers[inside] % 1 != 0][0]
        raise InputError(f"Apertures.bins: expected whole numbers, got {first:g}.")
    names, which = np.unique(numbers[inside], return_inverse=True)
    # Every pixel has a row, so that other bins of as many pixels compile nothing.
    aperture = np.zeros(numbers.size, int)
    aperture[inside.ravel()] = which.ravel()
    return Parts(aperture, np.arange(numbers.size), inside.ravel(), names, numbers.shape)


def weight_parts(array: Any) -> Parts:
    """The pixels that have a weight; see `Apertures.weights`.

    Parameters
    ----------
    array
        weights, zero or positive, shape (n, rows, columns).

    Returns
    -------
    parts
        a row for every positive weight.

    Raises
    ------
    InputError
        for a negative weight, one that is not finite, or an aperture without any.
    """
    weight = as_numbers(array, "Apertures.weights")
    if weight.ndim != 3:
        raise InputError(
            f"Apertures.weights: expected shape (n, rows, columns), got {weight.shape}."
        )
    bad = ~(np.isfinite(weight) & (weight >= 0)).all(axis=(1, 2))
    if bad.any():
        raise InputError(
            f"Apertures.weights: aperture {int(np.argmax(bad))} has a weight that is negative "
            "or not finite."
        )
    empty = ~weight.any(axis=(1, 2))
    if empty.any() or not len(weight):
        which = f"aperture {int(np.argmax(empty))} is empty: it" if len(weight) else "it"
        raise InputError(f"Apertures.weights: {which} has no positive weight.")
    flat = weight.reshape(len(weight), -1)
    aperture, pixel = np.nonzero(flat)
    return Parts(aperture, pixel, flat[aperture, pixel], np.arange(len(weight)), weight.shape[1:])


def covered_parts(kind: str, grid: Grid, shapes: Shapes) -> Parts:
    """What apertures made of shapes on the sky cover of each pixel.

    Parameters
    ----------
    kind
        the constructor of Apertures, for messages.
    grid
        of the pixels; they may be turned or sheared.
    shapes
        on the sky; those of one aperture do not overlap.

    Returns
    -------
    parts
        one row for each pixel of each aperture.

    Raises
    ------
    InputError
        for a shape that is not wholly inside the frame.
    """
    aperture, pixel, share, barred = covered_pixels(kind, grid, shapes)
    size = grid.shape[0] * grid.shape[1]
    # Shapes of one aperture may meet in a pixel.
    rows, which = np.unique((aperture * size + pixel).astype(int), return_inverse=True)
    weight, bar = (
        np.minimum(np.bincount(which.ravel(), part, rows.size), 1.0)
        for part in (np.where(barred, 0.0, share), np.where(barred, share, 0.0))
    )
    ids = np.arange(shapes.aperture.max() + 1)
    return Parts(rows // size, rows % size, weight, ids, grid.shape, bar)


# The number of the aperture, that of the pixel, and the weight of each part.
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def painted(
    parts: Rows, values: Float[np.ndarray, " n"], shape: tuple[int, int]
) -> Float[np.ndarray, "ny nx"]:
    """An image of one value per aperture; see `Apertures.paint`.

    Parameters
    ----------
    parts, values, shape
        the parts of the apertures, what to paint of each, and (rows, columns).

    Returns
    -------
    image
        NaN where there is no aperture.
    """
    aperture, pixel, weight = parts
    finite_weight = np.where(np.isfinite(values[aperture]), weight, 0.0)
    size = shape[0] * shape[1]
    total = np.bincount(
        pixel, finite_weight * np.where(finite_weight > 0, values[aperture], 0.0), size
    )
    coverage = np.bincount(pixel, finite_weight, size)
    mean = np.where(coverage > 0, total / np.where(coverage > 0, coverage, 1.0), np.nan)
    return mean.reshape(shape)


def extremes(
    parts: Rows, image: Float[np.ndarray, "ny nx"], count: int
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The smallest and the largest finite value of an image in each aperture.

    Parameters
    ----------
    parts, image, count
        the parts of the apertures, the image, and how many apertures there are.

    Returns
    -------
    smallest, largest
        NaN where none is finite.
    """
    aperture, pixel, _ = parts
    values = image.ravel()[pixel]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    finite = np.isfinite(values)
    np.minimum.at(low, aperture[finite], values[finite])
    np.maximum.at(high, aperture[finite], values[finite])
    return np.where(low <= high, low, np.nan), np.where(low <= high, high, np.nan)
