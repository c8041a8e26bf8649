"""Fluxes in any unit: 1e-25 and 1e25 give the same value, gradient, information, fit and
posterior as 1.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.compiling import compiled_once
from jaxmetal.inference.information import value_slope_information

# In double precision no such unit is near the end of the range.
pytestmark = pytest.mark.precision("single")

SHAPE, AMP, RADIUS = (15, 15), "disc.light.amp", "disc.light.R_sersic"
GRADIENT = "disc.metallicity.gradient"
INSTRUMENT = jm.Instrument(jm.Grid.regular(SHAPE, 0.4), jm.GaussianPSF(1.0), supersampling=(2, 1))
UNITS = [1e-25, 3.7e-18, 2.9e-7, 6.1e13, 1e25]


def galaxy(unit, picture=False):
    if picture:
        y, x = np.indices((21, 21)) - 10.0
        image = unit * np.exp(-np.hypot(x, y) / 3)
        light = jm.Profile(jm.light.image, image=image, scale=0.4)
    else:
        light = jm.Profile(jm.light.sersic, amp=unit, R_sersic=1.2, n_sersic=1.0, e1=0.1)
    metallicity = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1)
    return jm.Galaxy(disc=jm.Component(light=light, metallicity=metallicity))


def maps(unit, **options):
    rng = np.random.default_rng(3)
    y, x = np.indices(SHAPE) - 7.0
    flux = 0.16 * np.exp(-0.4 * np.hypot(x, y)) + 0.002 * rng.normal(size=SHAPE)
    z = 8.5 - 0.04 * np.hypot(x, y) + 0.03 * rng.normal(size=SHAPE)
    mask = np.hypot(x, y) > 7
    sigma = 0.002 * unit
    if "covariance" in options:
        distance = np.hypot(*(np.subtract.outer(a.ravel(), a.ravel()) for a in (x, y)))
        options, sigma = {**options, "covariance": sigma**2 * np.exp(-distance)}, None
    light = jm.LightMap(flux * unit, sigma, INSTRUMENT, mask, **options)
    return {"light": light, "z": jm.TracerMap(z, 0.03, INSTRUMENT, mask=mask)}


KINDS = {
    "log-uniform": lambda unit: jm.Model(
        galaxy(unit),
        maps(unit),
        {
            AMP: dist.LogUniform(1e-3 * unit, 1e3 * unit),
            RADIUS: dist.Uniform(0.3, 5.0),
            GRADIENT: dist.Normal(0.0, 0.5),
        },
    ),
    "normal, scatter": lambda unit: jm.Model(
        galaxy(unit),
        maps(unit, scatter=0.05),
        {
            AMP: dist.Normal(unit, 0.2 * unit),
            RADIUS: dist.Uniform(0.3, 5.0),
            "light.scatter": dist.HalfNormal(0.1),
        },
    ),
    "student-t": lambda unit: jm.Model(
        galaxy(unit),
        maps(unit, likelihood="student-t", scatter=0.1),
        {AMP: dist.HalfNormal(10 * unit), RADIUS: dist.LogNormal(0.0, 0.5)},
    ),
    "linear": lambda unit: jm.Model(
        galaxy(unit),
        maps(unit),
        {AMP: jm.Linear(), RADIUS: dist.Uniform(0.3, 5.0), GRADIENT: dist.Normal(0.0, 0.5)},
    ),
    "covariance": lambda unit: jm.Model(
        galaxy(unit),
        maps(unit, covariance=True),
        {AMP: dist.TruncatedNormal(unit, unit, low=0.0), RADIUS: dist.Uniform(0.3, 5.0)},
    ),
}
expand = compiled_once(value_slope_information)


@pytest.mark.parametrize("kind", KINDS)
def test_value_gradient_and_information_do_not_depend_on_the_unit(kind, tolerance):
    reference = KINDS[kind](1.0)
    u = reference.start + 0.1
    value, slope, information = (np.asarray(part, float) for part in expand(reference, u))
    size = reference.maps["light"].size
    scale = np.sqrt(np.diag(information))
    for unit in UNITS:
        model = KINDS[kind](unit)
        np.testing.assert_allclose(model.start, reference.start, atol=tolerance(1e-9, 1e-4))
        found_value, found_slope, found_information = (
            np.asarray(part, float) for part in expand(model, u)
        )
        # The density of the data is per unit of flux of each pixel, and that of the prior per unit
        # of amplitude; a Linear amplitude is integrated over.
        powers = size + (-1 if kind == "linear" else 1)
        shifted = found_value + powers * np.log(unit)
        assert shifted == pytest.approx(value, rel=tolerance(1e-9, 2e-5), abs=tolerance(1e-6, 0.3))
        np.testing.assert_allclose(
            found_slope / scale,
            slope / scale,
            rtol=tolerance(1e-6, 2e-3),
            atol=tolerance(1e-6, 2e-2),
        )
        normalised = np.outer(scale, scale)
        np.testing.assert_allclose(
            found_information / normalised, information / normalised, atol=tolerance(1e-7, 1e-3)
        )


@pytest.mark.parametrize("kind", ["log-uniform", pytest.param("linear", marks=pytest.mark.slow)])
def test_fits_and_posteriors_do_not_depend_on_the_unit(kind, tolerance):
    reference = jm.optimise(KINDS[kind](1.0), starts=1)
    assert reference.converged
    posterior = jm.sample(KINDS[kind](1.0), reference, method="importance", draws=200)
    for unit in (1e-25, 1e25):
        model = KINDS[kind](unit)
        fit = jm.optimise(model, starts=1)
        assert fit.converged
        for name, value in fit.parameters.items():
            own, error = (unit if name == AMP else 1.0), float(reference.errors[name])
            assert float(value) / own == pytest.approx(
                float(reference.parameters[name]), abs=tolerance(1e-6, 1e-2) * error
            )
            assert float(fit.errors[name]) / own == pytest.approx(error, rel=tolerance(1e-5, 1e-2))
        assert fit.reduced_chi_square == pytest.approx(reference.reduced_chi_square, rel=1e-3)
        drawn = jm.sample(model, fit, method="importance", draws=200)
        for name, row in drawn.summary().items():
            own = unit if name == AMP else 1.0
            assert row["sd"] / own == pytest.approx(posterior.summary()[name]["sd"], rel=0.05)


@pytest.mark.slow
def test_a_batch_of_galaxies_in_units_of_their_own_fits_each_of_them():
    models = [KINDS["log-uniform"](unit) for unit in (1.0, 1e-25, 1e25, 1e-17)]
    fits = jm.optimise_batch(models)
    assert all(fit.converged for fit in fits)
    np.testing.assert_allclose(
        fits.parameters[AMP] / [1.0, 1e-25, 1e25, 1e-17], fits.parameters[AMP][0], rtol=1e-3
    )
    np.testing.assert_allclose(fits.parameters[GRADIENT], fits.parameters[GRADIENT][0], atol=1e-4)


def test_a_picture_of_the_light_may_be_in_any_unit(tolerance):
    z = maps(1.0)["z"]
    predict = lambda unit: np.asarray(jm.predict(galaxy(unit, picture=True), z))  # noqa: E731
    reference = predict(1.0)
    for unit in UNITS:
        np.testing.assert_allclose(predict(unit), reference, atol=tolerance(1e-9, 2e-5))


def test_a_map_of_light_and_its_gradient_have_any_unit():
    """Value and derivative scale with the amplitude, through the whole kernel."""
    light = jm.LightMap(np.ones(SHAPE), 1.0, INSTRUMENT)
    unit_map = jax.jit(
        jax.value_and_grad(lambda g, weights: jnp.sum(weights * jm.predict(g, light)), argnums=0)
    )
    value, slope = unit_map(galaxy(1.0), jnp.ones(SHAPE))
    for unit in UNITS:
        scaled_value, scaled_slope = unit_map(galaxy(unit), jnp.full(SHAPE, 1 / unit))
        assert float(scaled_value) == pytest.approx(float(value), rel=1e-5)
        assert float(scaled_slope.disc.light.R_sersic) == pytest.approx(
            float(slope.disc.light.R_sersic), rel=1e-4
        )
        assert float(scaled_slope.disc.light.amp) * unit == pytest.approx(
            float(slope.disc.light.amp), rel=1e-4
        )
