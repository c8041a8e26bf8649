"""Amplitudes of light in closed form: the same answer as if they were fitted."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from tests.scenes import telescope

X64 = jax.config.jax_enable_x64
AMPS = ("disc.light.amp", "bulge.light.amp")
SHAPE = {
    "disc.light.R_sersic": dist.LogNormal(0.0, 0.3),
    "disc.metallicity.gradient": dist.Uniform(-1.0, 1.0),
    "bulge.metallicity.central": dist.Uniform(6.0, 9.5),
}


def scene(disc=16.0, bulge=20.0):
    return jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.sersic, amp=disc, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2),
        ),
        bulge=jm.Component(
            jm.Profile(jm.light.sersic, amp=bulge, R_sersic=0.4, n_sersic=0.7, center_x=0.3),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.6, gradient=0.0),
        ),
    )


@pytest.fixture(scope="module")
def maps():
    instrument = telescope((21, 21), supersampling=(2, 1))
    z = jm.simulate.tracer_map(
        scene(), instrument, variance=lambda flux: 0.001 + 0.0005 / flux, seed=1
    )
    return {"z": z, "light": jm.simulate.light_map(scene(), instrument, sigma=0.05, seed=2)}


@pytest.fixture(scope="module")
def linear(maps):
    """Started from amplitudes that are wrong by far: they do not matter."""
    return jm.Model(scene(1.0, 1.0), maps, {**SHAPE, **{path: jm.Linear() for path in AMPS}})


@pytest.fixture(scope="module")
def fitted(maps):
    return jm.optimise(
        jm.Model(
            scene(), {**maps}, {**SHAPE, **{path: dist.Uniform(0.0, 1000.0) for path in AMPS}}
        ),
        starts=1,
    )


@pytest.fixture(scope="module")
def linear_fit(linear):
    return jm.optimise(linear, starts=1)


@pytest.fixture(scope="module")
def bright(maps):
    """The light map alone, with one size free."""
    size = {"disc.light.R_sersic": SHAPE["disc.light.R_sersic"]}
    return jm.Model(
        scene(1.0, 1.0), {"light": maps["light"]}, {**size, **{path: jm.Linear() for path in AMPS}}
    )


@compiled_once
def solved(model):
    """All parameters at the start, the amplitudes as the maps want them."""
    return model.complete(model.constrain(model.start))


def test_no_other_amplitudes_fit_a_light_map_better(bright):
    values = solved(bright)
    likelihood = compiled_once(
        jax.grad(lambda amplitudes: bright.log_likelihood({**values, **amplitudes}))
    )
    slope = likelihood({path: values[path] for path in AMPS})
    for path, sigma in zip(AMPS, (0.03, 0.1), strict=True):
        # In units of the amplitude's own error, of which this is less than the smallest part.
        assert abs(slope[path]) * sigma < (1e-6 if X64 else 0.05)


def test_the_density_is_marginalised_over_the_amplitudes(bright):
    """Against a sum over a grid of both amplitudes."""
    values = solved(bright)
    grids = [jnp.linspace(0.75 * values[path], 1.25 * values[path], 101) for path in AMPS]
    pairs = jnp.stack(jnp.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2)
    heights = compiled_once(
        jax.vmap(
            lambda pair: bright.log_likelihood({**values, **dict(zip(AMPS, pair, strict=True))})
        )
    )(pairs)
    cell = (grids[0][1] - grids[0][0]) * (grids[1][1] - grids[1][0])
    expected = jax.scipy.special.logsumexp(heights) + jnp.log(cell)
    marginal = compiled_once(lambda u: bright.log_likelihood(bright.constrain(u)))(bright.start)
    assert float(marginal) == pytest.approx(float(expected), abs=1e-5 if X64 else 0.02)


@pytest.mark.slow
@pytest.mark.precision("single")
def test_a_linear_fit_agrees_with_a_fit_of_everything(linear_fit, fitted):
    fit = linear_fit
    assert fit.converged
    assert list(fit.parameters) == [*SHAPE, *AMPS]
    for name in fit.parameters:
        # What the tracer map tells about the amplitudes is known to first order.
        assert abs(fit.parameters[name] - fitted.parameters[name]) < 0.05 * fitted.errors[name]
        assert fit.errors[name] == pytest.approx(float(fitted.errors[name]), rel=0.02)
    i, j = (fit.labels.index(name) for name in ("disc.light.R_sersic", "disc.light.amp"))
    k, m = (fitted.labels.index(name) for name in ("disc.light.R_sersic", "disc.light.amp"))
    correlation = fit.covariance[i, j] / np.sqrt(fit.covariance[i, i] * fit.covariance[j, j])
    assert correlation == pytest.approx(
        fitted.covariance[k, m] / np.sqrt(fitted.covariance[k, k] * fitted.covariance[m, m]),
        abs=0.05,
    )


@pytest.mark.slow
@pytest.mark.precision("single")
def test_amplitudes_are_drawn_with_everything_else(linear, linear_fit):
    summary = jm.sample(linear, linear_fit, method="importance", draws=500).summary()
    for path in AMPS:
        value, error = (float(part[path]) for part in (linear_fit.parameters, linear_fit.errors))
        assert summary[path]["mean"] == pytest.approx(value, abs=0.2 * error)
        assert summary[path]["sd"] == pytest.approx(error, rel=0.15)


@pytest.mark.precision("double")
def test_the_derivative_through_the_solution_agrees_with_finite_differences(linear):
    value, slope = compiled_once(lambda model, u: jax.value_and_grad(model.log_density)(u))(
        linear, linear.start
    )
    f, step = compiled_once(linear.log_density), 1e-5 * slope / jnp.linalg.norm(slope)
    assert float(value) == pytest.approx(float(f(linear.start)), rel=1e-12)
    assert float(jnp.linalg.norm(slope)) == pytest.approx(
        float(f(linear.start + step) - f(linear.start - step)) / 2e-5, rel=1e-5
    )


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
    with pytest.raises(jm.InputError, match="needs a map of flux"):
        jm.Model(scene(), {"z": maps["z"]}, {AMPS[0]: jm.Linear()})
