"""Amplitudes of light in closed form: the same answer as if they were fitted."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scenes import telescope

import jaxmetal as jm

X64 = jax.config.jax_enable_x64
AMPS = ("disc.light.amp", "bulge.light.amp")
SHAPE = {
    "disc.light.R_sersic": dist.LogNormal(0.0, 0.3),
    "disc.metallicity.gradient": dist.Uniform(-1.0, 1.0),
    "bulge.metallicity.value": dist.Uniform(6.0, 9.5),
}


def scene(disc=16.0, bulge=40.0):
    return jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.sersic, amp=disc, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2),
        ),
        bulge=jm.Component(
            jm.Profile(jm.light.gaussian, amp=bulge, sigma=0.4, center_x=0.3),
            metallicity=jm.Profile(jm.tracer.uniform, value=8.6),
        ),
    )


@pytest.fixture(scope="module")
def maps():
    instrument = telescope((21, 21), supersampling=(2, 1))
    z = jm.simulate.tracer_map(scene(), instrument, variance=lambda flux: 0.001 + 0.0005 / flux, seed=1)
    return {"z": z, "light": jm.simulate.light_map(scene(), instrument, sigma=0.05, seed=2)}


@pytest.fixture(scope="module")
def linear(maps):
    """Started from amplitudes that are wrong by far: they do not matter."""
    return jm.Model(scene(1.0, 1.0), maps, {**SHAPE, **{path: jm.Linear() for path in AMPS}})


@pytest.fixture(scope="module")
def fitted(maps):
    return jm.optimise(jm.Model(scene(), {**maps}, {**SHAPE, **{path: dist.Uniform(0.0, 1000.0) for path in AMPS}}), starts=1)


def test_no_other_amplitudes_fit_a_light_map_better(maps):
    size = {"disc.light.R_sersic": SHAPE["disc.light.R_sersic"]}
    model = jm.Model(scene(1.0, 1.0), {"light": maps["light"]}, {**size, **{path: jm.Linear() for path in AMPS}})
    values = model.complete(model.constrain(model.start))
    slope = jax.grad(lambda amplitudes: model.log_likelihood({**values, **amplitudes}))({path: values[path] for path in AMPS})
    for path, sigma in zip(AMPS, (0.03, 0.1), strict=True):
        # In units of the amplitude's own error, of which this is less than the smallest part.
        assert abs(slope[path]) * sigma < (1e-6 if X64 else 0.05)


def test_a_linear_fit_agrees_with_a_fit_of_everything(linear, fitted):
    fit = jm.optimise(linear, starts=1)
    assert fit.converged
    assert list(fit.parameters) == [*SHAPE, *AMPS]
    for name in fit.parameters:
        # What the tracer map tells about the amplitudes is known to first order.
        assert abs(fit.parameters[name] - fitted.parameters[name]) < 0.05 * fitted.errors[name]
        assert fit.errors[name] == pytest.approx(float(fitted.errors[name]), rel=0.02)
    i, j = (fit.labels.index(name) for name in ("disc.light.R_sersic", "disc.light.amp"))
    k, m = (fitted.labels.index(name) for name in ("disc.light.R_sersic", "disc.light.amp"))
    correlation = fit.covariance[i, j] / np.sqrt(fit.covariance[i, i] * fit.covariance[j, j])
    assert correlation == pytest.approx(fitted.covariance[k, m] / np.sqrt(fitted.covariance[k, k] * fitted.covariance[m, m]), abs=0.05)


def test_the_density_is_marginalised_over_the_amplitudes(maps):
    """Against a sum over a grid of amplitudes, for a light map alone."""
    model = jm.Model(scene(), {"light": maps["light"]}, {"disc.light.R_sersic": SHAPE["disc.light.R_sersic"], AMPS[0]: jm.Linear()})
    values = model.constrain(model.start)
    best = float(model.complete(values)[AMPS[0]])
    grid = jnp.linspace(0.95 * best, 1.05 * best, 2001)
    heights = jax.jit(jax.vmap(lambda amp: model.log_likelihood({**values, AMPS[0]: amp})))(grid)
    expected = jax.scipy.special.logsumexp(heights) + jnp.log(grid[1] - grid[0])
    assert float(model.log_likelihood(values)) == pytest.approx(float(expected), abs=1e-6 if X64 else 0.02)


def test_a_posterior_draws_the_amplitudes_too(linear, fitted):
    posterior = jm.sample(linear, jm.optimise(linear, starts=1), method="hmc", chains=2, warmup=40, draws=100)
    for name in AMPS:
        row = posterior.summary()[name]
        assert row["mean"] == pytest.approx(float(fitted.parameters[name]), abs=0.5 * fitted.errors[name])
        assert row["sd"] == pytest.approx(float(fitted.errors[name]), rel=0.3)


def test_the_derivative_through_the_solution_agrees_with_finite_differences(linear, double_precision):
    f = jax.jit(linear.log_density)
    slope = jax.grad(f)(linear.start)
    for i in range(len(linear.start)):
        step = 1e-5 * jnp.eye(len(linear.start))[i]
        assert float(slope[i]) == pytest.approx(float((f(linear.start + step) - f(linear.start - step)) / 2e-5), rel=1e-4)


@pytest.mark.parametrize(
    ("path", "culprit"),
    [
        ("disc.light.R_sersic", "not linear in this parameter"),
        ("disc.metallicity.central", "only an amplitude of light"),
        ("z.scatter", "only an amplitude of light"),
        ("disc.light.flux", "unknown name 'flux'"),
    ],
)
def test_what_is_not_linear_is_refused(maps, path, culprit):
    with pytest.raises(jm.InputError, match=culprit):
        jm.Model(scene(), maps, {**SHAPE, path: jm.Linear()})
    with pytest.raises(jm.InputError, match="needs a LightMap"):
        jm.Model(scene(), {"z": maps["z"]}, {AMPS[0]: jm.Linear()})
