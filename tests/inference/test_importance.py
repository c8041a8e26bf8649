"""Independent draws around the fit.

Exact where it describes the posterior, and refused where it does not.
"""

import warnings

import jax
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.inference.pareto import fit_pareto, smooth
from jaxmetal.inference.proposals import Proposal, resample
from tests.scenes import FLAT, GRADIENT

# The harder precision of the two, and the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.mark.slow
def test_averages_are_exact_where_the_posterior_is_known(model, fit):
    """Against sums over a grid of both parameters."""
    posterior = jm.sample(model, fit, seed=1, method="auto", draws=1000)
    assert posterior.attributes["method"] == "importance"
    assert posterior.attributes["k_hat"] < 0.7
    (mean, sd), summary = on_a_grid(model, fit), posterior.summary()
    for i, name in enumerate(FLAT):
        row = summary[name]
        assert 2500 < row["ess"] <= posterior.attributes["importance_ess"] <= 4000
        assert row["mean"] == pytest.approx(mean[i], abs=4 * sd[i] / np.sqrt(row["ess"]))
        assert row["sd"] == pytest.approx(sd[i], rel=4 / np.sqrt(2 * row["ess"]))
    assert posterior.converged, "R-hat says nothing about independent draws"


def on_a_grid(model, fit, points=41, reach=5.0):
    """Mean and standard deviation of both parameters by direct summation."""
    axes = [
        float(fit.parameters[n]) + float(fit.errors[n]) * np.linspace(-reach, reach, points)
        for n in FLAT
    ]
    values = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)

    def height(pair):
        named = dict(zip(FLAT, pair, strict=True))
        return model.log_likelihood(named) + model.log_prior(named)

    logs = np.asarray(
        compiled_once(lambda v: jax.lax.map(height, v))(values.astype(model.start.dtype)), float
    )
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    mean = weights @ values
    return mean, np.sqrt(weights @ (values - mean) ** 2)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws_and_they_are_read_back(model, fit, tmp_path):
    a, b = (jm.sample(model, fit, seed=2, method="importance", draws=1000) for _ in range(2))
    np.testing.assert_array_equal(a.samples[GRADIENT], b.samples[GRADIENT])
    a.save(tmp_path / "posterior.nc")
    again = jm.Posterior.load(tmp_path / "posterior.nc")
    assert again.message == a.message
    assert again.attributes["k_hat"] == a.attributes["k_hat"]
    assert [row["ess"] for row in again.summary().values()] == [
        a.attributes["effective_samples"]
    ] * 2


def test_a_posterior_far_from_gaussian_is_refused():
    """A banana, drawn from the Laplace approximation of its maximum."""
    rng = np.random.default_rng(0)
    proposal = Proposal(np.zeros((1, 2)), np.diag([1.0, 1e-4])[None], np.ones(1))
    points, log_q = proposal.draw(4000, rng)
    x, y = points.T
    assert smooth(-0.5 * x**2 - 0.5 * ((y - x**2) / 0.01) ** 2 - log_q).shape > 0.7
    assert smooth(-0.5 * x**2 - 0.5 * (y / 0.01) ** 2 - log_q).shape < 0.7


def test_a_known_average_comes_out_whatever_the_proposal():
    """A Gaussian shifted and stretched against the proposal."""
    proposal = Proposal(np.zeros((1, 2)), np.eye(2)[None], np.ones(1))
    points, log_q = proposal.draw(20000, np.random.default_rng(3))
    smoothed = smooth(-0.5 * np.sum((points - 0.5) ** 2 / 1.2**2, axis=1) - log_q)
    assert smoothed.shape < 0.7
    np.testing.assert_allclose(
        smoothed.weights @ points, 0.5, atol=4 * 1.2 / np.sqrt(smoothed.effective)
    )


def test_a_mixture_of_proposals_finds_the_weights_of_two_modes():
    """0.3 and 0.7 of two Gaussians; the proposal has other shares, widths and centres."""
    centers = np.array([[-4.0, 1.0], [5.0, 0.0]])
    proposal = Proposal(centers + 0.2, 1.5 * np.stack([np.eye(2)] * 2), np.array([0.5, 0.5]))
    points, log_q = proposal.draw(8000, np.random.default_rng(4))
    away = np.sum((points - centers[:, None, :]) ** 2, axis=-1)
    log_p = np.logaddexp(np.log(0.3) - 0.5 * away[0], np.log(0.7) - 0.5 * away[1])
    smoothed = smooth(log_p - log_q)
    assert smoothed.weights @ (points[:, 0] < 0) == pytest.approx(0.3, abs=0.02)
    assert smoothed.log_mean == pytest.approx(np.log(2 * np.pi), abs=0.02)


@pytest.mark.parametrize("shape", [-0.3, 0.2, 0.7, 1.5])
def test_the_shape_of_a_pareto_distribution_is_found(shape):
    p = np.random.default_rng(0).random(5000)
    found, scale = fit_pareto(np.sort(2.0 * np.expm1(-shape * np.log1p(-p)) / shape))
    assert found == pytest.approx(shape, abs=0.08)
    assert scale == pytest.approx(2.0, rel=0.1)


@pytest.mark.parametrize("shape", [0.1, 0.5, 1.0])
def test_weights_and_k_hat_are_those_of_arviz(shape):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arviz = pytest.importorskip("arviz")
        if not hasattr(arviz, "psislw"):
            pytest.skip("this ArviZ has no psislw")
    logs = shape * np.random.default_rng(1).exponential(size=2000)
    smoothed = smooth(logs)
    expected, k_hat = arviz.psislw(logs.copy())
    assert smoothed.shape == pytest.approx(float(k_hat), abs=1e-6)
    np.testing.assert_allclose(smoothed.weights, np.exp(expected), rtol=1e-6)


def test_draws_without_weight_never_count():
    logs = np.array([0.0, np.nan, -np.inf, np.inf, -1.0] + [-0.1, -0.2, -0.3, -0.4] * 30)
    smoothed = smooth(logs)
    np.testing.assert_array_equal(smoothed.weights[1:4], 0.0)
    assert set(resample(smoothed.weights, 200, np.random.default_rng(0))).isdisjoint({1, 2, 3})
    assert smooth(np.full(10, np.nan)).shape == np.inf
    assert smooth(np.zeros(50)).effective == pytest.approx(50)


def test_each_draw_is_kept_as_often_as_its_weight_says():
    weights = np.random.default_rng(0).dirichlet(np.ones(50))
    kept = np.bincount(resample(weights, 1000, np.random.default_rng(1)), minlength=50)
    assert np.all(np.abs(kept - 1000 * weights) < 1)
