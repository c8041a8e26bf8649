"""Parameters on the real line.

Inverses, Jacobians, priors, and what happens at the edge of a prior.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.information import prior_curvature
from jaxmetal.inference.transforms import coordinate_of
from tests.scenes import CENTRAL, GRADIENT, disc, telescope

SCATTER = "z.scatter"
# Those whose density is about a unit normal on the line.
UNIT_NORMAL = {
    "normal": dist.Normal(8.0, 0.2),
    "normal of fluxes": dist.Normal(1e-20, 1e-21),
    "log-normal": dist.LogNormal(0.3, 0.5),
    "uniform": dist.Uniform(6.0, 10.0),
    "uniform of fluxes": dist.Uniform(0.0, 1e24),
    "log-uniform": dist.LogUniform(1e-3, 1e3),
    "log-uniform of fluxes": dist.LogUniform(1e-28, 1e-22),
    "half-normal": dist.HalfNormal(0.1),
    "truncated at its middle": dist.TruncatedNormal(0.0, 0.1, low=0.0),
}
OTHERS = {
    "truncated far away": dist.TruncatedNormal(1.5, 0.1, low=0.0),
    "truncated above": dist.TruncatedNormal(1.5, 0.5, high=2.0),
    "truncated on both sides": dist.TruncatedNormal(1.5, 0.5, low=1.0, high=2.0),
    "exponential": dist.Exponential(2.0),
    "half-Cauchy": dist.HalfCauchy(1.0),
    "Student-t": dist.StudentT(4.0, 1.0, 2.0),
    "gamma": dist.Gamma(2.0, 3.0),
    "beta": dist.Beta(2.0, 2.0),
    "one prior for three numbers": dist.HalfNormal(1.0).expand((3,)),
}


def in_this_precision(prior):
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.result_type(float)), prior)


@pytest.mark.parametrize("name", [*UNIT_NORMAL, *OTHERS])
def test_a_coordinate_agrees_with_its_inverse_its_slope_and_its_prior(name, tolerance):
    prior = in_this_precision({**UNIT_NORMAL, **OTHERS}[name])
    coordinate = coordinate_of(prior)
    u = jnp.broadcast_to(
        jnp.linspace(-2.0, 2.0, 3).reshape(3, *([1] * len(prior.batch_shape))),
        (3, *prior.batch_shape),
    )
    value = coordinate.value(u)
    np.testing.assert_allclose(coordinate.line(value), u, atol=tolerance(1e-8, 2e-3))
    slope = jax.vmap(jax.grad(lambda one: coordinate.value(one).ravel()[0]))(u)
    first = slope.reshape(3, -1)[:, 0]
    np.testing.assert_allclose(
        coordinate.log_jacobian(u).reshape(3, -1)[:, 0],
        np.log(np.abs(first)),
        atol=tolerance(1e-8, 1e-3),
    )
    np.testing.assert_allclose(
        jax.vmap(coordinate.log_prior)(u),
        jax.vmap(prior.log_prob)(value),
        rtol=tolerance(1e-6, 1e-3),
        atol=tolerance(1e-6, 1e-3),
    )


@pytest.mark.parametrize("name", UNIT_NORMAL)
def test_a_prior_alone_is_about_a_unit_normal_on_the_line(name):
    coordinate = coordinate_of(in_this_precision(UNIT_NORMAL[name]))
    density = lambda u: coordinate.log_prior(u) + coordinate.log_jacobian(u)  # noqa: E731
    curvature = -jax.vmap(jax.grad(jax.grad(density)))(jnp.linspace(-5.0, 3.0, 9))
    assert np.all((curvature > 0.8) & (curvature < 1.4)), curvature


def model_of(priors, values=None, sigma=0.02, scatter=0.0):
    """A map of the test scene with no scatter but that of its errors."""
    instrument = telescope()
    if values is None:
        clean = np.asarray(
            jm.predict(disc(), jm.TracerMap(np.full(instrument.shape, 8.0), 1.0, instrument))
        )
        values = clean + sigma * np.random.default_rng(5).normal(size=clean.shape)
    z = jm.TracerMap(values, sigma, instrument, scatter=scatter)
    return jm.Model(
        disc(),
        {"z": z},
        {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Normal(0.0, 0.5), **priors},
    )


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    "prior", [dist.HalfNormal(0.1), dist.Uniform(0.0, 1.0), dist.LogUniform(1e-3, 1.0)]
)
def test_a_scatter_that_is_not_set_starts_inside_its_prior(prior):
    model = model_of({SCATTER: prior})
    start = float(model.constrain(model.start)[SCATTER])
    assert start > 0
    assert np.isfinite(model.log_density(model.start))
    # With other data of the same kind too.
    again = model.with_maps({"z": model.maps["z"]})
    assert float(again.constrain(again.start)[SCATTER]) == pytest.approx(start)


@pytest.mark.precision("single")
def test_a_start_on_the_edge_of_its_prior_moves_inside_and_one_outside_is_refused():
    model = model_of({CENTRAL: dist.Uniform(8.0, 9.0)})
    assert float(model.constrain(model.start)[CENTRAL]) == pytest.approx(8.5)
    with pytest.raises(jm.InputError, match="starting value 8 lies outside"):
        model_of({CENTRAL: dist.Uniform(8.01, 9.0)})
    with pytest.raises(jm.InputError, match=r"starting value 0\.5 lies outside"):
        model_of({SCATTER: dist.Uniform(0.0, 0.1)}, scatter=0.5)


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("prior", "inflation"),
    [
        (dist.HalfNormal(0.1), 1.0),
        (dist.HalfNormal(0.1), 1.15),
        (dist.Uniform(0.0, 1.0), 1.0),
        (dist.Uniform(0.0, 1.0), 1.15),
    ],
)
@pytest.mark.slow
def test_a_scatter_that_the_data_do_not_need_is_sampled_like_anything_else(prior, inflation):
    """Errors that are right, and errors that are 15 % too large."""
    model = model_of({SCATTER: prior})
    wide = jm.TracerMap(model.maps["z"].values, inflation * 0.02, telescope())
    model = model.with_maps({"z": wide})
    fit = jm.optimise(model, starts=1)
    assert fit.converged
    assert 0 < fit.errors[SCATTER] < 0.01
    posterior = jm.sample(model, fit, method="importance", draws=1000)
    assert posterior.attributes["k_hat"] < 0.5
    assert posterior.attributes["effective_samples"] > 1000
    rows = posterior.summary()
    # As without the parameter.
    alone = jm.optimise(model_of({}, np.asarray(wide.values), inflation * 0.02), starts=1)
    for name in (CENTRAL, GRADIENT):
        assert rows[name]["sd"] == pytest.approx(float(alone.errors[name]), rel=0.1)
        assert abs(rows[name]["mean"] - float(alone.parameters[name])) < 0.1 * alone.errors[name]


@pytest.mark.slow
@pytest.mark.precision("single")
def test_chains_do_not_diverge_at_the_edge_of_a_prior():
    model = model_of({SCATTER: dist.HalfNormal(0.1)})
    fit = jm.optimise(model, starts=1)
    chains = jm.sample(model, fit, method="nuts", warmup=200, draws=300)
    weighted = jm.sample(model, fit, method="importance")
    assert chains.divergences == 0
    assert chains.statistics["steps"].mean() < 12
    for name, row in chains.summary().items():
        assert row["sd"] == pytest.approx(weighted.summary()[name]["sd"], rel=0.2)


def test_correlated_priors_curve_as_they_should():
    """The information of a prior that is not diagonal is its inverse covariance."""
    covariance = np.array([[0.04, 0.018], [0.018, 0.01]])
    galaxy = jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(
                lambda x, y, terms: terms[0] + terms[1] * x, terms=np.array([8.0, 0.1])
            ),
        )
    )
    prior = dist.MultivariateNormal(
        jnp.asarray([8.0, 0.1]), covariance_matrix=jnp.asarray(covariance)
    )
    z = jm.TracerMap(np.full((31, 31), 8.0), 0.1, telescope())
    model = jm.Model(galaxy, {"z": z}, {"disc.metallicity.terms": prior})
    curvature = jax.jit(prior_curvature)(model, model.start)
    np.testing.assert_allclose(curvature, np.linalg.inv(covariance), rtol=2e-3)
