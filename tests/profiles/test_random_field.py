"""Random fields as profiles: covariance of their modes, and sums with other profiles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import j0

import jaxmetal as jm
from jaxmetal.profiles.random_field import SPECTRA, mode_power, wave, wave_numbers
from jaxmetal.profiles.scatter import field_of

LENGTH, INJECTION = 0.7, 0.1
LINE = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1)
# C(h) of unit variance at length 0.7.
COVARIANCE = {
    "exponential": lambda h: np.exp(-h / LENGTH),
    "matern32": lambda h: (1 + 3**0.5 * h / LENGTH) * np.exp(-(3**0.5) * h / LENGTH),
    "matern52": lambda h: (
        (1 + 5**0.5 * h / LENGTH + 5 * h**2 / 3 / LENGTH**2) * np.exp(-(5**0.5) * h / LENGTH)
    ),
    "squared_exponential": lambda h: np.exp(-0.5 * (h / LENGTH) ** 2),
}
# Krumholz & Ting (2018): the correlation at 0.25, 0.5, 1, 2 and 3 lengths for an injection of 0.1.
KRUMHOLZ_TING = {0.25: 0.7913, 0.5: 0.5514, 1.0: 0.3069, 2.0: 0.1061, 3.0: 0.0340}


def covariance(kernel, h, length=LENGTH, injection=INJECTION):
    """∫ S J0(k h) k dk / 2π."""
    k = np.linspace(0, 4000, 4_000_001)[1:] / 10
    with jax.enable_x64(True):
        spectrum = np.asarray(SPECTRA[kernel](jnp.asarray(k), length, injection))
    return np.sum(spectrum * j0(k * h) * k) * (k[1] - k[0]) / (2 * np.pi)


@pytest.mark.parametrize("kernel", COVARIANCE)
def test_spectra_are_those_of_the_kernels(kernel):
    # The exponential kernel has 0.4 % of its variance in shorter waves than are summed here.
    accuracy = 5e-3 if kernel == "exponential" else 1e-4
    for h in (0.0, 0.3, 1.0):
        np.testing.assert_allclose(covariance(kernel, h), COVARIANCE[kernel](h), atol=accuracy)


def test_the_kernel_of_krumholz_and_ting_has_its_published_values():
    at = [covariance("krumholz_ting", h, 1.0, 0.1) for h in KRUMHOLZ_TING]
    np.testing.assert_allclose(at, list(KRUMHOLZ_TING.values()), atol=5e-4)
    np.testing.assert_allclose(covariance("krumholz_ting", 0.0, 1.0, 0.1), 1.0, atol=1e-3)


def test_draws_have_the_covariance_of_the_kernel():
    """The mean product of two points over draws of the modes, against C(h) within its noise."""
    extent, size = 8.0, 41
    x = jnp.array([0.3, 0.3, 1.1, 0.3])
    y = jnp.array([-0.2, 0.5, -0.2, -1.6])
    shape = {"amplitude": 0.1, "length": LENGTH, "extent": extent}
    draws = jax.random.normal(jax.random.key(1), (4000, size, size))
    values = jax.vmap(lambda modes: jm.Field(**shape, modes=modes)(x, y))(draws)
    products = np.mean(np.asarray(values)[:, :1] * np.asarray(values), axis=0) / 0.1**2
    h = np.hypot(np.asarray(x - x[0]), np.asarray(y - y[0]))
    np.testing.assert_allclose(products, COVARIANCE["matern32"](h), atol=4 * np.sqrt(2 / 4000))


def test_a_field_is_the_sum_of_its_waves(tolerance):
    size, extent = 7, 3.0
    geometry = {"inclination": 40.0, "position_angle": 25.0, "center_x": 0.2, "center_y": -0.1}
    x, y = np.random.default_rng(0).uniform(-2, 2, (2, 50))
    modes = np.random.default_rng(1).standard_normal((size, size))
    field = jm.Field(0.2, LENGTH, extent=extent, modes=modes, **geometry)
    numbers = wave_numbers(size)
    power = mode_power(numbers[:, None], numbers[None, :], LENGTH, extent, 0.05, "matern32")
    coefficients = 0.2 * np.sqrt(np.asarray(power)) * modes
    expected = sum(
        np.asarray(
            wave(jnp.asarray(x), jnp.asarray(y), coefficients[i, j], p, q, extent, **geometry)
        )
        for i, q in enumerate(numbers)
        for j, p in enumerate(numbers)
    )
    # The waves are read between the points of a grid, twelve to the period of the shortest.
    np.testing.assert_allclose(field(x, y), expected, atol=tolerance(1e-2, 1e-2) * 0.2)


def test_a_field_without_modes_is_none():
    assert not np.any(jm.Field(0.1, 0.5)(jnp.ones(3), jnp.ones(3)))


def test_a_sum_keeps_the_names_of_its_parameters():
    both = jm.Sum(LINE, jm.Field(0.05, 0.6, center_x=0.0))
    assert {"central", "gradient", "amplitude", "length", "center_x"} <= set(both.parameters)
    assert field_of(both).options["kernel"] == "matern32"
    assert field_of(LINE) is None
    np.testing.assert_allclose(both(jnp.ones(2), jnp.zeros(2)), LINE(jnp.ones(2), jnp.zeros(2)))


def test_a_shared_parameter_is_one_parameter():
    """Two lines about one centre: the sum moves both with it."""
    both = jm.Sum(LINE, jm.Profile(jm.tracer.uniform, value=0.1))
    assert float(both(jnp.array(1.0), jnp.array(0.0))) == pytest.approx(8.5)
    moved = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1, center_x=0.3)
    assert float(jm.Sum(moved, jm.Field(0.05, 0.6)).center_x) == pytest.approx(0.3)
    assert float(jm.Sum(LINE, jm.Field(0.05, 0.6, center_x=0.3)).center_x) == pytest.approx(0.3)
    with pytest.raises(jm.InputError, match="center_x is one parameter"):
        jm.Sum(moved, jm.Field(0.05, 0.6, center_x=1.0))


@pytest.mark.wrong_types
def test_sums_of_anything_else_are_refused():
    with pytest.raises(jm.InputError, match="Sum: expected profiles"):
        jm.Sum(LINE, jm.tracer.gradient)
    with pytest.raises(jm.InputError, match="Sum: at least one"):
        jm.Sum()
    with pytest.raises(jm.InputError, match="kernel"):
        jm.Field(0.05, 0.6, kernel="gaussian")


def test_units_come_from_the_profile_that_has_the_parameter():
    from jaxmetal.profiles.units import is_length, known_unit

    both = jm.Sum(LINE, jm.Field(0.05, 0.6)).function
    assert known_unit(both, "gradient", "dex") == "dex/arcsec"
    assert known_unit(both, "amplitude", "dex") == "dex"
    assert known_unit(both, "length") == "arcsec" and is_length(both, "length")


def test_a_texture_has_mean_one_and_the_scatter_that_it_is_given():
    """Over draws of the modes: ln t is a Gaussian of mean -amplitude² / 2."""
    draws = jax.random.normal(jax.random.key(2), (4000, 41, 41))
    x, y = jnp.array([0.3, -1.2]), jnp.array([-0.2, 0.7])
    shape = {"amplitude": 0.5, "length": LENGTH, "extent": 8.0, "waves": 20}
    values = np.asarray(jax.vmap(lambda modes: jm.Texture(**shape, modes=modes)(x, y))(draws))
    np.testing.assert_allclose(values.mean(axis=0), 1.0, atol=4 * 0.53 / np.sqrt(4000))
    np.testing.assert_allclose(np.log(values).std(axis=0), 0.5, atol=4 * 0.5 / np.sqrt(2 * 4000))
    np.testing.assert_allclose(np.log(values).mean(axis=0), -0.125, atol=4 * 0.5 / np.sqrt(4000))


def test_a_texture_begins_as_a_constant():
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=2.0, center_x=0.3)
    both = jm.Product(light, jm.Texture(0.5, 0.6, extent=12.0, waves=3))
    assert both.name == "exponential * texture"
    assert both.modes.shape == (7, 7)
    assert float(both.center_x) == pytest.approx(0.3)
    x = jnp.linspace(-2, 2, 5)
    np.testing.assert_allclose(both(x, x), np.exp(-0.125) * np.asarray(light(x, x)), rtol=1e-5)


@pytest.mark.wrong_types
def test_a_texture_that_cannot_be_is_refused():
    for waves in (0, 2.5, True, None):
        with pytest.raises(jm.InputError, match="waves: expected a whole number from 1 to 30"):
            jm.Texture(0.5, 0.6, 12.0, waves)
    with pytest.raises(jm.InputError, match="Product: expected profiles"):
        jm.Product(LINE, 3.0)
