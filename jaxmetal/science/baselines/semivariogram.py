"""The empirical semivariogram: how far values differ at a distance."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError

# Of more positions than this as many are taken at random, so that pairs fit into memory.
MOST = 2500


class Semivariogram(NamedTuple):
    """Half of the mean square difference of values, by distance.

    Parameters
    ----------
    distance
        the mean of the pairs in each bin, in the unit of the positions.
    value
        gamma, in the unit of the values squared; NaN in a bin without pairs.
    pairs
        in each bin.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> values, x, y = [0.1, -0.1, 0.1], [0.0, 1.0, 2.0], [0.0, 0.0, 0.0]
    >>> jm.baselines.semivariogram(values, x, y, edges=[0.5, 1.5, 2.5]).pairs.tolist()
    [2.0, 1.0]
    """

    distance: Float[np.ndarray, " bins"]
    value: Float[np.ndarray, " bins"]
    pairs: Float[np.ndarray, " bins"]


def semivariogram(values: Any, x: Any, y: Any, edges: Any) -> Semivariogram:
    """The empirical semivariogram of values at positions.

        gamma(h) = Σ (Z_i - Z_j)² / 2 N(h)   over the N pairs a distance h apart

    Parameters
    ----------
    values
        any shape; NaN is left out. Subtract a gradient first, whose difference grows with distance.
    x, y
        positions, in the shape of the values, such as those in the plane of a disc.
    edges
        of the bins of distance.

    Returns
    -------
    semivariogram
        by bin.

    Raises
    ------
    InputError
        for shapes that differ, or edges that do not increase.

    References
    ----------
    Matheron (1963), Economic Geology 58, 1246; of metallicities: Metha et al. (2021), MNRAS 508,
    489.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> values, x, y = [0.1, -0.1, 0.1], [0.0, 1.0, 2.0], [0.0, 0.0, 0.0]
    >>> jm.baselines.semivariogram(values, x, y, edges=[0.5, 1.5, 2.5]).value.round(3).tolist()
    [0.02, 0.0]
    """
    z, x, y = (np.asarray(array, float) for array in (values, x, y))
    edges = np.asarray(edges, float)
    if not z.shape == x.shape == y.shape:
        raise InputError(f"semivariogram: shapes {z.shape}, {x.shape} and {y.shape} differ.")
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
        raise InputError("semivariogram: edges must increase.")
    good = np.flatnonzero(np.isfinite(z))
    if len(good) > MOST:
        good = np.random.default_rng(0).choice(good, MOST, replace=False)
    z, x, y = (array.ravel()[good] for array in (z, x, y))
    first, second = np.triu_indices(len(z), 1)
    distance = np.hypot(x[first] - x[second], y[first] - y[second])
    bins = np.digitize(distance, edges) - 1
    inside = (bins >= 0) & (bins < len(edges) - 1)
    bins, distance = bins[inside], distance[inside]
    half_squares = 0.5 * (z[first] - z[second])[inside] ** 2
    pairs = np.bincount(bins, minlength=len(edges) - 1).astype(float)
    with np.errstate(invalid="ignore"):
        mean_distance, value = (
            np.bincount(bins, w, len(edges) - 1) / pairs for w in (distance, half_squares)
        )
    return Semivariogram(mean_distance, value, pairs)
