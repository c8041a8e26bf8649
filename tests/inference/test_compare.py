"""Models of the same data in one table, against evidences in closed form."""

import dataclasses

import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.stats import multivariate_normal

import jaxmetal as jm
from tests.scenes import CENTRAL, GRADIENT, disc, telescope

SHAPE, SIGMA = (13, 13), 0.05
INSTRUMENT = telescope(SHAPE, 0.4, 0.9, (2, 1), 5)
FLAT = {CENTRAL: (8.0, 0.5)}
SLOPED = FLAT | {GRADIENT: (0.0, 0.3)}


def z_map(seed=0, **options):
    """A straight line in radius, and noise; averaged linearly, so that a fit is linear."""
    rng = np.random.default_rng(seed)
    blank = jm.TracerMap(np.zeros(SHAPE), 1.0, INSTRUMENT, scale="linear", check=False)
    truth = np.asarray(jm.predict(disc(gradient=-0.01), blank), float)
    values = truth + SIGMA * rng.standard_normal(SHAPE)
    return jm.TracerMap(values, SIGMA, INSTRUMENT, scale="linear", check=False, **options)


def model_of(priors, z):
    galaxy = disc(central=8.1, gradient=0.0)
    return jm.Model(galaxy, {"z": z}, {path: dist.Normal(*prior) for path, prior in priors.items()})


def in_closed_form(priors, z):
    """The log evidence of a linear model with Gaussian priors and errors."""
    blank = jm.TracerMap(np.zeros(SHAPE), 1.0, INSTRUMENT, scale="linear", check=False)
    unit = {
        CENTRAL: np.ones(SHAPE),
        GRADIENT: np.asarray(jm.predict(disc(central=0.0, gradient=1.0), blank), float),
    }
    design = np.stack([unit[path].ravel() for path in priors])
    means, widths = (np.array(numbers) for numbers in zip(*priors.values(), strict=True))
    covariance = SIGMA**2 * np.eye(design.shape[1]) + (design.T * widths**2) @ design
    data = np.asarray(z.values, float).ravel()
    return multivariate_normal(means @ design, covariance).logpdf(data)


@pytest.fixture(scope="module")
def z():
    return z_map()


@pytest.fixture(scope="module")
def models(z):
    return {"flat": model_of(FLAT, z), "line": model_of(SLOPED, z)}


@pytest.fixture(scope="module")
def fits(models):
    return {name: jm.optimise(model, starts=1) for name, model in models.items()}


@pytest.fixture(scope="module")
def posteriors(models, fits):
    return {
        name: jm.sample(model, fits[name], method="importance", chains=2, draws=1000)
        for name, model in models.items()
    }


def test_the_evidence_of_a_linear_model_is_that_in_closed_form(z, fits):
    table = jm.compare(fits)
    expected = {"flat": in_closed_form(FLAT, z), "line": in_closed_form(SLOPED, z)}
    by_name = {row["model"]: row for row in table}
    for name, log_evidence in expected.items():
        assert by_name[name]["laplace_evidence"] == pytest.approx(log_evidence, abs=1e-3)
    best = max(expected, key=expected.get)
    assert table["model"][0] == best
    deltas = np.array([expected[name] - expected[best] for name in table["model"]])
    np.testing.assert_allclose(table["delta"], deltas, atol=2e-3)
    odds = np.exp(deltas) / np.exp(deltas).sum()
    np.testing.assert_allclose(table["probability"], odds, atol=1e-3)


def test_what_a_row_says_is_what_the_fit_says(fits):
    for row in jm.compare(fits):
        fit = fits[row["model"]]
        assert row["free"] == len(fit.labels)
        assert row["chi_square"] == pytest.approx(fit.chi_square["z"])
        assert row["reduced_chi_square"] == pytest.approx(fit.reduced_chi_square)
        assert row["log_posterior"] == pytest.approx(fit.log_likelihood + fit.log_prior)
        assert row["bic"] == pytest.approx(fit.bic)


def test_importance_sampling_has_the_same_evidence(z, fits, posteriors):
    pairs = {name: (fits[name], posteriors[name]) for name in fits}
    table = jm.compare(pairs)
    assert table.meta["odds"].endswith("by importance sampling")
    np.testing.assert_allclose(table["importance_evidence"], table["laplace_evidence"], atol=0.03)
    alone = jm.compare(posteriors)
    assert list(alone["model"]) == list(table["model"])
    assert alone["chi_square"].mask.all() and not np.any(alone["delta"] > 0)
    # One of them has no evidence by importance sampling: Laplace's for all.
    mixed = jm.compare({"flat": fits["flat"], "line": pairs["line"]})
    assert mixed.meta["odds"].endswith("by Laplace's approximation")


def test_the_odds_are_told_in_a_line(fits):
    table = jm.compare(fits)
    first, second = table["model"]
    ratio = np.exp(-table["delta"][1])
    assert table.meta["odds"] == (
        f"{first} is the most probable: {ratio:.3g} to 1 over {second}, by Laplace's approximation"
    )
    assert "probability" in str(table)


def test_only_models_of_the_same_data_are_compared(fits, posteriors):
    other = jm.optimise(model_of(SLOPED, z_map(seed=1)), starts=1)
    with pytest.raises(jm.InputError, match="'line' and 'other' are of other data"):
        jm.compare({"line": fits["line"], "other": other})
    masked = np.zeros(SHAPE, bool)
    masked[0, 0] = True
    fewer = jm.optimise(model_of(SLOPED, z_map(mask=masked)), starts=1)
    with pytest.raises(jm.InputError, match="values or masks differ"):
        jm.compare({"line": fits["line"], "fewer": fewer})
    with pytest.raises(jm.InputError, match="fit and the posterior of 'other'"):
        jm.compare({"line": fits["line"], "other": (other, posteriors["line"])})


def test_what_cannot_be_compared_is_told(fits, posteriors):
    with pytest.raises(jm.InputError, match="at least two models"):
        jm.compare({"line": fits["line"]})
    with pytest.raises(jm.InputError, match="'x' must be a Fit, a Posterior or a pair of both"):
        jm.compare({"line": fits["line"], "x": 3.0})
    unnamed = dataclasses.replace(posteriors["flat"], attributes={})
    with pytest.raises(jm.InputError, match="does not say which data"):
        jm.compare({"line": fits["line"], "x": unnamed})
    untold = dataclasses.replace(
        posteriors["flat"], attributes={"data": posteriors["flat"].attributes["data"]}
    )
    with pytest.raises(jm.InputError, match="no evidence of 'x'"):
        jm.compare({"line": fits["line"], "x": untold})
    corrected = dataclasses.replace(fits["line"], excess=np.zeros((2, 2)))
    with pytest.raises(jm.InputError, match="leaves the correlation out"):
        jm.compare({"line": fits["line"], "x": corrected})
