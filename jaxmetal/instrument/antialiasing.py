"""Anti-aliasing around a cusp: which cells its light is given to before a convolution.

An average over a cell puts all its light in the middle of the cell. For a smooth image the
neighbouring cells compensate for that, for a cusp they do not: its highest frequencies are aliased
to low ones. A sharpened quadratic spline spreads the light of a cell over its neighbours so that
the frequencies that pass the PSF are right.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.profiles.numerics import product

# Powers of 2 - 2 cos(2 pi f) that turn the sinc³ of a quadratic spline into the sinc of a cell, f
# in cycles per cell: the series of (pi f)² / sin²(pi f).
SHARPEN = (1.0, 1 / 12, 1 / 90, 1 / 560)
# The light of a cell is spread over this many cells on either side.
SPREAD = len(SHARPEN)


def corrected(
    mean: Float[Array, "rows columns"],
    light: Float[Array, "more more"],
    corner: tuple[Array | int, Array | int],
) -> Float[Array, "rows columns"]:
    """The averages over cells, corrected for aliasing around a cusp.

    The correction is the light of the block as spread by the sharpened spline, less what its
    averages would give if the image were smooth there.

    Parameters
    ----------
    mean
        averages over cells.
    light
        of the block, spread over its cells and SPREAD more on each side.
    corner
        the first cell (row, column) of the block.
    """
    smooth = jnp.asarray(_smooth(len(light) - 2 * SPREAD), mean.dtype)
    before = tuple(first - SPREAD - 1 for first in corner)
    around = jax.lax.dynamic_slice(
        mean, before, (smooth.shape[1],) * 2, allow_negative_indices=False
    )
    result = around[1:-1, 1:-1] + light - product(smooth, around, smooth.T)
    start = tuple(first - SPREAD for first in corner)
    return jax.lax.dynamic_update_slice(mean, result, start, allow_negative_indices=False)


def moment_weights(count: int) -> np.ndarray:
    """Weights of the moments 1, t, t² of the light in each cell of a row, t from -1/2 to 1/2.

    Parameters
    ----------
    count
        cells in the row.

    Returns
    -------
    weights
        shape (3, 2 count + 2 SPREAD, count): for the averages over these cells, then for the light
        that a sharpened quadratic spline gives to these and SPREAD more cells on either side.
    """
    spline = np.array([[1 / 8, -1 / 2, 1 / 2], [3 / 4, 0.0, -1.0], [1 / 8, 1 / 2, 1 / 2]])
    weights = np.zeros((3, 2 * count + 2 * SPREAD, count))
    for i in range(count):
        weights[0, i, i] = 1.0
        weights[:, count + i : count + i + 2 * SPREAD + 1, i] = (_sharpened() @ spline).T
    return weights


def _sharpened() -> np.ndarray:
    """The light of cells -SPREAD … SPREAD where a quadratic spline gives it to cells -1, 0 and 1.

    A matrix, shape (2 SPREAD + 1, 3): the filter that sharpens the spline.
    """
    taps, power = np.zeros(2 * SPREAD - 1), np.ones(1)
    for coefficient in SHARPEN:
        reach = len(power) // 2
        taps[SPREAD - 1 - reach : SPREAD + reach] += coefficient * power
        power = np.convolve(power, [-1.0, 2.0, -1.0])
    return np.stack(
        [np.concatenate([np.zeros(i), taps, np.zeros(2 - i)]) for i in range(3)], axis=1
    )


def _smooth(count: int) -> np.ndarray:
    """The spread light of a row of cells if it is smooth, as a matrix applied to their averages.

    The light of a cell is a parabola through the averages of three. The sum over all parabolas
    differs from the averages themselves by a fourth difference; it is added as the second
    difference of a second difference in the cells, so that the sum and the centre of light stay the
    same.

    Returns
    -------
    matrix
        shape (count + 2 SPREAD, count + 2 SPREAD + 2): to these cells and SPREAD more on either
        side, from the averages over SPREAD + 1 more on either side.
    """
    # The spline's integrals with 1, t and t² - 1/12 over a cell, and these three from the averages
    # before, in and after it.
    moments = np.array(
        [[1 / 6, -1 / 24, 1 / 360], [2 / 3, 0.0, -1 / 180], [1 / 6, 1 / 24, 1 / 360]]
    )
    parabola = np.array([[0.0, 1.0, 0.0], [-0.5, 0.0, 0.5], [0.5, -1.0, 0.5]])
    spline = _sharpened() @ moments @ parabola
    # What cell 0 lacks of the averages in the cells from -SPREAD - 1 to SPREAD + 1.
    missing = np.zeros(2 * SPREAD + 3)
    missing[SPREAD + 1] = 1.0
    for k in range(2 * SPREAD + 1):
        missing[2 * SPREAD - k : 2 * SPREAD - k + 3] -= spline[k]
    bend = np.array([-1.0, 2.0, -1.0])
    inner = np.convolve(np.polydiv(missing, np.convolve(bend, bend))[0], bend)
    matrix = np.zeros((count + 2 * SPREAD, count + 2 * SPREAD + 2))
    for i in range(count):
        matrix[i : i + 2 * SPREAD + 1, i + SPREAD : i + SPREAD + 3] += spline
        matrix[i + SPREAD - 1 : i + SPREAD + 2, i + 1 : i + 2 * SPREAD + 2] += np.outer(bend, inner)
    return matrix
