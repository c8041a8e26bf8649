"""Sersic profiles that are bent, or flatter inside of a core."""

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import CUSP, Coordinate
from jaxmetal.profiles.light.sersics import Constant, factor_of, radius_of, sersic


def sersic_flexion(
    x: Coordinate,
    y: Coordinate,
    amp,
    R_sersic,
    n_sersic,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
    a=0.0,
    b1=0.0,
    b2=0.0,
    c1=0.0,
    c2=0.0,
    d1=0.0,
    d2=0.0,
    *,
    b_n: Constant = "exact",
    major_axis: bool = False,
) -> Coordinate:
    """Sersic profile under shear and flexion, a map of the sky to second order.

        I = amp exp{-b_n [(R/R_sersic)^(1/n) - 1]},   R of Z(z) - Z(z_center),   z = x + i y
        Z = (1 + a) z + b z* + c* z² + 2 c z z* + d z*²

    The map is centred on (0, 0), not on the galaxy; a and b are degenerate with R_sersic and
    ellipticity.

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at R_sersic, per arcsec², not negative.
    R_sersic
        half-light radius before the map, arcsec, positive.
    n_sersic
        Sersic index, at least 0.3 and at most 20.
    e1, e2
        ellipticity before the map.
    center_x, center_y
        centre, arcsec.
    a
        magnification.
    b1, b2
        shear, b = b1 + i b2.
    c1, c2, d1, d2
        first and second flexion, c = c1 + i c2 and d = d1 + i d2, per arcsec.
    b_n, major_axis
        see `sersic`.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Goldberg & Bacon (2005), ApJ 619, 741.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.sersic_flexion, amp=2.0, R_sersic=1.0, n_sersic=1.0, a=0.1)
    >>> print(f"{light(1.0, 0.5):.3f}")
    1.360
    """

    def bent(x, y):
        squared, minus, cross = x**2 + y**2, x**2 - y**2, 2 * x * y
        along = (1 + a + b1) * x + b2 * y + c1 * minus + c2 * cross + 2 * c1 * squared
        across = (1 + a - b1) * y + b2 * x + c1 * cross - c2 * minus + 2 * c2 * squared
        return along + d1 * minus + d2 * cross, across + d2 * minus - d1 * cross

    arguments = (*bent(x, y), amp, R_sersic, n_sersic, e1, e2, *bent(center_x, center_y))
    return sersic(*arguments, b_n=b_n, major_axis=major_axis)


def core_sersic(
    x: Coordinate,
    y: Coordinate,
    amp,
    R_sersic,
    Rb,
    n_sersic,
    gamma,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
    alpha=3.0,
    *,
    b_n: Constant = "exact",
    major_axis: bool = False,
) -> Coordinate:
    """Sersic profile with a power law inside a break; the cusp ends 1e-4 arcsec from the centre.

        I = amp [1 + (Rb/R)^alpha]^(gamma/alpha) exp{-b_n [r^(1/n) - 1]}
        r = (R^alpha + Rb^alpha)^(1/alpha) / R_sersic

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at R_sersic if Rb is much smaller, per arcsec², not negative.
    R_sersic
        half-light radius of the outer profile, arcsec, positive.
    Rb
        radius of the break, arcsec, positive.
    n_sersic
        Sersic index of the outer profile, at least 0.3 and at most 20.
    gamma
        slope inside the break.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    alpha
        sharpness of the break, positive.
    b_n, major_axis
        see `sersic`.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Graham et al. (2003), AJ 125, 2951; Trujillo et al. (2004), AJ 127, 1917.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(
    ...     jm.light.core_sersic,
    ...     amp=2.0, R_sersic=1.0, Rb=0.1, n_sersic=3.0, gamma=0.2
    ... )
    >>> print(f"{light(1.0, 0.5):.3f}")
    1.613
    """
    radius = jnp.maximum(radius_of(x, y, e1, e2, center_x, center_y, major_axis, b_n), CUSP)
    inner = numerics.positive_power(radius / R_sersic, alpha)
    outer = numerics.positive_power(Rb / R_sersic, alpha)
    power = numerics.positive_power(inner + outer, 1 / (alpha * n_sersic))
    exponent = -factor_of(n_sersic, b_n) * (power - 1)
    return amp * numerics.positive_power(1 + outer / inner, gamma / alpha) * jnp.exp(exponent)
