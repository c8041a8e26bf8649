"""What maps need of a galaxy and show of it: light-weighted sums, of lights by name."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.forward import predict_together
from jaxmetal.galaxy import put
from tests.drills.dispersion import DispersionMap
from tests.scenes import CENTRAL, FLAT, GRADIENT, blank, disc, telescope

SHARP = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=0.4, n_sersic=2.0)
SMOOTH = jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.5, n_sersic=1.0)
RISING = jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2)


def test_moments_are_equal_if_light_tracers_and_weight_are():
    one = jm.Moment(("z",), jnp.exp)
    assert one.same(jm.Moment(("z",), jnp.exp))
    others = (jm.Moment(), jm.Moment(("z",), jnp.log), jm.Moment(("v",), jnp.exp))
    for other in (*others, jm.Moment(("z",), jnp.exp, light="Ha")):
        assert not one.same(other)


@pytest.mark.parametrize("systemic", [0.0, 1e4])
def test_a_map_of_a_kind_from_outside_shows_beam_smearing(systemic, tolerance):
    """A linear velocity field under constant light, known exactly.

    sigma² = s² + k² (sigma_PSF² + pixel² / 12)
    """
    slope, s, fwhm = 40.0, 10.0, 1.2
    field = jm.Profile(jm.tracer.dipole, central=systemic, gradient_x=slope, gradient_y=0.0)
    component = jm.Component(
        jm.Profile(jm.light.uniform, amp=1.0),
        velocity=field,
        dispersion=jm.Profile(jm.tracer.uniform, value=s),
    )
    instrument = telescope((11, 11), 0.5, fwhm, (8, 4), 12)
    shown = jm.predict(jm.Galaxy(disc=component), blank(instrument, DispersionMap))
    beam = (fwhm / np.sqrt(8 * np.log(2))) ** 2 + 0.5**2 / 12
    expected = np.sqrt(s**2 + slope**2 * beam)
    # In float32 the transform rounds by its largest squared velocity, at the frame's edge.
    np.testing.assert_allclose(shown, expected, rtol=tolerance(2e-5, 5e-4))


@pytest.mark.slow
@pytest.mark.precision("single")
def test_a_map_of_a_kind_from_outside_is_fitted_with_automatic_sampling():
    component = jm.Component(
        SMOOTH,
        velocity=jm.Profile(jm.tracer.dipole, central=0.0, gradient_x=30.0, gradient_y=5.0),
        dispersion=jm.Profile(jm.tracer.uniform, value=25.0),
    )
    galaxy = jm.Galaxy(disc=component)
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.3), jm.GaussianPSF(1.0))
    truth = jm.predict(galaxy, blank(instrument, DispersionMap))
    noise = np.random.default_rng(1).normal(size=truth.shape)
    s_map = DispersionMap(np.asarray(truth) + noise, 1.0, instrument)
    start = put(galaxy, "disc.dispersion.value", jnp.asarray(40.0))
    priors = {
        "disc.dispersion.value": dist.Uniform(1.0, 100.0),
        "disc.velocity.gradient_x": dist.Normal(20.0, 20.0),
    }
    model = jm.Model(start, {"s": s_map}, priors)
    assert "velocity dispersion" in model.maps["s"].instrument.describe()
    fit = jm.optimise(model, starts=1)
    assert fit.converged
    for path, true in {"disc.dispersion.value": 25.0, "disc.velocity.gradient_x": 30.0}.items():
        assert abs(float(fit.parameters[path]) - true) < 4 * float(fit.errors[path])


@pytest.fixture(scope="module")
def two_lights():
    lights = {"continuum": SMOOTH, "Ha": SHARP}
    return jm.Galaxy(disc=jm.Component(lights, metallicity=RISING))


@pytest.mark.parametrize(("name", "profile"), [("Ha", SHARP), ("continuum", SMOOTH)])
def test_a_map_sees_the_light_that_it_names(two_lights, name, profile):
    alone = jm.Galaxy(disc=jm.Component(profile, metallicity=RISING))
    for kind in (jm.LightMap, jm.TracerMap):
        shown = jm.predict(two_lights, blank(telescope(), kind, light=name))
        np.testing.assert_array_equal(shown, jm.predict(alone, blank(telescope(), kind)))


def test_a_map_sees_the_components_that_have_its_light(two_lights):
    galaxy = jm.Galaxy(disc=two_lights.disc, stars=jm.Component({"continuum": SHARP}))
    gas, both = (
        jm.predict(galaxy, blank(telescope(), jm.LightMap, light=name))
        for name in ("Ha", "continuum")
    )
    stars = jm.predict(jm.Galaxy(stars=jm.Component(SHARP)), blank(telescope(), jm.LightMap))
    disc_light = blank(telescope(), jm.LightMap, light="continuum")
    np.testing.assert_allclose(both, stars + jm.predict(two_lights, disc_light), rtol=1e-5)
    np.testing.assert_allclose(gas, stars, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.precision("single")
def test_lights_by_name_are_fitted_by_dotted_path(two_lights):
    instrument = telescope((21, 21), 0.3, 0.8, (2, 1), 6)
    maps = {
        name.lower(): jm.LightMap(
            jm.predict(two_lights, blank(instrument, jm.LightMap, light=name)),
            0.01,
            instrument,
            light=name,
        )
        for name in ("Ha", "continuum")
    }
    start = put(two_lights, "disc.light.Ha.R_sersic", jnp.asarray(0.5))
    priors = {
        "disc.light.Ha.amp": jm.Linear(),
        "disc.light.Ha.R_sersic": dist.LogNormal(-0.7, 0.5),
        "disc.light.continuum.amp": dist.LogNormal(1.0, 1.0),
    }
    fit = jm.optimise(jm.Model(start, maps, priors), starts=1)
    expected = {"Ha.amp": 16.0, "Ha.R_sersic": 0.4, "continuum.amp": 3.0}
    for path, true in expected.items():
        assert float(fit.parameters[f"disc.light.{path}"]) == pytest.approx(true, rel=1e-3)


def test_a_light_that_no_component_has_is_named(two_lights):
    message = r"maps\['z'\].*unknown light 'light'.*Ha, continuum"
    with pytest.raises(jm.InputError, match=message):
        jm.Model(two_lights, {"z": blank(telescope())})
    with pytest.raises(jm.InputError, match="unknown light 'HA'"):
        jm.predict(two_lights, blank(telescope(), light="HA"))


@pytest.mark.wrong_types
@pytest.mark.parametrize("light", [{}, {3: SHARP}, {"a.b": SHARP}, {"Ha": 1.0}])
def test_lights_are_profiles_by_name(light):
    with pytest.raises(jm.InputError, match=r"Component"):
        jm.Component(light)


def test_profiles_are_evaluated_once_for_all_psfs_on_one_grid():
    """With what each would show alone."""
    calls = []

    def counted(x, y, amp):
        calls.append(1)
        return amp / (1.0 + x**2 + y**2)

    galaxy = jm.Galaxy(disc=jm.Component(jm.Profile(counted, amp=1.0), metallicity=RISING))
    grid = jm.Grid.regular((21, 21), 0.3)
    maps = {
        f"z{i}": blank(jm.Instrument(grid, jm.GaussianPSF(fwhm), (2, 1), 8))
        for i, fwhm in enumerate((0.7, 1.1, 1.6))
    }
    model = jm.Model(galaxy, maps)
    assert model.groups == ((("z0",), ("z1",), ("z2",)),)
    free = jm.Model(galaxy, maps, {"z1.instrument.psf.fwhm": dist.LogNormal(0.0, 0.1)})
    assert free.groups == model.groups, "pixels are shared also where a PSF is free"

    def evaluations(*groups):
        calls.clear()
        jax.eval_shape(lambda: predict_together(galaxy, *groups))
        return len(calls)

    apart = [{name: one_map} for name, one_map in model.maps.items()]
    assert evaluations(*apart) == evaluations(apart[0]) > 0
    together = model.predict({})
    for name, one_map in maps.items():
        np.testing.assert_allclose(together[name], jm.predict(galaxy, one_map), atol=3e-5)


def test_two_scales_of_ones_own_share_an_instrument():
    """A function cannot be sorted, so nothing may depend on an order of scales."""
    instrument = jm.Instrument(jm.Grid.regular((15, 15), 0.3), jm.GaussianPSF(1.0))
    scales = {"a": (jnp.exp, jnp.log), "b": (jnp.square, jnp.sqrt)}
    maps = {name: blank(instrument, scale=scale) for name, scale in scales.items()}
    values = {CENTRAL: jnp.asarray(8.0), GRADIENT: jnp.asarray(-0.2)}
    images = jm.Model(disc(), maps, FLAT).predict(values)
    assert np.all(np.isfinite(images["a"])) and np.all(images["b"] != images["a"])


@pytest.mark.precision("single")
def test_a_tracer_on_another_light_is_told():
    """The gas has the line, the stars carry the age: no light weights it."""
    sersic = disc().disc.light
    age = jm.Profile(jm.tracer.uniform, value=5.0)
    galaxy = jm.Galaxy(gas=jm.Component(light={"Ha": sersic}), stars=jm.Component(sersic, age=age))
    ages = blank(telescope(), tracer="age", scale="linear", light="Ha")
    with pytest.raises(jm.InputError, match="no component with the light 'Ha' carries 'age'"):
        jm.predict(galaxy, ages)
