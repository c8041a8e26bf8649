"""How residuals are distributed, and what may be wrong with a map.

Modules with paths of their own.
"""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import special, stats

import jaxmetal as jm
from jaxmetal.inference.likelihood import log_likelihood
from jaxmetal.io import map_blocks
from jaxmetal.maps.likelihood import LIKELIHOODS
from tests.drills.outliers import Outliers
from tests.scenes import FLAT, GRADIENT, blank, disc, telescope

SHAPE = (4, 6)
INSTRUMENT = telescope(SHAPE, 0.3, 0.8, (2, 1), 4)
RNG = np.random.default_rng(0)
VALUES, SIGMA = RNG.normal(8.5, 0.2, SHAPE), RNG.uniform(0.05, 0.2, SHAPE)
PREDICTED = VALUES + SIGMA * RNG.normal(size=SHAPE)


@pytest.mark.parametrize("nu", [1.0, 3.0, 4.0, 30.0])
def test_the_information_of_students_t_is_that_of_the_literature(nu, tolerance):
    """Lange, Little & Taylor (1989).

    (nu+1)/(nu+3) of a mean, 2 nu/(nu+3) of a logarithm of a scale.
    """
    information = np.asarray(jm.StudentT(nu).score_information())
    expected = np.diag([(nu + 1) / (nu + 3), 2 * nu / (nu + 3)])
    np.testing.assert_allclose(information[:2, :2], expected, atol=tolerance(1e-6, 1e-4))


@pytest.mark.parametrize("nu", [1.0, 3.0, 10.0])
def test_the_information_of_a_parameter_is_the_variance_of_its_score(nu, tolerance):
    """Of the degrees of freedom, where it is known: Lange, Little & Taylor (1989).

    F = [psi'(nu/2) - psi'((nu+1)/2)] / 4 - (nu+5) / [2 nu (nu+1) (nu+3)],
    and -2 / [(nu+1) (nu+3)] together with ln s.
    """
    information = np.asarray(jm.StudentT(nu).score_information())
    trigamma = special.polygamma(1, nu / 2) - special.polygamma(1, (nu + 1) / 2)
    expected = trigamma / 4 - (nu + 5) / (2 * nu * (nu + 1) * (nu + 3))
    assert information[2, 2] == pytest.approx(expected, rel=tolerance(1e-4, 1e-3))
    cross = -2 / ((nu + 1) * (nu + 3))
    assert information[1, 2] == pytest.approx(cross, rel=tolerance(1e-5, 1e-3))
    assert information[0, 2] == pytest.approx(0.0, abs=tolerance(1e-10, 1e-5))


def test_gaussian_errors_have_the_information_of_the_quadrature(tolerance):
    by_quadrature = jm.Likelihood.score_information(jm.Gaussian())
    known = jm.Gaussian().score_information()
    np.testing.assert_allclose(by_quadrature, known, atol=tolerance(1e-8, 1e-5))


def test_configurations_know_the_same_likelihoods_by_name():
    """They list the names themselves, because a configuration is checked without JAX."""
    assert set(map_blocks.LIKELIHOODS) == set(LIKELIHOODS)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("scatter", [0.0, 0.1])
def test_the_scale_of_errors_multiplies_the_quoted_ones_alone(scale, scatter, tolerance):
    calibration = jm.Calibration(error_scale=scale)
    z = jm.TracerMap(VALUES, SIGMA, INSTRUMENT, calibration=calibration, scatter=scatter)
    total = np.hypot(scale * SIGMA, scatter)
    expected = stats.norm(PREDICTED, total).logpdf(VALUES).sum()
    found = float(log_likelihood(z, jnp.asarray(PREDICTED, float)))
    assert found == pytest.approx(expected, rel=tolerance(1e-10, 1e-4))
    np.testing.assert_allclose(z.total_errors(), total, rtol=1e-6)


def test_a_flux_scale_multiplies_what_is_predicted():
    plain, scaled = (
        jm.predict(disc(), blank(telescope(), jm.LightMap, calibration=calibration))
        for calibration in (None, jm.Calibration(flux_scale=1.7))
    )
    np.testing.assert_allclose(scaled, 1.7 * plain, rtol=1e-6)


def test_a_shift_moves_the_map_on_the_sky():
    calibration = jm.Calibration(shift_x=0.4, shift_y=-0.2)
    shown = jm.predict(disc(), blank(telescope(), calibration=calibration))
    grid = jm.Grid.regular((31, 31), 0.2, center=(0.4, -0.2))
    moved = jm.Instrument(grid, jm.GaussianPSF(0.8), (4, 2), 8)
    np.testing.assert_allclose(shown, jm.predict(disc(), blank(moved)), atol=3e-6)


@pytest.mark.precision("single")
def test_maps_of_one_instrument_may_lie_in_different_places():
    """Each is predicted where it lies, also with the data of another galaxy."""
    instrument = telescope()
    shifted = jm.Calibration(shift_x=0.4, shift_y=-0.2)
    maps = {"z": blank(instrument), "light": blank(instrument, jm.LightMap, calibration=shifted)}
    model = jm.Model(disc(), maps)
    assert model.groups == ((("light",),), (("z",),))
    images = model.predict({})
    for name, one_map in maps.items():
        np.testing.assert_allclose(images[name], jm.predict(disc(), one_map), atol=3e-5)
    together = jm.Model(disc(), {"z": maps["z"], "light": blank(instrument, jm.LightMap)})
    with pytest.raises(jm.InputError, match=r"light, z have the same pixels.*shifts included"):
        together.with_maps(maps)


@pytest.mark.precision("single")
def test_calibrations_are_fitted_with_the_galaxy():
    """Two maps of one galaxy.

    The second is fainter, shifted, and its errors are twice too small.
    """
    instrument = telescope((21, 21), 0.3, 0.8, (2, 1), 6)
    truth = jm.Calibration(flux_scale=0.8, shift_x=0.15, shift_y=-0.1)
    rng = np.random.default_rng(3)
    images = [
        np.asarray(jm.predict(disc(), blank(instrument, jm.LightMap, calibration=calibration)))
        for calibration in (None, truth)
    ]
    noise = [sigma * rng.normal(size=images[0].shape) for sigma in (0.01, 0.02)]
    first, second = (
        jm.LightMap(image + n, 0.01, instrument) for image, n in zip(images, noise, strict=True)
    )
    priors = {
        "second.calibration.flux_scale": dist.LogNormal(0.0, 0.3),
        "second.calibration.error_scale": dist.LogNormal(0.0, 0.5),
        "second.calibration.shift_x": dist.Normal(0.0, 0.3),
        "second.calibration.shift_y": dist.Normal(0.0, 0.3),
        "disc.light.amp": dist.LogNormal(2.5, 1.0),
    }
    model = jm.Model(disc(), {"first": first, "second": second}, priors)
    assert model.groups == ((("first",),), (("second",),)), "cells that move are nobody else's"
    fit = jm.optimise(model, starts=1)
    expected = {"flux_scale": 0.8, "error_scale": 2.0, "shift_x": 0.15, "shift_y": -0.1}
    for name, true in expected.items():
        path = f"second.calibration.{name}"
        assert abs(float(fit.parameters[path]) - true) < 4 * float(fit.errors[path])
        assert 0 < float(fit.errors[path]) < 0.1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("z.calibration.flux_scale", "TracerMap shows no flux"),
        ("z.calibration.flux", r"unknown name 'flux'.*flux_scale"),
        ("z.likelihood.dof", r"unknown name 'dof'"),
    ],
)
def test_a_prior_of_what_a_map_does_not_have_is_an_error(path, message):
    with pytest.raises(jm.InputError, match=message):
        jm.Model(disc(), {"z": blank(telescope())}, {path: dist.LogNormal(0.0, 1.0)})


@pytest.mark.parametrize("wrong", [{"flux_scale": 0.0}, {"error_scale": -1.0}, {"shift_x": np.nan}])
def test_a_calibration_that_cannot_be_is_an_error(wrong):
    with pytest.raises(jm.InputError, match=rf"Calibration.{next(iter(wrong))}: expected"):
        jm.Calibration(**wrong)


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("likelihood", "path", "prior", "true"),
    [
        (jm.StudentT(8.0), "z.likelihood.dof", dist.LogNormal(1.5, 1.0), 3.0),
        (Outliers(0.2), "z.likelihood.fraction", dist.Uniform(0.0, 0.5), 0.1),
    ],
    ids=["student-t", "of one's own"],
)
def test_the_parameters_of_a_likelihood_are_fitted(likelihood, path, prior, true):
    """And their errors are those of a maximum-likelihood fit of the residuals, to a tenth."""
    instrument = telescope((41, 41), 0.2, 0.8, (2, 1), 6)
    clean = np.asarray(jm.predict(disc(), blank(instrument)))
    rng = np.random.default_rng(5)
    residual = (
        stats.t(true).rvs(clean.shape, random_state=rng)
        if isinstance(likelihood, jm.StudentT)
        else rng.normal(size=clean.shape) * np.where(rng.random(clean.shape) < true, 10.0, 1.0)
    )
    z = jm.TracerMap(clean + 0.02 * residual, 0.02, instrument, likelihood=likelihood, check=False)
    fit = jm.optimise(jm.Model(disc(), {"z": z}, {**FLAT, path: prior}), starts=1)
    assert fit.converged, fit.message
    assert abs(float(fit.parameters[path]) - true) < 4 * float(fit.errors[path])
    assert abs(float(fit.parameters[GRADIENT]) + 0.2) < 4 * float(fit.errors[GRADIENT])


@pytest.mark.slow
@pytest.mark.precision("single")
def test_an_ascent_that_a_far_start_drives_to_the_edge_of_a_prior_comes_back():
    """Far from the truth all data are outliers; a fraction at its largest would stay there.

    There the coordinate is flat, so that a Newton step gains nothing.
    """
    instrument = telescope((21, 21), 0.3, 0.8, (2, 1), 6)
    clean = np.asarray(jm.predict(disc(), blank(instrument)))
    rng = np.random.default_rng(5)
    size = np.where(rng.random(clean.shape) < 0.1, 10.0, 1.0)
    data = clean + 0.02 * size * rng.normal(size=clean.shape)
    z = jm.TracerMap(data, 0.02, instrument, likelihood=Outliers(0.2))
    priors = {**FLAT, "z.likelihood.fraction": dist.Uniform(0.0, 0.5)}
    models = [jm.Model(disc(central=central), {"z": z}, priors) for central in (8.9, 8.0)]
    alone, batch = [jm.optimise(m, starts=1) for m in models], jm.optimise_batch(models, starts=1)
    for fit in (*alone, *batch):
        assert fit.converged
        assert float(fit.parameters["z.likelihood.fraction"]) == pytest.approx(0.1, abs=0.06)
