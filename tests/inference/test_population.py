"""A population: what is known of it is found from the posteriors of its galaxies, whatever
priors these were fitted with.
"""

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.inference.population import infer

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


def data(seed, count, scatter, mean=-0.1, slope=0.03):
    """What was measured of galaxies, with which errors, and what it follows."""
    rng = np.random.default_rng(seed)
    x, errors = rng.uniform(9.0, 11.0, count), rng.uniform(0.01, 0.06, count)
    return rng.normal(rng.normal(mean + slope * (x - x.mean()), scatter), errors), errors, x


def posteriors(measured, errors, prior=(0.05, 0.1)):
    """Draws and log priors of galaxies fitted with a prior that is wrong for all of them."""
    variance = 1 / (1 / errors**2 + 1 / prior[1] ** 2)
    center = variance * (measured / errors**2 + prior[0] / prior[1] ** 2)
    draws = np.random.default_rng(0).normal(center, np.sqrt(variance), (1000, len(errors))).T
    return draws, -0.5 * ((draws - prior[0]) / prior[1]) ** 2


def exact(measured, errors, x=None):
    """Mean, slope and their errors, and three percentiles of the scatter, from the data themselves.

    What is linear is integrated in closed form, the scatter on a grid.
    """
    terms = np.stack([np.ones(len(errors))] + ([] if x is None else [x - x.mean()]), axis=1)
    grid, logs, centers, spreads = np.linspace(1e-5, 0.15, 3000), [], [], []
    for scatter in grid:
        weight = 1 / (errors**2 + scatter**2)
        covariance = np.linalg.inv(terms.T @ (weight[:, None] * terms))
        best = covariance @ terms.T @ (weight * measured)
        chi = np.sum(weight * (measured - terms @ best) ** 2)
        logs.append(0.5 * (np.sum(np.log(weight)) + np.linalg.slogdet(covariance)[1] - chi))
        centers.append(best)
        spreads.append(np.diag(covariance))
    share = np.exp(np.array(logs) - max(logs))
    share /= share.sum()
    mean = share @ np.array(centers)
    variance = share @ (np.array(spreads) + (np.array(centers) - mean) ** 2)
    return mean, np.sqrt(variance), np.interp([0.16, 0.5, 0.84], np.cumsum(share), grid)


@pytest.mark.parametrize(("scatter", "count"), [(0.04, 150), (0.0, 100)])
@pytest.mark.slow
def test_the_answer_is_that_of_the_data_without_the_galaxies_priors(scatter, count):
    """The second population is narrower than any galaxy's error, where few draws would lie
    without their smoothing.
    """
    measured, errors, x = data(1, count, scatter)
    draws, log_priors = posteriors(measured, errors)
    found, (best, error, quantiles) = infer(draws, log_priors, x), exact(measured, errors, x)
    rows = found.summary()
    for name, value, sd in zip(("mean", "slope"), best, error, strict=True):
        assert rows[name]["mean"] == pytest.approx(value, abs=0.2 * sd)
        assert rows[name]["sd"] == pytest.approx(sd, rel=0.1)
    for name, quantile in zip(("q16", "q50", "q84"), quantiles, strict=True):
        assert rows["scatter"][name] == pytest.approx(
            quantile, abs=0.2 * (quantiles[2] - quantiles[0])
        )
    assert found.effective > 20 and found.k_hat < 0.5
    kept = infer(draws, np.zeros_like(draws), x).summary()
    assert kept["mean"]["mean"] - rows["mean"]["mean"] > 2 * error[0]


def test_without_a_column_there_is_no_slope():
    measured, errors, _ = data(3, 60, 0.03, slope=0.0)
    found, (best, error, _) = infer(*posteriors(measured, errors)), exact(measured, errors)
    assert list(found.samples) == ["mean", "scatter"] and found.pivot == 0
    assert found.summary()["mean"]["mean"] == pytest.approx(best[0], abs=0.2 * error[0])


CHANGING = np.arange(27.0).reshape(3, 9)


@pytest.mark.parametrize(
    ("draws", "against", "words"),
    [
        (CHANGING[:2], None, "at least three"),
        (0 * CHANGING, None, "differ"),
        (CHANGING, [1, 1, 1], "not the same"),
    ],
)
def test_what_makes_no_sense_is_an_error(draws, against, words):
    with pytest.raises(jm.InputError, match=words):
        infer(draws, np.zeros_like(draws), against)
