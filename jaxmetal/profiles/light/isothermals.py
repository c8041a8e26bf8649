"""Projected densities: Hernquist, pseudo-Jaffe, power law and isothermal."""

from typing import Literal

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import CUSP, Coordinate, elliptical_radius

# Of [(2 + X²) F - 3] / (X² - 1)² in 1 - X², F = arccos(1/X) / sqrt(X² - 1): the closed form is 0/0
# on X = 1.
_HERNQUIST = [4 * (k - 1) / (4 * k**2 - 1) for k in range(40, 1, -1)]


def softened(radius, core):
    """sqrt(core² + R²), not below the radius at which a cusp ends.

    Parameters
    ----------
    radius, core
        R and the core radius, arcsec.

    Returns
    -------
    radius
        in the shape of `radius`, arcsec.
    """
    return jnp.sqrt(jnp.maximum(core**2 + radius**2, CUSP**2))


def hernquist(
    x: Coordinate, y: Coordinate, amp, Rs, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Hernquist profile; its logarithmic cusp ends 1e-4 arcsec from the centre.

        I = amp [(2 + X²) F(X) - 3] / (X² - 1)²,   X = R/Rs,   F = arccos(1/X) / sqrt(X² - 1)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        15/4 of the surface brightness at Rs, per arcsec², not negative.
    Rs
        scale radius, 0.551 of the half-light radius, arcsec, positive.
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
    Hernquist (1990), ApJ 356, 359.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.hernquist, amp=4.0, Rs=1.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    1.716
    """
    X = jnp.maximum(elliptical_radius(x, y, e1, e2, center_x, center_y), CUSP) / Rs
    t = X**2 - 1
    near, inside = jnp.abs(t) < 0.4, t < 0
    root = jnp.sqrt(jnp.where(near, 1.0, jnp.abs(t)))
    safe = jnp.where(inside & ~near, X, 1.0)
    angle = jnp.where(inside, jnp.log((1 + root) / safe), jnp.arctan(root)) / root
    closed = ((2 + X**2) * angle - 3) / jnp.where(near, 1.0, t) ** 2
    series = jnp.polyval(jnp.asarray(_HERNQUIST, X.dtype), jnp.where(near, -t, 0.0), unroll=39)
    return amp * jnp.where(near, series, closed)


def pjaffe(
    x: Coordinate,
    y: Coordinate,
    amp,
    Ra,
    Rs,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    average: Literal["product", "square"] = "product",
) -> Coordinate:
    """Pseudo-Jaffe profile, the same if Ra and Rs change places.

        I = amp Ra Rs / (Rs - Ra) [1/sqrt(Ra² + R²) - 1/sqrt(Rs² + R²)]

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at the scale of Ra = Rs, per arcsec², not negative; the total flux is
        2 pi amp Ra Rs.
    Ra, Rs
        core and truncation radius, arcsec, not negative.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    average
        of the axes in R: product is sqrt(ab), square is sqrt((a² + b²)/2) as lenstronomy's
        PJAFFE_ELLIPSE has it.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Jaffe (1983), MNRAS 202, 995; Keeton (2001), astro-ph/0102341.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.pjaffe, amp=4.0, Ra=0.1, Rs=2.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.191
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    if average == "square":
        squared = jnp.minimum(e1**2 + e2**2, 0.9998)
        radius = radius * jnp.sqrt((1 - squared) / (1 + squared))
    a, s = softened(radius, Ra), softened(radius, Rs)
    # The difference of the two roots, written without cancellation.
    return amp * Ra * Rs * (Ra + Rs) / (a * s * (a + s))


def power_law(
    x: Coordinate, y: Coordinate, amp, gamma, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Power law, softened within 1e-4 arcsec.

        I = amp (R² + 1e-8)^((1 - gamma)/2)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at 1 arcsec, per arcsec², not negative.
    gamma
        slope of the density in space; the brightness falls as R^(1 - gamma).
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.power_law, amp=1.0, gamma=2.2)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.875
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    return amp * numerics.positive_power(radius**2 + CUSP**2, (1 - gamma) / 2)


def nie(
    x: Coordinate, y: Coordinate, amp, s_scale, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Isothermal ellipsoid with a core; without a core the cusp ends 1e-4 arcsec from the centre.

        I = amp / (2 sqrt(s_scale² + R²))

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        twice the surface brightness at 1 arcsec without a core, per arcsec², not negative.
    s_scale
        radius of the core (product average of the axes), arcsec, not negative.
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
    Kormann, Schneider & Bartelmann (1994), A&A 284, 285.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.nie, amp=1.0, s_scale=0.2)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.440
    """
    return amp / (2 * softened(elliptical_radius(x, y, e1, e2, center_x, center_y), s_scale))
