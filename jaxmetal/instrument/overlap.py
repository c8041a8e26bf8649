"""How much of a polygon lies in a circle or a square: exact areas, on the host."""

import numpy as np
from jaxtyping import Float

Polygons = Float[np.ndarray, "polygons corners 2"]
Areas = Float[np.ndarray, " polygons"]


def disc_area(polygons: Polygons) -> Areas:
    """The area that each polygon shares with the unit disc.

    Every side spans a triangle with the origin. What the triangle shares with the disc is a sector
    up to where the side enters the disc, a triangle inside, and a sector from where it leaves.

    Parameters
    ----------
    polygons
        corners (x, y) in order, shape (polygons, corners, 2).

    Returns
    -------
    areas
        shape (polygons,); at most pi.
    """
    start, end = polygons, np.roll(polygons, -1, axis=1)
    step = end - start
    length = np.sum(step**2, axis=-1)
    middle = -np.sum(start * step, axis=-1) / length
    # The squared distance of the side's line from the origin decides whether it meets the disc at
    # all.
    distance = (_cross(start, step) ** 2) / length
    half = np.sqrt(np.maximum(1 - distance, 0.0) / length)
    enters, leaves = (
        start + np.clip(t, 0.0, 1.0)[..., None] * step for t in (middle - half, middle + half)
    )
    return 0.5 * np.abs(
        (_angle(start, enters) + _cross(enters, leaves) + _angle(leaves, end)).sum(axis=1)
    )


def square_area(polygons: Polygons) -> Areas:
    """The area that each polygon shares with the square -1 < x, y < 1.

    By Green's theorem, with c(x) = x cut to [-1, 1]:

        area = ∮ c(x) dc(y)

    Parameters
    ----------
    polygons
        corners (x, y) in order, shape (polygons, corners, 2).

    Returns
    -------
    areas
        shape (polygons,); at most 4.
    """
    start, end = polygons[..., None, :], np.roll(polygons, -1, axis=1)[..., None, :]
    # Between the places where a side crosses the lines x = ±1 and y = ±1 both c(x) and c(y) are
    # straight.
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = np.concatenate(
            [(edge - start) / (end - start) for edge in (-1.0, 1.0)], axis=-1
        )
    crossings = np.clip(np.where(np.isfinite(crossings), crossings, 0.0), 0.0, 1.0)
    ends = np.broadcast_to([0.0, 1.0], (*crossings.shape[:-1], 2))
    t = np.sort(np.concatenate([crossings, ends], axis=-1), axis=-1)[..., 0, :, None]
    x, y = np.moveaxis(np.clip(start + t * (end - start), -1.0, 1.0), -1, 0)
    return np.abs((0.5 * (x[..., 1:] + x[..., :-1]) * np.diff(y, axis=-1)).sum(axis=(1, 2)))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """From a to b around the origin, radians."""
    return np.arctan2(_cross(a, b), np.sum(a * b, axis=-1))
