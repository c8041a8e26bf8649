"""PSFs that are wider in one direction."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal.instrument.psf import SIGMA_TO_FWHM
from tests.scenes import blank

GRID = jm.Grid.regular((41, 41), 0.2)
POINT = jm.Galaxy(star=jm.Component(jm.Profile(jm.light.gaussian, amp=1.0, sigma=0.3)))


def moments(psf, grid=GRID):
    """Second moments (xx, yy, xy) of a small round source through a PSF, arcsec²."""
    instrument = jm.Instrument(grid, psf, (4, 1), 20)
    flux = np.asarray(jm.predict(POINT, blank(instrument, jm.LightMap)), float)
    x, y = (np.broadcast_to(np.asarray(a, float), grid.shape) for a in grid.coordinates)
    weight = flux / flux.sum()
    return [(weight * a * b).sum() for a, b in ((x, x), (y, y), (x, y))]


@pytest.mark.parametrize("angle", [0.0, 90.0, 30.0])
def test_its_moments_are_those_of_its_axes(angle):
    """From north through east; those of the source and of a pixel as a round PSF has them."""
    psf = jm.EllipticalPSF(jm.GaussianPSF(1.2), 0.5, angle)
    major, minor = (1.2 / SIGMA_TO_FWHM) ** 2, (0.6 / SIGMA_TO_FWHM) ** 2
    own = moments(jm.GaussianPSF(1.2))[0] - major
    sin, cos = np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))
    expected = [
        own + major * sin**2 + minor * cos**2,
        own + major * cos**2 + minor * sin**2,
        (major - minor) * sin * cos,
    ]
    np.testing.assert_allclose(moments(psf), expected, atol=2e-4)


def test_a_turned_grid_sees_the_same_ellipse():
    turn = np.deg2rad(25.0)
    matrix = 0.2 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    turned = jm.Grid(tuple(-matrix @ (20.0, 20.0)), matrix, (41, 41))
    psf = jm.EllipticalPSF(jm.GaussianPSF(1.2), 0.6, 40.0)
    np.testing.assert_allclose(moments(psf, turned), moments(psf), atol=2e-4)


@pytest.mark.parametrize("psf", [jm.GaussianPSF(1.1), jm.MoffatPSF(1.1, 3.0)])
def test_with_an_axis_ratio_of_one_it_is_round(psf, tolerance):
    k = jnp.linspace(-0.5, 0.5, 7)
    round_one = psf.transfer(GRID, k[None, :], k[:, None])
    same = jm.EllipticalPSF(psf, 1.0, 33.0).transfer(GRID, k[None, :], k[:, None])
    np.testing.assert_allclose(same, round_one, atol=tolerance(1e-12, 1e-6))


@pytest.mark.wrong_types
def test_what_is_wrong_is_told():
    with pytest.raises(jm.InputError, match=r"at most 1, got 1\.5"):
        jm.EllipticalPSF(jm.GaussianPSF(1.0), 1.5)
    with pytest.raises(jm.InputError, match="expected a GaussianPSF or a MoffatPSF"):
        jm.EllipticalPSF(jm.NoPSF(), 0.5)
