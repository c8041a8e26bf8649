"""Rotating discs of two masses, and with a curve that is free."""

import jax.numpy as jnp

from jaxmetal.errors import InputError
from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate
from jaxmetal.profiles.tracer import curves
from jaxmetal.profiles.tracer.inclined import inclined


def disc_halo_rotation(
    x: Coordinate,
    y: Coordinate,
    v_disc,
    scale_length,
    v_halo,
    r_halo,
    inclination=0.0,
    position_angle=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """A rotating disc in the gravity of an exponential disc and of Navarro, Frenk & White's halo.

        v = systemic + V(R) sin i cos theta,   V² = V_freeman² + V_nfw²

    The two curves are those of `rotation`.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_disc
        peak velocity of the disc's mass alone, in the tracer's unit.
    scale_length
        of the disc's mass, arcsec, positive.
    v_halo
        peak velocity of the halo alone, in the tracer's unit.
    r_halo
        scale radius of the halo, arcsec, positive.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side, degrees, from +y (north) towards +x (east).
    systemic
        velocity of the centre, in the tracer's unit.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        line-of-sight velocities, positive where receding, in the tracer's unit, in the shape of x.

    References
    ----------
    Freeman (1970), ApJ 160, 811; Navarro, Frenk & White (1997), ApJ 490, 493.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.disc_halo_rotation,
    ...     v_disc=100.0, scale_length=1.0, v_halo=150.0, r_halo=3.0, inclination=60.0,
    ...     position_angle=90.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    93.927
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    of_disc = v_disc * curves.scaled(disc.radius, scale_length, curves.freeman)
    of_halo = v_halo * curves.scaled(disc.radius, r_halo, curves.nfw)
    angular = numerics.sqrt(of_disc**2 + of_halo**2)
    return systemic + angular * disc.along * disc.sin_i


def spline_rotation(
    x: Coordinate,
    y: Coordinate,
    radii,
    velocities,
    inclination=0.0,
    position_angle=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """A rotating disc whose curve is free: a smooth line through velocities at some radii.

        v = systemic + V(R) sin i cos theta
        V = natural cubic spline through (0, 0) and (radii, velocities)

    Beyond the last radius the curve is flat.

    Parameters
    ----------
    x, y
        position, arcsec.
    radii
        arcsec, positive, increasing; shape (k,), at least two.
    velocities
        in the tracer's unit, shape (k,).
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side, degrees, from +y (north) towards +x (east).
    systemic
        velocity of the centre, in the tracer's unit.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        line-of-sight velocities, positive where receding, in the tracer's unit, in the shape of x.

    Raises
    ------
    InputError
        if there are not as many radii as velocities, or fewer than two.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.spline_rotation,
    ...     radii=[1.0, 3.0], velocities=[120.0, 200.0], inclination=60.0, position_angle=90.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    93.246
    """
    if jnp.ndim(radii) != 1 or jnp.shape(radii) != jnp.shape(velocities) or len(radii) < 2:
        raise InputError(
            "spline_rotation: expected a list of two or more radii and as many velocities, got "
            f"shapes {jnp.shape(radii)} and {jnp.shape(velocities)}."
        )
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    inside = jnp.maximum(disc.radius, curves.CORE * radii[0])
    angular = curves.spline(inside, radii, velocities) / inside
    return systemic + angular * disc.along * disc.sin_i
