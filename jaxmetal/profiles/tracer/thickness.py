"""The dispersion that a rotating disc needs to keep its thickness."""

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, disc_radius
from jaxmetal.profiles.tracer import curves
from jaxmetal.profiles.tracer.rotation import CURVES, Curve


def thick_disc(
    x: Coordinate,
    y: Coordinate,
    v_max,
    r_turn,
    height,
    turbulence=0.0,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    curve: Curve = "arctan",
) -> Coordinate:
    """The dispersion of a disc of constant thickness in the gravity that its rotation shows.

        sigma² = [height V(R) / R]² + turbulence²

    R is the radius in the plane of the disc, and V one of the curves of `rotation`.
    `jm.Tied("disc.velocity.v_max")`, and the same for r_turn and the angles, take the curve from
    the velocities.

    Parameters
    ----------
    x, y
        position, arcsec.
    v_max
        circular velocity as for `rotation`, in the tracer's unit.
    r_turn
        turnover radius, arcsec, positive.
    height
        half of the thickness of the disc, arcsec, positive.
    turbulence
        dispersion that does not depend on the radius, in the tracer's unit, at least 0.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the receding side, degrees, from +y (north) towards +x (east).
    center_x, center_y
        centre, arcsec.
    curve
        as for `rotation`.

    Returns
    -------
    values
        dispersions, in the tracer's unit, in the shape of x.

    References
    ----------
    Genzel et al. (2008), ApJ 687, 59; Bouché et al. (2015), AJ 150, 92.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> carried = jm.Profile(
    ...     jm.tracer.thick_disc,
    ...     v_max=200.0, r_turn=1.0, height=0.3, inclination=60.0
    ... )
    >>> print(f"{carried(1.0, 0.5):.3f}")
    20.736
    """
    radius = disc_radius(x, y, inclination, position_angle, center_x, center_y)
    of_thickness = height * v_max * curves.scaled(radius, r_turn, CURVES[curve])
    return numerics.sqrt(of_thickness**2 + turbulence**2)
