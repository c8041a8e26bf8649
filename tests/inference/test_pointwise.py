"""The log likelihood of each measurement, and what ArviZ's cross-validation says of two models."""

import warnings

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.pointwise import pointwise
from tests.scenes import CENTRAL, GRADIENT, disc, telescope

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of ArviZ's own plans
    arviz = pytest.importorskip("arviz")

pytestmark = [
    pytest.mark.precision("single"),
    pytest.mark.filterwarnings("ignore::FutureWarning:arviz.*"),
]
SHAPE, SIGMA = (11, 11), 0.05
INSTRUMENT = telescope(SHAPE, 0.4, 0.9, (2, 1), 5)
PRIORS = {CENTRAL: dist.Normal(8.0, 0.5), GRADIENT: dist.Normal(0.0, 0.3)}


@pytest.fixture(scope="module")
def z_map():
    """A gradient of eight errors, and noise that neighbours share."""
    correlation = jm.noise.gaussian(0.8, 0.2)
    blank = jm.TracerMap(
        np.zeros(SHAPE), SIGMA, INSTRUMENT, correlation=correlation, scale="linear", check=False
    )
    noise = SIGMA * correlation.drawn(INSTRUMENT.grid, np.random.default_rng(1))
    values = np.asarray(jm.predict(disc(gradient=-0.15), blank), float) + noise
    values[3, 4] = np.nan
    return jm.TracerMap(
        values, SIGMA, INSTRUMENT, correlation=correlation, scale="linear", check=False
    )


def drawn(z, names):
    """A model whose other parameters are fixed, and independent draws of its posterior."""
    model = jm.Model(disc(central=8.1, gradient=0.0), {"z": z}, {n: PRIORS[n] for n in names})
    fit = jm.optimise(model)
    return model, jm.sample(model, fit, method="importance", draws=500, seed=0)


@pytest.mark.slow
def test_terms_add_up_and_loo_prefers_the_right_model(z_map):
    """Of a gradient and none, with correlated noise in both."""
    found = {}
    for name, names in {"flat": [CENTRAL], "sloped": [CENTRAL, GRADIENT]}.items():
        model, posterior = drawn(z_map, names)
        tree = posterior.to_arviz(model)
        terms = np.asarray(tree["log_likelihood"]["z"])
        assert terms.shape == (*posterior.statistics["diverging"].shape, z_map.size)
        values = {path: draws[0, 0] for path, draws in posterior.samples.items()}
        whole = float(model.look(values).log_likelihood)
        assert terms[0, 0].sum() == pytest.approx(whole, rel=1e-5)
        found[name] = arviz.loo(tree, pointwise=True)
    elpd = {name: float(loo.elpd_loo) for name, loo in found.items()}
    assert all(np.isfinite(list(elpd.values())))
    assert elpd["sloped"] > elpd["flat"] + 4
    assert 0 < float(found["sloped"].p_loo) < 5


def test_what_has_no_terms_is_refused(z_map):
    model = jm.Model(disc(), {"z": z_map}, PRIORS, errors="sandwich")
    with pytest.raises(jm.InputError, match='each measurement, as errors="sandwich" leaves'):
        pointwise(model, {})
    other = jm.Model(disc(), {"z": z_map}, PRIORS)
    with pytest.raises(jm.InputError, match=f"another model: it has no {CENTRAL}"):
        pointwise(other, {GRADIENT: np.zeros((1, 2))})
