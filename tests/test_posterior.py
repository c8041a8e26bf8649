"""A posterior on disk is what ArviZ expects, and its numbers are ArviZ's."""

import warnings

import numpy as np
import pytest

import jaxmetal as jm

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of ArviZ's own plans
    arviz = pytest.importorskip("arviz")

pytestmark = [pytest.mark.precision("single"), pytest.mark.filterwarnings("ignore::FutureWarning:arviz.*")]
CENTRAL, COEFFICIENTS = "disc.metallicity.central", "disc.age.coefficients"


@pytest.fixture
def posterior():
    """Chains that remember half of the draw before, one of them a little apart."""
    noise = np.random.default_rng(0).standard_normal((4, 600, 3))
    for i in range(1, 600):
        noise[:, i] = 0.5 * noise[:, i - 1] + np.sqrt(0.75) * noise[:, i]
    noise[0, :, 0] += 0.8
    statistics = {"diverging": np.zeros((4, 600), bool), "log_density": noise[..., 0]}
    samples = {CENTRAL: 8 + 0.1 * noise[..., 0], COEFFICIENTS: noise[..., 1:]}
    return jm.Posterior(samples, statistics, {"method": "nuts", "seed": 0}, {"disc.age.center_x": noise[..., 1]})


def test_arviz_reads_the_file(posterior, tmp_path):
    posterior.save(tmp_path / "posterior.nc")
    read = arviz.from_netcdf(tmp_path / "posterior.nc")
    assert dict(read["posterior"].sizes) == {"chain": 4, "draw": 600, f"{COEFFICIENTS}_dim_0": 2}
    assert read["posterior"].attrs["method"] == "nuts"
    for name, draws in posterior.samples.items():
        np.testing.assert_array_equal(read["posterior"][name], draws)
    assert not read["sample_stats"]["diverging"].values.any()


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
