"""Midpoints, discrete kernels and a frame without surroundings.

What other codes do, computed as they do it.
"""

import numpy as np
import pytest
from scipy import ndimage, signal

import jaxmetal as jm
from jaxmetal.instrument.kernel_psf import CellPSF
from jaxmetal.instrument.sampling import Sampling
from tests.scenes import blank, disc, telescope

SHAPE, SCALE = (11, 14), 0.25
GRID = jm.Grid.regular(SHAPE, SCALE)
GALAXY = disc(R=0.6, x=0.3, y=-0.2)


def midpoints(cells, parts):
    """Averages of the brightness over the cells of the frame, from the middles of parts × parts
    of each.
    """
    factor = cells * parts
    row, column = ((np.arange(n * factor) + 0.5) / factor - 0.5 for n in SHAPE)
    x, y = (np.asarray(axis, float) for axis in GRID.position(column[None, :], row[:, None]))
    return by(np.asarray(GALAXY.disc.light(x, y), float), parts)


def by(image, n):
    """The mean of each n × n pixels."""
    return image.reshape(image.shape[0] // n, n, image.shape[1] // n, n).mean(axis=(1, 3))


def seen(psf, sampling):
    flux = jm.predict(GALAXY, blank(jm.Instrument(GRID, psf, sampling), jm.LightMap))
    return np.asarray(flux, float) / SCALE**2


def lumpy(size):
    return np.random.default_rng(3).random((size, size)) * np.hanning(size + 2)[1:-1]


@pytest.mark.parametrize(("cells", "parts"), [(1, 1), (1, 3), (2, 2), (3, 1)])
def test_a_frame_in_the_dark_is_a_plain_convolution(cells, parts, tolerance):
    """Not normalised, and with nothing scattered in from outside."""
    kernel = lumpy(7)
    expected = by(signal.convolve2d(midpoints(cells, parts), kernel, mode="same"), cells)
    margin = -(-3 // cells)
    result = seen(CellPSF(kernel, cells), Sampling(cells, parts, margin, "midpoint", "dark"))
    assert np.abs(result - expected).max() < tolerance(1e-12, 3e-6) * expected.max()


@pytest.mark.parametrize(("cells", "parts"), [(1, 2), (2, 1)])
def test_a_frame_with_its_edge_around_it_is_a_filter_in_nearest_mode(cells, parts, tolerance):
    weights = np.exp(-0.5 * (np.arange(-5, 6) / 1.3) ** 2)
    weights /= weights.sum()
    filtered = ndimage.gaussian_filter(
        midpoints(cells, parts), 1.3, mode="nearest", truncate=5 / 1.3
    )
    margin = -(-5 // cells)
    result = seen(
        CellPSF(np.outer(weights, weights), cells),
        Sampling(cells, parts, margin, "midpoint", "edge"),
    )
    assert np.abs(result - by(filtered, cells)).max() < tolerance(1e-12, 3e-6) * filtered.max()


def test_a_finer_sampling_keeps_its_rule_and_its_surroundings():
    finer = Sampling(1, 2, 3, "midpoint", "dark").finer(9, False)
    assert (finer.rule, finer.outside) == ("midpoint", "dark")
    assert finer.convolve == 2


def test_the_default_knows_light_from_outside():
    assert (telescope().sampling.rule, telescope().sampling.outside) == ("gauss", "sky")


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (np.ones((4, 5)), "odd number of rows and columns"),
        (np.ones(5), "odd number"),
        (np.full((3, 3), np.nan), "not finite"),
    ],
)
def test_a_kernel_without_a_middle_is_refused(kernel, message):
    with pytest.raises(jm.InputError, match=message):
        CellPSF(kernel, 1)
