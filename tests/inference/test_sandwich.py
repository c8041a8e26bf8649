"""Fits with independent errors, corrected for the correlation that these have."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from tests.scenes import telescope

SHAPE = (12, 12)
INSTRUMENT = telescope(SHAPE, 0.5, 1.0, (2, 1), 4)
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
PRIORS = {CENTRAL: dist.Normal(8.5, 10.0), GRADIENT: dist.Normal(0.0, 10.0)}
GALAXY = jm.Galaxy(
    disc=jm.Component(
        jm.Profile(jm.light.sersic, amp=1.0, R_sersic=2.0, n_sersic=1.0),
        metallicity=jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.05),
    )
)
SIGMA = 0.03 * (1 + np.hypot(*np.mgrid[-1:1:12j, -1:1:12j]))


def z_map(seed=1):
    rng = np.random.default_rng(seed)
    blank = jm.TracerMap(np.zeros(SHAPE), 1.0, INSTRUMENT, check=False)
    noise = jm.noise.manga().drawn(INSTRUMENT.grid, rng)
    values = np.asarray(jm.predict(GALAXY, blank)) + SIGMA * noise
    return jm.TracerMap(values, SIGMA, INSTRUMENT, correlation=jm.noise.manga(), check=False)


@pytest.fixture(scope="module")
def model():
    return jm.Model(GALAXY, {"z": z_map()}, PRIORS, errors="sandwich")


@pytest.fixture(scope="module")
def fit(model):
    return jm.optimise(model, starts=1)


def test_the_covariance_is_the_sandwich(model, fit, tolerance):
    """(JᵀWJ)⁻¹ JᵀWCWJ (JᵀWJ)⁻¹, with J by finite differences."""
    columns = []
    for name, step in ((CENTRAL, 1e-2), (GRADIENT, 1e-2)):
        ends = [
            {k: jnp.asarray(v + s * step * (k == name)) for k, v in fit.parameters.items()}
            for s in (1, -1)
        ]
        above, below = (np.asarray(model.predict(end)["z"], float).ravel() for end in ends)
        columns.append((above - below) / (2 * step) / SIGMA.ravel())
    jacobian = np.stack(columns, axis=1)
    index = jnp.arange(SIGMA.size)
    matrix = np.asarray(jm.noise.manga().among(INSTRUMENT.grid, index), float)
    inverse = np.linalg.inv(jacobian.T @ jacobian)
    expected = inverse @ jacobian.T @ matrix @ jacobian @ inverse
    np.testing.assert_allclose(fit.covariance, expected, rtol=tolerance(2e-3, 2e-2))
    assert fit.errors[GRADIENT] > 2 * np.sqrt(inverse[1, 1])


def test_draws_are_spread_about_the_mode(model, fit):
    posterior = jm.sample(model, fit, seed=2, draws=1000)
    assert posterior.attributes["errors"] == "sandwich"
    samples = np.stack([posterior.samples[name].ravel() for name in fit.parameters])
    np.testing.assert_allclose(np.cov(samples), fit.covariance, rtol=0.15)
    for name, value in fit.parameters.items():
        assert abs(samples[list(fit.parameters).index(name)].mean() - value) < 0.1 * float(
            fit.errors[name]
        )


def test_a_batch_has_the_errors_of_single_fits(model, fit):
    fits = jm.optimise_batch([model, model.with_maps({"z": z_map(2)})])
    for name, error in fit.errors.items():
        np.testing.assert_allclose(fits.errors[name][0], error, rtol=1e-2)
    posteriors = jm.sample_batch(fits.models, fits, draws=200)
    spread = np.std(posteriors[0].samples[GRADIENT])
    assert spread == pytest.approx(float(fit.errors[GRADIENT]), rel=0.15)


def test_without_correlation_nothing_changes(fit):
    plain = jm.TracerMap(z_map().values, SIGMA, INSTRUMENT, check=False)
    one, other = (
        jm.optimise(jm.Model(GALAXY, {"z": plain}, PRIORS, errors=errors), starts=1)
        for errors in ("sandwich", "full")
    )
    np.testing.assert_array_equal(one.covariance, other.covariance)


MISTAKES = {
    "word": (lambda: jm.Model(GALAXY, {"z": z_map()}, PRIORS, errors="robust"), "unknown errors"),
    "free length": (
        lambda: jm.Model(
            GALAXY,
            {"z": z_map()},
            {**PRIORS, "z.correlation.length": dist.LogNormal(0.6, 0.1)},
            errors="sandwich",
        ),
        "a correlation cannot be free with errors=",
    ),
    "linear": (
        lambda: jm.Model(
            GALAXY,
            {"light": jm.LightMap(np.ones(SHAPE), 0.1, INSTRUMENT, check=False)},
            {"disc.light.amp": jm.Linear()},
            errors="sandwich",
        ),
        "Linear does not go with errors=",
    ),
}


@pytest.mark.precision("single")
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_said(mistake):
    act, message = MISTAKES[mistake]
    with pytest.raises(jm.InputError, match=message):
        act()
