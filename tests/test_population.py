"""A population: what is known of it is found from the posteriors of its galaxies, whatever priors these were fitted with."""

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.inference.population import infer

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


def survey(seed, count, scatter, prior=(0.05, 0.1), mean=-0.1, slope=0.03):
    """Draws and log priors of galaxies whose posteriors are Gaussian, and what their values follow."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(9.0, 11.0, count)
    errors = rng.uniform(0.01, 0.06, count)
    data = rng.normal(rng.normal(mean + slope * (x - x.mean()), scatter), errors)
    variance = 1 / (1 / errors**2 + 1 / prior[1] ** 2)
    draws = rng.normal(variance * (data / errors**2 + prior[0] / prior[1] ** 2), np.sqrt(variance), (1000, count)).T
    return draws, -0.5 * ((draws - prior[0]) / prior[1]) ** 2, x


def exact(seed, count, scatter):
    """Mean and slope, their errors, for a known scatter: weighted least squares on the data themselves."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(9.0, 11.0, count)
    errors = rng.uniform(0.01, 0.06, count)
    data = rng.normal(rng.normal(-0.1 + 0.03 * (x - x.mean()), scatter), errors)
    terms = np.stack([np.ones(count), x - x.mean()], axis=1)
    weight = 1 / (errors**2 + scatter**2)
    covariance = np.linalg.inv(terms.T @ (weight[:, None] * terms))
    return covariance @ terms.T @ (weight * data), np.sqrt(np.diag(covariance))


def test_the_answer_is_that_of_the_data_without_the_galaxies_priors():
    """Against least squares with the true scatter; a prior of mean 0.05 would pull every galaxy up."""
    draws, log_priors, x = survey(1, 150, 0.04)
    found = infer(draws, log_priors, x)
    rows, (best, errors) = found.summary(), exact(1, 150, 0.04)
    for name, value, error in zip(("mean", "slope"), best, errors, strict=True):
        assert rows[name]["mean"] == pytest.approx(value, abs=0.2 * error)
        assert rows[name]["sd"] == pytest.approx(error, rel=0.15)
    assert abs(rows["scatter"]["mean"] - 0.04) < 3 * rows["scatter"]["sd"] < 0.015
    assert found.effective > 100 and found.k_hat < 0.5
    kept = infer(draws, np.zeros_like(draws), x).summary()
    assert kept["mean"]["mean"] - rows["mean"]["mean"] > 2 * errors[0]


def test_truths_lie_where_they_should():
    """Sixteen surveys: the mean of the pulls and their spread."""
    pulls = []
    for seed in range(16):
        draws, log_priors, x = survey(seed, 60, 0.03)
        rows = infer(draws, log_priors, x, seed).summary()
        truths = {"mean": -0.1, "scatter": 0.03, "slope": 0.03}
        pulls.append([(rows[name]["mean"] - truth) / rows[name]["sd"] for name, truth in truths.items()])
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 4 / np.sqrt(16))
    assert np.all((np.std(pulls, axis=0) > 0.5) & (np.std(pulls, axis=0) < 1.6))


def test_galaxies_that_are_all_alike_have_no_scatter():
    """Narrower than any galaxy's error, where few draws would lie without their smoothing."""
    draws, log_priors, _ = survey(3, 100, 0.0, slope=0.0)
    found = infer(draws, log_priors)
    assert found.summary()["scatter"]["q84"] < 0.01
    assert "slope" not in found.samples and found.pivot == 0 and found.effective > 20


CHANGING = np.arange(27.0).reshape(3, 9)


@pytest.mark.parametrize(
    ("draws", "against", "words"),
    [(CHANGING[:2], None, "at least three"), (0 * CHANGING, None, "differ"), (CHANGING, [1, 1, 1], "not the same")],
)
def test_what_makes_no_sense_is_an_error(draws, against, words):
    with pytest.raises(jm.InputError, match=words):
        infer(draws, np.zeros_like(draws), against)
