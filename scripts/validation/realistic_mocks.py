"""Maps of a realistic galaxy as MaNGA would see it, by code of their own: NumPy and SciPy alone.

    Z = g⁻¹[ Σ_cells K ∗ (I g(Z)) / Σ_cells K ∗ I ],   g(Z) = 10^Z

on cells of a tenth of a spaxel. I is an inclined exponential disc with clumps; Z is a straight line
in the radius of the disc and a Gaussian random field in its plane.
"""

from typing import NamedTuple

import numpy as np
from scipy.fft import irfft2, rfft2
from scipy.ndimage import gaussian_filter, map_coordinates

# Spaxels on a side and their size; cells to a spaxel; spaxels around the frame whose light counts.
SIDE, PIXEL, CELLS, AROUND = 36, 0.5, 10, 40
# Half-light radius and FWHM of the PSF, arcsec, and the slope of its wings.
RADIUS = 3.2
FWHM, BETA = 0.8 * RADIUS, 2.8
INCLINATION, POSITION_ANGLE = 50.0, 30.0
# 12 + log(O/H) at the centre, its slope in dex per arcsec, and the scatter about it: standard
# deviation in dex, and length of its exponential covariance in the plane of the disc, arcsec.
CENTRAL, SLOPE = 8.7, -0.03
SCATTER, LENGTH = 0.05, 0.3 * RADIUS
# Clumps: how many, which part of the light they have, and the range of their sizes, arcsec.
CLUMPS, PART, SIZES = 20, 0.4, (0.1 * RADIUS, 0.2 * RADIUS)
# Ha: signal to noise of the brightest spaxel, and how many of the brightest count, one number for
# all galaxies so that they share programs: their signal to noise is above 7 or so. The error of a
# metallicity from [NII]/Ha = 0.3 of both lines' noise, 0.462 / ln 10 · sqrt(1 + 1 / 0.3²), times
# the noise over the signal of Ha.
BRIGHTEST, COUNT = 100.0, 450
DEX_PER_NOISE = 0.7
# Correlation of neighbouring spaxels: exp[-(d / 1.92)² / 2] but for the part that is white.
NOISE_LENGTH, WHITE = 1.92, 0.05
# Cells of the plane of the disc on which its scatter is drawn: their number on a side and size.
PLANE, STEP = 720, 0.125
# Scale length of an exponential disc over its half-light radius.
SCALE = 1.67834699


class Mock(NamedTuple):
    """What is observed of one galaxy, and what is behind it.

    Parameters
    ----------
    light, light_error
        Ha per arcsec² and its standard deviation, shape (SIDE, SIDE).
    values, errors
        metallicity and its standard deviation, dex.
    mask
        True where Ha is too faint for a metallicity.
    sharp
        the light without telescope or noise, the mean of each spaxel of a frame with AROUND spaxels
        about that of the map.
    """

    light: np.ndarray
    light_error: float
    values: np.ndarray
    errors: np.ndarray
    mask: np.ndarray
    sharp: np.ndarray


def mock(seed: int, clumps: int = CLUMPS, scatter: float = SCATTER, noisy: bool = True) -> Mock:
    """One galaxy and its observation.

    Parameters
    ----------
    seed
        of clumps, scatter and noise.
    clumps, scatter
        how many clumps, and the standard deviation of the metallicity about its line, dex.
    noisy
        whether there is noise.
    """
    rng = np.random.default_rng(seed)
    x, y = _cells()
    light = _disc(x, y) + _clumps(x, y, clumps, rng)
    field = scatter * _scatter(x, y, rng)
    metallicity = CENTRAL + SLOPE * np.hypot(*_plane(x, y)) + field
    weighted, total = (_through_telescope(image) for image in (light * 10**metallicity, light))
    values = np.log10(weighted / total)
    noise = total.max() / BRIGHTEST
    errors, faint = DEX_PER_NOISE * noise / total, total < np.sort(total, axis=None)[-COUNT]
    if noisy:
        values = values + errors * _noise(rng)
        total = total + noise * _noise(rng)
    return Mock(total, noise, values, errors, faint, _spaxels(light))


def _cells() -> tuple[np.ndarray, np.ndarray]:
    """Positions of the cells of the frame and around it, arcsec from the galaxy's centre."""
    count = (SIDE + 2 * AROUND) * CELLS
    places = (np.arange(count) - (count - 1) / 2) * PIXEL / CELLS
    x, y = np.meshgrid(places, places)
    return x, y


def _plane(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions along the major axis and across it in the plane of the disc, arcsec.

    The position angle counts from +y towards +x.
    """
    angle = np.deg2rad(POSITION_ANGLE)
    along = x * np.sin(angle) + y * np.cos(angle)
    across = x * np.cos(angle) - y * np.sin(angle)
    return along, across / np.cos(np.deg2rad(INCLINATION))


def _disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An exponential disc of total flux 1 on the sky."""
    scale = RADIUS / SCALE
    flux = 2 * np.pi * scale**2 * np.cos(np.deg2rad(INCLINATION))
    return np.exp(-np.hypot(*_plane(x, y)) / scale) / flux


def _clumps(x: np.ndarray, y: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Round Gaussians that follow the light of the disc, with PART of all light."""
    if count == 0:
        return np.zeros_like(x)
    # The light of an exponential disc within a ring goes as R exp(-R / scale).
    radii = rng.gamma(2.0, RADIUS / SCALE, count)
    angles = rng.uniform(0, 2 * np.pi, count)
    along, across = radii * np.cos(angles), radii * np.sin(angles)
    across = across * np.cos(np.deg2rad(INCLINATION))
    turn = np.deg2rad(POSITION_ANGLE)
    centers_x = along * np.sin(turn) + across * np.cos(turn)
    centers_y = along * np.cos(turn) - across * np.sin(turn)
    sizes = rng.uniform(*SIZES, count)
    fluxes = rng.lognormal(0.0, 0.7, count)
    fluxes *= PART / (1 - PART) / fluxes.sum()
    total = np.zeros_like(x)
    for center_x, center_y, size, flux in zip(centers_x, centers_y, sizes, fluxes, strict=True):
        across_x, across_y = (
            np.exp(-0.5 * ((places - center) / size) ** 2)
            for places, center in ((x[0], center_x), (y[:, 0], center_y))
        )
        total += flux / (2 * np.pi * size**2) * np.outer(across_y, across_x)
    return total


def _scatter(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A Gaussian field of unit variance and covariance exp(-h / LENGTH) in the plane of the disc.

    Drawn on a periodic frame by the transform of the covariance, and read between its cells.
    """
    away = np.minimum(np.arange(PLANE), PLANE - np.arange(PLANE)) * STEP
    power = rfft2(np.exp(-np.hypot(away[:, None], away[None, :]) / LENGTH)).real
    white = rfft2(rng.standard_normal((PLANE, PLANE)))
    drawn = irfft2(np.sqrt(np.maximum(power, 0)) * white, (PLANE, PLANE))
    along, across = _plane(x, y)
    places = [across / STEP + PLANE / 2, along / STEP + PLANE / 2]
    return map_coordinates(drawn, places, order=1, mode="grid-wrap")


def _through_telescope(light: np.ndarray) -> np.ndarray:
    """The mean of each spaxel after a convolution with a Moffat, by Fourier transforms."""
    count = len(light)
    away = np.minimum(np.arange(count), count - np.arange(count)) * PIXEL / CELLS
    smeared = irfft2(rfft2(light) * rfft2(moffat(away)), light.shape)
    inside = slice(AROUND, AROUND + SIDE)
    return _spaxels(smeared)[inside, inside]


def moffat(away: np.ndarray) -> np.ndarray:
    """The PSF on a square of these distances along each axis, arcsec; its sum is 1."""
    core = FWHM / 2 / np.sqrt(2 ** (1 / BETA) - 1)
    psf = (1 + (away[:, None] ** 2 + away[None, :] ** 2) / core**2) ** -BETA
    return psf / psf.sum()


def _spaxels(cells: np.ndarray) -> np.ndarray:
    """The mean of the cells of each spaxel."""
    count = len(cells) // CELLS
    return cells.reshape(count, CELLS, count, CELLS).mean(axis=(1, 3))


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance with the correlation of a MaNGA cube."""
    edge = 8 * int(np.ceil(NOISE_LENGTH))
    # The covariance of smoothed white noise is a Gaussian sqrt(2) times as wide as its kernel.
    kernel = NOISE_LENGTH / np.sqrt(2)
    smooth = gaussian_filter(rng.standard_normal((SIDE + 2 * edge,) * 2), kernel, truncate=6)
    smooth = smooth[edge:-edge, edge:-edge] * 2 * np.sqrt(np.pi) * kernel
    own = rng.standard_normal((SIDE, SIDE))
    return np.sqrt(1 - WHITE) * smooth + np.sqrt(WHITE) * own
