"""Random fields that are integrated over, against covariance matrices written out."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.special import erfcx
from scipy.stats import multivariate_normal

import jaxmetal as jm
from jaxmetal.inference.fields import without_fields
from jaxmetal.inference.information import prior_curvature
from jaxmetal.instrument.sampling import Sampling
from tests.scenes import CENTRAL, GRADIENT, telescope

SHAPE, SIGMA = (13, 13), 0.03
INSTRUMENT = telescope(SHAPE, 0.4, 0.9, (2, 1), 5)
AMPLITUDE, LENGTH = "disc.metallicity.amplitude", "disc.metallicity.length"
PRIORS = {
    CENTRAL: dist.Normal(8.5, 1.0),
    GRADIENT: dist.Normal(0.0, 1.0),
    AMPLITUDE: dist.HalfNormal(0.1),
    LENGTH: dist.LogNormal(np.log(0.6), 0.5),
}


def galaxy(amplitude=0.08, length=0.6, **field):
    line = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.05)
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.5, n_sersic=1.0)
    return jm.Galaxy(
        disc=jm.Component(light, metallicity=jm.Sum(line, jm.Field(amplitude, length, **field)))
    )


def z_map(scale="linear", seed=0, **options):
    rng = np.random.default_rng(seed)
    blank = jm.TracerMap(np.zeros(SHAPE), 1.0, INSTRUMENT, scale=scale, check=False)
    truth = galaxy(modes=rng.standard_normal((21, 21)), extent=8.0)
    values = np.asarray(jm.predict(truth, blank)) + SIGMA * rng.standard_normal(SHAPE)
    return jm.TracerMap(values, SIGMA, INSTRUMENT, scale=scale, check=False, **options)


@pytest.fixture(scope="module")
def model():
    return jm.Model(galaxy(), {"z": z_map()}, PRIORS)


@pytest.fixture(scope="module")
def values(model):
    return model.constrain(model.start + jnp.array([0.02, 0.03, -0.3, 0.2]))


def dense(model, values):
    """Mean and covariance of the data, with the field written out."""
    fields = model.fields
    galaxy, maps = model.scene_at(values)
    predicted = np.asarray(model.predict_scene(galaxy, maps)["z"], float).ravel()
    scaled = np.asarray(fields.scale(galaxy), float)[:, None] * np.asarray(
        fields.response["z"], float
    ).reshape(len(fields.gram), -1)
    return predicted, SIGMA**2 * np.eye(predicted.size) + scaled.T @ scaled


def test_the_likelihood_is_that_of_the_covariance(model, values, tolerance):
    mean, covariance = dense(model, values)
    data = np.asarray(model.maps["z"].values, float).ravel()
    expected = multivariate_normal(mean, covariance).logpdf(data)
    np.testing.assert_allclose(model.log_likelihood(values), expected, rtol=tolerance(1e-9, 2e-4))


def test_the_gradient_is_that_of_the_covariance(model, values, tolerance):
    """By central differences of the density written out."""
    u = np.asarray(model.unconstrain(values), float)
    data = np.asarray(model.maps["z"].values, float).ravel()

    def density(u):
        mean, covariance = dense(model, model.constrain(jnp.asarray(u, model.start.dtype)))
        return multivariate_normal(mean, covariance).logpdf(data)

    def likelihood(u):
        return model.log_likelihood(model.constrain(u))

    slope = jax.grad(likelihood)(jnp.asarray(u, model.start.dtype))
    step = tolerance(1e-4, 2e-2)
    differences = [
        (density(u + step * e) - density(u - step * e)) / (2 * step) for e in np.eye(len(u))
    ]
    np.testing.assert_allclose(slope, differences, rtol=tolerance(1e-5, 2e-2), atol=0.05)


@pytest.mark.precision("double")
def test_second_derivatives_follow_from_the_slope(model, values):
    """The slope has a rule of its own, which must be differentiable in its turn."""
    u = model.unconstrain(values)
    slope = jax.jit(jax.grad(model.log_density))
    hessian = jax.jit(jax.hessian(model.log_density))(u)
    step = 1e-5
    columns = [(slope(u + step * e) - slope(u - step * e)) / (2 * step) for e in np.eye(len(u))]
    np.testing.assert_allclose(hessian, np.stack(columns), rtol=1e-4, atol=1e-3)


def test_the_information_is_that_of_the_covariance(model, values, tolerance):
    """F = ∂μᵀ C⁻¹ ∂μ + ½ tr(C⁻¹ ∂C C⁻¹ ∂C), by finite differences, and the priors'."""
    u, step = np.asarray(model.unconstrain(values), float), tolerance(1e-4, 1e-2)
    inverse = np.linalg.inv(dense(model, values)[1])
    means, changes = [], []
    for e in np.eye(len(u)):
        ends = [
            dense(model, model.constrain(jnp.asarray(u + s * step * e, model.start.dtype)))
            for s in (1, -1)
        ]
        means.append((ends[0][0] - ends[1][0]) / (2 * step))
        changes.append(inverse @ (ends[0][1] - ends[1][1]) / (2 * step))
    data = [[a @ inverse @ b for b in means] for a in means]
    data += 0.5 * np.array([[np.sum(a * b.T) for b in changes] for a in changes])
    at = jnp.asarray(u, model.start.dtype)
    prior, information = prior_curvature(model, at), np.asarray(model.information(at))
    scale = np.sqrt(np.diag(information))
    np.testing.assert_allclose(
        (information - prior) / np.outer(scale, scale),
        np.asarray(data) / np.outer(scale, scale),
        atol=tolerance(1e-4, 2e-2),
    )


def test_the_fit_has_the_mean_field(model):
    """Its galaxy predicts data that it explains, and its likelihood is the integrated one."""
    fit = jm.optimise(model, starts=1)
    assert fit.converged, fit.message
    at_end = model.with_fields_at(fit.galaxy, fit.maps)
    np.testing.assert_allclose(fit.log_likelihood, at_end.log_likelihood(fit.parameters), atol=0.02)
    assert 0.5 < fit.reduced_chi_square < 1.1
    shown = np.asarray(jm.predict(fit.galaxy, fit.maps["z"]))
    np.testing.assert_allclose(shown, fit.predicted["z"], atol=2e-3)
    x, y = INSTRUMENT.grid.coordinates
    straight = without_fields(fit.galaxy).disc.metallicity(x, y)
    by_hand = fit.parameters[CENTRAL] + fit.parameters[GRADIENT] * np.hypot(x, y)
    np.testing.assert_allclose(straight, by_hand, rtol=1e-6)
    assert np.std(fit.galaxy.disc.metallicity(x, y) - straight) > 0.01
    line = jm.Model(galaxy(0.0), {"z": z_map()}, {n: PRIORS[n] for n in (CENTRAL, GRADIENT)})
    assert fit.errors[GRADIENT] > 2 * jm.optimise(line, starts=1).errors[GRADIENT]
    assert fit.bic < jm.optimise(line, starts=1).bic


def test_importance_draws_follow_the_integrated_density(model):
    fit = jm.optimise(model, starts=1)
    posterior = jm.sample(model, fit, chains=2, draws=200)
    assert posterior.attributes["method"] == "importance"
    error = posterior.samples[GRADIENT].std()
    np.testing.assert_allclose(error, fit.errors[GRADIENT], rtol=0.35)


def test_the_deconvolved_map_is_the_galaxy_within_its_errors(model):
    """The truth without the telescope lies within the errors, which are less than the field's."""
    posterior = jm.sample(model, jm.optimise(model, starts=1), chains=2, draws=200)
    result = jm.deconvolve(model, posterior, "z", draws=100)
    truth = galaxy(
        modes=np.random.default_rng(0).standard_normal((21, 21)), extent=8.0
    ).disc.metallicity(*INSTRUMENT.grid.coordinates)
    pulls = (np.asarray(truth) - result.mean) / result.error
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.4
    # Better than the line alone, which leaves the whole field.
    line = galaxy().disc.metallicity(*INSTRUMENT.grid.coordinates)
    assert np.std(truth - result.mean) < 0.9 * np.std(truth - np.asarray(line))
    assert result.draws.shape == (100, *SHAPE)


def test_what_cannot_be_deconvolved_is_told(model):
    posterior = jm.Posterior({CENTRAL: np.zeros((1, 4))}, {}, {}, {})
    with pytest.raises(jm.InputError, match="unknown map 'zz'"):
        jm.deconvolve(model, posterior, "zz")
    with pytest.raises(jm.InputError, match="at least 1"):
        jm.deconvolve(model, posterior, "z", draws=0)


def test_smeared_fields_have_their_variance():
    """Of uniform light and a Gaussian PSF: σ² [1 - sqrt(pi) tau erfcx(tau)], tau = s / length."""
    length, fwhm = 0.6, 0.9
    light = jm.Profile(jm.light.uniform, amp=1.0)
    line = jm.Profile(jm.tracer.uniform, value=8.5)
    field = jm.Field(0.08, length, kernel="exponential")
    scene = jm.Galaxy(disc=jm.Component(light, metallicity=jm.Sum(line, field)))
    inst = jm.Instrument(jm.Grid.regular((11, 11), 0.2), jm.GaussianPSF(fwhm), (2, 2), 12)
    quiet = jm.TracerMap(np.full((11, 11), 8.5), 1e-3, inst, scale="linear", check=False)
    model = jm.Model(scene, {"z": quiet}, {"disc.metallicity.value": dist.Normal(8.5, 1.0)})
    scale = np.asarray(model.fields.scale(model.galaxy), float)
    variance = np.sum((scale[:, None] * model.fields.response["z"][:, 5, :]) ** 2, axis=0)
    # The pixel smears the field, too.
    sigma = np.sqrt((fwhm / 2.3548) ** 2 + 0.2**2 / 12)
    tau = sigma / length
    expected = 0.08**2 * (1 - np.sqrt(np.pi) * tau * erfcx(tau))
    np.testing.assert_allclose(variance.mean(), expected, rtol=0.02)


def test_noisy_maps_keep_the_waves_that_tell_the_amplitude():
    """Its error is that by the covariance of a smeared field, however weak each wave is."""
    length, fwhm, amplitude, noise, width = 0.4, 0.6, 0.05, 0.2, 0.2
    grid = jm.Grid.regular((21, 21), 0.2)
    sampling = Sampling(1, 1, 8, "midpoint")
    instrument = jm.Instrument(grid, jm.GaussianPSF(fwhm)).with_sampling(sampling)
    field = jm.Field(amplitude, length, kernel="squared_exponential")
    line = jm.Profile(jm.tracer.uniform, value=8.5)
    light = jm.Profile(jm.light.uniform, amp=1.0)
    scene = jm.Galaxy(disc=jm.Component(light, metallicity=jm.Sum(line, field)))
    z = jm.TracerMap(np.full((21, 21), 8.5), noise, instrument, scale="linear", check=False)
    model = jm.Model(scene, {"z": z}, {AMPLITUDE: dist.LogNormal(np.log(amplitude), width)})
    x, y = (np.asarray(place, float).ravel() for place in grid.coordinates)
    apart = np.subtract.outer(x, x) ** 2 + np.subtract.outer(y, y) ** 2
    wide = length**2 + 2 * (fwhm / 2.35482) ** 2
    covariance = amplitude**2 * length**2 / wide * np.exp(-apart / 2 / wide)
    change = np.linalg.solve(covariance + noise**2 * np.eye(x.size), 2 * covariance)
    expected = 0.5 * np.sum(change * change.T)
    # Less what the prior tells of the amplitude's logarithm.
    told = (amplitude / float(jm.forecast(model).errors[AMPLITUDE])) ** 2 - width**-2
    np.testing.assert_allclose(told, expected, rtol=0.05)


def test_a_field_of_one_pixel_noise_or_of_a_constant_is_refused():
    with pytest.raises(jm.InputError, match=r"disc\.metallicity\.length: .* shorter than a tenth"):
        jm.Model(galaxy(length=0.01), {"z": z_map()}, {CENTRAL: PRIORS[CENTRAL]})
    with pytest.raises(jm.InputError, match=r"length: .* longer than the maps"):
        jm.Model(galaxy(length=50.0), {"z": z_map()}, {CENTRAL: PRIORS[CENTRAL]})


def test_what_has_no_closed_form_is_refused():
    with pytest.raises(jm.InputError, match="sandwich"):
        jm.Model(galaxy(), {"z": z_map(correlation=jm.noise.manga())}, PRIORS, errors="sandwich")
    with pytest.raises(jm.InputError, match="Gaussian errors"):
        jm.Model(galaxy(), {"z": z_map(likelihood=jm.StudentT(4.0))}, PRIORS)


@pytest.mark.parametrize("path", ["z.scatter", "z.calibration.error_scale"])
def test_errors_may_be_free_beside_a_field(path):
    """Nothing is prepared then, and the density is the same."""
    prior = dist.LogNormal(0.0, 0.1) if path.endswith("scale") else dist.HalfNormal(0.01)
    model = jm.Model(galaxy(), {"z": z_map()}, {**PRIORS, path: prior})
    assert model.fields.gram is None
    fixed = jm.Model(galaxy(), {"z": z_map()}, PRIORS)
    value = jnp.asarray(1.0 if path.endswith("scale") else 1e-6)
    start = {name: fixed.constrain(fixed.start)[name] for name in PRIORS}
    np.testing.assert_allclose(
        model.log_likelihood({**start, path: value}), fixed.log_likelihood(start), rtol=2e-5
    )


def test_new_data_keep_the_modes(model):
    other = model.with_maps({"z": z_map(seed=5)})
    np.testing.assert_array_equal(other.fields.gram, model.fields.gram)


@pytest.mark.slow
@pytest.mark.precision("single")
def test_sampled_modes_agree_with_the_closed_form():
    """Chains over the line and all waves of a field, beside the integral over the waves."""
    known = {CENTRAL: dist.Normal(8.5, 1.0), GRADIENT: dist.Normal(0.0, 1.0)}
    closed = jm.Model(galaxy(), {"z": z_map()}, known)
    integrated = jm.sample(closed, jm.optimise(closed), method="importance", draws=2000)
    waves = galaxy(modes=np.zeros((9, 9)), extent=8.0)
    modes = {"disc.metallicity.modes": dist.Normal(0.0, 1.0)}
    explicit = jm.Model(waves, {"z": z_map()}, known | modes)
    options = {"method": "nuts", "warmup": 200, "draws": 500, "chains": 2}
    sampled = jm.sample(explicit, jm.optimise(explicit, starts=1), **options)
    for name in (CENTRAL, GRADIENT):
        ours, theirs = integrated.flat[name], sampled.flat[name]
        assert sampled.summary()[name]["ess"] > 400
        assert abs(ours.mean() - theirs.mean()) < 0.15 * theirs.std()
        assert ours.std() == pytest.approx(theirs.std(), rel=0.1)
