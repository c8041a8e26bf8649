"""Pictures of point sources, on the host: their centre and their width."""

import warnings
from typing import Any

import numpy as np

from jaxmetal.errors import InputWarning


def distance_from(shape: tuple[int, ...], center: Any) -> np.ndarray:
    """The distance of every pixel from a place (column, row), pixels."""
    row, column = np.indices(shape)
    return np.hypot(column - center[0], row - center[1])


def fwhm(picture: np.ndarray) -> float:
    """Full width at half maximum of a picture's mean profile about its peak, pixels.

    Parameters
    ----------
    picture
        shape (rows, columns), its peak positive.

    Returns
    -------
    fwhm
        infinite if the profile does not fall to half of the peak.
    """
    row, column = np.unravel_index(np.argmax(picture), picture.shape)
    distance = distance_from(picture.shape, (column, row)).ravel()
    ring = np.rint(distance).astype(int)
    count = np.maximum(np.bincount(ring), 1)
    level = np.bincount(ring, picture.ravel()) / count / picture[row, column]
    radius = np.bincount(ring, distance) / count
    below = np.flatnonzero(level < 0.5)
    if below.size == 0:
        return float("inf")
    i = below[0]
    return float(2 * np.interp(0.5, level[i - 1 : i + 1][::-1], radius[i - 1 : i + 1][::-1]))


def enclosing_radius(kernel: Any, center: np.ndarray, outside: float) -> float:
    """The radius, kernel pixels, beyond which this fraction of a picture's light falls."""
    picture = np.asarray(kernel, float)
    distance = distance_from(picture.shape, center).ravel()
    order = np.argsort(distance)
    enclosed = np.cumsum(np.abs(picture).ravel()[order])
    index = np.searchsorted(enclosed, (1 - outside) * enclosed[-1])
    return float(distance[order][min(index, distance.size - 1)])


def centre_of_light(picture: np.ndarray) -> tuple[float, float]:
    """(column, row) of the centre of light; says so when it is not simply the middle pixel."""
    rows, columns = picture.shape
    row, column = np.indices(picture.shape)
    # A Gaussian window that follows the light: the far wings and their noise do not pull it about, and no pixel jumps in
    # or out of it. It is some times wider than the core, because what must stay in place is a galaxy seen through the PSF.
    width = 2.5 * np.sqrt(4 / np.pi * np.sum(picture > 0.5 * picture.max()))
    weights = picture**2
    for _ in range(100):
        center = float((column * weights).sum() / weights.sum()), float((row * weights).sum() / weights.sum())
        weights = picture * np.exp(-0.5 * ((column - center[0]) ** 2 + (row - center[1]) ** 2) / width**2)
    middle = ((columns - 1) / 2, (rows - 1) / 2)
    even = rows % 2 == 0 or columns % 2 == 0
    if even or np.hypot(center[0] - middle[0], center[1] - middle[1]) > 0.05:
        warnings.warn(
            f"KernelPSF: the {rows} × {columns} kernel is centred on its centre of light, column {center[0]:.3f}, row {center[1]:.3f} "
            f"(the middle of the array is {middle[0]:g}, {middle[1]:g}); give center=(column, row) for another.",
            InputWarning,
            stacklevel=4,
        )
    return center
