"""Errors to expect before there are data: Cramér-Rao bounds, exposures, and what limits them."""

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm

CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
PRIORS = {CENTRAL: dist.Uniform(5.0, 11.0), GRADIENT: dist.Uniform(-3.0, 3.0)}
LIGHT = {
    "disc.light.amp": dist.LogNormal(0.0, 3.0),
    "disc.light.R_sersic": dist.LogNormal(0.0, 3.0),
}
# A scatter of the galaxy itself, about as large as the errors of the map, dex.
SCATTER = 0.05


def use_case(fwhm):
    galaxy, maps = jm.simulate.use_case_1(fwhm)
    return jm.Model(galaxy, {"z": maps["z"]}, PRIORS)


def disc(central=8.5, gradient=-0.1):
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
            emission=jm.Emission("marino13"),
        )
    )


def small(galaxy=None, errors="full", priors=PRIORS, **options):
    """A tracer map of few pixels, with errors of 0.05 dex."""
    instrument = jm.Instrument(jm.Grid.regular((25, 25), 0.3), jm.GaussianPSF(0.8))
    galaxy = disc() if galaxy is None else galaxy
    z = jm.TracerMap(np.zeros((25, 25)), 0.05, instrument, check=False, **options)
    return jm.Model(galaxy, {"z": z}, priors, errors=errors)


# Independent Cramér-Rao bounds by the FWHM: of the gradient and of the central value.
@pytest.mark.parametrize(
    ("fwhm", "gradient", "central"), [(0.3, 0.00328, 0.00532), (2.0, 0.00535, 0.00623)]
)
def test_use_case_1_has_its_cramer_rao_bounds(fwhm, gradient, central):
    errors = jm.forecast(use_case(fwhm)).errors
    assert errors[GRADIENT] == pytest.approx(gradient, rel=0.03)
    assert errors[CENTRAL] == pytest.approx(central, rel=0.03)


def in_lines(fwhm, pixel, central=8.5):
    """Ha and [NII] of a disc, with S/N(Ha) = 200 within its half-light radius."""
    side = 2 * round(3.0 / pixel) + 1
    instrument = jm.Instrument(jm.Grid.regular((side, side), pixel), jm.GaussianPSF(fwhm))
    flux = np.pi * np.exp(1.678) / 1.678**2  # within R_e: half of all
    sigma = flux / 200 / np.sqrt(np.pi) * pixel
    maps = jm.simulate.line_maps(disc(central), instrument, ("Ha", "NII6584"), sigma)
    return jm.Model(disc(central), maps, PRIORS | LIGHT)


# sigma of the gradient, dex per R_e, by an independent calculation.
@pytest.mark.parametrize(
    ("fwhm", "pixel", "central", "sigma"),
    [(0.3, 0.25, 8.5, 0.0129), (1.0, 0.5, 8.5, 0.0210), (0.5, 0.1, 8.1, 0.102)],
)
def test_lines_have_their_cramer_rao_bound(fwhm, pixel, central, sigma):
    errors = jm.forecast(in_lines(fwhm, pixel, central)).errors
    assert errors[GRADIENT] == pytest.approx(sigma, rel=0.05)


def test_a_forecast_is_the_error_of_a_fit_without_noise():
    model = small()
    z = model.maps["z"]
    exact = jm.TracerMap(np.asarray(jm.predict(disc(), z)), 0.05, z.instrument, check=False)
    model = model.with_maps({"z": exact})
    fit, forecast = jm.optimise(model, starts=1), jm.forecast(model)
    for path, error in fit.errors.items():
        assert forecast.errors[path] == pytest.approx(error, rel=0.02)
    assert forecast.correlation == pytest.approx(
        fit.covariance / np.outer(*2 * [np.sqrt(np.diag(fit.covariance))]), abs=0.01
    )


def test_errors_fall_with_the_root_of_the_exposure():
    model = small()
    once, four_times = (float(jm.forecast(model, exposure=t).errors[GRADIENT]) for t in (1, 4))
    assert once == pytest.approx(2 * four_times, rel=1e-3)
    assert jm.forecast(model).exposure_for(GRADIENT, once / 3) == pytest.approx(9.0, rel=0.01)


def test_no_exposure_beats_the_scatter_of_the_galaxy():
    forecast = jm.forecast(small(scatter=SCATTER))
    least = forecast.least_error(GRADIENT)
    assert 0.3 * forecast.errors[GRADIENT] < least < forecast.errors[GRADIENT]
    with pytest.raises(jm.InputError, match=r"however long the exposure; 1e-05 cannot be reached"):
        forecast.exposure_for(GRADIENT, 1e-5)


@pytest.mark.parametrize("errors", ["full", "sandwich"])
def test_noise_that_neighbours_share_makes_errors_larger(errors):
    alone = jm.forecast(small()).errors[GRADIENT]
    shared = jm.forecast(small(errors=errors, correlation=jm.noise.gaussian(1.92)))
    assert shared.errors[GRADIENT] > 2 * alone


def test_a_random_field_sets_a_least_error():
    line = disc()
    metallicity = jm.Sum(line.disc.metallicity, jm.Field(amplitude=0.1, length=0.5))
    rough = jm.Galaxy(disc=jm.Component(line.disc.light, metallicity=metallicity))
    with_field, without = jm.forecast(small(rough)), jm.forecast(small())
    assert with_field.errors[GRADIENT] > 1.5 * without.errors[GRADIENT]
    assert with_field.least_error(GRADIENT) > 10 * without.least_error(GRADIENT)


def test_another_galaxy_needs_no_other_model():
    model = in_lines(0.5, 0.25)
    poor = jm.forecast(model, {CENTRAL: 8.1})
    assert poor.values[CENTRAL] == pytest.approx(8.1)
    expected = jm.forecast(in_lines(0.5, 0.25, central=8.1)).errors[GRADIENT]
    assert poor.errors[GRADIENT] == pytest.approx(expected, rel=0.02)


def test_linear_amplitudes_are_forecast_too():
    galaxy = jm.Galaxy(disc=jm.Component(disc().disc.light))
    instrument = jm.Instrument(jm.Grid.regular((25, 25), 0.3), jm.GaussianPSF(0.8))
    light = jm.simulate.light_map(galaxy, instrument)
    priors = {"disc.light.R_sersic": dist.LogNormal(0.0, 1.0)}
    linear = jm.Model(galaxy, {"light": light}, priors | {"disc.light.amp": jm.Linear()})
    free = jm.Model(galaxy, {"light": light}, priors | {"disc.light.amp": dist.Uniform(0.0, 100.0)})
    forecasts = jm.forecast(linear), jm.forecast(free)
    for path in ("disc.light.amp", "disc.light.R_sersic"):
        assert forecasts[0].errors[path] == pytest.approx(forecasts[1].errors[path], rel=0.02)
    assert forecasts[0].summary()["disc.light.amp"]["prior"] == np.inf


def test_the_summary_has_the_errors_before_any_data():
    forecast = jm.forecast(small())
    row = forecast.summary()[GRADIENT]
    assert row["prior"] == pytest.approx(6 / np.sqrt(12)) and row["error"] < row["prior"]
    assert forecast.to_table().colnames == ["parameter", "unit", "value", "error", "prior"]
    assert GRADIENT in repr(forecast) and "Forecast" in forecast._repr_html_()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: jm.forecast(m.galaxy), r"forecast: model: expected a Model"),
        (lambda m: jm.forecast(m, {"disc.light.amp": 1.0}), r"forecast: unknown free parameter"),
        (lambda m: jm.forecast(m, exposure=0.0), r"expected a positive exposure"),
        (lambda m: jm.forecast(m).exposure_for("gradient", 0.1), r"unknown free parameter"),
        (lambda m: jm.forecast(m).exposure_for(GRADIENT, -1.0), r"expected a positive error"),
        (lambda m: jm.forecast(m).exposure_for(GRADIENT, 9.0), r"no exposure is needed"),
    ],
)
@pytest.mark.wrong_types
def test_bad_input_is_told(call, message):
    with pytest.raises(jm.InputError, match=message):
        call(small())
