"""Surface brightness: how brightly each spot of the sky shines, per arcsec²."""

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, elliptical_radius


def sersic(x: Coordinate, y: Coordinate, amp, R_sersic, n_sersic, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0) -> Coordinate:
    """Sersic profile with the exact b_n.

        I = amp exp{-b_n [(R/R_sersic)^(1/n) - 1]}

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at R_sersic, per arcsec².
    R_sersic
        half-light radius (product average of the axes), arcsec.
    n_sersic
        Sersic index.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    References
    ----------
    Sersic (1968); Ciotti & Bertin (1999), A&A 352, 447.
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    b = numerics.sersic_b(n_sersic)
    return amp * jnp.exp(-b * (numerics.positive_power(radius / R_sersic, 1 / n_sersic) - 1))


def exponential(x: Coordinate, y: Coordinate, amp, scale_length, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0) -> Coordinate:
    """Exponential disc, by its scale length.

        I = amp exp(-R / scale_length)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        central surface brightness, per arcsec².
    scale_length
        radius at which the brightness has fallen to 1/e, arcsec; the half-light radius is 1.678 times this.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    References
    ----------
    Freeman (1970), ApJ 160, 811.
    """
    return amp * jnp.exp(-elliptical_radius(x, y, e1, e2, center_x, center_y) / scale_length)


def gaussian(x: Coordinate, y: Coordinate, amp, sigma, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0) -> Coordinate:
    """Gaussian.

        I = amp / (2 pi sigma²) exp(-R² / 2 sigma²)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        total flux.
    sigma
        standard deviation (product average of the axes), arcsec.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    return amp / (2 * jnp.pi * sigma**2) * jnp.exp(-0.5 * (radius / sigma) ** 2)


def moffat(x: Coordinate, y: Coordinate, amp, alpha, beta, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0) -> Coordinate:
    """Moffat profile.

        I = amp [1 + (R/alpha)²]^(-beta)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        central surface brightness, per arcsec².
    alpha
        core radius, arcsec.
    beta
        slope of the wings.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    References
    ----------
    Moffat (1969), A&A 3, 455.
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    return amp * (1 + (radius / alpha) ** 2) ** (-beta)


def uniform(x: Coordinate, y: Coordinate, amp) -> Coordinate:
    """The same brightness everywhere.

        I = amp

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness, per arcsec².
    """
    return amp * jnp.ones_like(x)


def image(x: Coordinate, y: Coordinate, image, amp=1.0, center_x=0.0, center_y=0.0, phi_G=0.0, scale=1.0) -> Coordinate:
    """A picture used as the light, read by smooth bicubic interpolation; dark outside the picture.

        I = amp · image(u, v),   (u, v) = rotation by -phi_G of (x - center_x, y - center_y), / scale

    Parameters
    ----------
    x, y
        position, arcsec.
    image
        surface brightness at the pixel centres, per arcsec², indexed [v, u].
    amp
        factor on the picture.
    center_x, center_y
        where the middle of the picture lies, arcsec.
    phi_G
        rotation of the picture from +x towards +y, radians.
    scale
        size of a pixel of the picture, arcsec. A negative value turns u around (east to the left).

    References
    ----------
    Keys (1981), IEEE Trans. ASSP 29, 1153.
    """
    dx, dy = x - center_x, y - center_y
    u = (jnp.cos(phi_G) * dx + jnp.sin(phi_G) * dy) / scale
    v = (-jnp.sin(phi_G) * dx + jnp.cos(phi_G) * dy) / jnp.abs(scale)
    rows, columns = image.shape
    return amp * numerics.bicubic(image, v + (rows - 1) / 2, u + (columns - 1) / 2)
