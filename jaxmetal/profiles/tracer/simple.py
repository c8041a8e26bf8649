"""Tracers of few numbers: uniform, gradients, spiral arms, polynomials."""

import jax.numpy as jnp

from jaxmetal.profiles.geometry import Coordinate, disc_radius, elliptical_radius


def uniform(x: Coordinate, y: Coordinate, value) -> Coordinate:
    """The same value everywhere.

        Z = value

    Parameters
    ----------
    x, y
        position, arcsec.
    value
        in the tracer's unit.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.uniform, value=25.0)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    25.000
    """
    return value * jnp.ones_like(x)


def gradient(
    x: Coordinate, y: Coordinate, central, gradient, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """A straight line in elliptical radius.

        Z = central + gradient · R

    Parameters
    ----------
    x, y
        position, arcsec.
    central
        value at the centre, in the tracer's unit.
    gradient
        slope, unit per arcsec.
    e1, e2
        ellipticity; R is the product-average radius sqrt(ab), as for the light.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.388
    """
    return central + gradient * elliptical_radius(x, y, e1, e2, center_x, center_y)


def disc_gradient(
    x: Coordinate,
    y: Coordinate,
    central,
    gradient,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """A straight line in the radius of an inclined disc, the usual galactocentric gradient.

        Z = central + gradient · R,   R = deprojected (major-axis) radius

    Parameters
    ----------
    x, y
        position, arcsec.
    central
        value at the centre, in the tracer's unit.
    gradient
        slope, unit per arcsec along the major axis.
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

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.disc_gradient, central=8.5, gradient=-0.1, inclination=60.0)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.294
    """
    return central + gradient * disc_radius(x, y, inclination, position_angle, center_x, center_y)


def broken_gradient(
    x: Coordinate,
    y: Coordinate,
    central,
    inner,
    outer,
    break_radius,
    smoothness=0.1,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """Two slopes that join smoothly.

        Z = central + inner R + (outer - inner) s [ln(1 + e^{(R - R_b)/s}) - ln(1 + e^{-R_b/s})]

    Far inside the break dZ/dR = inner, far outside dZ/dR = outer, and Z(0) = central exactly.

    Parameters
    ----------
    x, y
        position, arcsec.
    central
        value at the centre, in the tracer's unit.
    inner, outer
        slopes inside and outside the break, unit per arcsec.
    break_radius
        R_b, arcsec, not negative.
    smoothness
        s, the radius over which the slope turns, arcsec, positive.
    inclination
        of the disc, degrees, at least 0 and below 90.
    position_angle
        of the disc, degrees.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.broken_gradient,
    ...     central=8.6, inner=-0.2, outer=-0.05, break_radius=0.5
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.469
    """
    radius = disc_radius(x, y, inclination, position_angle, center_x, center_y)

    def turn(r):
        return smoothness * jnp.logaddexp(0.0, (r - break_radius) / smoothness)

    return central + inner * radius + (outer - inner) * (turn(radius) - turn(0.0))
