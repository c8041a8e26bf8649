"""Where a function on a grid is zero, as line segments."""

import numpy as np
from jaxtyping import Float


def zero_lines(
    places: Float[np.ndarray, "ny nx 2"], height: Float[np.ndarray, "ny nx"]
) -> Float[np.ndarray, "lines 2 2"]:
    """Zeros of a function on a grid by marching squares, linear between neighbours.

    Parameters
    ----------
    places
        (x, y) of the points of the grid.
    height
        the function there.

    Returns
    -------
    lines
        each from [0] to [1].
    """

    def corners(a: np.ndarray) -> np.ndarray:
        return np.stack([a[:-1, :-1], a[:-1, 1:], a[1:, 1:], a[1:, :-1], a[:-1, :-1]])

    at, value = corners(places), corners(height)
    first, second = value[:-1], value[1:]
    crosses = (first > 0) != (second > 0)
    part = first / np.where(crosses, first - second, 1.0)
    points = at[:-1] + part[..., None] * (at[1:] - at[:-1])
    # The sides of each cell that are crossed come first: two, or at a saddle four.
    order = np.argsort(~crosses, axis=0, kind="stable")
    points, count = np.take_along_axis(points, order[..., None], axis=0), crosses.sum(axis=0)
    lines = [points[i : i + 2][:, count >= i + 2] for i in (0, 2)]
    return np.concatenate([np.moveaxis(line, 1, 0) for line in lines])
