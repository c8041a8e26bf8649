"""One log density, whoever asks for it, and what a fit makes of it."""

import dataclasses
import pickle

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from tests.compilations import compilations
from tests.scenes import CENTRAL, FLAT, GRADIENT, blank, disc, small_model, telescope

X64 = jax.config.jax_enable_x64


def test_the_vector_and_the_values_are_two_names_of_one_point(model):
    values = model.constrain(model.start + 0.3)
    np.testing.assert_allclose(model.unconstrain(values), model.start + 0.3, rtol=1e-4)


def test_log_density_is_likelihood_times_prior_times_jacobian(model):
    """Against scipy and NumPyro's own density of the same program."""
    from scipy import stats

    u = model.start + 0.1
    values = model.constrain(u)
    z = model.maps["z"]
    predicted = model.predict(values)["z"]
    expected = (
        stats.norm.logpdf(np.asarray(z.values), np.asarray(predicted), np.asarray(z.sigma)).sum()
        - np.log(3.0)
        - np.log(2.0)
    )
    posterior, density = compiled_once(lambda m, u: (m.log_posterior(u), m.log_density(u)))(
        model, u
    )
    assert float(posterior) == pytest.approx(expected, rel=1e-5)
    numpyro_density, _ = numpyro.infer.util.log_density(model.numpyro_model, (), {}, values)
    assert float(posterior) == pytest.approx(float(numpyro_density), rel=1e-5)
    slopes = np.diag(
        jax.jacfwd(lambda u: jnp.stack([model.constrain(u)[name] for name in model.names]))(u)
    )
    # A difference of two large numbers keeps few digits in float32.
    assert float(density - posterior) == pytest.approx(
        np.log(np.abs(slopes)).sum(), rel=1e-3, abs=1e-6 * abs(float(posterior))
    )


def test_the_density_can_be_jitted_differentiated_and_mapped(model):
    points = jnp.stack([model.start, model.start + 0.1])
    together, slopes = compiled_once(
        lambda model, points: jax.vmap(jax.value_and_grad(model.log_density))(points)
    )(model, points)
    alone = compiled_once(model.log_density)
    np.testing.assert_allclose(together, [alone(u) for u in points], rtol=1e-5)
    assert np.all(np.isfinite(slopes))


def test_the_fit_finds_the_maximum_and_its_curvature(model, fit):
    assert fit.converged
    assert abs(float(fit.parameters[GRADIENT]) + 0.2) < 5 * fit.errors[GRADIENT]
    information = compiled_once(model.information)(jnp.asarray(fit.unconstrained))
    np.testing.assert_allclose(np.linalg.inv(fit.unconstrained_covariance), information, rtol=0.15)
    assert fit.reduced_chi_square == pytest.approx(1.0, abs=5 * np.sqrt(2 / fit.size))
    assert fit.bic == pytest.approx(2 * np.log(fit.size) - 2 * fit.log_likelihood, rel=1e-6)
    assert "disc.metallicity.gradient" in str(fit)


@pytest.mark.slow
@pytest.mark.precision("single")
@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_both_optimisers_arrive_at_the_same_place(model, fit, method):
    other = jm.optimise(model, starts=2, method=method)
    assert other.converged
    for name, value in fit.parameters.items():
        assert abs(other.parameters[name] - value) < 0.02 * fit.errors[name]


# Shared, so that one compiled program serves all who sample by it.
CHAINS = {"method": "nuts", "chains": 2, "warmup": 60, "draws": 300}


@pytest.fixture(scope="module")
def posterior(model, fit):
    return jm.sample(model, fit, seed=1, **CHAINS)


@pytest.mark.precision("single")
@pytest.mark.parametrize("method", ["nuts", pytest.param("hmc", marks=pytest.mark.slow)])
def test_the_sampler_agrees_with_laplace_where_the_posterior_is_gaussian(
    model, fit, posterior, method
):
    posterior = (
        posterior
        if method == "nuts"
        else jm.sample(model, fit, seed=1, **CHAINS | {"method": method})
    )
    assert posterior.divergences == 0
    assert list(posterior.summary()) == list(FLAT)
    for name, row in posterior.summary().items():
        assert row["r_hat"] < 1.02
        assert row["ess"] > 150
        assert row["mean"] == pytest.approx(float(fit.parameters[name]), abs=0.3 * fit.errors[name])
        assert row["sd"] == pytest.approx(float(fit.errors[name]), rel=0.15)


@pytest.mark.precision("single")
@pytest.mark.slow
def test_auto_turns_to_chains_where_the_fit_does_not_describe_the_posterior(model, fit):
    """A fit that claims a tenth of the true errors: its draws never see the tails."""
    narrow = dataclasses.replace(fit, unconstrained_covariance=1e-2 * fit.unconstrained_covariance)
    forced = jm.sample(model, narrow, **CHAINS | {"method": "importance"})
    assert "k-hat" in forced.message
    assert not forced.converged
    posterior = jm.sample(model, narrow, **CHAINS | {"method": "auto"})
    assert posterior.attributes["method"] == "nuts"
    assert posterior.attributes["refused_k_hat"] == pytest.approx(forced.attributes["k_hat"])


@pytest.mark.precision("single")
def test_the_same_seed_gives_the_same_draws(model, fit, posterior):
    np.testing.assert_array_equal(
        jm.sample(model, fit, seed=1, **CHAINS).samples[GRADIENT], posterior.samples[GRADIENT]
    )


@pytest.mark.precision("single")
def test_a_posterior_is_read_back_as_it_was_written(posterior, tmp_path):
    posterior.save(tmp_path / "posterior.nc")
    again = jm.Posterior.load(tmp_path / "posterior.nc")
    for name, draws in posterior.samples.items():
        np.testing.assert_array_equal(again.samples[name], draws)
    assert again.summary() == posterior.summary()
    assert [p.name for p in tmp_path.iterdir()] == ["posterior.nc"]
    (tmp_path / "posterior.nc").write_bytes(b"not a posterior")
    with pytest.raises(jm.InputError, match=r"posterior\.nc"):
        jm.Posterior.load(tmp_path / "posterior.nc")


@pytest.mark.precision("single")
def test_a_second_galaxy_of_the_same_shape_compiles_nothing(posterior):
    second = small_model(seed=11, central=8.4, gradient=-0.1)
    with compilations() as programs:
        jm.sample(second, jm.optimise(second, starts=1), **CHAINS)
    assert programs == []


def test_masked_pixels_never_leak(model, fit):
    """Whatever stands in a masked pixel, density and gradient stay the same, bit for bit."""
    z = model.maps["z"]
    mask = np.zeros(z.values.shape, bool)
    mask[:4, 5:9] = True
    answers, density = (
        [],
        compiled_once(lambda model: jax.value_and_grad(model.log_density)(model.start)),
    )
    for poison in (0.0, np.nan, np.inf, 1e30):
        values, sigma = np.array(z.values), np.array(z.sigma)
        values[mask] = poison
        sigma[mask] = -poison
        m = jm.Model(disc(), {"z": jm.TracerMap(values, sigma, z.instrument, mask=mask)}, FLAT)
        answers.append(density(m))
    for value, slope in answers[1:]:
        assert value == answers[0][0]
        np.testing.assert_array_equal(slope, answers[0][1])


@pytest.mark.precision("single")
def test_each_error_stands_beside_its_own_parameter():
    """The order in which priors are written does not matter, alphabetical or not."""
    z = jm.simulate.tracer_map(
        disc(), telescope(), variance=lambda flux: 0.005 + 0.0005 / flux, seed=3
    )
    backwards = {CENTRAL: FLAT[CENTRAL], GRADIENT: FLAT[GRADIENT]}
    fits = [
        jm.optimise(jm.Model(disc(), {"z": z}, priors), starts=1) for priors in (FLAT, backwards)
    ]
    for name in FLAT:
        assert fits[0].errors[name] == pytest.approx(float(fits[1].errors[name]), rel=1e-3)
    assert [fit.labels for fit in fits] == [[GRADIENT, CENTRAL], [CENTRAL, GRADIENT]]


def test_tied_parameters_follow():
    galaxy = disc()
    priors = {
        "disc.light.center_x": dist.Normal(0.0, 0.1),
        "disc.metallicity.center_x": jm.Tied("disc.light.center_x"),
        "disc.metallicity.center_y": jm.Tied(
            ("disc.light.center_x", "disc.light.center_y"), lambda x, y: x + 2 * y + 1
        ),
    }
    m = jm.Model(galaxy, {"z": blank(telescope())}, priors)
    scene, _ = m.scene_at({"disc.light.center_x": jnp.asarray(0.25)})
    assert float(scene.disc.metallicity.center_x) == pytest.approx(0.25)
    assert float(scene.disc.metallicity.center_y) == pytest.approx(1.25)


@pytest.mark.precision("single")
def test_a_draw_moves_what_is_tied_too(fit, tmp_path):
    tied = small_model(
        seed=3,
        priors={
            **FLAT,
            "disc.metallicity.center_x": jm.Tied(GRADIENT, lambda gradient: 0.1 + gradient),
        },
    )
    posterior = jm.sample(tied, fit, method="importance", chains=1, draws=20)
    posterior.save(tmp_path / "posterior.nc")
    galaxy = jm.Posterior.load(tmp_path / "posterior.nc").at(disc(), 7)
    assert (
        float(galaxy.disc.metallicity.center_x)
        == pytest.approx(0.1 + float(galaxy.disc.metallicity.gradient))
        != 0.0
    )


@pytest.mark.precision("single")
def test_a_galaxy_survives_pickling():
    """Dask and submitit send models to other processes this way."""
    again = pickle.loads(pickle.dumps(small_model()))
    assert float(again.galaxy.disc.metallicity.gradient) == pytest.approx(-0.05)
    assert jax.tree.structure(again) == jax.tree.structure(small_model())


def test_maps_on_one_instrument_are_predicted_together():
    """So that their light is convolved once."""
    instrument, other = telescope(), telescope()
    m = jm.Model(
        disc(),
        {"z": blank(instrument), "light": blank(instrument, jm.LightMap), "far": blank(other)},
    )
    assert m.groups == ((("far",),), (("light", "z"),))
    assert {name: v.shape for name, v in m.predict({}).items()} == dict.fromkeys(
        ("far", "light", "z"), (31, 31)
    )


def test_maps_of_another_model_follow_a_free_psf():
    """They have its transfer functions, of a PSF that was fixed there."""
    path, fixed = "z.instrument.psf.fwhm", small_model()
    free = jm.Model(fixed.galaxy, fixed.maps, {path: dist.Normal(0.8, 0.2)})
    narrow, wide = (np.asarray(free.predict({path: fwhm})["z"]) for fwhm in (0.5, 1.5))
    assert np.abs(narrow - wide).max() > 0.01
    again = jm.Model(fixed.galaxy, free.maps, {})
    np.testing.assert_allclose(again.predict({})["z"], fixed.predict({})["z"], atol=1e-4)


@pytest.mark.precision("single")
def test_psf_width_scatter_and_array_parameters_can_be_free():
    instrument = telescope()
    surface = jm.Galaxy(
        disc=jm.Component(
            disc().disc.light,
            metallicity=jm.Profile(jm.tracer.polynomial, coefficients=[8.0, -0.1, 0.05]),
        )
    )
    z = jm.simulate.tracer_map(surface, instrument, variance=lambda flux: 0.001 + 0 * flux, seed=2)
    light = jm.simulate.light_map(surface, instrument, seed=3)
    rng = np.random.default_rng(0)
    z = eqx.tree_at(
        lambda m: m.values,
        z,
        z.values + 0.05 * rng.standard_normal(z.values.shape).astype(z.values.dtype),
    )
    m = jm.Model(
        surface,
        {
            "z": eqx.tree_at(lambda m: m.scatter, z, jnp.asarray(0.02, z.values.dtype)),
            "light": light,
        },
        {
            "disc.metallicity.coefficients": dist.Normal(jnp.array([8.0, 0.0, 0.0]), 1.0),
            "z.scatter": dist.HalfNormal(0.1),
            "light.instrument.psf.fwhm": dist.Normal(0.8, 0.1),
        },
    )
    assert m.groups == ((("light",),), (("z",),)), (
        "a map whose PSF is free has an instrument of its own"
    )
    fit = jm.optimise(m, starts=1)
    assert fit.converged
    assert fit.labels[:3] == [f"disc.metallicity.coefficients[{i}]" for i in range(3)]
    np.testing.assert_allclose(
        fit.parameters["disc.metallicity.coefficients"], [8.0, -0.1, 0.05], atol=0.02
    )
    assert float(fit.parameters["z.scatter"]) == pytest.approx(
        0.05, abs=5 * fit.errors["z.scatter"]
    )
    assert float(fit.parameters["light.instrument.psf.fwhm"]) == pytest.approx(
        0.8, abs=5 * fit.errors["light.instrument.psf.fwhm"]
    )


@pytest.mark.precision("single")
def test_student_t_is_not_moved_by_outliers():
    truth = disc()
    z = jm.simulate.tracer_map(
        truth, telescope(), variance=lambda flux: 0.005 + 0.0005 / flux, seed=4
    )
    values = np.array(z.values)
    values[::3, ::5] += 1.0
    slopes = {}
    for likelihood in ("gaussian", "student-t"):
        m = jm.Model(
            truth, {"z": jm.TracerMap(values, z.sigma, z.instrument, likelihood=likelihood)}, FLAT
        )
        fit = jm.optimise(m, starts=1)
        slopes[likelihood] = abs(float(fit.parameters[CENTRAL]) - 8.0) / fit.errors[CENTRAL]
    assert slopes["gaussian"] > 4
    assert slopes["student-t"] < slopes["gaussian"] / 3


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("priors", "culprit"),
    [
        (
            {"disc.metallicity.slope": dist.Normal()},
            r"path 'disc.metallicity.slope': unknown name 'slope'.*gradient",
        ),
        ({"disk.metallicity.gradient": dist.Normal()}, "Did you mean 'disc'"),
        ({"disc.metallicity": dist.Normal()}, "group of parameters"),
        ({CENTRAL: dist.Uniform(6.0, 7.0)}, "starting value 8 lies outside the prior's support"),
        ({CENTRAL: dist.Uniform(8.1, 9.0)}, "starting value 8 lies outside"),
        ({CENTRAL: 8.0}, "expected a numpyro distribution, Tied or Linear, got float"),
        ({CENTRAL: jm.Tied("disc.metallicity.middle")}, "unknown name 'middle'"),
        ({CENTRAL: jm.Tied(GRADIENT), GRADIENT: jm.Tied(CENTRAL)}, "itself tied"),
        ({"z.values": dist.Normal()}, "unknown name 'values'"),
    ],
)
def test_a_wrong_prior_is_named(priors, culprit):
    with pytest.raises(jm.InputError, match=culprit):
        jm.Model(disc(), {"z": blank(telescope())}, priors)


@pytest.mark.precision("single")
def test_wrong_scenes_are_named():
    with pytest.raises(jm.InputError, match="also the name of a component"):
        jm.Model(disc(), {"disc": blank(telescope())}, FLAT)
    with pytest.raises(jm.InputError, match="unknown tracer 'dust'"):
        jm.Model(disc(), {"z": blank(telescope(), tracer="dust")}, FLAT)
    with pytest.raises(jm.InputError, match="at least one"):
        jm.Model(disc(), {}, FLAT)
    with pytest.raises(jm.InputError, match="nothing is free"):
        jm.optimise(jm.Model(disc(), {"z": blank(telescope())}))
    with pytest.raises(jm.InputError, match="unknown method 'newton'"):
        jm.optimise(small_model(), method="newton")


@pytest.mark.precision("single")
def test_a_fit_that_the_data_do_not_constrain_says_so():
    """The gradient of a tracer on light that is confined to one pixel."""
    galaxy = disc(R=0.001, n=0.5)
    z = jm.simulate.tracer_map(galaxy, telescope(), variance=lambda flux: 0.01 + 0 * flux)
    with pytest.warns(jm.InputWarning, match="below .* of its peak"):
        model = jm.Model(galaxy, {"z": z}, {GRADIENT: dist.Uniform(-1.0, 1.0)})
    fit = jm.optimise(model, starts=1)
    assert (
        fit.message
        == "converged; disc.metallicity.gradient is not constrained by the data beyond its prior"
    )
    assert 0.5 < fit.errors[GRADIENT] < 0.8


@pytest.mark.precision("single")
def test_a_posterior_that_a_prior_cuts_off_is_told():
    z = jm.simulate.tracer_map(disc(), telescope(), seed=1)

    def message(low, high):
        priors = {GRADIENT: dist.Uniform(low, high)}
        return jm.optimise(jm.Model(disc(gradient=-0.19), {"z": z}, priors), starts=1)

    wide = message(-1.0, 1.0)
    assert wide.message == "converged"
    value, error = float(wide.parameters[GRADIENT]), float(wide.errors[GRADIENT])
    near = message(value - 1.5 * error, 1.0)
    assert near.converged
    assert "lies near the edge of its prior, " in near.message
    assert message(value - 4 * error, 1.0).message == "converged"


@pytest.mark.precision("single")
def test_a_fit_that_ends_at_the_edge_of_a_prior_says_so():
    z = jm.simulate.tracer_map(disc(), telescope(), seed=1)
    fit = jm.optimise(
        jm.Model(disc(gradient=-0.1), {"z": z}, {GRADIENT: dist.Uniform(-0.12, 0.0)}), starts=1
    )
    assert fit.converged
    assert (
        "disc.metallicity.gradient at the edge of its prior, -0.12: its error is one-sided"
        in fit.message
    )
    # Where the likelihood falls exponentially from the edge, the posterior is exponential.
    free = jm.optimise(
        jm.Model(disc(gradient=-0.1), {"z": z}, {GRADIENT: dist.Uniform(-1.0, 1.0)}), starts=1
    )
    scale = free.errors[GRADIENT] ** 2 / abs(float(free.parameters[GRADIENT]) + 0.12)
    assert fit.errors[GRADIENT] == pytest.approx(scale, rel=0.2)


@pytest.mark.precision("single")
def test_ascents_that_end_along_a_scatter_of_zero_are_one_maximum():
    z = jm.simulate.tracer_map(disc(), telescope(), seed=1)
    priors = {**FLAT, "z.scatter": dist.HalfNormal(0.1)}
    fit = jm.optimise(jm.Model(disc(gradient=-0.1), {"z": z}, priors))
    assert fit.parameters["z.scatter"] < 0.2 * fit.errors["z.scatter"]
    np.testing.assert_allclose(fit.ends.points, np.tile(fit.unconstrained, (4, 1)), atol=1e-3)
    assert not fit.others


@pytest.mark.precision("double")
def test_a_cusp_whose_place_is_free_is_fitted():
    """Second derivatives do not exist in the centre of a cusp; errors are right all the same."""
    instrument = jm.Instrument(jm.Grid.regular((31, 31), 0.5), jm.MoffatPSF(1.2, 2.7), (2, 1), 14)
    place = {"x": 0.1, "y": -0.1}
    flux = np.asarray(jm.simulate.light_map(disc(R=3.0, n=5.3, **place), instrument).values)
    sigma = 0.04 * flux.max() * np.sqrt(flux / flux.max())
    light = jm.simulate.renoise(jm.LightMap(flux, sigma, instrument), 1)
    priors = {
        "disc.light.amp": dist.LogNormal(np.log(16.0), 1.0),
        "disc.light.n_sersic": dist.Uniform(0.5, 8.0),
        "disc.light.center_x": dist.Normal(0.0, 1.0),
        "disc.light.center_y": dist.Normal(0.0, 1.0),
    }
    model = jm.Model(disc(R=3.0, n=5.3, **place), {"light": light}, priors)
    fit = jm.optimise(model, starts=1)
    assert fit.converged
    # The posterior falls by a half at one error from its maximum, in all directions.
    root = np.linalg.cholesky(fit.unconstrained_covariance)
    height = model.log_posterior(jnp.asarray(fit.unconstrained))
    for direction in root.T:
        falls = [height - model.log_posterior(fit.unconstrained + s * direction) for s in (1, -1)]
        assert np.mean(falls) == pytest.approx(0.5, rel=0.1)
