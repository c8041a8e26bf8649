"""Averages over cells from the values in their middles, and values that have certain averages.

The average over a cell is f + δ²f / 24 - 17 δ⁴f / 5760 of the values in the middles of five: its
error falls as the sixth power of the size of the cells, that of two points by Gauss as the fourth.
It is a convolution like that with the PSF, and is included in the PSF's transfer function or
matrices: by itself it would take as long as the values.
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


def transfer(frequency: Float[np.ndarray, "*modes"]) -> Float[np.ndarray, "*modes"]:
    """The averages over a row of cells as factors of its Fourier modes, cycles per cell."""
    # A second difference is a factor of -4 sin².
    sine = np.sin(np.pi * frequency) ** 2
    return 1 - sine / 6 - 17 / 360 * sine**2


def values_of(change: Float[Array, "side side"]) -> Float[Array, "side side"]:
    """Values in the middles of a square of cells whose averages are these, where none are around.

    Beyond the square they have averages of up to a sixteenth of those at its edges.
    """
    inverse = jnp.asarray(_inverse(len(change)), change.dtype)
    return product(inverse, change, inverse.T)


@cache
def _inverse(cells: int) -> Float[np.ndarray, "cells cells"]:
    inside = sum(np.diag(np.full(cells - abs(s), w), s) for s, w in enumerate(WEIGHTS, -REACH))
    return np.linalg.inv(inside)
