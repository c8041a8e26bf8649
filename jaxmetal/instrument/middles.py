"""Averages over cells from the values in their middles, and values that have certain averages.

The average over a cell is f + δ²f / 24 - 17 δ⁴f / 5760 of the values in the middles of five: its
error falls as the sixth power of the size of the cells, that of two points by Gauss as the fourth.
It is a convolution like that with the PSF, and is included where that is a product of matrices: by
itself it would take as long as the values.
"""

import operator
from functools import cache, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.profiles.numerics import product

# Weights of the values before, in and after a cell.
WEIGHTS = (-17 / 5760, 77 / 1440, 863 / 960, 77 / 1440, -17 / 5760)
REACH = len(WEIGHTS) // 2


def averages(middles: Float[Array, "more_rows more_columns"]) -> Float[Array, "rows columns"]:
    """Averages over cells from the values in their middles and in REACH more on every side."""
    image = middles
    for axis, count in enumerate(middles.shape):
        parts = (
            weight * jax.lax.slice_in_dim(image, i, i + count - 2 * REACH, axis=axis)
            for i, weight in enumerate(WEIGHTS)
        )
        image = reduce(operator.add, parts)
    return image


def matrix(cells: int) -> Float[np.ndarray, "cells more"]:
    """The averages over a row of cells from values in their middles and REACH more at its ends."""
    rows = np.zeros((cells, cells + 2 * REACH))
    for i in range(cells):
        rows[i, i : i + len(WEIGHTS)] = WEIGHTS
    return rows


def values_of(change: Float[Array, "side side"]) -> Float[Array, "side side"]:
    """Values in the middles of a square of cells whose averages are these, where none are around.

    Beyond the square they have averages of up to a sixteenth of those at its edges.
    """
    inverse = jnp.asarray(_inverse(len(change)), change.dtype)
    return product(inverse, change, inverse.T)


@cache
def _inverse(cells: int) -> Float[np.ndarray, "cells cells"]:
    return np.linalg.inv(matrix(cells)[:, REACH:-REACH])
