"""Upper limits of line fluxes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.stats import norm

import jaxmetal as jm
from jaxmetal.inference.likelihood import deviances, information_roots, log_likelihood
from tests.scenes import CENTRAL, telescope

SHAPE = (5, 6)


def nitrogen(values, sigma=0.5, limits=None, **options):
    instrument = telescope(SHAPE, supersampling=(1, 1), margin=2)
    return jm.LineMap(values, sigma, instrument, "NII6584", limits=limits, check=False, **options)


def test_the_probability_of_a_limit_is_that_of_all_below_it():
    """In units of any size; measured pixels and masked ones are as before."""
    random = np.random.default_rng(0)
    values, model = random.normal(size=SHAPE), random.normal(size=SHAPE)
    limits, mask = random.random(SHAPE) < 0.5, random.random(SHAPE) < 0.2
    r = (values - model) / 0.5
    terms = np.where(limits, norm.logcdf(r), norm.logpdf(r) - np.log(0.5))
    for unit in (1.0, 1e-20):
        one = nitrogen(values * unit, 0.5 * unit, limits, mask=mask)
        value = float(log_likelihood(one, jnp.asarray(model * unit)))
        expected = np.sum(terms[~mask]) - np.sum(~limits & ~mask) * np.log(unit)
        assert value == pytest.approx(expected, rel=1e-5)
    chi = np.asarray(deviances(nitrogen(values, 0.5, limits, mask=mask), jnp.asarray(model)))
    np.testing.assert_allclose(
        chi[limits & ~mask] ** 2, -2 * norm.logcdf(r)[limits & ~mask], rtol=1e-4, atol=1e-6
    )
    assert not chi[mask].any()


@pytest.mark.parametrize("far", [-30.0, -3.0, 0.0, 2.0, 30.0])
def test_the_information_of_a_limit_is_its_curvature(far):
    """As limits are no draws, that of the one that was found; from far below to far above."""
    template = jnp.asarray(np.random.default_rng(1).random(SHAPE))
    one = nitrogen(np.full(SHAPE, 1.0), 0.5, np.ones(SHAPE, bool))

    def model(theta):
        return 1.0 - 0.5 * far + theta * template

    theta = jnp.asarray(0.0)
    jacobian = jax.jacfwd(lambda t: information_roots(one, model(t)))(theta)
    slope = jax.grad(lambda t: log_likelihood(one, model(t)))(theta)
    hazard = np.exp(norm.logpdf(far) - norm.logcdf(far))
    total = float(jnp.sum(template)), float(jnp.sum(template**2))
    assert float(slope) == pytest.approx(-hazard * total[0] / 0.5, rel=2e-3, abs=1e-6)
    # Far below, where the value is a hundredth off a Gaussian's, it is that of 10 errors.
    rel = 1e-2 if far < -10 else 2e-3
    curvature = hazard * (hazard + far) * total[1] / 0.25
    assert float(jnp.sum(jacobian**2)) == pytest.approx(curvature, rel=rel, abs=1e-6)


def bound(model):
    """The 95 % upper bound on a uniform metallicity, by quadrature."""
    z = np.linspace(7.0, 8.8, 91)
    heights = [float(model.log_likelihood({CENTRAL: jnp.asarray(v, jnp.float32)})) for v in z]
    weights = np.exp(np.array(heights) - max(heights))
    return z[np.searchsorted(np.cumsum(weights) / weights.sum(), 0.95)]


def test_a_limit_and_a_flux_that_is_noise_give_compatible_metallicities():
    """f = N(0, e) and L = 3 e, of the whole galaxy; the limit says less, but not much."""
    instrument = telescope((15, 15), 0.4, supersampling=(2, 1), margin=3)
    bins = jm.Apertures.bins(np.zeros((15, 15), int))
    whole = eqx.tree_at(lambda i: i.apertures, instrument, bins, is_leaf=lambda leaf: leaf is None)
    galaxy = jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=7.6, gradient=0.0),
            emission=jm.Emission("curti20"),
        )
    )
    ha = jm.LineMap(np.ones(1), 1.0, whole, "Ha", check=False)
    total = float(jm.predict(galaxy, ha)[0])
    e, bounds = total / 50, []
    ha = jm.LineMap([total], e, whole, "Ha", check=False)
    priors = {CENTRAL: dist.Uniform(7.0, 8.8)}
    for values, limits in (([0.3 * e], None), ([3 * e], [True])):
        n2 = jm.LineMap(values, e, whole, "NII6584", check=False, limits=limits)
        bounds.append(bound(jm.Model(galaxy, {"ha": ha, "n2": n2}, priors)))
    measured, limited = bounds
    assert measured < limited < measured + 0.2
    # Without either, 95 % lie below 8.71.
    assert limited < 8.4


@pytest.mark.precision("single")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nitrogen(np.ones(SHAPE), limits=np.ones((2, 2), bool)), "LineMap.limits: shape"),
        (lambda: nitrogen(np.ones(SHAPE), limits=np.full(SHAPE, 0.5)), "True (an upper limit)"),
        (
            lambda: nitrogen(np.ones(SHAPE), limits=np.ones(SHAPE, bool), likelihood="student-t"),
            "independent Gaussian errors",
        ),
        (
            lambda: jm.RelativeLineMap(
                nitrogen(np.ones(SHAPE), limits=np.ones(SHAPE, bool)), nitrogen(np.ones(SHAPE))
            ),
            "fitted as fluxes",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, words):
    with pytest.raises(jm.InputError) as error:
        make()
    assert words in str(error.value)
