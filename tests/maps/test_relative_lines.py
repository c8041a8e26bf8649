"""A line relative to another: the light of every pixel is free."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.optimize import minimize_scalar

import jaxmetal as jm
from jaxmetal.inference.likelihood import log_likelihood
from tests.scenes import telescope

LINES = ("Ha", "NII6584")
PRIORS = {
    "disc.metallicity.central": dist.Uniform(7.0, 9.2),
    "disc.metallicity.gradient": dist.Normal(0.0, 0.5),
}


def galaxy(central=8.6, gradient=-0.15):
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
            emission=jm.Emission("marino13"),
        )
    )


@pytest.fixture(scope="module")
def lines():
    return jm.simulate.line_maps(galaxy(), telescope(), LINES, seed=2)


def test_the_likelihood_is_that_of_both_lines_with_the_best_light(lines):
    """In one pixel: the chi-square of two fluxes, minimised over the light of the pixel."""
    relative = jm.RelativeLineMap(lines["NII6584"], lines["Ha"])
    ratio, row, column = 0.4, 12, 17
    predicted = ratio * relative.base
    n, h, s = (
        float(np.asarray(x)[row, column])
        for x in (lines["NII6584"].values, lines["Ha"].values, lines["Ha"].sigma)
    )
    best = minimize_scalar(lambda a: ((n - ratio * a) ** 2 + (h - a) ** 2) / s**2).fun
    alone = jnp.zeros(relative.values.shape, bool).at[row, column].set(True)
    relative = eqx.tree_at(lambda one: one.valid, relative, alone)
    constant = -0.5 * np.log(2 * np.pi) - np.log(s)
    value = float(log_likelihood(relative, predicted))
    assert value == pytest.approx(-0.5 * best + constant, rel=1e-5)


@pytest.mark.precision("single")
def test_clumps_that_no_profile_describes_do_not_matter(lines):
    """Light of any shape in both lines leaves the metallicity where it is."""
    exact = jm.simulate.line_maps(galaxy(), telescope(), LINES, 1.0)
    clumpy = 1 + 0.5 * np.random.default_rng(0).random((31, 31))
    sigma = np.asarray(lines["Ha"].sigma) / 100
    maps = {
        n: jm.LineMap(one.values * clumpy, sigma, one.instrument, n) for n, one in exact.items()
    }
    relative = {"nii": jm.RelativeLineMap(maps["NII6584"], maps["Ha"])}
    fit = jm.optimise(jm.Model(galaxy(8.3, 0.0), relative, PRIORS), starts=1)
    assert fit.converged
    assert fit.parameters["disc.metallicity.gradient"] == pytest.approx(-0.15, abs=1e-3)
    assert fit.parameters["disc.metallicity.central"] == pytest.approx(8.6, abs=1e-3)


@pytest.mark.precision("single")
def test_the_truth_lies_within_the_errors(lines):
    relative = {"nii": jm.RelativeLineMap(lines["NII6584"], lines["Ha"])}
    fit = jm.optimise(jm.Model(galaxy(8.3, 0.0), relative, PRIORS), starts=1)
    assert fit.converged and 0.8 < fit.reduced_chi_square < 1.2
    for path, value in {"central": 8.6, "gradient": -0.15}.items():
        path = f"disc.metallicity.{path}"
        assert abs(fit.parameters[path] - value) < 3.5 * fit.errors[path]


def test_a_denominator_of_zero_is_left_out(lines):
    hydrogen = lines["Ha"]
    values = np.array(hydrogen.values)
    values[3, 4] = 0.0
    dark = jm.LineMap(values, hydrogen.sigma, hydrogen.instrument, "Ha")
    relative = jm.RelativeLineMap(lines["NII6584"], dark)
    assert not bool(relative.valid[3, 4]) and relative.size == 31 * 31 - 1


@pytest.mark.precision("single")
def test_what_makes_no_sense_is_refused(lines):
    nitrogen = lines["NII6584"]
    wider = jm.simulate.line_maps(galaxy(), telescope(fwhm=1.0), ["Ha"])["Ha"]
    smaller = jm.simulate.line_maps(galaxy(), telescope(shape=(15, 15)), ["Ha"])["Ha"]
    cases = [
        (wider, "one grid and one PSF"),
        (smaller, "shapes"),
        (nitrogen.instrument, "expected a LineMap"),
    ]
    for other, words in cases:
        with pytest.raises(jm.InputError, match=words):
            jm.RelativeLineMap(nitrogen, other)


def test_a_scatter_is_a_fraction_of_the_flux(lines):
    relative = jm.RelativeLineMap(lines["NII6584"], lines["Ha"])
    assert relative.is_flux and not relative.additive
    relative = eqx.tree_at(lambda one: one.scatter, relative, jnp.asarray(0.1))
    np.testing.assert_allclose(relative.scatter_of(jnp.asarray(3.0)), 0.3, rtol=1e-6)
    sigma = np.hypot(relative.errors, np.hypot(0.2, 2.0 * relative.base_sigma / relative.base))
    np.testing.assert_allclose(relative.total_errors(np.full((31, 31), 2.0)), sigma, rtol=1e-5)
