"""The empirical semivariogram against values whose differences are known."""

import jax
import numpy as np
import pytest

import jaxmetal as jm


def test_a_ramp_has_half_the_square_of_its_steps():
    x = np.arange(20.0)
    result = jm.baselines.semivariogram(3 * x, x, np.zeros(20), np.arange(0.5, 5.0))
    np.testing.assert_allclose(result.distance, [1, 2, 3, 4])
    np.testing.assert_allclose(result.value, 9 * np.arange(1, 5) ** 2 / 2)
    np.testing.assert_array_equal(result.pairs, [19, 18, 17, 16])


def test_that_of_a_field_is_its_variance_less_its_covariance():
    """Over draws of a field: amplitude² [1 - exp(-h / length)]."""
    y, x = np.mgrid[-3:3:13j, -3:3:13j]
    edges, values = np.array([0.4, 0.6, 1.4, 1.6, 2.9, 3.1]), []
    for seed in range(60):
        modes = jax.random.normal(jax.random.key(seed), (81, 81))
        field = jm.Field(0.1, 1.0, "exponential", modes=modes, extent=14.0)
        values.append(jm.baselines.semivariogram(field(x, y), x, y, edges).value[::2])
    mean, error = np.mean(values, axis=0), np.std(values, axis=0) / np.sqrt(60)
    expected = 0.1**2 * (1 - np.exp(-np.array([0.5, 1.5, 3.0])))
    # Of the shortest distance the waves that are left out, 3 %, are missing.
    np.testing.assert_allclose(mean, expected, atol=4 * error.max(), rtol=0.05)


def test_missing_values_are_left_out():
    x = np.arange(5.0)
    result = jm.baselines.semivariogram([1, np.nan, 1, 1, 1], x, 0 * x, [0.5, 1.5])
    np.testing.assert_array_equal(result.pairs, [2])


def test_shapes_and_edges_are_checked():
    with pytest.raises(jm.InputError, match="differ"):
        jm.baselines.semivariogram(np.ones(3), np.ones(3), np.ones(2), [0, 1])
    with pytest.raises(jm.InputError, match="edges must increase"):
        jm.baselines.semivariogram(np.ones(3), np.ones(3), np.ones(3), [1, 0])
