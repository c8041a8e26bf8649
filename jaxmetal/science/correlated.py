"""Correlations of the errors of neighbouring pixels, as surveys publish them."""

from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.maps.correlation_shapes import (
    DrizzleCorrelation,
    GaussianCorrelation,
    MaternCorrelation,
)
from jaxmetal.maps.correlations import WHITE

# Law et al. (2016): the standard deviation of the correlation in spaxels, and where it is cut.
MANGA_LENGTH, MANGA_CUT = 1.92, 6.4
# Sharp et al. (2015): diameter of a fibre and side of a spaxel, arcsec; drop over fibre.
SAMI_FIBRE, SAMI_SPAXEL, SAMI_DROP = 1.6, 0.5, 0.5


def manga(white: Any = WHITE) -> GaussianCorrelation:
    """The correlation of neighbouring spaxels in MaNGA's cubes, and in maps made of them.

        rho(d) = (1 - white) exp[-(d / 1.92)² / 2] for 0 < d <= 6.4,   rho(0) = 1

    The separation d is in spaxels of 0.5 arcsec. The published function has no white part; cut at
    6.4 it is not positive definite (its smallest eigenvalue is -0.028), and any map that a fit is
    asked to explain to the last digit has read-out and photon noise that its neighbours do not
    share.

    Parameters
    ----------
    white
        the part of the variance that is not shared. At least 0.03 is needed; between 0.03 and 0.1
        the errors of a gradient fall by 3.5 %. It matters more to features that are smaller than
        the correlation: those have errors of the square root of it.

    Returns
    -------
    correlation
        for `TracerMap(..., correlation=)` and other maps.

    References
    ----------
    Law et al. (2016), AJ 152, 83; Westfall et al. (2019), AJ 158, 231, figure 8.
    """
    return GaussianCorrelation(MANGA_LENGTH, MANGA_CUT, white=white)


def sami(white: Any = WHITE) -> DrizzleCorrelation:
    """The correlation of neighbouring spaxels in SAMI's cubes, and in maps made of them.

    That of `drizzle`: fibres of 1.6 arcsec, whose drops have half their diameter, were put on
    spaxels of 0.5 arcsec. The round drop counts as a square of its area. The correlation ends
    within two spaxels, as does that in the extension COVAR of the cubes, which is better where
    there is a cube: `correlation: {file: {file: , extension: COVAR}}`.

    Parameters
    ----------
    white
        the part of the variance that is not shared.

    Returns
    -------
    correlation
        for `TracerMap(..., correlation=)` and other maps.

    References
    ----------
    Sharp et al. (2015), MNRAS 446, 1551.
    """
    side = SAMI_DROP * SAMI_FIBRE / SAMI_SPAXEL * np.sqrt(np.pi) / 2
    return DrizzleCorrelation(side, white=white)


def gaussian(
    length: Any, white: Any = WHITE, cut: Any = np.inf, unit: str = "pixel"
) -> GaussianCorrelation:
    """A Gaussian correlation.

        rho(d) = (1 - white) exp(-d² / 2 length²) for 0 < d <= cut,   rho(0) = 1

    Parameters
    ----------
    length
        its standard deviation, in the unit of the separation.
    white
        the part of the variance that is not shared; without any no map of more than a few pixels
        is positive definite in numbers.
    cut
        the separation beyond which there is no correlation.
    unit
        of separations: "pixel" or "arcsec".

    Returns
    -------
    correlation
        for `TracerMap(..., correlation=)` and other maps.
    """
    return GaussianCorrelation(length, cut, white=white, unit=unit)


def exponential(length: Any, white: Any = 0.0, unit: str = "pixel") -> MaternCorrelation:
    """An exponential correlation.

        rho(d) = (1 - white) exp(-d / length) for d > 0,   rho(0) = 1

    Parameters
    ----------
    length
        in the unit of the separation.
    white
        the part of the variance that is not shared.
    unit
        of separations: "pixel" or "arcsec".

    Returns
    -------
    correlation
        for `TracerMap(..., correlation=)` and other maps.
    """
    return MaternCorrelation(length, 0.5, white=white, unit=unit)


def matern(
    length: Any, nu: float = 1.5, white: Any = WHITE, unit: str = "pixel"
) -> MaternCorrelation:
    """A Matern correlation.

        rho(d) = (1 - white) M_nu(d / length) for d > 0,   rho(0) = 1

    with M_3/2 = (1 + s) exp(-s), s = sqrt(3) d / length, and so on.

    Parameters
    ----------
    length
        in the unit of the separation.
    nu
        smoothness: 0.5 (exponential), 1.5, 2.5, 3.5 or 4.5.
    white
        the part of the variance that is not shared.
    unit
        of separations: "pixel" or "arcsec".

    Returns
    -------
    correlation
        for `TracerMap(..., correlation=)` and other maps.

    References
    ----------
    Rasmussen & Williams (2006), Gaussian Processes for Machine Learning, equation 4.16.
    """
    return MaternCorrelation(length, nu, white=white, unit=unit)


def drizzle(pixfrac: float, scale: float, white: Any = WHITE) -> DrizzleCorrelation:
    """The correlation of neighbouring pixels in a drizzled mosaic of many dithered exposures.

        rho(dx, dy) = (1 - white) a(dx) a(dy) / a(0)²,   a = w ⋆ w,   w = box(r) ∗ box(1),
        r = pixfrac / scale

    in pixels of the mosaic. Its sum over a lattice is the square of Fruchter & Hook's R, which is
    r / (1 - 1/3r) for r >= 1 and 1 / (1 - r/3) below.

    Parameters
    ----------
    pixfrac
        side of the drop over that of the detector's pixel.
    scale
        side of the mosaic's pixel over that of the detector's.
    white
        the part of the variance that is not shared; some is needed where r is 2, 3, ….

    Returns
    -------
    correlation
        for `LightMap(..., correlation=)` and other maps.

    Raises
    ------
    InputError
        if pixfrac or scale is not positive.

    References
    ----------
    Fruchter & Hook (2002), PASP 114, 144, section 7.
    """
    if not (pixfrac > 0 and scale > 0):
        raise InputError(
            f"noise.drizzle: pixfrac and scale must be positive, got {pixfrac!r} and {scale!r}."
        )
    return DrizzleCorrelation(pixfrac / scale, white=white)
