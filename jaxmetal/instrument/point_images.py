"""Images of point sources, on the host: their centre, their width, the sky under them."""

import warnings
from typing import Any

import numpy as np

from jaxmetal.errors import InputWarning


def distance_from(shape: tuple[int, ...], center: Any) -> np.ndarray:
    """The distance of every pixel from a place (column, row), pixels."""
    row, column = np.indices(shape)
    return np.hypot(column - center[0], row - center[1])


def fwhm(image: np.ndarray) -> float:
    """Full width at half maximum of an image's mean profile about its peak, pixels.

    Parameters
    ----------
    image
        shape (rows, columns), its peak positive.

    Returns
    -------
    fwhm
        infinite if the profile does not fall to half of the peak.
    """
    row, column = np.unravel_index(np.argmax(image), image.shape)
    distance = distance_from(image.shape, (column, row)).ravel()
    ring = np.rint(distance).astype(int)
    count = np.maximum(np.bincount(ring), 1)
    level = np.bincount(ring, image.ravel()) / count / image[row, column]
    radius = np.bincount(ring, distance) / count
    below = np.flatnonzero(level < 0.5)
    if below.size == 0:
        return float("inf")
    i = below[0]
    return float(2 * np.interp(0.5, level[i - 1 : i + 1][::-1], radius[i - 1 : i + 1][::-1]))


def enclosing_radius(kernel: Any, center: np.ndarray, outside: float) -> float:
    """The radius, kernel pixels, beyond which this fraction of an image's light falls."""
    image = np.asarray(kernel, float)
    distance = distance_from(image.shape, center).ravel()
    order = np.argsort(distance)
    cumulative = np.cumsum(np.abs(image).ravel()[order])
    index = np.searchsorted(cumulative, (1 - outside) * cumulative[-1])
    return float(distance[order][min(index, distance.size - 1)])


def centre_of_light(image: np.ndarray) -> tuple[float, float]:
    """(column, row) of the centre of light; warns when it is not the middle pixel."""
    rows, columns = image.shape
    row, column = np.indices(image.shape)
    # Iterated with a Gaussian window, which the far wings and their noise do not bias, and which
    # has no sharp edge. It is a few times wider than the core, because the PSF must not shift the
    # image of a galaxy.
    width = 2.5 * np.sqrt(4 / np.pi * np.sum(image > 0.5 * image.max()))
    weights = image**2
    for _ in range(100):
        light = weights.sum()
        center = float((column * weights).sum() / light), float((row * weights).sum() / light)
        distance = distance_from(image.shape, center)
        weights = image * np.exp(-0.5 * distance**2 / width**2)
    middle = ((columns - 1) / 2, (rows - 1) / 2)
    even = rows % 2 == 0 or columns % 2 == 0
    if even or np.hypot(center[0] - middle[0], center[1] - middle[1]) > 0.05:
        warnings.warn(
            f"KernelPSF: the {rows} × {columns} kernel is centred on its centre of light, "
            f"column {center[0]:.3f}, row {center[1]:.3f} (the middle of the array is "
            f"{middle[0]:g}, {middle[1]:g}); give center=(column, row) for another.",
            InputWarning,
            stacklevel=4,
        )
    return center


def constant_level(
    level: np.ndarray,
    distance: np.ndarray,
    angle: np.ndarray,
    flatness: float,
) -> tuple[float, float]:
    """A constant that is in all pixels of a star's image.

    The wings of no PSF fall less steeply than r^-2, or it would hold infinite light. What is left
    in the outermost quarter of the pixels when such wings are continued from the quarter inside of
    it is constant; and nowhere can it be darker than that.

    Parameters
    ----------
    level, distance, angle
        of the pixels, the latter two as seen from the peak; shape (n,).
    flatness
        how many times larger than the scatter of the outer half a constant must be.

    Returns
    -------
    level, least
        the constant, negative where too much was subtracted, and what it must reach to be neither
        the wings of a PSF nor noise.
    """
    order = np.argsort(distance, kind="stable")
    half = order[order.size // 2 :]
    inner, outer = np.array_split(half, 2)
    r2 = [float(np.mean(distance[zone] ** 2)) for zone in (inner, outer)]
    mean = [float(level[zone].mean()) for zone in (inner, outer)]
    beyond_wings = (mean[1] * r2[1] - mean[0] * r2[0]) / (r2[1] - r2[0])
    patches, count, noise = _patches(level[half], angle[half])
    low, high = np.quantile(patches, [0.04, 0.96])
    patch_noise = noise / np.sqrt(count.mean())
    scatter = float(np.sqrt(max(patches.var() - patch_noise**2, 0.0)))
    error = float(np.hypot(r2[0], r2[1]) / (r2[1] - r2[0]) * noise / np.sqrt(outer.size))
    least = max(flatness * scatter, 5 * error)
    # Too much was subtracted where everything is negative.
    if high + 1.75 * patch_noise < 0:
        return float(high), least
    ring = distance[half].astype(int) - int(distance[half].min())
    size = np.maximum(np.bincount(ring), 1)
    # The lowest of some ten means lies 1.75 of their errors below the level.
    rings = np.bincount(ring, level[half]) / size + 1.75 * noise / np.sqrt(size)
    darkest = float(rings[size >= 8].min(initial=np.inf))
    return max(0.0, min(beyond_wings, float(low + 1.75 * patch_noise), darkest)), least


def _patches(level: np.ndarray, angle: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Means over 12 sectors of three rings, how many pixels they have, and the noise of a pixel.

    The pixels come in the order of their distance.
    """
    sector = np.minimum(((angle / (2 * np.pi) + 0.5) * 12).astype(int), 11)
    patch = 3 * sector + np.arange(level.size) * 3 // level.size
    count = np.bincount(patch, minlength=36)
    mean = np.bincount(patch, level, minlength=36) / np.maximum(count, 1)
    noise = 1.4826 * float(np.median(np.abs(level - mean[patch])))
    return mean[count > 0], count[count > 0], noise
