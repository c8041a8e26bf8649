"""Noise, calibrations and the classical answers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.profiles import tracer
from jaxmetal.science import baselines, calibrations, noise

LINES = {"halpha": 2.86, "hbeta": 1.0, "oiii": 0.8, "nii": 0.7}


@pytest.mark.parametrize(
    "b, c1, c2",
    [(1.0, 0.004180, 0.005820), (1.6721, 0.007687, 0.002313), (1.678347, 0.007705, 0.002295)],
    ids=["scale length", "approximate half light", "exact half light"],
)
def test_the_constants_of_the_paper(b, c1, c2):
    """sigma² = 0.01 at the centre and 0.02 at one R_e of an exponential disc, as in Metha et al.

    (2024), section 3.
    """
    found = noise.constants(1.0, np.exp(-b), 0.01, 0.02)
    assert np.round(found, 6) == pytest.approx((c1, c2), abs=1e-9)


def test_the_constants_give_back_what_was_asked_for():
    c1, c2 = noise.constants(0.37, 0.07, 0.01, 0.02)
    np.testing.assert_allclose(noise.variance([0.37, 0.07], c1, c2), [0.01, 0.02], rtol=1e-5)


def test_the_constants_do_not_depend_on_the_unit_of_light():
    c1, c2 = noise.constants(1.0, 0.3, 0.01, 0.02)
    assert noise.constants(1e-17, 0.3e-17, 0.01, 0.02) == pytest.approx((c1, c2 * 1e-17))


def test_smeared_light_that_is_too_flat_cannot_meet_both_targets():
    with pytest.raises(InputError, match="cannot both be met"):
        noise.constants(1.0, 0.55, 0.01, 0.02)


@pytest.mark.parametrize(
    "wrong",
    [
        (0.5, 1.0, 0.01, 0.02),
        (1.0, 0.5, 0.02, 0.01),
        (1.0, 0.0, 0.01, 0.02),
        (np.nan, 0.5, 0.01, 0.02),
    ],
)
def test_constants_need_a_bright_quiet_centre(wrong):
    with pytest.raises(InputError, match="constants"):
        noise.constants(*wrong)


def test_a_dark_pixel_knows_nothing():
    assert np.isinf(noise.variance([0.0, -1.0, np.nan], 0.01, 0.01)).all()
    assert jax.grad(lambda c2: noise.variance([1.0, 0.0], 0.01, c2)[0])(0.01) == 1.0


def test_propagation_is_the_analytic_error_of_o3n2():
    sigmas = {"halpha": 0.05, "hbeta": 0.03, "oiii": 0.04, "nii": 0.02}
    z, sigma = noise.propagate(calibrations.o3n2_marino13, LINES, sigmas)
    relative = np.sqrt(sum((sigmas[line] / LINES[line]) ** 2 for line in LINES))
    assert float(sigma) == pytest.approx(0.214 / np.log(10) * relative, rel=1e-5)
    assert float(z) == pytest.approx(
        8.533 - 0.214 * (np.log10(0.8 / 1.0) - np.log10(0.7 / 2.86)), rel=1e-6
    )


@pytest.mark.parametrize("name", calibrations.CALIBRATIONS)
def test_propagation_agrees_with_noisy_fluxes(name):
    random = np.random.default_rng(1)
    sigmas = {line: flux / 40 for line, flux in LINES.items()}
    chosen = calibrations.calibration(name)
    noisy = {
        line: LINES[line] + sigmas[line] * random.standard_normal(100_000) for line in chosen.lines
    }
    _, sigma = noise.propagate(chosen, chosen.needed(LINES), chosen.needed(sigmas))
    assert float(sigma) == pytest.approx(
        float(np.std(np.asarray(chosen(**noisy), float))), rel=0.015
    )


def test_propagation_takes_any_differentiable_diagnostic():
    def product(a, b):
        return a**2 * jnp.sin(b)

    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.4, 0.5])
    _, sigma = noise.propagate(product, {"a": a, "b": b}, {"a": 0.1, "b": [0.0, 0.1, 0.2]})
    expected = np.hypot(2 * a * np.sin(b) * 0.1, a**2 * np.cos(b) * [0.0, 0.1, 0.2])
    np.testing.assert_allclose(sigma, expected, rtol=1e-5)


def test_calibration_scatter_adds_in_quadrature():
    sigmas = dict.fromkeys(LINES, 0.03)
    _, without = noise.propagate(calibrations.o3n2_marino13, LINES, sigmas)
    _, scattered = noise.propagate(calibrations.o3n2_marino13, LINES, sigmas, scatter=0.18)
    assert float(scattered) == pytest.approx(np.hypot(float(without), 0.18), rel=1e-5)


def test_a_line_that_is_not_there_gives_no_metallicity_and_no_warning():
    fluxes = {line: np.full(5, flux) for line, flux in LINES.items()}
    fluxes["nii"][:4] = [0.0, -0.1, np.nan, np.inf]
    z, sigma = noise.propagate(calibrations.o3n2_marino13, fluxes, dict.fromkeys(LINES, 0.01))
    assert np.isnan(z[:4]).all() and np.isnan(sigma[:4]).all()
    assert np.isfinite(z[4]) and np.isfinite(sigma[4])


def test_fluxes_in_cgs_units_do_not_underflow():
    tiny = {line: flux * 1e-18 for line, flux in LINES.items()}
    z, sigma = noise.propagate(
        calibrations.o3n2_marino13, tiny, {line: flux / 20 for line, flux in tiny.items()}
    )
    plain = noise.propagate(
        calibrations.o3n2_marino13, LINES, {line: flux / 20 for line, flux in LINES.items()}
    )
    assert (float(z), float(sigma)) == pytest.approx(tuple(map(float, plain)), rel=1e-5)


@pytest.mark.parametrize(
    "fluxes, sigmas, culprit",
    [
        ({"halpha": 1.0}, {"halpha": 0.1}, "missing a required argument: 'nii'"),
        ({"halpha": 1.0, "nii": 1.0, "xx": 1.0}, {}, "'xx'"),
        ({"halpha": 1.0, "nii": 1.0}, {"halpha": 0.1}, "same lines"),
        ({"halpha": [1.0, 2.0], "nii": 1.0}, {"halpha": 0.1, "nii": 0.1}, "'nii' has"),
        ({"halpha": "bright", "nii": 1.0}, {"halpha": 0.1, "nii": 0.1}, "'halpha'"),
    ],
)
def test_propagation_names_the_line_that_is_wrong(fluxes, sigmas, culprit):
    with pytest.raises(InputError, match=culprit):
        noise.propagate(calibrations.n2_marino13, fluxes, sigmas)


@pytest.mark.parametrize(
    "name, nii, oiii, expected",
    [
        ("n2_m13", 0.1, 1.0, 8.281),
        ("o3n2_m13", 0.1, 1.0, 8.319),
        ("n2_pp04", 0.1, 1.0, 8.33),
        ("o3n2_pp04", 0.1, 1.0, 8.41),
    ],
)
def test_calibrations_at_an_index_of_one(name, nii, oiii, expected):
    """N2 = -1 and O3N2 = 1 for nii / halpha = 0.1 and oiii / hbeta = 1."""
    assert float(
        calibrations.calibration(name)(halpha=1.0, hbeta=1.0, oiii=oiii, nii=nii)
    ) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", calibrations.CALIBRATIONS)
def test_a_calibration_holds_only_inside_its_domain(name):
    chosen = calibrations.calibration(name)
    low, high = chosen.domain
    index = np.array([low - 0.01, low + 0.01, high - 0.01, high + 0.01, np.nan])
    nii = 10.0**index if chosen.lines == ("halpha", "nii") else 10.0**-index
    ones = np.ones(5)
    inside = calibrations.in_range(name, halpha=ones, hbeta=ones, oiii=ones, nii=nii)
    assert inside.tolist() == [False, True, True, False, False]


def test_a_calibration_knows_its_lines():
    assert calibrations.calibration("n2_m13").lines == ("halpha", "nii")
    assert set(calibrations.calibration("o3n2_pp04").lines) == set(LINES)
    with pytest.raises(InputError, match="missing line nii"):
        calibrations.in_range("n2_m13", halpha=1.0)
    with pytest.raises(InputError, match=r"missing line nii"):
        calibrations.calibration("n2_m13")(halpha=1.0)
    with pytest.raises(
        InputError, match=r"unknown calibration 'o3n2_m31'. Did you mean 'o3n2_m13'"
    ):
        calibrations.in_range("o3n2_m31", **LINES)


def test_kauffmanns_line_divides_star_forming_gas_from_nuclei():
    """At N2 = -0.5 the line lies at log10(oiii / hbeta) = 0.1909.

    Beyond N2 = 0.05 nothing is star-forming.
    """
    nii = 10.0 ** np.array([-0.5, -0.5, 0.04, 0.06, -0.5, -0.5])
    oiii = np.array([10**0.18, 10**0.20, 1e-6, 1e-6, 0.0, np.nan])
    ones = np.ones(6)
    expected = [True, False, False, False, False, False]
    assert calibrations.star_forming(ones, ones, oiii, nii).tolist() == expected


def test_star_forming_gas_is_star_forming_in_any_unit():
    assert calibrations.star_forming(**LINES)
    assert calibrations.star_forming(**{line: flux * 1e-18 for line, flux in LINES.items()})


def test_both_lines_find_a_noiseless_gradient_exactly():
    radius = np.linspace(0, 3, 50).reshape(5, 10)
    values = 8.6 - 0.1 * radius
    for fit in (baselines.ols(radius, values), baselines.wls(radius, values, 0.05 + 0.01 * radius)):
        assert (fit.central, fit.gradient) == pytest.approx((8.6, -0.1), abs=1e-12)
        assert fit.chi_square == pytest.approx(0, abs=1e-20)
        assert fit.count == 50


def test_weighted_errors_are_those_of_the_normal_equations():
    random = np.random.default_rng(2)
    radius, sigma = random.uniform(0, 3, 40), random.uniform(0.01, 0.1, 40)
    values = 8.6 - 0.1 * radius + sigma * random.standard_normal(40)
    fit = baselines.wls(radius, values, sigma)
    design = np.stack([np.ones(40), radius], axis=1) / sigma[:, None]
    covariance = np.linalg.inv(design.T @ design)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-10)
    np.testing.assert_allclose(
        [fit.central, fit.gradient], covariance @ design.T @ (values / sigma), rtol=1e-10
    )
    assert fit.gradient_error == pytest.approx(np.sqrt(covariance[1, 1]))
    assert fit.central_error == pytest.approx(np.sqrt(covariance[0, 0]))


def test_unweighted_errors_come_from_the_scatter_about_the_line():
    random = np.random.default_rng(3)
    radius = random.uniform(0, 3, 60)
    values = 8.6 - 0.1 * radius + 0.05 * random.standard_normal(60)
    coefficients, covariance = np.polyfit(radius, values, 1, cov=True)
    fit = baselines.ols(radius, values)
    np.testing.assert_allclose([fit.gradient, fit.central], coefficients, rtol=1e-10)
    np.testing.assert_allclose(fit.covariance[::-1, ::-1], covariance, rtol=1e-9)


def test_the_error_of_the_gradient_covers_the_truth():
    random = np.random.default_rng(4)
    radius = np.linspace(0, 3, 30)
    fits = [
        baselines.wls(radius, 8.6 - 0.1 * radius + 0.05 * random.standard_normal(30), 0.05)
        for _ in range(1000)
    ]
    pulls = np.array([(fit.gradient + 0.1) / fit.gradient_error for fit in fits])
    assert pulls.mean() == pytest.approx(0, abs=0.1)
    assert pulls.std() == pytest.approx(1, abs=0.07)


def test_pixels_that_are_masked_or_not_finite_leave():
    radius = np.arange(8.0)
    values = 8.6 - 0.1 * radius
    sigma = np.full(8, 0.1)
    values[0], values[1], radius[2], sigma[3], sigma[4] = np.nan, 99.0, np.inf, 0.0, np.inf
    mask = np.arange(8) == 1
    assert baselines.wls(radius, values, sigma, mask).count == 3
    assert baselines.ols(radius, values, mask).count == 5
    assert baselines.ols(radius, np.ma.array(values, mask=mask)).gradient == pytest.approx(-0.1)


def test_two_pixels_make_a_line_without_an_error():
    fit = baselines.ols([0.0, 1.0], [8.6, 8.5])
    assert fit.gradient == pytest.approx(-0.1)
    assert np.isnan(fit.gradient_error)


@pytest.mark.parametrize(
    "function, arguments, culprit",
    [
        (baselines.ols, ([0.0, 1.0], [8.0, np.nan]), "at least two usable pixels"),
        (baselines.ols, ([1.0, 1.0], [8.0, 8.1]), "different radii"),
        (baselines.ols, ([0.0, 1.0, 2.0], [8.0, 8.1]), r"ols.values: shape \(2,\)"),
        (baselines.ols, ([0.0, 1.0], [8.0, 8.1], [True]), r"ols.mask: shape \(1,\)"),
        (baselines.ols, ([0.0, 1.0], [8.0, 8.1], [0.1, 0.2]), "ols.mask: expected True"),
        (baselines.wls, ([0.0, 1.0], [8.0, 8.1], [0.1, 0.1, 0.1]), r"wls.sigma: shape \(3,\)"),
        (baselines.wls, ([0.0, 1.0], [8.0, 8.1], -1.0), "got 0 pixels"),
        (baselines.wls, ([0.0, 1.0], ["a", "b"], 1.0), "wls.values: expected numbers"),
        (baselines.annuli, ([0.0, 1.0], [8.0, 8.1], [0.0, 0.0, 1.0]), "annuli.edges"),
    ],
)
def test_the_baselines_name_what_is_wrong(function, arguments, culprit):
    with pytest.raises(InputError, match=culprit):
        function(*arguments)


def test_annuli_hold_the_median_and_the_spread():
    radius = np.repeat([0.5, 1.5, 3.5], 101)
    values = np.concatenate([np.linspace(8.5, 8.7, 101), np.full(101, 8.4), np.full(101, 8.0)])
    profile = baselines.annuli(radius, values, [0, 1, 2, 3])
    np.testing.assert_allclose(profile.radius, [0.5, 1.5, np.nan])
    np.testing.assert_allclose(profile.median, [8.6, 8.4, np.nan])
    np.testing.assert_allclose([profile.p16[0], profile.p84[0]], [8.532, 8.668])
    assert profile.count.tolist() == [101, 101, 0]
    line = baselines.line_through(profile)
    assert (line.central, line.gradient) == pytest.approx((8.7, -0.2))


def test_the_radius_map_is_the_radius_of_the_disc_gradient():
    grid = Grid.regular((21, 31), 0.2)
    disc = {"inclination": 50.0, "position_angle": 30.0, "center_x": 0.3, "center_y": -0.2}
    radius = baselines.radius_map(grid, **disc)
    values = np.asarray(tracer.disc_gradient(*grid.coordinates, central=8.6, gradient=-0.1, **disc))
    np.testing.assert_allclose(8.6 - 0.1 * radius, values, atol=3e-6)
    assert radius.shape == (21, 31) and radius.dtype == np.float64


def test_the_baselines_ignore_how_the_pixels_are_ordered():
    grid = Grid.regular((15, 15), 0.2)
    radius = baselines.radius_map(grid)
    values = 8.6 - 0.1 * radius + 0.02 * np.sin(7 * radius)
    forward, backward = (
        baselines.ols(radius, values),
        baselines.ols(radius[::-1].ravel(), values[::-1].ravel()),
    )
    assert (forward.central, forward.gradient) == pytest.approx(
        (backward.central, backward.gradient), rel=1e-10
    )
