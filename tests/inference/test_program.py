"""A model as a NumPyro program inside a larger one."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.infer.util import log_density
from scipy import stats

import jaxmetal as jm
from jaxmetal.errors import InputError
from tests.scenes import CENTRAL, GRADIENT, small_model

# Gradients of three galaxies, of which any two differ by many times their errors.
GRADIENTS = (-0.28, -0.2, -0.1)


@pytest.fixture(scope="module")
def models():
    return [small_model(seed, gradient=gradient) for seed, gradient in enumerate(GRADIENTS)]


def population(models):
    """A program in which the gradients are drawn from a normal distribution."""
    mean = numpyro.sample("mean", dist.Normal(0.0, 0.5))
    scatter = numpyro.sample("scatter", dist.HalfNormal(0.2))
    for i, model in enumerate(models):
        model.numpyro_model(f"galaxy_{i}", {GRADIENT: dist.Normal(mean, scatter)})


def test_priors_may_follow_numbers_of_the_program_and_sites_have_a_prefix(models):
    """The compiled density against its terms by scipy and by the models themselves."""
    values = {"mean": -0.15, "scatter": 0.1}
    expected = stats.norm.logpdf(-0.15, 0.0, 0.5) + stats.halfnorm.logpdf(0.1, scale=0.2)
    for i, (model, gradient) in enumerate(zip(models, GRADIENTS, strict=True)):
        own = {CENTRAL: jnp.asarray(8.0), GRADIENT: jnp.asarray(gradient)}
        values |= {f"galaxy_{i}/{path}": value for path, value in own.items()}
        expected += float(model.log_likelihood(own)) - np.log(3.0)
        expected += stats.norm.logpdf(gradient, -0.15, 0.1)
    density = jax.jit(lambda values: log_density(population, (models,), {}, values)[0])(values)
    assert float(density) == pytest.approx(expected, rel=1e-5)


def test_a_value_of_the_program_is_no_site_to_sample(models):
    """Such as that of a prior without correlation of mean and scatter, or one of a plate."""

    def program():
        unit = numpyro.sample("unit", dist.Normal())
        found = models[0].numpyro_model(priors={GRADIENT: -0.2 + 0.1 * unit})
        numpyro.deterministic("found", found[GRADIENT])

    values = {"unit": 0.5, CENTRAL: jnp.asarray(8.0)}
    density, sites = log_density(program, (), {}, values)
    own = {CENTRAL: values[CENTRAL], GRADIENT: jnp.asarray(-0.15)}
    expected = float(models[0].log_likelihood(own)) - np.log(3.0) + stats.norm.logpdf(0.5)
    assert float(density) == pytest.approx(expected, rel=1e-5)
    assert sites[GRADIENT]["type"] == "deterministic"
    assert float(sites["found"]["value"]) == pytest.approx(-0.15)


def test_a_prior_of_the_program_that_does_not_fit_is_refused(models):
    two = dist.Normal(jnp.zeros(2), 1.0)
    for priors, words in (
        ({"disc.light.amp": dist.Normal()}, "unknown free parameter 'disc.light.amp'"),
        ({GRADIENT: two}, r"shape \(2,\) does not fit the parameter's shape \(\)"),
        ({GRADIENT: jnp.zeros(2)}, r"shape \(2,\) does not fit"),
        ({GRADIENT: "normal"}, "expected a numpyro distribution or a number"),
    ):
        with pytest.raises(InputError, match=words):
            log_density(models[0].numpyro_model, (), {"priors": priors}, {CENTRAL: 8.0})


def test_a_model_made_inside_a_program_says_where_such_a_prior_belongs(models):
    galaxy, maps = models[0].galaxy, models[0].maps

    @jax.jit
    def made(mean):
        return jm.Model(galaxy, maps, {GRADIENT: dist.Normal(mean, 0.1)}).start

    with pytest.raises(InputError, match=r"give this prior to model\.numpyro_model"):
        made(0.0)


@pytest.mark.slow
@pytest.mark.precision("single")
def test_nuts_finds_the_population_of_three_galaxies(models):
    """Against the integral over mean and scatter, with normal likelihoods of the gradients."""
    kernel = numpyro.infer.NUTS(lambda: population(models), dense_mass=True)
    mcmc = numpyro.infer.MCMC(kernel, num_warmup=300, num_samples=1000, progress_bar=False)
    mcmc.run(jax.random.key(0))
    draws = mcmc.get_samples()
    fits = [jm.optimise(model, starts=1) for model in models]
    mean, scatter = np.linspace(-1.0, 0.6, 801)[:, None], np.linspace(5e-4, 0.8, 800)[None]
    log_weight = stats.norm.logpdf(mean, 0.0, 0.5) + stats.halfnorm.logpdf(scatter, scale=0.2)
    for fit in fits:
        error = np.hypot(scatter, float(fit.errors[GRADIENT]))
        log_weight = log_weight + stats.norm.logpdf(float(fit.parameters[GRADIENT]), mean, error)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    for name, grid in (("mean", mean), ("scatter", scatter)):
        center = float(np.sum(weight * grid))
        spread = float(np.sqrt(np.sum(weight * (grid - center) ** 2)))
        drawn = np.asarray(draws[name], float)
        print(f"{name}: {drawn.mean():.3f} +- {drawn.std():.3f}, exact {center:.3f} {spread:.3f}")
        assert abs(drawn.mean() - center) < 0.25 * spread
        assert drawn.std() == pytest.approx(spread, rel=0.25)
