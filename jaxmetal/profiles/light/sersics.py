"""Sersic profiles by their axes, and the exponential disc."""

from typing import Literal

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import CUSP, Coordinate, elliptical_radius
from jaxmetal.profiles.geometry import major_axis as stretch

Constant = Literal["exact", "lenstronomy"]


def factor_of(n, b_n: Constant):
    """The b_n of an index."""
    return numerics.sersic_b(n) if b_n == "exact" else numerics.linear_sersic_b(n)


def radius_of(x, y, e1, e2, center_x, center_y, major_axis: bool, b_n: Constant):
    """The radius by which Sersic profiles fall."""
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    radius = radius * stretch(e1, e2) if major_axis else radius
    # lenstronomy has no smaller radius, which matters on the very centre of a steep profile.
    return jnp.maximum(radius, CUSP) if b_n == "lenstronomy" else radius


def sersic(
    x: Coordinate,
    y: Coordinate,
    amp,
    R_sersic,
    n_sersic,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    b_n: Constant = "exact",
    major_axis: bool = False,
) -> Coordinate:
    """Sersic profile with the exact b_n.

        I = amp exp{-b_n [(R/R_sersic)^(1/n) - 1]}

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at R_sersic, per arcsec², not negative.
    R_sersic
        half-light radius (product average of the axes), arcsec, positive.
    n_sersic
        Sersic index, at least 0.3 and at most 20.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    b_n
        exact, or lenstronomy for its straight line 1.9992 n - 0.3271, and no radius below 1e-4
        arcsec.
    major_axis
        whether R and R_sersic are counted along the major axis.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Sersic (1968); Ciotti & Bertin (1999), A&A 352, 447.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.sersic, amp=2.0, R_sersic=1.0, n_sersic=4.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    1.610
    """
    radius = radius_of(x, y, e1, e2, center_x, center_y, major_axis, b_n)
    power = numerics.positive_power(radius / R_sersic, 1 / n_sersic)
    return amp * jnp.exp(-factor_of(n_sersic, b_n) * (power - 1))


def sersic_q_phi(
    x: Coordinate,
    y: Coordinate,
    amp,
    R_sersic,
    n_sersic,
    q,
    phi,
    center_x=0.0,
    center_y=0.0,
    *,
    b_n: Constant = "exact",
    major_axis: bool = False,
) -> Coordinate:
    """Sersic profile by axis ratio and angle.

        I = amp exp{-b_n [(R/R_sersic)^(1/n) - 1]},   (e1, e2) = (1-q)/(1+q) (cos 2 phi, sin 2 phi)

    The angle is not defined at q = 1, where e1 and e2 are the better parameters.

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at R_sersic, per arcsec², not negative.
    R_sersic
        half-light radius, arcsec, positive.
    n_sersic
        Sersic index, at least 0.3 and at most 20.
    q
        minor over major axis, above 0 and at most 1.
    phi
        of the major axis from +x towards +y, radians.
    center_x, center_y
        centre, arcsec.
    b_n, major_axis
        see `sersic`.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(
    ...     jm.light.sersic_q_phi,
    ...     amp=2.0, R_sersic=1.0, n_sersic=1.0, q=0.5, phi=0.0
    ... )
    >>> print(f"{light(1.0, 0.5):.3f}")
    2.000
    """
    e = (1 - q) / (1 + q)
    e1, e2 = e * jnp.cos(2 * phi), e * jnp.sin(2 * phi)
    return sersic(
        x, y, amp, R_sersic, n_sersic, e1, e2, center_x, center_y, b_n=b_n, major_axis=major_axis
    )


def exponential(
    x: Coordinate, y: Coordinate, amp, scale_length, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Exponential disc, by its scale length.

        I = amp exp(-R / scale_length)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        central surface brightness, per arcsec², not negative.
    scale_length
        radius at which the brightness has fallen to 1/e, arcsec, positive; the half-light radius is
        1.678 times this.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Freeman (1970), ApJ 160, 811.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.exponential, amp=3.0, scale_length=2.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    1.715
    """
    return amp * jnp.exp(-elliptical_radius(x, y, e1, e2, center_x, center_y) / scale_length)
