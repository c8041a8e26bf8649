"""The paper's use cases against the Cramér-Rao bound and the known bias of the naive fit."""

import runpy

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.science import baselines
from tests.paths import REPOSITORY
from tests.scenes import CENTRAL, FLAT, GRADIENT, disc

# The same table as the long validation's: sigma of the gradient and of the central value, and the
# naive gradient, by FWHM.
CRAMER_RAO = runpy.run_path(str(REPOSITORY / "scripts" / "validation" / "yardsticks.py"))["WIDTHS"]


def case_1(fwhm, seed=None):
    """Use case 1 at a sampling that all sharp, or all wide, PSFs share, so that they share one
    program.
    """
    sampling, margin = ((4, 2), 8) if fwhm < 0.4 else ((2, 1), 56)
    instrument = jm.Instrument(
        jm.Grid.regular((121, 121), 0.066), jm.GaussianPSF(fwhm), sampling, margin
    )
    return jm.simulate.tracer_map(disc(), instrument, seed=seed)


# A sharp and a wide PSF in float32, one between in float64; the whole table is slow.
AT_ONCE = [0.5] if jax.config.jax_enable_x64 else [0.1, 1.5]
WIDTHS = [w if w in AT_ONCE else pytest.param(w, marks=pytest.mark.slow) for w in CRAMER_RAO]


@pytest.mark.parametrize("fwhm", WIDTHS)
def test_use_case_1_reaches_the_cramer_rao_bound(fwhm):
    """A noise-free map is fitted back from another start, with the errors that no fitter can
    beat.
    """
    z = case_1(fwhm)
    fit = jm.optimise(jm.Model(disc(central=8.5, gradient=-0.05), {"z": z}, FLAT), starts=1)
    sigma_gradient, sigma_central, _ = CRAMER_RAO[fwhm]
    assert fit.converged
    assert abs(float(fit.parameters[GRADIENT]) + 0.2) < 1e-4
    assert fit.errors[GRADIENT] == pytest.approx(sigma_gradient, rel=0.03)
    assert fit.errors[CENTRAL] == pytest.approx(sigma_central, rel=0.03)


@pytest.mark.precision("single")
@pytest.mark.parametrize("fwhm", CRAMER_RAO)
def test_the_naive_fit_has_the_known_bias(fwhm):
    z = case_1(fwhm)
    line = baselines.wls(baselines.radius_map(z.instrument.grid), z.data, z.errors)
    assert line.gradient == pytest.approx(CRAMER_RAO[fwhm][2], abs=1e-3)


@pytest.mark.slow
@pytest.mark.precision("single")
def test_nuts_reaches_the_bound_too():
    instrument = jm.Instrument(
        jm.Grid.regular((121, 121), 0.066), jm.GaussianPSF(1.5), (2 / 3, 1 / 3), 56
    )
    model = jm.Model(disc(), {"z": jm.simulate.tracer_map(disc(), instrument, seed=1)}, FLAT)
    posterior = jm.sample(model, jm.optimise(model, starts=1), method="nuts", warmup=40, draws=80)
    row = posterior.summary()[GRADIENT]
    # A standard deviation from n effective draws is known to 1/sqrt(2n).
    assert row["sd"] == pytest.approx(0.00418, rel=4 / np.sqrt(2 * row["ess"]))
    assert abs(row["mean"] + 0.2) < 4 * 0.00418


@pytest.mark.slow
@pytest.mark.precision("single")
@pytest.mark.parametrize("seed", [1])
def test_use_case_2_recovers_three_clumps_with_all_light_free(seed):
    """Amplitudes, sizes, indices and places of the light are free beside three metallicities."""
    galaxy, maps = jm.simulate.use_case_2(seed=seed, supersampling=(6, 3))
    truth = {"clump1": 7.6, "clump2": 7.8, "clump3": 7.9}
    priors = {}
    for name in truth:
        light = galaxy.components[name].light
        priors[f"{name}.metallicity.value"] = dist.Uniform(6.0, 9.0)
        priors[f"{name}.light.amp"] = dist.LogNormal(np.log(16.0), 0.5)
        priors[f"{name}.light.R_sersic"] = dist.LogNormal(np.log(0.25), 0.3)
        priors[f"{name}.light.n_sersic"] = dist.LogNormal(0.0, 0.3)
        priors[f"{name}.light.center_x"] = dist.Normal(float(light.center_x), 0.05)
        priors[f"{name}.light.center_y"] = dist.Normal(float(light.center_y), 0.05)
    fit = jm.optimise(jm.Model(galaxy, maps, priors), starts=1)
    assert fit.converged
    for name, value in truth.items():
        path = f"{name}.metallicity.value"
        assert abs(float(fit.parameters[path]) - value) < 3 * fit.errors[path]
    # With the light known 0.040, 0.021 and 0.017 dex. What is not known of the light adds to that;
    # a clump that the noise makes brighter in metals is known better, in proportion to 10^Z.
    errors = np.array([float(fit.errors[f"{name}.metallicity.value"]) for name in truth])
    scaled = errors * [
        10 ** (float(fit.parameters[f"{name}.metallicity.value"]) - value)
        for name, value in truth.items()
    ]
    assert np.all(scaled > [0.0404 * 0.9, 0.0209 * 0.9, 0.0166 * 0.9])
    assert np.all(scaled < [0.0404 * 1.4, 0.0209 * 1.4, 0.0166 * 1.4])
    # Each error stands beside its own parameter: positions are known to milliarcseconds, amplitudes
    # to some percent.
    assert 0.001 < fit.errors["clump1.light.center_x"] < 0.01
    assert 0.1 < fit.errors["clump1.light.amp"] < 3.0
    assert fit.reduced_chi_square == pytest.approx(1.0, abs=5 * np.sqrt(2 / fit.size))


@pytest.mark.precision("single")
@pytest.mark.slow
def test_use_case_2_errors_with_the_light_known():
    """Fisher: 0.0404, 0.0209 and 0.0166 dex, the first two correlated at -0.61."""
    galaxy, maps = jm.simulate.use_case_2(supersampling=(6, 3))
    names = [f"clump{i}.metallicity.value" for i in (1, 2, 3)]
    fit = jm.optimise(
        jm.Model(galaxy, {"z": maps["z"]}, {name: dist.Uniform(6.0, 9.0) for name in names}),
        starts=1,
    )
    np.testing.assert_allclose(
        [fit.errors[name] for name in names], [0.0404, 0.0209, 0.0166], rtol=0.03
    )
    correlation = fit.covariance[0, 1] / (fit.errors[names[0]] * fit.errors[names[1]])
    assert correlation == pytest.approx(-0.61, abs=0.02)


def test_the_same_seed_gives_the_same_sky():
    for case in (jm.simulate.use_case_1, jm.simulate.use_case_2):
        first, again, other = (case(seed=s, supersampling=(2, 1))[1]["z"].values for s in (7, 7, 8))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_new_noise_keeps_the_noise_free_map():
    z = case_1(1.5)
    noisy = jm.simulate.renoise(z, seed=3)
    pull = np.asarray((noisy.values - z.values) / z.sigma)
    assert pull.std() == pytest.approx(1.0, abs=0.03)
    assert jax.tree.structure(noisy) == jax.tree.structure(z)


def test_errors_of_mocks_may_be_many_times_the_values():
    """Of data they would be taken for values that were exchanged with their errors."""
    instrument = jm.Instrument(jm.Grid.regular((40, 40), 0.2), jm.GaussianPSF(0.5), (2, 1), 6)
    z = jm.simulate.tracer_map(disc(), instrument, variance=lambda flux: 1e4 + 0 * flux)
    assert z.values.min() > 0 and z.sigma.min() > 10 * z.values.max()
    with pytest.raises(jm.InputError, match="exchanged"):
        jm.TracerMap(z.values, z.sigma, instrument)
