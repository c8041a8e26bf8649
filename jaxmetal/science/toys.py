"""Four galaxies with the same straight-line fit (the paper's figures 1 and 2); lengths in R_e.

    Z = central + gradient R + d - P d
    P = least-squares projection onto span{1, R} over all pixels with R <= 4 R_e

Whatever d is, ordinary least squares finds (central, gradient). P d depends on the radius alone, so
the azimuthal variation of d is unchanged.
"""

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.profiles import light
from jaxmetal.profiles.profile import Profile
from jaxmetal.science import baselines

KINDS = ("smooth", "companion", "arms", "patches")
# Pixels across the frame.
SIZE = 121
# Radius within which pixels are fitted.
EDGE = 4.0
# Size of a pixel.
SCALE = 2 * EDGE / SIZE
# Pixels by which a galaxy extends beyond each side of the frame: a PSF scatters light from there.
BORDER = 60
# Of the straight line: its value at the centre, dex, and its slope, dex per R_e.
CENTRAL = 8.0
GRADIENT = -0.1
Image = Float[np.ndarray, "ny nx"]


def frame(border: int = 0) -> Grid:
    """The pixels: 121 × 121 over ±4 R_e, with more on every side if asked for.

    Parameters
    ----------
    border
        pixels added on each side.
    """
    return Grid.regular((SIZE + 2 * border, SIZE + 2 * border), SCALE)


def inside(border: int = 0) -> np.ndarray:
    """Which pixels are fitted: True where R <= 4 R_e.

    Parameters
    ----------
    border
        as for `frame`.
    """
    return baselines.radius_map(frame(border)) <= EDGE


def metallicity(kind: str, seed: int = 0, border: int = 0) -> Image:
    """The metallicity at the centre of every pixel of `frame(border)`, dex: 8.0 - 0.1 R, and on it

        smooth: nothing;  companion: a metal-poor neighbour;  arms: 0.2 dex on two spiral arms;
        patches: 0.08 dex, correlated

    Parameters
    ----------
    kind
        one of KINDS.
    seed
        of the patches.
    border
        as for `frame`.

    Raises
    ------
    InputError
        for a kind that does not exist.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, figure 1, of which the numbers are not published.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS, "metallicity")
    x, y = (np.asarray(c, float) for c in frame(border).coordinates)
    radius = baselines.radius_map(frame(border))
    if kind == "smooth":
        change = np.zeros_like(x)
    elif kind == "patches":
        change = gaussian_field(SIZE + 2 * BORDER, SCALE, 0.08, 0.15, seed)
        window = slice(BORDER - border, BORDER + SIZE + border)
        change = change[window, window]
    else:
        change = (_companion if kind == "companion" else _arms)(x, y)
    line = baselines.ols(radius, change, mask=radius > EDGE)
    return CENTRAL + GRADIENT * radius + change - (line.central + line.gradient * radius)


def galaxy(kind: str, seed: int = 0) -> Galaxy:
    """The same galaxy with the light of an exponential disc, I = e^{-R}.

    Parameters
    ----------
    kind
        one of KINDS.
    seed
        of the patches.

    Returns
    -------
    galaxy
        with one component, "disc", carrying "metallicity".
    """
    disc = Profile(light.exponential, amp=1.0, scale_length=1.0)
    image = Profile(light.image, image=metallicity(kind, seed, BORDER), scale=SCALE)
    return Galaxy(disc=Component(light=disc, metallicity=image))


def gaussian_field(size: int, scale: float, sigma: float, length: float, seed: int) -> Image:
    """A Gaussian random field with an exponential correlation, exact, by circulant embedding.

        C(h) = sigma² e^{-h / length}

    Parameters
    ----------
    size
        pixels on each side.
    scale
        size of a pixel.
    sigma
        standard deviation.
    length
        correlation length, in the unit of the scale.
    seed
        of the random numbers.

    References
    ----------
    Dietrich & Newsam (1997), SIAM J. Sci. Comput. 18, 1088.
    """
    # On a torus twice as large, opposite edges of the field do not know of each other.
    steps = np.minimum(np.arange(2 * size), 2 * size - np.arange(2 * size)) * scale
    power = np.fft.fft2(sigma**2 * np.exp(-np.hypot(steps[:, None], steps) / length)).real
    white = np.random.default_rng(seed).standard_normal(power.shape)
    return np.fft.ifft2(np.sqrt(np.maximum(power, 0.0)) * np.fft.fft2(white)).real[:size, :size]


def _companion(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return -0.5 * np.exp(-0.5 * ((x - 1.6) ** 2 + (y - 0.8) ** 2) / 0.9)


def _arms(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two logarithmic spirals of 20 degrees pitch, Gaussian across, fading towards the centre."""
    radius, pitch = np.hypot(x, y), np.deg2rad(20.0)
    phase = np.arctan2(y, x) - np.log(np.maximum(radius, 0.05) / 0.5) / np.tan(pitch)
    # Half the angle 2 phase wrapped into one turn: the way to the nearer of the two arms.
    distance = np.abs(np.angle(np.exp(2j * phase)) / 2) * radius * np.sin(pitch)
    return 0.2 * np.exp(-0.5 * (distance / 0.25) ** 2) * (1 - np.exp(-((radius / 0.6) ** 2)))
