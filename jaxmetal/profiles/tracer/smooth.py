"""Tracers that fall off smoothly from the centre, such as the dispersion of a disc."""

import jax.numpy as jnp

from jaxmetal.profiles.geometry import Coordinate, disc_radius


def exponential(
    x: Coordinate,
    y: Coordinate,
    central,
    scale_length,
    outer=0.0,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """An exponential onto a constant, in the radius of an inclined disc.

        Z = outer + (central - outer) e^{-R / scale_length}

    A dispersion that keeps the thickness of an exponential disc of stars has twice the scale length
    of its mass, and outer = 0.

    Parameters
    ----------
    x, y
        position, arcsec.
    central
        value at the centre, in the tracer's unit.
    scale_length
        arcsec, positive, along the major axis.
    outer
        what it falls to, in the tracer's unit.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the major axis, degrees, from +y (north) towards +x (east).
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    References
    ----------
    van der Kruit & Searle (1981), A&A 95, 105.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.exponential, central=8.6, scale_length=2.0, outer=8.0)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.343
    """
    radius = disc_radius(x, y, inclination, position_angle, center_x, center_y)
    return outer + (central - outer) * jnp.exp(-radius / scale_length)
