"""Points in a row of cells that are denser towards a cusp, and their weights."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.instrument.antialiasing import moment_weights

# The distance of the points from the cusp is this power of an evenly divided coordinate.
CROWDING = 3
# Next to the cusp, in both parts of its cell and in the two cells beside it, there are more points
# than in the others by this number; there are at least so many in those.
EXTRA_NODES, FEWEST_NODES = 5, 3


def points_around(
    cusp: Array, first: Array, count: int, nodes: int
) -> tuple[Float[Array, " points"], Float[Array, "cells points"]]:
    """Points in a row of cells from `first` on, denser towards a cusp, and their weights.

    The matrix turns values at the points into averages and corrected averages over cells, see
    `moment_weights`. The cell with the cusp is divided there.
    """
    inside = jnp.clip(cusp - first, 0, count)
    divided = jnp.minimum(jnp.floor(inside), count - 1)
    # Both parts of the divided cell, the cells after and before it, and the others.
    order = np.array([0, 0, 1, -1, *range(2, count - 1)])[: count + 1]
    cells = jnp.mod(divided + order, count)
    begin = first + cells.at[1].set(inside) - cusp
    end = first + (cells + 1).at[0].set(inside) - cusp
    near = slice(0, 4), nodes + EXTRA_NODES
    parts = [
        (*_points(begin[part], end[part], number), jnp.repeat(cells[part], number))
        for part, number in (near, (slice(4, None), nodes))
    ]
    place, steps, cell = map(jnp.concatenate, zip(*parts, strict=True))
    offset = place + (cusp - first) - cell - 0.5
    # Not a product of matrices: with six cells to a batch it would be slow, and less precise on a
    # GPU.
    moments = (steps, steps * offset, steps * offset**2)
    zeroth, first_moment, second = (
        jnp.asarray(share, cusp.dtype)[:, cell.astype(int)] * moment[None]
        for share, moment in zip(moment_weights(count), moments, strict=True)
    )
    return cusp + place, zeroth + first_moment + second


def _points(
    begin: Float[Array, " parts"], end: Float[Array, " parts"], nodes: int
) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
    """Distances from a cusp in some parts of a row, one part after the other, and their weights.

    With the distance as t³, a Sersic profile is smooth in t.
    """
    points, weights = (a[None] for a in np.polynomial.legendre.leggauss(nodes))
    begin, end = jnp.cbrt(begin)[:, None], jnp.cbrt(end)[:, None]
    t = begin + (end - begin) * jnp.asarray((points + 1) / 2, begin.dtype)
    steps = CROWDING * t ** (CROWDING - 1) * (end - begin) * jnp.asarray(weights / 2, begin.dtype)
    return (t**CROWDING).ravel(), steps.ravel()
