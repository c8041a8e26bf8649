"""Discs that do more than rotate: warps, radial flows, bars."""

import jax.numpy as jnp

from jaxmetal.profiles.geometry import CUSP, Coordinate, disc_radius
from jaxmetal.profiles.tracer import curves
from jaxmetal.profiles.tracer.inclined import inclined
from jaxmetal.profiles.tracer.rotation import CURVES, Curve


def warped_rotation(
    x: Coordinate,
    y: Coordinate,
    v_max,
    r_turn,
    inclination=0.0,
    position_angle=0.0,
    inclination_slope=0.0,
    position_angle_slope=0.0,
    warp_radius=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    curve: Curve = "arctan",
) -> Coordinate:
    """A rotating disc whose inclination and position angle change outwards, as straight lines.

        v = systemic + V(R) sin i cos theta,   cos theta = X/R
        i = inclination + inclination_slope · max(R0 - warp_radius, 0),   PA in the same way

    R0 is the radius in the plane of the inner disc; R and X are those in the plane that has i and
    PA.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_max
        of the curve, in the tracer's unit; see `rotation`.
    r_turn
        turnover radius, arcsec, positive.
    inclination
        of the inner disc, degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of its receding side, degrees, from +y (north) towards +x (east).
    inclination_slope, position_angle_slope
        of the warp, degrees per arcsec.
    warp_radius
        where the warp begins, arcsec.
    systemic
        velocity of the centre, in the tracer's unit.
    center_x, center_y
        centre, arcsec.
    curve
        as for `rotation`.

    Returns
    -------
    values
        line-of-sight velocities, positive where receding, in the tracer's unit, in the shape of x.

    References
    ----------
    Rogstad, Lockhart & Wright (1974), ApJ 193, 309.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.warped_rotation,
    ...     v_max=200.0, r_turn=1.0, inclination=60.0, position_angle=70.0,
    ...     position_angle_slope=5.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    88.227
    """
    inner = disc_radius(x, y, inclination, position_angle, center_x, center_y)
    beyond = jnp.maximum(inner - warp_radius, 0.0)
    tilt = inclination + inclination_slope * beyond
    turn = position_angle + position_angle_slope * beyond
    disc = inclined(x, y, tilt, turn, center_x, center_y)
    angular = v_max * curves.scaled(disc.radius, r_turn, CURVES[curve])
    return systemic + angular * disc.along * disc.sin_i


def radial_flow(
    x: Coordinate,
    y: Coordinate,
    v_radial,
    r_turn,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """Motion along the radius in the plane of a disc, to be added to its rotation.

        v = v_radial tanh(R / r_turn) sin i sin theta

    theta is counted from the receding side of the major axis, and grows with the position angle.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_radial
        in the tracer's unit; receding where theta = 90 degrees, which is an outflow if that side is
        the far one.
    r_turn
        inside which the flow fades, arcsec, positive.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side of the rotation, degrees, from +y (north) towards +x (east).
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        line-of-sight velocities, in the tracer's unit, in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(jm.tracer.radial_flow, v_radial=-20.0, r_turn=1.0, inclination=60.0)
    >>> print(f"{carried(1.0, 0.5):.3f}")
    -16.268
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    angular = v_radial * curves.scaled(disc.radius, r_turn, curves.tanh)
    return angular * disc.across * disc.sin_i


def bar_flow(
    x: Coordinate,
    y: Coordinate,
    v_tangential,
    v_radial,
    r_bar,
    bar_angle=0.0,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """The bisymmetric motion of gas in a bar, m = 2, to be added to the rotation of its disc.

        v = -sin i A(R) [v_tangential cos 2(theta - phi) cos theta
                         + v_radial sin 2(theta - phi) sin theta],   A = (R/r_bar) e^{1 - R/r_bar}

    theta is counted from the receding side of the major axis in the plane of the disc, and grows
    with the position angle; phi is that of the bar.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_tangential, v_radial
        amplitudes at r_bar, where they are largest, in the tracer's unit.
    r_bar
        arcsec, positive.
    bar_angle
        phi, degrees.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side of the rotation, degrees, from +y (north) towards +x (east).
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    values
        line-of-sight velocities, in the tracer's unit, in the shape of x.

    References
    ----------
    Spekkens & Sellwood (2007), ApJ 664, 204.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.bar_flow,
    ...     v_tangential=30.0, v_radial=20.0, r_bar=2.0, bar_angle=45.0, inclination=60.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    -17.784
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    # The angle is not defined on the centre, where nothing moves.
    radius = jnp.maximum(disc.radius, CUSP)
    cos, sin = disc.along / radius, disc.across / radius
    cos_2, sin_2 = (cos - sin) * (cos + sin), 2 * sin * cos
    turn = 2 * jnp.deg2rad(bar_angle)
    cos_bar = cos_2 * jnp.cos(turn) + sin_2 * jnp.sin(turn)
    sin_bar = sin_2 * jnp.cos(turn) - cos_2 * jnp.sin(turn)
    size = disc.radius / r_bar * jnp.exp(1 - disc.radius / r_bar)
    return -disc.sin_i * size * (v_tangential * cos_bar * cos + v_radial * sin_bar * sin)
