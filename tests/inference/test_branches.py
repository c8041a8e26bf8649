"""Line ratios with one value at two metallicities: both answers, and their odds."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.inference.branches import Form, _forms
from tests.scenes import CENTRAL, GRADIENT, telescope

# Of Curti et al. (2020): R23 of 8.3 is that of 7.80 too; the sum of the lines in one map.
R23 = {"OII3727": 1.0, "OIII4959": 1.0, "OIII5007": 1.0}
PRIORS = {CENTRAL: dist.Normal(8.4, 0.4), GRADIENT: dist.Normal(0.0, 0.3)}


def galaxy(central=8.3, gradient=-0.05):
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
            emission=jm.Emission("curti20", reference="Hb"),
        )
    )


def model_of(lines, start=8.6, noise=0.1, seed=1, priors=PRIORS):
    """Hb and other lines of a galaxy of 8.3, with noise of a fraction of the peak of Hb."""
    names = {"Hb": "Hb"} | lines
    instrument = telescope((15, 15), 0.4, supersampling=(2, 1), margin=3)
    blank = {
        n: jm.LineMap(np.zeros(instrument.shape), 1.0, instrument, line=v, check=False)
        for n, v in names.items()
    }
    exact = {n: np.asarray(jm.predict(galaxy(), m), float) for n, m in blank.items()}
    random = np.random.default_rng(seed)
    sigma = noise * exact["Hb"].max()
    maps = {
        n: jm.LineMap(exact[n] + sigma * random.normal(size=exact[n].shape), sigma, instrument, v)
        for n, v in names.items()
    }
    return jm.Model(galaxy(start, 0.0), maps, priors)


@pytest.fixture(scope="module", params=[8.6, 7.6])
def r23(request):
    """Started on either branch."""
    model = model_of({"r23": R23}, request.param)
    return model, jm.optimise(model)


@pytest.mark.slow
def test_a_batch_finds_the_branches_that_each_galaxy_has_alone():
    """Three mocks, of which one starts on the lower branch."""
    starts = [8.6, 8.6, 7.6]
    models = [model_of({"r23": R23}, start, seed=seed) for seed, start in enumerate(starts)]
    fits = jm.optimise_batch(models, chunk=2)
    for model, fit in zip(models, fits, strict=True):
        expected = jm.optimise(model, starts=1)
        assert len(fit.modes) == len(expected.modes) == 2
        assert fit.message.split(":")[0] == expected.message.split(":")[0]
        np.testing.assert_allclose(fit.odds, expected.odds, atol=0.01)
        for ours, theirs in zip(fit.modes, expected.modes, strict=True):
            for path in (CENTRAL, GRADIENT):
                error = theirs.errors[path]
                assert abs(ours.parameters[path] - theirs.parameters[path]) < 0.02 * error
                assert ours.errors[path] == pytest.approx(float(error), rel=0.01)


@pytest.mark.slow
def test_galaxies_of_a_batch_with_one_branch_have_one():
    models = [model_of({"r23": R23, "n2": "NII6584"}, noise=0.03, seed=seed) for seed in (1, 2)]
    fits = jm.optimise_batch(models)
    assert all(len(fit.modes) == 1 and fit.converged for fit in fits)
    assert "maxima" not in fits[0].message


def test_lines_that_only_rise_or_fall_have_no_other_branch():
    """Nothing is looked for, and no program for it compiled."""

    def forms(lines):
        model = model_of(lines)
        return list(_forms(model, np.asarray(model.start)))

    assert forms({"n2": "NII6584"}) == []
    (form,) = forms({"r23": R23})
    assert form == Form("disc", "metallicity", CENTRAL, (GRADIENT,))
    assert len(forms({"n2": "NII6584", "o3": "OIII5007"})) == 1


def by_quadrature(model):
    """The probability of the upper branch, by a sum over central metallicity and gradient."""
    z, g = np.linspace(7.6, 8.5, 151), np.linspace(-0.3, 0.3, 61)
    pairs = np.stack(np.meshgrid(z, g, indexing="ij"), axis=-1).reshape(-1, 2)

    def height(pair):
        values = dict(zip((CENTRAL, GRADIENT), pair, strict=True))
        return model.log_likelihood(values) + model.log_prior(values)

    program = compiled_once(lambda v: jax.lax.map(height, v, batch_size=64))
    logs = np.asarray(program(pairs.astype(model.start.dtype)), float)
    weights = np.exp(logs - logs.max())
    # The ratio has its maximum at 8.07.
    return np.sum(weights[pairs[:, 0] > 8.07]) / np.sum(weights)


def test_both_branches_are_found_wherever_the_fit_starts(r23):
    _, fit = r23
    assert fit.converged and len(fit.modes) == 2
    upper, lower = sorted(fit.modes, key=lambda mode: -mode.parameters[CENTRAL])
    assert upper.parameters[CENTRAL] == pytest.approx(8.3, abs=4 * upper.errors[CENTRAL])
    assert lower.parameters[CENTRAL] == pytest.approx(7.80, abs=0.1)
    assert upper.parameters[GRADIENT] < 0 < lower.parameters[GRADIENT]
    assert "2 maxima, with odds" in fit.message


def test_modes_have_the_weights_of_a_quadrature(r23):
    model, fit = r23
    posterior = jm.sample(model, fit)
    assert posterior.attributes["method"] == "importance" and posterior.converged
    expected = by_quadrature(model)
    # Neither of the two can be left out.
    assert 0.05 < expected < 0.95
    upper = np.mean(posterior.samples[CENTRAL] > 8.07)
    assert upper == pytest.approx(expected, abs=0.02)
    assert "2 modes, with odds" in posterior.message and CENTRAL in posterior.message
    odds = max(posterior.attributes["odds"])
    assert odds == pytest.approx(max(expected, 1 - expected), abs=0.02)


@pytest.mark.slow
def test_chains_in_both_modes_are_joined_by_their_evidence(r23):
    model, fit = r23
    posterior = jm.sample(model, fit, method="nuts", draws=300)
    assert posterior.attributes["method"] == "nuts" and posterior.converged
    upper = np.mean(posterior.samples[CENTRAL] > 8.07)
    assert upper == pytest.approx(by_quadrature(model), abs=0.03)


@pytest.mark.slow
def test_posteriors_of_a_batch_have_both_modes(r23):
    model, _ = r23
    models = [model, model_of({"r23": R23}, seed=2)]
    fits = jm.optimise_batch(models)
    for one, posterior in zip(models, jm.sample_batch(models, fits), strict=True):
        assert posterior.converged and len(posterior.attributes["odds"]) == 2
        upper = np.mean(posterior.samples[CENTRAL] > 8.07)
        assert upper == pytest.approx(by_quadrature(one), abs=0.03)


@pytest.mark.slow
def test_chains_of_a_batch_run_in_both_modes(r23):
    model, _ = r23
    models = [model, model_of({"r23": R23}, seed=2)]
    fits = jm.optimise_batch(models)
    posteriors = jm.sample_batch(models, fits, method="hmc", warmup=100, draws=300)
    for one, posterior in zip(models, posteriors, strict=True):
        assert posterior.attributes["method"] == "hmc" and posterior.converged
        upper = np.mean(posterior.samples[CENTRAL] > 8.07)
        assert upper == pytest.approx(by_quadrature(one), abs=0.05)


@pytest.mark.parametrize("line", ["NII6584", "OII3727"])
@pytest.mark.slow
def test_another_line_leaves_one_branch(line):
    model = model_of({"r23": R23, "other": line}, noise=0.03)
    fit = jm.optimise(model)
    assert fit.converged and len(fit.modes) == 1
    assert fit.parameters[CENTRAL] == pytest.approx(8.3, abs=4 * fit.errors[CENTRAL])
    posterior = jm.sample(model, fit)
    assert not posterior.answers and "odds" not in posterior.attributes


def test_modes_are_read_back(r23, tmp_path):
    posterior = jm.sample(*r23)
    posterior.save(tmp_path / "posterior.nc")
    assert jm.Posterior.load(tmp_path / "posterior.nc").message == posterior.message
