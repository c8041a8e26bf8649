"""Inclinations of discs with a thickness, and how they follow the light."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.profiles.geometry import ellipticity
from tests.scenes import blank, telescope


@pytest.mark.parametrize("thickness", [0.0, 0.2])
def test_the_axis_ratio_is_that_of_an_oblate_spheroid(thickness):
    """Against the shadow of one: the largest height of its points on the sky."""
    tilt = np.array([5.0, 30.0, 60.0, 85.0])
    angle = np.linspace(0.0, np.pi, 20001)
    i = np.deg2rad(tilt)[:, None]
    heights = np.cos(angle) * np.cos(i) + thickness * np.sin(angle) * np.sin(i)
    ratio = jm.kinematics.axis_ratio(tilt, thickness)
    np.testing.assert_allclose(ratio, heights.max(axis=1), rtol=1e-5)
    np.testing.assert_allclose(jm.kinematics.inclination(ratio, thickness), tilt, rtol=1e-3)


def test_edges_have_finite_slopes():
    assert float(jm.kinematics.inclination(0.1, 0.2)) == 90.0
    for ratio in (1.0, 0.2, 0.1):
        slope = jax.grad(lambda q: jm.kinematics.inclination(q, 0.2))(jnp.asarray(ratio))
        assert np.isfinite(slope)
    with pytest.raises(InputError, match="thickness: expected a number from 0 to below 1, got 1"):
        jm.kinematics.inclination(0.5, 1)


def test_an_inclination_follows_the_ellipticity_of_the_light():
    """In a model, where two ties of the same thickness are the same."""
    e1, e2 = ellipticity(0.5, 30.0)
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=1.0, e1=e1, e2=e2)
    velocity = jm.Profile(jm.tracer.rotation, v_max=200.0, r_turn=0.5, inclination=10.0)
    galaxy = jm.Galaxy(disc=jm.Component(light, velocity=velocity))
    tie = jm.kinematics.tied_inclination("disc.light", 0.2)
    assert tie == jm.kinematics.tied_inclination("disc.light", 0.2)
    priors = {"disc.light.e1": dist.Uniform(-0.9, 0.9), "disc.velocity.inclination": tie}
    maps = {"light": blank(telescope(), jm.LightMap)}
    model = jm.Model(galaxy, maps, priors)
    (found,) = model.derived({"disc.light.e1": e1}).values()
    expected = np.rad2deg(np.arccos(np.sqrt((0.25 - 0.04) / 0.96)))
    assert float(found) == pytest.approx(expected, rel=1e-5)
