"""Line-of-sight velocities of rotating discs, thin and inclined, by their rotation curves."""

from typing import Literal

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate
from jaxmetal.profiles.tracer import curves
from jaxmetal.profiles.tracer.inclined import inclined

CURVES = {
    "arctan": curves.arctan,
    "tanh": curves.tanh,
    "freeman": curves.freeman,
    "nfw": curves.nfw,
}
Curve = Literal["arctan", "tanh", "freeman", "nfw"]


def rotation(
    x: Coordinate,
    y: Coordinate,
    v_max,
    r_turn,
    inclination=0.0,
    position_angle=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    curve: Curve = "arctan",
) -> Coordinate:
    """A rotating disc whose curve has a velocity and a radius.

        v = systemic + V(R) sin i cos theta,   cos theta = X/R

        arctan    V = v_max (2/pi) arctan(R/r_turn)
        tanh      V = v_max tanh(R/r_turn)
        freeman   V² ~ y² [I0(y) K0(y) - I1(y) K1(y)],   y = R / (2 r_turn)
        nfw       V² ~ [ln(1 + s) - s/(1 + s)] / s,   s = R/r_turn

    R is the radius in the plane of the disc, and X lies along its major axis.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_max
        in the tracer's unit: what arctan and tanh rise to, the peak of the others, at 2.150 r_turn
        (freeman) and 2.163 r_turn (nfw).
    r_turn
        turnover radius, arcsec, positive; the scale length of an exponential disc's mass (freeman),
        the scale radius of a halo (nfw).
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side, degrees, from +y (north) towards +x (east).
    systemic
        velocity of the centre, in the tracer's unit.
    center_x, center_y
        centre, arcsec.
    curve
        "arctan", "tanh", "freeman" (an exponential disc), or "nfw".

    Returns
    -------
    values
        line-of-sight velocities, positive where receding, in the tracer's unit, in the shape of x.

    References
    ----------
    Courteau (1997), AJ 114, 2402; Freeman (1970), ApJ 160, 811; Navarro, Frenk & White (1997), ApJ
    490, 493.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.rotation,
    ...     v_max=200.0, r_turn=1.0, inclination=30.0, position_angle=90.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    47.253
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    angular = v_max * curves.scaled(disc.radius, r_turn, CURVES[curve])
    return systemic + angular * disc.along * disc.sin_i


def pressure_rotation(
    x: Coordinate,
    y: Coordinate,
    v_max,
    r_turn,
    dispersion,
    scale_length,
    inclination=0.0,
    position_angle=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    curve: Curve = "arctan",
) -> Coordinate:
    """Gas that pressure holds up in part, and that rotates more slowly: asymmetric drift.

        v = systemic + V(R) sin i cos theta,   V² = V_circular² - 2 dispersion² R / scale_length

    The gas has one dispersion and an exponential density; V is 0 where the difference is negative.
    The circular curves are those of `rotation`. `jm.Tied("disc.dispersion.value")` and
    `jm.Tied("disc.light.scale_length")` take both numbers from where they are seen.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_max
        circular velocity as for `rotation`, in the tracer's unit.
    r_turn
        turnover radius, arcsec, positive.
    dispersion
        of the gas, in the tracer's unit, at least 0.
    scale_length
        of the gas's density, arcsec, positive.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side, degrees, from +y (north) towards +x (east).
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
    Burkert et al. (2010), ApJ 725, 2324.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.pressure_rotation,
    ...     v_max=200.0, r_turn=1.0, dispersion=40.0, scale_length=2.0, inclination=30.0,
    ...     position_angle=90.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    43.433
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    circular = v_max * curves.scaled(disc.radius, r_turn, CURVES[curve])
    # Of V²/R², which has no limit on the centre itself, where V is 0 in any case.
    radius = jnp.maximum(disc.radius, curves.CORE * r_turn)
    angular = numerics.sqrt(circular**2 - 2 * dispersion**2 / (radius * scale_length))
    return systemic + angular * disc.along * disc.sin_i


def courteau_rotation(
    x: Coordinate,
    y: Coordinate,
    v_max,
    r_turn,
    beta=0.0,
    gamma=1.0,
    inclination=0.0,
    position_angle=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """A rotating disc with Courteau's multi-parameter curve.

        v = systemic + V(R) sin i cos theta
        V = v_max (1 + r_turn/R)^beta / [1 + (r_turn/R)^gamma]^(1/gamma)

    Parameters
    ----------
    x, y
        position, arcsec.
    v_max
        asymptotic velocity, in the tracer's unit.
    r_turn
        turnover radius, arcsec, positive.
    beta
        outer slope: the curve falls to v_max if it is positive, and rises to it more slowly if it
        is negative; below 1.
    gamma
        sharpness of the turnover, positive.
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
    Courteau (1997), AJ 114, 2402.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.courteau_rotation,
    ...     v_max=200.0, r_turn=1.0, gamma=2.0, inclination=30.0, position_angle=90.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    65.465
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    angular = v_max * curves.scaled(disc.radius, r_turn, curves.courteau, beta, gamma)
    return systemic + angular * disc.along * disc.sin_i


def polyex_rotation(
    x: Coordinate,
    y: Coordinate,
    v_max,
    r_turn,
    outer_slope=0.0,
    inclination=0.0,
    position_angle=0.0,
    systemic=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """A rotating disc with the PolyEx curve, an exponential rise onto a straight line.

        v = systemic + V(R) sin i cos theta
        V = v_max (1 - e^{-R/r_turn}) (1 + outer_slope R/r_turn)

    Parameters
    ----------
    x, y
        position, arcsec.
    v_max
        amplitude of the curve, in the tracer's unit.
    r_turn
        turnover radius, arcsec, positive.
    outer_slope
        of the curve in units of v_max / r_turn.
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
    Giovanelli & Haynes (2002), ApJ 571, L107.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.polyex_rotation,
    ...     v_max=200.0, r_turn=1.0, outer_slope=0.02, inclination=30.0, position_angle=90.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    60.679
    """
    disc = inclined(x, y, inclination, position_angle, center_x, center_y)
    angular = v_max * curves.scaled(disc.radius, r_turn, curves.polyex, outer_slope)
    return systemic + angular * disc.along * disc.sin_i
