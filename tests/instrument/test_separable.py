"""A PSF that is a product, as matrices, against the same by Fourier transforms."""

import jax
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.inference.stack import Batch
from jaxmetal.instrument.convolve import Separable, separated, smear, transfer_function
from jaxmetal.instrument.sampling import Sampling
from tests.scenes import disc

EPS = float(np.finfo(np.asarray(jax.numpy.zeros(1)).dtype).eps)
TURNED = [[0.3, -0.1], [0.1, 0.3]]
SKEWED = [[0.3, 0.1], [0.0, 0.3]]


def grid_of(matrix, shape=(14, 11)):
    return jm.Grid((-2.0, -2.0), matrix, shape)


@pytest.mark.parametrize("matrix", [0.3 * np.eye(2), TURNED, [[-0.4, 0.0], [0.0, 0.25]]])
@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("sampling", [(1, 2), (3, 4), (4, 3), (0.5, 4), (0.8, 5)])
def test_matrices_are_the_transforms(matrix, sampling, nodes):
    grid, psf = grid_of(matrix), jm.GaussianPSF(1.5)
    sampling = Sampling(sampling[0], nodes, sampling[1])
    rows, columns = sampling.cells(grid.shape)
    modes = np.fft.rfft2(np.random.default_rng(0).random((2, rows, columns)))
    # The two treat the highest frequency of the cells differently, which no PSF should pass.
    modes[:, rows // 2], modes[:, :, columns // 2] = 0.0, 0.0
    cells = jax.numpy.asarray(np.fft.irfft2(modes, s=(rows, columns)))
    matrices = separated(grid, psf, sampling)
    expected = smear(cells, transfer_function(grid, psf, sampling), grid, sampling)
    np.testing.assert_allclose(smear(cells, matrices, grid, sampling), expected, atol=50 * EPS)


def test_pixels_that_are_skewed_have_no_matrices():
    psf, sampling = jm.GaussianPSF(1.5), (2, 2)
    square, skewed = (
        jm.Instrument(grid_of(matrix), psf, sampling).with_transfer() for matrix in (TURNED, SKEWED)
    )
    assert isinstance(square.transfer, Separable)
    assert not isinstance(skewed.transfer, Separable)
    moffat = jm.Instrument(grid_of(TURNED), jm.MoffatPSF(1.5, 3.0), sampling).with_transfer()
    assert not isinstance(moffat.transfer, Separable)


def test_large_frames_have_no_matrices():
    large = jm.Instrument(grid_of(TURNED, (600, 20)), jm.GaussianPSF(1.5), (1, 1))
    assert not isinstance(large.with_transfer().transfer, Separable)


def test_a_batch_of_square_and_skewed_pixels():
    models = []
    for matrix in (TURNED, SKEWED):
        instrument = jm.Instrument(grid_of(matrix), jm.GaussianPSF(1.5), (2, 2), 9)
        maps = {"light": jm.simulate.light_map(disc(), instrument, 0.1, seed=1)}
        models.append(jm.Model(disc(), maps, {"disc.light.amp": dist.LogNormal(3.0, 0.5)}))
    assert models[0].with_maps(models[1].maps) is not None
    for one in Batch(models):
        assert not isinstance(next(iter(one.maps.values())).instrument.transfer, Separable)
    fits = jm.optimise_batch(models)
    alone = [jm.optimise(model) for model in models]
    for fit, single in zip(fits, alone, strict=True):
        amp = "disc.light.amp"
        np.testing.assert_allclose(
            fit.parameters[amp], single.parameters[amp], atol=0.02 * single.errors[amp]
        )


@pytest.mark.parametrize("convolve", [1, 2])
def test_a_perfect_telescope_averages_over_pixels_with_matrices_and_without(convolve, tolerance):
    """Also from one point to a cell."""
    grid = grid_of(0.3 * np.eye(2))
    instrument = jm.Instrument(grid, jm.NoPSF()).with_sampling(Sampling(convolve, 1, 2))
    z = jm.TracerMap(np.full(grid.shape, 8.0), 0.1, instrument, check=False)
    images = [
        np.asarray(jm.predict(disc(), z.with_instrument(one)), float)
        for one in (instrument, instrument.with_transfer())
    ]
    np.testing.assert_allclose(*images, atol=tolerance(1e-6, 1e-5))
