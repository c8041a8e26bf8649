"""What a fitted disc says of its rotation: the curve in its plane, and V over sigma."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled
from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Galaxy
from jaxmetal.profiles.profile import Numbers, Profile, as_array
from jaxmetal.quantities import ARCSEC

# The parameters that a rotating disc has, and other tracers do not.
ROTATING = {"systemic", "inclination", "position_angle"}


def rotating(galaxy: Galaxy, tracer: str = "velocity") -> str | None:
    """The name of the component in which a tracer is a rotating disc; None without one.

    Parameters
    ----------
    galaxy
        light and tracers.
    tracer
        by name.

    Returns
    -------
    component
        the first whose tracer has a systemic velocity, an inclination and a position angle, as
        `jm.tracer.rotation` and its relatives have.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(jm.kinematics.rotating(jm.examples.disc()))
    None
    """
    for name, component in galaxy.components.items():
        profile = component.tracers.get(tracer)
        if profile is not None and set(profile.parameters) >= ROTATING:
            return name
    return None


def rotation_curve(
    galaxy: Galaxy, radius: Numbers, tracer: str = "velocity", component: str | None = None
) -> Float[Array, "..."]:
    """The rotation curve of a disc in its own plane, without the PSF.

        V(R) = [v(R) - v(-R)] / (2 sin i),   v along the major axis, R > 0 where it recedes

    What moves beside the rotation, such as a bar, is in it as far as it is seen there.

    Parameters
    ----------
    galaxy
        such as `fit.galaxy`, or a draw, `posterior.at(fit.galaxy, i)`.
    radius
        in the plane of the disc, arcsec.
    tracer, component
        by name; the first component that rotates if left out.

    Returns
    -------
    velocity
        in the tracer's unit, in the shape of the radii; infinite for a disc that is seen face-on.

    Raises
    ------
    InputError
        if no component rotates.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> disc = jm.Profile(jm.tracer.rotation, v_max=200.0, r_turn=1.0, inclination=60.0)
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    >>> galaxy = jm.Galaxy(disc=jm.Component(light, velocity=disc))
    >>> print(f"{jm.kinematics.rotation_curve(galaxy, 1.0):.2f}")
    100.00
    """
    profile = _profile(galaxy, tracer, component or _rotating(galaxy, tracer))
    return _curve(profile, as_array(radius, "rotation_curve.radius", ARCSEC))


def major_axis_velocity(
    galaxy: Galaxy, position: Numbers, tracer: str = "velocity", component: str | None = None
) -> Float[Array, "..."]:
    """The line-of-sight velocity on the major axis of a disc, without the PSF.

    Parameters
    ----------
    galaxy, tracer, component
        as for `rotation_curve`.
    position
        along the major axis from the centre, arcsec, positive on the receding side.

    Returns
    -------
    velocity
        in the tracer's unit, in the shape of the positions.

    Raises
    ------
    InputError
        if no component rotates.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> disc = jm.Profile(
    ...     jm.tracer.rotation, v_max=200.0, r_turn=1.0, inclination=30.0, systemic=900.0
    ... )
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    >>> galaxy = jm.Galaxy(disc=jm.Component(light, velocity=disc))
    >>> print(jm.kinematics.major_axis_velocity(galaxy, [-1.0, 0.0, 1.0]).round(2).tolist())
    [850.0, 900.0, 950.0]
    """
    profile = _profile(galaxy, tracer, component or _rotating(galaxy, tracer))
    place = _major_axis(profile, as_array(position, "major_axis_velocity.position", ARCSEC))
    return profile(*place)


def v_over_sigma(
    galaxy: Galaxy,
    radius: Numbers,
    velocity: str = "velocity",
    dispersion: str = "dispersion",
    component: str | None = None,
) -> Float[Array, "..."]:
    """The rotation velocity over the dispersion, both without PSF and instrument.

        V(R) / sigma(R),   sigma on the receding side of the major axis

    Parameters
    ----------
    galaxy, radius
        as for `rotation_curve`.
    velocity, dispersion
        names of the tracers.
    component
        by name; the first that rotates if left out.

    Returns
    -------
    ratio
        in the shape of the radii.

    Raises
    ------
    InputError
        if no component rotates, or the one that does has no such dispersion.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> disc = jm.Profile(jm.tracer.rotation, v_max=200.0, r_turn=1.0, inclination=60.0)
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    >>> sigma = jm.Profile(jm.tracer.uniform, value=25.0)
    >>> galaxy = jm.Galaxy(disc=jm.Component(light, velocity=disc, dispersion=sigma))
    >>> print(f"{jm.kinematics.v_over_sigma(galaxy, 1.0):.2f}")
    4.00
    """
    name = component or _rotating(galaxy, velocity)
    curve = rotation_curve(galaxy, radius, velocity, name)
    moving = _profile(galaxy, velocity, name)
    place = _major_axis(moving, as_array(radius, "v_over_sigma.radius", ARCSEC))
    return curve / _profile(galaxy, dispersion, name)(*place)


def _rotating(galaxy: Galaxy, tracer: str) -> str:
    name = rotating(galaxy, tracer)
    if name is None:
        parameters = ", ".join(sorted(ROTATING))
        raise InputError(f"no component has a rotating {tracer!r}, with the numbers {parameters}.")
    return name


def _profile(galaxy: Galaxy, tracer: str, component: str) -> Profile:
    """A tracer of a component."""
    if component not in galaxy.components:
        raise unknown("component", component, galaxy.components)
    tracers = galaxy.components[component].tracers
    if tracer not in tracers:
        raise unknown("tracer", tracer, tracers, component)
    return tracers[tracer]


@compiled
def _curve(profile: Profile, radius: Array) -> Array:
    sin_i = jnp.sin(jnp.deg2rad(profile.parameters["inclination"]))
    receding, approaching = (profile(*_major_axis(profile, side * radius)) for side in (1, -1))
    return (receding - approaching) / (2 * sin_i)


def _major_axis(profile: Profile, radius: Array) -> tuple[Any, Any]:
    """(x, y) on the major axis of a disc, arcsec; radii are positive on the receding side."""
    numbers = profile.parameters
    angle = jnp.deg2rad(numbers["position_angle"])
    x, y = (numbers.get(name, jnp.zeros(())) for name in ("center_x", "center_y"))
    return x + radius * jnp.sin(angle), y + radius * jnp.cos(angle)
