"""What a fit and a posterior say that no statistic of the draws around one maximum can see."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from tests.scenes import CENTRAL, FLAT, GRADIENT, disc, small_model, telescope

A = "disc.metallicity.a"
PLACE = "disc.metallicity.position_angle"
INSTRUMENT = telescope((15, 15), 0.4, supersampling=(2, 1), margin=3)


def toy(shown, start, prior, sigma=0.05):
    """A metallicity that is some function of one number, seen in nine pixels of value 1."""

    def profile(x, y, a):
        return shown(a) + 0.0 * x

    light = jm.Profile(jm.light.uniform, amp=1.0)
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=jm.Profile(profile, a=start)))
    instrument = jm.Instrument(jm.Grid.regular((3, 3), 1.0), jm.NoPSF(), (1, 1), 0)
    z = jm.TracerMap(np.full((3, 3), 1.0), 3 * sigma, instrument, scale="linear", check=False)
    return jm.Model(galaxy, {"z": z}, {A: prior})


def clumps(*places):
    parts = {}
    for i, (amp, x) in enumerate(places):
        light = jm.Profile(jm.light.gaussian, amp=amp, sigma=0.5, center_x=x, center_y=0.0)
        parts[f"clump{i}"] = jm.Component(light=light)
    return jm.Galaxy(**parts)


@pytest.fixture(scope="module")
def model():
    return small_model(seed=3)


@pytest.fixture(scope="module")
def fit(model):
    return jm.optimise(model)


def test_the_plain_word_stands_where_nothing_is_wrong(model, fit):
    posterior = jm.sample(model, fit, draws=200)
    assert fit.message == "converged" and fit.caveats == ()
    assert posterior.message.startswith("importance sampling converged (k-hat")
    assert "but" not in posterior.message


def test_ends_of_all_starts_are_in_the_result(fit):
    assert fit.ends.points.shape == (4, 2)
    np.testing.assert_allclose(fit.ends.heights, fit.ends.heights.max(), atol=0.01)
    np.testing.assert_allclose(fit.ends.points[0], fit.unconstrained, atol=0.01)


def test_errors_that_make_chi_square_impossible_deny_the_word(model):
    z = model.maps["z"]
    values = np.asarray(z.values)
    wrong = jm.TracerMap(values, np.asarray(z.sigma) / 2, z.instrument, check=False)
    right = model.with_maps({"z": wrong})
    fit = jm.optimise(right, starts=1)
    assert fit.converged
    assert fit.message.startswith("converged, but the model does not fit: reduced chi-square 4")
    posterior = jm.sample(right, fit, draws=200)
    assert "but of the fit: the model does not fit: reduced chi-square" in posterior.message


@pytest.mark.slow
def test_heavy_tails_do_not_hide_that_half_of_the_pixels_are_elsewhere(tmp_path):
    """k-hat is below zero there."""
    values = np.full(INSTRUMENT.shape, 8.0)
    values[:, 8:] = 8.6
    z = jm.TracerMap(values, 0.002, INSTRUMENT, likelihood=jm.StudentT(1.0), check=False)
    metallicity = jm.Profile(jm.tracer.uniform, value=8.05)
    light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=metallicity))
    model = jm.Model(galaxy, {"z": z}, {"disc.metallicity.value": dist.Uniform(7.0, 9.5)})
    posterior = jm.sample(model, jm.optimise(model))
    assert "the model does not fit" in posterior.message
    posterior.save(tmp_path / "posterior.nc")
    assert jm.Posterior.load(tmp_path / "posterior.nc").message == posterior.message


def test_a_posterior_around_a_fit_that_did_not_converge_never_says_that_it_is_fine(model, fit):
    lost = dataclasses.replace(fit, converged=False, message="not converged: a saddle")
    posterior = jm.sample(model, lost, draws=200, allow_unconverged=True)
    assert not posterior.converged
    assert "a fit that did not converge (not converged: a saddle)" in posterior.message


def test_two_components_alike_may_change_places():
    blank = jm.LightMap(np.ones(INSTRUMENT.shape), 1.0, INSTRUMENT, check=False)
    clean = np.asarray(jm.predict(clumps((3.0, -0.8), (5.0, 0.9)), blank), float)
    noise = np.random.default_rng(1).normal(size=clean.shape)
    light = jm.LightMap(clean + 0.03 * noise, 0.03, INSTRUMENT, check=False)
    priors = {f"clump{i}.light.center_x": dist.Normal(0.0, 1.0) for i in (0, 1)}
    priors |= {f"clump{i}.light.amp": dist.LogNormal(np.log(4.0), 0.5) for i in (0, 1)}
    start = clumps((4.0, -0.5), (4.0, 0.5))
    fit = jm.optimise(jm.Model(start, {"light": light}, priors), starts=1)
    assert "one of several equal answers: clump0 and clump1 may change places" in fit.message
    # Those of different priors may not.
    priors["clump0.light.amp"] = dist.LogNormal(np.log(3.0), 0.05)
    fit = jm.optimise(jm.Model(start, {"light": light}, priors), starts=1)
    assert "equal answers" not in fit.message


def inclined(angle, low, high):
    light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)

    def galaxy(angle):
        numbers = {"central": 8.4, "gradient": -0.15, "inclination": 60.0}
        profile = jm.Profile(jm.tracer.disc_gradient, position_angle=angle, **numbers)
        return jm.Galaxy(disc=jm.Component(light, metallicity=profile))

    blank = jm.TracerMap(np.full(INSTRUMENT.shape, 8.0), 1.0, INSTRUMENT, check=False)
    clean = np.asarray(jm.predict(galaxy(40.0), blank), float)
    noise = np.random.default_rng(1).normal(size=clean.shape)
    z = jm.TracerMap(clean + 0.05 * noise, 0.05, INSTRUMENT, check=False)
    return jm.Model(galaxy(angle), {"z": z}, {PLACE: dist.Uniform(low, high)})


def test_an_angle_is_the_same_half_a_turn_on_where_its_prior_allows_that():
    fits = jm.optimise_batch([inclined(50.0, 0.0, 360.0), inclined(30.0, 0.0, 360.0)])
    alone = jm.optimise(inclined(50.0, -45.0, 135.0), starts=1)
    for fit in fits:
        assert f"equal answers: {PLACE} may turn by 180 deg" in fit.message
    assert alone.message == "converged"


@pytest.mark.parametrize(("middle", "told"), [(0.0, True), (0.5, False)])
def test_a_sign_that_does_not_matter_is_told_and_one_that_does_is_a_second_maximum(middle, told):
    model = toy(lambda a: a**2, 0.5, dist.Normal(middle, 1.0))
    fit = jm.optimise(model, starts=8)
    assert (f"equal answers: {A} may change its sign" in fit.message) == told
    several = jm.optimise_batch([model, model], starts=8)
    assert len(fit.others) == len(several[1].others)
    np.testing.assert_allclose(fit.odds, several[1].odds, atol=1e-3)


def test_an_ascent_that_ends_lower_is_told():
    """A wide hill where the ascents start, and a higher one that one of them finds."""

    def hills(a):
        return 0.6 * jnp.exp(-0.5 * a**2 / 0.3**2) + jnp.exp(-0.5 * (a - 2.0) ** 2 / 0.3**2)

    fit = jm.optimise(toy(hills, 0.2, dist.Normal(0.0, 2.0)), starts=16)
    assert fit.parameters[A] == pytest.approx(2.0, abs=0.1)
    assert "ended at other maxima, less probable by" in fit.message
    assert np.ptp(fit.ends.heights[np.isfinite(fit.ends.heights)]) > 10


@pytest.mark.slow
def test_outliers_are_fitted_from_a_start_without_a_gradient():
    """By Fisher scoring alone the gradient is +0.2."""
    truth = disc(central=8.5, gradient=-0.2)
    blank = jm.TracerMap(np.full((31, 31), 8.0), 1.0, telescope(), check=False)
    values, rng = np.array(jm.predict(truth, blank), float), np.random.default_rng(0)
    values += 0.02 * rng.normal(size=values.shape)
    wrong = rng.uniform(size=values.shape) < 0.3
    values[wrong] += rng.normal(0.0, 1.0, wrong.sum())
    z = jm.TracerMap(values, 0.02, telescope(), likelihood="student-t", check=False)
    model = jm.Model(disc(central=8.5, gradient=0.0), {"z": z}, FLAT)
    for fit in (jm.optimise(model, starts=1), jm.optimise_batch([model])[0]):
        assert fit.converged
        assert fit.parameters[GRADIENT] == pytest.approx(-0.2, abs=4 * fit.errors[GRADIENT])
        assert fit.parameters[CENTRAL] == pytest.approx(8.5, abs=4 * fit.errors[CENTRAL])
