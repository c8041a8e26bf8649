"""Averages over cells from the values in their middles."""

import jax.numpy as jnp
import numpy as np

from jaxmetal.instrument.middles import REACH, averages, transfer, values_of


def test_the_two_forms_of_the_averages_agree():
    """Applied to an image, and as factors of its Fourier modes."""
    rows, columns = 12, 8
    image = np.random.default_rng(0).random((rows, columns))
    around = np.pad(image, REACH, mode="wrap")
    factors = np.outer(transfer(np.fft.fftfreq(rows)), transfer(np.fft.rfftfreq(columns)))
    expected = np.fft.irfft2(np.fft.rfft2(image) * factors, s=image.shape)
    np.testing.assert_allclose(averages(jnp.asarray(around)), expected, rtol=1e-5)
    np.testing.assert_allclose(averages(jnp.ones((9, 7))), np.ones((5, 3)), rtol=1e-6)


def test_values_have_the_averages_that_are_asked_for(tolerance):
    wanted = np.zeros((12, 12))
    wanted[3:9, 3:9] = np.random.default_rng(1).normal(size=(6, 6))
    values = values_of(jnp.asarray(wanted, float))
    found = np.array(averages(jnp.pad(values, 2 * REACH)), float)
    inside = slice(REACH, -REACH)
    np.testing.assert_allclose(found[inside, inside], wanted, atol=tolerance(1e-12, 1e-5))
    found[inside, inside] = 0.0
    # Beyond the square, which the values that are asked for end three cells before.
    assert np.abs(found).max() < 1e-4 * np.abs(wanted).max()
