"""Light without a scale of its own, and light with a sharp edge."""

import jax.numpy as jnp

from jaxmetal.profiles.geometry import Coordinate, elliptical_radius


def uniform(x: Coordinate, y: Coordinate, amp) -> Coordinate:
    """The same brightness everywhere.

        I = amp

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness, per arcsec².

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.uniform, amp=3.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    3.000
    """
    return amp * jnp.ones_like(x)


def linear(
    x: Coordinate, y: Coordinate, amp, k, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """A straight line in elliptical radius; where it falls below zero it stays negative.

        I = amp + k R

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        central value, per arcsec².
    k
        slope, per arcsec² and arcsec.
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
    >>> light = jm.Profile(jm.light.linear, amp=3.0, k=-0.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    2.441
    """
    return amp + k * elliptical_radius(x, y, e1, e2, center_x, center_y)


def ellipsoid(
    x: Coordinate, y: Coordinate, amp, radius, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """A uniformly bright ellipse with a sharp edge.

        I = amp / (pi radius²)   where R <= radius,   0 elsewhere

    The light that crosses the edge contributes to no gradient.

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        total flux, not negative.
    radius
        of the edge (product average of the axes), arcsec, positive.
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
    >>> light = jm.Profile(jm.light.ellipsoid, amp=3.0, radius=2.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.239
    """
    inside = elliptical_radius(x, y, e1, e2, center_x, center_y) <= radius
    return jnp.where(inside, amp / (jnp.pi * radius**2), 0.0)


def line_profile(
    x: Coordinate, y: Coordinate, amp, angle, length, width, start_x=0.0, start_y=0.0
) -> Coordinate:
    """A uniformly bright bar with sharp edges.

        I = amp   where 0 <= u <= length and |v| <= width/2,   0 elsewhere
        u = dx cos angle - dy sin angle,   v = dx sin angle + dy cos angle

    The light that crosses an edge contributes to no gradient.

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness, per arcsec², not negative.
    angle
        of the bar from +x towards -y, degrees.
    length, width
        arcsec, positive.
    start_x, start_y
        where the middle of the bar's short side lies, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.line_profile, amp=1.0, angle=0.0, length=3.0, width=2.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    1.000
    """
    dx, dy, turn = x - start_x, y - start_y, jnp.deg2rad(angle)
    along = dx * jnp.cos(turn) - dy * jnp.sin(turn)
    across = dx * jnp.sin(turn) + dy * jnp.cos(turn)
    inside = (along >= 0) & (along <= length) & (jnp.abs(across) <= width / 2)
    return jnp.where(inside, amp, 0.0)
