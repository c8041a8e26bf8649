"""Rotation curves and V over sigma of galaxies: closed forms, places, what is refused."""

import jax
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.errors import InputError

RADII = np.array([0.2, 1.0, 3.0])


def galaxy(rotation, **tracers):
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0)
    bulge = jm.Component(light, velocity=jm.Profile(jm.tracer.uniform, value=10.0))
    return jm.Galaxy(bulge=bulge, disc=jm.Component(light, velocity=rotation, **tracers))


def rotation(**changes):
    numbers = {"v_max": 200.0, "r_turn": 0.5, "inclination": 40.0, "position_angle": 250.0}
    place = {"systemic": 1500.0, "center_x": 0.3, "center_y": -0.2}
    return jm.Profile(jm.tracer.rotation, curve="tanh", **numbers | place | changes)


@pytest.mark.parametrize("angle", [0.0, 100.0, 250.0])
@pytest.mark.parametrize("inclination", [15.0, 80.0])
def test_the_curve_does_not_depend_on_the_place_of_the_observer(angle, inclination):
    seen = galaxy(rotation(position_angle=angle, inclination=inclination))
    curve = jm.kinematics.rotation_curve(seen, RADII)
    np.testing.assert_allclose(curve, 200.0 * np.tanh(RADII / 0.5), rtol=1e-4)


def test_the_component_is_the_one_that_rotates():
    seen = galaxy(rotation())
    assert jm.kinematics.rotating(seen) == "disc"
    assert jm.kinematics.rotating(seen, "stars") is None
    static = galaxy(jm.Profile(jm.tracer.uniform, value=3.0))
    assert jm.kinematics.rotating(static) is None
    with pytest.raises(InputError, match="no component has a rotating 'velocity'"):
        jm.kinematics.rotation_curve(static, RADII)
    with pytest.raises(InputError, match="unknown component 'disk'"):
        jm.kinematics.rotation_curve(seen, RADII, component="disk")
    with pytest.raises(InputError, match="unknown tracer 'dispersion'"):
        jm.kinematics.v_over_sigma(seen, RADII)


def test_v_over_sigma_takes_the_dispersion_at_the_same_radius():
    """The dispersion falls about the centre of the disc."""
    place = {"center_x": 0.3, "center_y": -0.2}
    angles = {"inclination": 40.0, "position_angle": 250.0}
    falling = {"central": 80.0, "scale_length": 2.0}
    dispersion = jm.Profile(jm.tracer.exponential, **falling, **place, **angles)
    ratio = jm.kinematics.v_over_sigma(galaxy(rotation(), dispersion=dispersion), RADII)
    expected = 200.0 * np.tanh(RADII / 0.5) / (80.0 * np.exp(-RADII / 2.0))
    np.testing.assert_allclose(ratio, expected, rtol=1e-4)


def test_a_curve_has_derivatives():
    """So that its errors follow from those of the parameters."""
    slope = jax.grad(lambda v: jm.kinematics.rotation_curve(galaxy(rotation(v_max=v)), 1.0))(200.0)
    assert float(slope) == pytest.approx(np.tanh(2.0), rel=1e-4)
