"""Averages over cells: how fast their error falls, and which points are chosen."""

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.instrument.quadrature import cell_means
from jaxmetal.instrument.sampling import Sampling
from tests.scenes import disc

GRID = jm.Grid.regular((6, 8), 0.5)


def means(sampling):
    """Of exp(x / 2 + y / 3), whose averages are known."""

    def sources(x, y):
        return [np.e ** (x / 2 + y / 3)]

    (image,) = cell_means(sources, 1, GRID, sampling, [], smeared=False)
    x, y = (np.asarray(c, float) for c in GRID.coordinates)
    factors = [np.sinh(0.5 * rate / 2) / (0.5 * rate / 2) for rate in (1 / 2, 1 / 3)]
    exact = np.exp(x / 2 + y / 3) * np.prod(factors)
    return np.asarray(image, float)[:6, :8] / exact - 1


@pytest.mark.precision("double")
def test_averages_from_the_middles_of_cells_are_as_good_as_four_points_in_each():
    """Also at the edge of a frame without a margin; a middle alone is far worse.

    The first term that is left out of a rate k and cells of a size h is 367 (k h)^6 / 967680 for
    the middles of five cells, and (k h)^4 / 4320 for Gauss's two points.
    """
    rates = np.array([0.25, 0.5 / 3])
    five, gauss = np.sum(367 / 967680 * rates**6), np.sum(rates**4 / 4320)
    np.testing.assert_allclose(np.abs(means(Sampling(1, 1, 0))), five, rtol=0.02)
    np.testing.assert_allclose(np.abs(means(Sampling(1, 2, 0))), gauss, rtol=0.02)
    assert np.abs(means(Sampling(1, 1, 0, "midpoint"))).max() > 1e-3


def test_a_constant_stays_the_same(tolerance):
    (image,) = cell_means(lambda x, y: [1.0 + 0 * x], 1, GRID, Sampling(2, 1, 3), [], smeared=True)
    np.testing.assert_allclose(image, 1.0, rtol=tolerance(1e-14, 1e-6))


def test_images_have_more_points_in_a_cell_than_smooth_profiles():
    """An image may be sharp between the middles of cells, a profile only at its centre."""
    instrument = jm.Instrument(jm.Grid.regular((15, 15), 0.5), jm.GaussianPSF(1.5))
    z = jm.TracerMap(np.full((15, 15), 8.0), 0.05, instrument, check=False)
    picture = np.exp(-np.hypot(*np.mgrid[-7:8, -7:8]) / 4)
    light = jm.Profile(jm.light.image, image=picture, scale=0.5)
    smooth = disc()
    pictured = jm.Galaxy(disc=jm.Component(light, metallicity=smooth.disc.metallicity))
    nodes = [jm.Model(g, {"z": z}).maps["z"].instrument.sampling.nodes for g in (smooth, pictured)]
    assert nodes == [1, 2]
