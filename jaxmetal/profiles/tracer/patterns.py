"""Tracers that depend on more than the radius: dipoles, spiral arms, polynomials of position."""

import jax.numpy as jnp

from jaxmetal.errors import InputError
from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, disc_plane


def dipole(
    x: Coordinate, y: Coordinate, central, gradient_x, gradient_y, center_x=0.0, center_y=0.0
) -> Coordinate:
    """A tilted plane: richer on one side, poorer on the other.

        Z = central + gradient_x (x - center_x) + gradient_y (y - center_y)

    Parameters
    ----------
    x, y
        position, arcsec.
    central
        value at the centre, in the tracer's unit.
    gradient_x, gradient_y
        slopes along x and y, unit per arcsec.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.dipole, central=8.5, gradient_x=0.05, gradient_y=0.0)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.550
    """
    return central + gradient_x * (x - center_x) + gradient_y * (y - center_y)


def spiral_arms(
    x: Coordinate,
    y: Coordinate,
    central,
    gradient,
    contrast,
    pitch=20.0,
    number=2.0,
    width=0.25,
    phase=0.0,
    inner_radius=0.5,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """A gradient with logarithmic spiral arms on it, periodic and smooth in angle.

        Z = central + gradient R + contrast · (1 - e^{-(R/r0)²}) · exp[-d²/2 width²]
        d² = 2 (1 - cos m psi) (R sin p / m)²,   psi = theta - phase - ln(R/r0) / tan p

    d is the distance from the ridge of the nearest arm, to second order.

    Parameters
    ----------
    x, y
        position, arcsec.
    central
        value at the centre, in the tracer's unit.
    gradient
        slope, unit per arcsec.
    contrast
        height of an arm above the disc, in the tracer's unit.
    pitch
        p, pitch angle, degrees, above 0 and below 90.
    number
        m, how many arms, positive; a whole number.
    width
        of an arm (Gaussian sigma), arcsec, positive.
    phase
        angle of the arms at R = r0, degrees from the major axis.
    inner_radius
        r0, inside which the arms fade, arcsec, positive.
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
    >>> carried = jm.Profile(jm.tracer.spiral_arms, central=8.5, gradient=-0.1, contrast=0.05)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.408
    """
    along, across = disc_plane(x, y, inclination, position_angle, center_x, center_y)
    squared = along**2 + across**2
    radius = numerics.sqrt(squared)
    # The angle is not defined on the centre; the arms have faded there, so any finite value does.
    defined = squared > 0
    angle = jnp.arctan2(jnp.where(defined, across, 0.0), jnp.where(defined, along, 1.0))
    log_radius = 0.5 * jnp.log(jnp.where(defined, squared, 1.0)) - jnp.log(inner_radius)
    p = jnp.deg2rad(pitch)
    psi = angle - jnp.deg2rad(phase) - log_radius / jnp.tan(p)
    distance2 = 2 * (1 - jnp.cos(number * psi)) * (radius * jnp.sin(p) / number) ** 2
    arms = (1 - jnp.exp(-squared / inner_radius**2)) * jnp.exp(-0.5 * distance2 / width**2)
    return central + gradient * radius + contrast * arms


def polynomial(
    x: Coordinate, y: Coordinate, coefficients, center_x=0.0, center_y=0.0
) -> Coordinate:
    """A polynomial surface.

        Z = c0 + c1 dx + c2 dy + c3 dx² + c4 dx dy + c5 dy² + ...

    Parameters
    ----------
    x, y
        position, arcsec.
    coefficients
        1, 3, 6, 10, … numbers for order 0, 1, 2, 3, …; unit per arcsec^order.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    Raises
    ------
    InputError
        for a number of coefficients that fills no order.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.polynomial, coefficients=[8.5, -0.1, 0.02])
    >>> print(f"{carried(1.0, 0.5):.3f}")
    8.410
    """
    dx, dy = x - center_x, y - center_y
    counts = [n * (n + 1) // 2 for n in range(1, 50)]
    if jnp.ndim(coefficients) != 1 or len(coefficients) not in counts:
        raise InputError(
            f"polynomial: expected a list of 1, 3, 6, 10, … coefficients, "
            f"got shape {jnp.shape(coefficients)}."
        )
    total, term, order = jnp.zeros_like(x), 0, 0
    while term < len(coefficients):
        for j in range(min(order + 1, len(coefficients) - term)):
            total = total + coefficients[term + j] * dx ** (order - j) * dy**j
        term, order = term + order + 1, order + 1
    return total
