"""A posterior on disk is what ArviZ expects, and its numbers are ArviZ's."""

import warnings

import numpy as np
import pytest

import jaxmetal as jm

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of ArviZ's own plans
    arviz = pytest.importorskip("arviz")

pytestmark = [
    pytest.mark.precision("single"),
    pytest.mark.filterwarnings("ignore::FutureWarning:arviz.*"),
]
CENTRAL, COEFFICIENTS = "disc.metallicity.central", "disc.age.coefficients"


@pytest.fixture
def posterior():
    """Chains that remember half of the draw before, one of them a little apart."""
    noise = np.random.default_rng(0).standard_normal((4, 600, 3))
    for i in range(1, 600):
        noise[:, i] = 0.5 * noise[:, i - 1] + np.sqrt(0.75) * noise[:, i]
    noise[0, :, 0] += 0.8
    statistics = {
        "diverging": noise[..., 0] > 3.2,
        "log_density": noise[..., 0],
        "energy": noise[..., 1],
    }
    statistics |= {"steps": np.full((4, 600), 7), "accept": np.full((4, 600), 0.8)}
    samples = {CENTRAL: 8 + 0.1 * noise[..., 0], COEFFICIENTS: noise[..., 1:]}
    return jm.Posterior(
        samples,
        statistics,
        {"method": "nuts", "seed": 0, "units": {CENTRAL: "dex"}},
        {"disc.age.center_x": noise[..., 1]},
    )


def test_arviz_reads_the_file(posterior, tmp_path):
    posterior.save(tmp_path / "posterior.nc")
    read = arviz.from_netcdf(tmp_path / "posterior.nc")
    assert dict(read["posterior"].sizes) == {"chain": 4, "draw": 600, f"{COEFFICIENTS}_dim_0": 2}
    assert read["posterior"].attrs["method"] == "nuts"
    for name, draws in posterior.samples.items():
        np.testing.assert_array_equal(read["posterior"][name], draws)
    for name, theirs in {
        "diverging": "diverging",
        "steps": "n_steps",
        "accept": "acceptance_rate",
        "log_density": "lp",
    }.items():
        np.testing.assert_array_equal(read["sample_stats"][theirs], posterior.statistics[name])
    assert read["posterior"][CENTRAL].attrs["units"] == "dex"
    again = jm.Posterior.load(tmp_path / "posterior.nc")
    assert again.units[CENTRAL] == "dex" and again.units[f"{COEFFICIENTS}[1]"] == ""
    assert (
        again.statistics.keys() == posterior.statistics.keys()
        and again.message == posterior.message
    )


def test_arviz_draws_what_it_is_given(posterior):
    """Whichever ArviZ there is.

    Its plots find divergent draws and energies by their names, and nothing is warned of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = posterior.to_arviz()
    energies = np.asarray(given["sample_stats"]["energy"])
    bfmi = np.mean(np.diff(energies, axis=1) ** 2, axis=1) / np.var(energies, axis=1)
    bfmi_of = arviz.bfmi(given)
    found = np.ravel(bfmi_of if isinstance(bfmi_of, np.ndarray) else bfmi_of["energy"])
    np.testing.assert_allclose(found, bfmi, rtol=0.01)
    assert int(np.asarray(given["sample_stats"]["diverging"]).sum()) == posterior.divergences > 0


def chains(shape, **statistics):
    draws = np.random.default_rng(1).standard_normal(shape)
    return {CENTRAL: draws}, {"diverging": np.zeros(shape, bool)} | statistics


def test_a_good_posterior_says_so_in_words_that_are_good():
    samples, statistics = chains((4, 2000))
    assert jm.Posterior(samples, statistics, {"method": "nuts"}).message.startswith(
        "chains converged (R-hat 1.00"
    )
    weighted = {"method": "importance", "effective_samples": 900.0, "k_hat": 0.123}
    assert (
        jm.Posterior(samples, statistics, weighted).message
        == "importance sampling converged (k-hat 0.12)"
    )
    assert (
        jm.Posterior(samples, statistics, weighted | {"method": "mixture"}).message
        == "converged (900 effective samples)"
    )
    bad = jm.Posterior(
        samples, statistics | {"diverging": np.ones((4, 2000), bool)}, {"method": "hmc"}
    )
    assert not bad.converged and bad.message == "8000 divergent draws"


@pytest.mark.parametrize("shape", [(4, 1), (1, 1), (2, 3)])
def test_too_few_draws_are_no_reason_to_fail(shape):
    posterior = jm.Posterior(*chains(shape), {"method": "nuts"})
    row = posterior.summary()[CENTRAL]
    assert np.isnan(row["r_hat"]) and np.isnan(row["ess"]) and np.isfinite(row["mean"])
    assert (
        not posterior.converged
        and posterior.message
        == f"fewer than 400 effective samples of {CENTRAL}; no R-hat of {CENTRAL}"
    )


def test_effective_samples_and_r_hat_are_arviz_s(posterior):
    object_ = posterior.to_arviz()
    draws = np.asarray(object_["posterior"][CENTRAL])
    row = posterior.summary()[CENTRAL]
    assert row["r_hat"] == pytest.approx(float(arviz.rhat(draws, method="split")), abs=1e-3)
    assert row["r_hat"] > 1.01, "one chain is apart, and that is seen"
    mixed = np.asarray(object_["posterior"][COEFFICIENTS])
    for i in range(2):
        found = posterior.summary()[f"{COEFFICIENTS}[{i}]"]["ess"]
        # ArviZ halves the chains first.
        assert found == pytest.approx(float(arviz.ess(mixed[..., i], method="mean")), rel=0.1)
