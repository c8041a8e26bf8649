"""Where a galaxy lies in a map, and its size and ellipse, from moments of its light."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxmetal.maps import Map

# Pixels of less than this many standard deviations do not count as light, if there are enough.
BRIGHT = 3.0
ENOUGH = 12
# Light farther from the centre than this many half-light radii is of something else.
FARTHEST = 4.0
ROUNDS = 3
# The half-light radius of a Gaussian over its standard deviation.
HALF = float(np.sqrt(2 * np.log(2)))
# No disc is guessed to be flatter than this.
FLATTEST = 0.2
# A size is at least this part of the PSF's, below which nothing is resolved.
SMALLEST = 0.3
# Errors that differ by less than this part say nothing about light.
ALIKE = 0.1


class Shape(NamedTuple):
    """The light of a galaxy in a map.

    Parameters
    ----------
    center
        (x, y), arcsec.
    radius
        half-light radius, product average of the axes, arcsec; that of the PSF taken out in
        quadrature.
    ratio
        minor over major axis.
    position_angle
        of the major axis, degrees, from +y (north) towards +x (east).
    flux
        of all the light that counts, in the unit of the map; NaN of a map that shows no light.
    source
        what it was measured on, in words.
    pixel
        side of a pixel, arcsec.
    """

    center: tuple[float, float]
    radius: float
    ratio: float
    position_angle: float
    flux: float
    source: str
    pixel: float

    @property
    def is_light(self) -> bool:
        """Whether it was measured on light itself."""
        return bool(np.isfinite(self.flux))

    @property
    def inclination(self) -> float:
        """Of a thin disc with this axis ratio, degrees."""
        return float(np.degrees(np.arccos(self.ratio)))

    @property
    def ellipticity(self) -> tuple[float, float]:
        """(e1, e2) = (1-q)/(1+q) (cos 2 phi, sin 2 phi), phi from +x towards +y."""
        turn, size = np.deg2rad(180 - 2 * self.position_angle), (1 - self.ratio) / (1 + self.ratio)
        return float(size * np.cos(turn)), float(size * np.sin(turn))


def shape_of_light(name: str, one_map: Map) -> Shape:
    """The shape of the light in a map of flux.

    Parameters
    ----------
    name, one_map
        a map that shows a sum over the light.

    Returns
    -------
    shape
        of the pixels that are brighter than their errors; masked ones do not count.
    """
    image, sigma = one_map.image(one_map.data), one_map.image(one_map.errors)
    if (limits := one_map.censored) is not None:
        image = np.where(one_map.image(np.asarray(limits, float)) > 0, np.nan, image)
    known = np.isfinite(image)
    bright = known & (np.where(known, image, 0.0) > BRIGHT * np.where(known, sigma, np.inf))
    if bright.sum() < ENOUGH:
        bright = known & (np.where(known, image, 0.0) > 0)
    return _shape(one_map, np.where(bright, image, 0.0), f"moments of {name}", True)


def shape_of_footprint(name: str, one_map: Map) -> Shape:
    """The shape of the light as a map tells it that shows none, such as a metallicity.

    Where light is bright errors are small: inverse variances stand for it, or the footprint of the
    map if all errors are alike.

    Parameters
    ----------
    name, one_map
        any map.

    Returns
    -------
    shape
        without a flux.
    """
    sigma = one_map.image(one_map.errors)
    known = np.isfinite(sigma)
    if not known.any():
        known = np.isfinite(one_map.image(one_map.data))
    inverse = np.where(known, 1 / np.where(known, sigma, 1.0) ** 2, 0.0)
    values = inverse[known]
    if values.size and np.ptp(values) > ALIKE * np.median(values):
        # The faintest pixels have errors too: what is below theirs is not light.
        weight = np.where(known, np.maximum(inverse - values.min(), 0.0), 0.0)
        return _shape(one_map, weight, f"inverse variances of {name}", False)
    return _shape(one_map, known.astype(float), f"footprint of {name}", False)


def _shape(one_map: Map, weight: Float[np.ndarray, "ny nx"], source: str, is_light: bool) -> Shape:
    """The shape of a weight, which is zero where there is no light."""
    grid = one_map.instrument.grid
    x, y = (np.asarray(axis, float) for axis in grid.coordinates)
    pixel = float(grid.pixel_scale)
    smeared = _blur(one_map, pixel) if is_light else 0.0
    inside = weight > 0
    center, radius, matrix = (0.0, 0.0), pixel, np.eye(2)
    for _ in range(ROUNDS):
        center, matrix = _moments(x, y, np.where(inside, weight, 0.0))
        distance = _distance(x, y, center, matrix)
        radius = _half_light(distance[inside], weight[inside])
        near = (weight > 0) & (distance <= FARTHEST * max(radius, pixel))
        if near.sum() < ENOUGH:
            break
        inside = near
    ratio, angle = _ellipse(matrix, smeared / HALF)
    return Shape(
        center,
        float(np.sqrt(max(radius**2 - smeared**2, (SMALLEST * max(smeared, pixel)) ** 2))),
        ratio,
        angle,
        float(weight[inside].sum()) if is_light else np.nan,
        source,
        pixel,
    )


def _blur(one_map: Map, pixel: float) -> float:
    """The half-light radius of the PSF and the pixel together, arcsec."""
    psf = float(np.max(one_map.instrument.psf.radius(0.5, pixel)))
    return float(np.hypot(psf, HALF * pixel / np.sqrt(12)))


def _moments(
    x: np.ndarray, y: np.ndarray, weight: np.ndarray
) -> tuple[tuple[float, float], np.ndarray]:
    """The centre and the matrix of second moments of a weight."""
    total = weight.sum()
    if not total > 0:
        return (float(x.mean()), float(y.mean())), np.eye(2)
    center = float((weight * x).sum() / total), float((weight * y).sum() / total)
    dx, dy = x - center[0], y - center[1]
    cross = (weight * dx * dy).sum()
    matrix = np.array([[(weight * dx**2).sum(), cross], [cross, (weight * dy**2).sum()]]) / total
    return center, matrix


def _distance(
    x: np.ndarray, y: np.ndarray, center: tuple[float, float], matrix: np.ndarray
) -> np.ndarray:
    """The product-average radius of every pixel in the ellipse of a matrix of moments."""
    determinant = max(float(np.linalg.det(matrix)), 1e-12)
    inverse = np.array([[matrix[1, 1], -matrix[0, 1]], [-matrix[0, 1], matrix[0, 0]]]) / determinant
    dx, dy = x - center[0], y - center[1]
    squared = inverse[0, 0] * dx**2 + 2 * inverse[0, 1] * dx * dy + inverse[1, 1] * dy**2
    return np.sqrt(np.maximum(squared, 0.0) * np.sqrt(determinant))


def _half_light(distance: Any, weight: Any) -> float:
    """The radius inside of which half of the weight lies."""
    if distance.size == 0:
        return 0.0
    order = np.argsort(distance)
    growth = np.cumsum(weight[order])
    return float(distance[order][np.searchsorted(growth, 0.5 * growth[-1])])


def _ellipse(matrix: np.ndarray, blur: float) -> tuple[float, float]:
    """Axis ratio and position angle of second moments, those of the PSF taken out."""
    values, vectors = np.linalg.eigh(matrix - blur**2 * np.eye(2))
    long = max(float(values[1]), 1e-12)
    short = float(np.clip(values[0], FLATTEST**2 * long, long))
    if values[1] <= 0:
        return 1.0, 0.0
    along = vectors[:, 1]
    return float(np.sqrt(short / long)), float(np.degrees(np.arctan2(along[0], along[1])) % 180)


def usable(one_map: Map) -> Bool[np.ndarray, "*map"]:
    """Where a map has a value and an error.

    Parameters
    ----------
    one_map
        any map.

    Returns
    -------
    usable
        in the shape of the map's values.
    """
    return np.asarray(one_map.valid) & np.isfinite(one_map.data)
