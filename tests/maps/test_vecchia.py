"""Correlated errors of large maps without a matrix, against the matrix."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.inference import likelihood
from jaxmetal.maps.covariance import LARGEST_WITH_MATRIX, prepared
from jaxmetal.maps.noise import Factor
from jaxmetal.maps.vecchia import REACH, Vecchia
from jaxmetal.maps.vecchia_weights import half_disc, prediction_weights, prepared_without_matrix
from tests.scenes import telescope

SIDE = 32
KINDS = {
    "manga": jm.noise.manga(),
    "gaussian": jm.noise.gaussian(1.0, unit="arcsec"),
    "matern": jm.noise.matern(3.0, 2.5, white=0.02),
    "drizzle": jm.noise.drizzle(1.0, 0.6),
}


def measured(side, correlation, **options):
    """A round map with holes."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side]
    used = (np.hypot(x - side / 2, y - side / 2) < 0.52 * side) & (rng.random((side, side)) > 0.03)
    sigma = rng.uniform(0.05, 0.1, (side, side))
    values = np.where(used, 8.5 + sigma * rng.normal(size=used.shape), np.nan)
    instrument = telescope((side, side), 0.5, 1.0, (2, 1), 4)
    return jm.TracerMap(values, sigma, instrument, correlation=correlation, check=False, **options)


def with_root(z):
    grid, valid = z.instrument.grid, np.asarray(z.valid)
    return z.with_noise(prepared_without_matrix(z.correlation, grid, valid, z.values.dtype))


@pytest.mark.parametrize("name", KINDS)
def test_the_likelihood_is_that_of_the_matrix(name, tolerance):
    """Chi-square, its gradient, the Fisher information of smooth images and the determinant."""
    by_matrix = measured(SIDE, KINDS[name])
    by_matrix = by_matrix.with_noise(prepared(by_matrix, (), "z"))
    assert isinstance(by_matrix.noise, Factor)
    predicted = jnp.full((SIDE, SIDE), 8.52)
    y, x = jnp.mgrid[:SIDE, :SIDE] / SIDE
    images = jnp.stack([jnp.ones_like(x), x, y, jnp.hypot(x - 0.5, y - 0.5)])

    @jax.jit
    def numbers(one_map):
        chi_square, slope = jax.value_and_grad(
            lambda image: jnp.sum(likelihood.residuals(one_map, image) ** 2)
        )(predicted)
        whitened = jax.vmap(lambda i: likelihood.in_units_of_error(one_map, i, predicted))(images)
        rows = whitened.reshape(len(images), -1)
        log_determinant = 2 * likelihood.log_likelihood(one_map, predicted) + chi_square
        return chi_square, slope, rows @ rows.T, log_determinant

    ours, theirs = (numbers(one_map) for one_map in (with_root(by_matrix), by_matrix))
    accuracy = tolerance(1e-7, 2e-4)
    assert float(ours[0]) == pytest.approx(float(theirs[0]), rel=accuracy)
    for one, other in zip(ours[1:3], theirs[1:3], strict=True):
        np.testing.assert_allclose(one, other, atol=accuracy * np.abs(other).max())
    # Half a nat of 800 pixels: random signs measure what the approximation leaves.
    assert float(ours[3]) == pytest.approx(float(theirs[3]), abs=1.0)


def test_a_row_predicts_a_pixel_from_those_before_it():
    """With all pixels before it as neighbours it is the row of the inverse Cholesky root."""
    shape, correlation = (5, 6), jm.noise.exponential(2.0)
    grid = jm.Grid.regular(shape, 0.5)
    valid = np.ones(shape, bool)
    valid[1, 2] = valid[3, 4] = False
    index = np.flatnonzero(valid)
    full = np.asarray(correlation.among(grid, jnp.asarray(index)), float)
    root = np.linalg.inv(np.linalg.cholesky(full))
    offsets = half_disc(float(REACH))
    offsets = offsets[(offsets[:, 0] > -shape[0]) & (np.abs(offsets[:, 1]) < shape[1])]
    weights = prediction_weights(correlation, grid, valid, offsets)
    image = np.random.default_rng(2).normal(size=shape)
    arrays = (jnp.asarray(a) for a in (weights, offsets + REACH, [1.0, 0], [0, 2.0], 0.0))
    numbers = Vecchia(*arrays).innovations(jnp.asarray(image))
    np.testing.assert_allclose(numbers[valid], root @ image[valid], rtol=2e-4, atol=2e-5)
    assert np.all(np.asarray(numbers)[~valid] == 0)


@pytest.fixture(scope="module")
def large():
    side = 72
    assert side**2 > LARGEST_WITH_MATRIX
    return measured(side, KINDS["drizzle"])


def test_a_large_map_needs_no_matrix(large):
    noise = prepared(large, (), "z")
    assert isinstance(noise, Vecchia)
    assert isinstance(prepared(large, ("calibration.error_scale",), "z"), Vecchia)
    assert noise.weights.nbytes < 0.02 * large.size**2 * noise.weights.itemsize
    # White noise has its own chi-square.
    rng = np.random.default_rng(3)
    drawn = large.correlation.drawn(large.instrument.grid, rng) * np.asarray(large.sigma)
    z = eqx.tree_at(lambda m: m.values, large, jnp.asarray(8.5 + drawn, large.values.dtype))
    z = z.with_noise(noise)
    r = likelihood.residuals(z, jnp.full(large.values.shape, 8.5))
    assert float(jnp.sum(r**2)) == pytest.approx(large.size, abs=4 * np.sqrt(2 * large.size))


def test_maps_of_a_batch_have_roots_of_one_size(large):
    z = with_root(large)
    counts = tuple(n + 3 for n in z.noise.counts)
    longer = z.with_noise(z.noise.filled(counts, z.values.size))
    assert longer.noise.counts == counts
    one, other = (
        jax.jit(likelihood.residuals)(m, jnp.full(z.values.shape, 8.52)) for m in (z, longer)
    )
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_masked_pixels_of_a_large_map_leave_no_trace(large):
    z = with_root(large)
    junk = eqx.tree_at(lambda m: m.values, z, jnp.where(z.valid, z.values, 1e30))
    slope = jax.jit(jax.grad(lambda p, m: likelihood.log_likelihood(m, p)))
    one, other = (slope(jnp.full(z.values.shape, 8.52), m) for m in (z, junk))
    np.testing.assert_array_equal(one, other)
    assert np.all(np.asarray(one)[~np.asarray(z.valid)] == 0)


@pytest.mark.precision("single")
def test_what_needs_a_matrix_is_refused():
    z = measured(108, KINDS["drizzle"])
    assert z.size > 8000
    for free in ("scatter", "correlation.white"):
        with pytest.raises(jm.InputError, match="too many for a matrix; a correlation that is fi"):
            prepared(z, (free,), "z")
    wide = measured(108, jm.noise.gaussian(10.0))
    with pytest.raises(jm.InputError, match="too many for a matrix; Model"):
        prepared(wide, (), "z")
