"""Shapes on the sky, such as fibres and slitlets, and what they cover of each pixel."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.overlap import disc_area, square_area
from jaxmetal.quantities import ARCSEC, DEGREES, as_numbers

# Fraction of an aperture's area that may lie outside the frame, for rounding.
BEYOND = 1e-5
# Names of the columns that are sizes.
SIZES = ("radius", "width", "height")
# Of a pixel, from its middle.
CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


class Shapes(NamedTuple):
    """Discs or rectangles on the sky.

    Parameters
    ----------
    x, y
        centres, arcsec, shape (n,).
    to_unit
        matrices that turn offsets in arcsec into those of the unit disc or square.
    area
        gives the area that the unit shape shares with quadrilaterals, from their corners, shape
        (pixels, 4, 2).
    whole
        the area of the unit shape.
    aperture
        the number of the aperture that each belongs to, shape (n,).
    is_bar
        whether each is a bar of a slitlet, which lets a share of its light through, shape (n,).
    """

    x: Float[np.ndarray, " n"]
    y: Float[np.ndarray, " n"]
    to_unit: Float[np.ndarray, "n 2 2"]
    area: Callable
    whole: float
    aperture: Int[np.ndarray, " n"]
    is_bar: Bool[np.ndarray, " n"]


def discs(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], radius: Float[np.ndarray, " n"]
) -> Shapes:
    """Discs, each an aperture of its own.

    Parameters
    ----------
    x, y
        centres, arcsec.
    radius
        arcsec.

    Returns
    -------
    shapes
        without bars.
    """
    to_disc = np.eye(2) / radius[:, None, None]
    return Shapes(x, y, to_disc, disc_area, np.pi, np.arange(len(x)), np.zeros(len(x), bool))


def boxes(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    width: Float[np.ndarray, " n"],
    height: Float[np.ndarray, " n"],
    angle: Float[np.ndarray, " n"],
) -> Shapes:
    """Rectangles, each an aperture of its own.

    Parameters
    ----------
    x, y
        centres, arcsec.
    width, height
        across and along the direction of `angle`, arcsec.
    angle
        of the height, degrees, from +y towards +x.

    Returns
    -------
    shapes
        without bars.
    """
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    to_square = 2 * np.stack(
        [
            np.stack([cos, -sin], -1) / width[:, None],
            np.stack([sin, cos], -1) / height[:, None],
        ],
        axis=1,
    )
    return Shapes(x, y, to_square, square_area, 4.0, np.arange(len(x)), np.zeros(len(x), bool))


def covered_pixels(kind: str, grid: Grid, shapes: Shapes) -> Float[np.ndarray, "4 parts"]:
    """What shapes cover of each pixel.

    Parameters
    ----------
    kind
        the constructor of Apertures, for messages.
    grid
        of the pixels; they may be turned or sheared.
    shapes
        on the sky.

    Returns
    -------
    parts
        the number of the aperture, the number of the pixel (row by row), the fraction of it that is
        covered, and 1 for a bar, for each shape and each pixel that it covers a part of.

    Raises
    ------
    InputError
        for a shape that is not wholly inside the frame.
    """
    if not isinstance(grid, Grid):
        raise InputError(f"Apertures.{kind}: expected a Grid, got {type(grid).__name__}.")
    origin, matrix = np.asarray(grid.origin, float), np.asarray(grid.matrix, float)
    middles = np.linalg.solve(matrix, np.stack([shapes.x, shapes.y]) - origin[:, None]).T
    parts = []
    for i, (middle, to_pixel) in enumerate(zip(middles, shapes.to_unit @ matrix, strict=True)):
        column, row = _pixels_around(middle, to_pixel, grid.shape)
        corners = np.stack([column, row], axis=-1)[:, None, :] + CORNERS
        shared = shapes.area((corners - middle) @ to_pixel.T)
        outside = 1 - shared.sum() / shapes.whole
        number = int(shapes.aperture[i])
        if outside > BEYOND:
            raise InputError(
                f"Apertures.{kind}: aperture {number} at ({shapes.x[i]:g}, {shapes.y[i]:g}) arcsec "
                f"has {100 * outside:.3g} % of its area outside the frame; make the grid larger, "
                "or leave it out."
            )
        covered = shared > 0
        weight = shared[covered] / abs(np.linalg.det(to_pixel))
        pixel = (row * grid.shape[1] + column)[covered]
        same = np.ones(weight.size)
        parts.append(np.stack([number * same, pixel, weight, shapes.is_bar[i] * same]))
    return np.concatenate(parts, axis=1)


def _pixels_around(
    middle: np.ndarray, to_pixel: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Columns and rows of the pixels of the frame within the box around a shape."""
    reach = np.abs(np.linalg.inv(to_pixel)).sum(axis=1)
    first = np.maximum(np.floor(middle - reach), 0).astype(int)
    last = np.minimum(np.ceil(middle + reach), np.array(shape[::-1]) - 1).astype(int)
    ranges = (np.arange(a, b + 1) for a, b in zip(first, last, strict=True))
    column, row = np.meshgrid(*ranges)
    return column.ravel(), row.ravel()


def columns(kind: str, **values: Any) -> tuple[np.ndarray, ...]:
    """Numbers for each aperture, finite, sizes positive.

    Parameters
    ----------
    kind
        the constructor of Apertures, for messages.
    **values
        by name; one number or shape (n,) each. "angle" is converted to degrees, the others to
        arcsec, and "radius", "width" and "height" must be positive.

    Returns
    -------
    arrays
        shape (n,) each, in the order given.
    """
    arrays = {}
    for name, value in values.items():
        unit = DEGREES if name == "angle" else ARCSEC
        arrays[name] = np.atleast_1d(as_numbers(value, f"Apertures.{kind}.{name}", unit))
    count = max(array.size for array in arrays.values())
    for name, array in arrays.items():
        _check_column(f"Apertures.{kind}.{name}", array, count, positive=name in SIZES)
    return tuple(np.broadcast_to(array, (count,)) for array in arrays.values())


def _check_column(where: str, array: np.ndarray, count: int, positive: bool) -> None:
    """One number, or one for each of `count` apertures, all finite and positive where need be."""
    if array.ndim != 1 or array.size not in (1, count) or not array.size:
        raise InputError(f"{where}: expected one number or shape ({count},), got {array.shape}.")
    valid = np.isfinite(array)
    if positive:
        valid &= array > 0
    if not valid.all():
        first = int(np.argmin(valid))
        expected = "positive" if positive else "finite"
        raise InputError(
            f"{where}: expected {expected} numbers, got {array[first]:g} for aperture {first}."
        )
