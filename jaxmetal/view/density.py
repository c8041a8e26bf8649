"""The density of the draws of two parameters, smoothed for contours."""

import numpy as np
from jaxtyping import Float

# Cells along each axis of the smoothed histogram.
CELLS = 61
# Standard deviations that it extends to either side.
REACH = 4.5

Draws = Float[np.ndarray, " draws"]
Cells = Float[np.ndarray, "cells cells"]


def density(x: Draws, y: Draws) -> tuple[Cells, Cells, Cells]:
    """The smoothed distribution of pairs, on cells that follow their correlation.

    The draws are turned into uncorrelated ones of unit variance, and shrunk by as much as the
    smoothing (Scott's rule) widens them, so that a narrow ridge stays narrow and a Gaussian keeps
    its width.

    Parameters
    ----------
    x, y
        draws of two parameters.

    Returns
    -------
    X, Y, parts
        centres of the cells, and the fraction of the draws that the contour through each cell
        encloses.
    """
    (mx, sx), (my, sy) = ((float(v.mean()), float(v.std()) or 1.0) for v in (x, y))
    rho = float(np.clip(np.mean((x - mx) * (y - my)) / (sx * sy), -0.9999, 0.9999))
    independent = np.sqrt(1 - rho**2)
    a = (x - mx) / sx
    b = ((y - my) / sy - rho * a) / independent
    width = x.size ** (-1 / 6)
    shrink = 1 / np.sqrt(1 + width**2)
    edges = np.linspace(-REACH, REACH, CELLS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    smooth = np.exp(-0.5 * ((middle[:, None] - middle) / (width * shrink)) ** 2)
    counts = smooth @ np.histogram2d(shrink * a, shrink * b, (edges, edges))[0] @ smooth
    across, up = middle[:, None], middle[None, :]
    return (
        mx + sx * (across + 0 * up),
        my + sy * (rho * across + independent * up),
        _enclosed(counts),
    )


def _enclosed(counts: Cells) -> Cells:
    """For each cell the fraction of the total that lies in cells at least as dense."""
    order = np.argsort(counts, axis=None)[::-1]
    parts = np.empty(counts.size)
    parts[order] = np.cumsum(counts.ravel()[order]) / counts.sum()
    return parts.reshape(counts.shape)
