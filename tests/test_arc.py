"""The mock arc, and the picture of both planes."""

import numpy as np
import numpyro.distributions as dist
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from scenes import blank, disc, telescope

import jaxmetal as jm
from jaxmetal.view.planes import plane_figure

pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]


@pytest.fixture(scope="module")
def fit():
    maps = jm.arcs.observe(jm.GaussianPSF(0.2), seed=3, shape=(45, 45), supersampling=(2, 1))
    return jm.optimise(jm.Model(jm.arcs.galaxy(), maps, {"source.metallicity.gradient": dist.Normal(0.0, 1.0)}), starts=1)


def test_a_mock_arc_scatters_about_its_truth_as_its_errors_say(fit):
    assert fit.reduced_chi_square == pytest.approx(1.0, abs=5 * np.sqrt(2 / fit.size))
    assert abs(fit.parameters["source.metallicity.gradient"] + 0.6) < 4 * fit.errors["source.metallicity.gradient"]
    # An arc and its counter-image, not the whole frame.
    assert 0.2 < fit.maps["z"].size / fit.maps["light"].size < 0.8


def test_both_planes_are_drawn_with_critical_curves_and_caustics(fit):
    sky, plane, _ = plane_figure(fit, "z").axes
    # The Einstein ring of 1.1", and the diamond of a weak ellipticity and shear; further out there is the cut of the singular core.
    for axes, least, most in ((sky, 0.9, 1.4), (plane, 0.01, 0.1)):
        (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
        away = np.hypot(*np.concatenate(lines.get_segments()).T)
        assert np.sum((least < away) & (away < most)) > 500
    images = [next(found for found in axes.collections if isinstance(found, QuadMesh)).get_array() for axes in (sky, plane)]
    np.testing.assert_allclose(images[0].compressed(), fit.maps["z"].data[np.isfinite(fit.maps["z"].data)])
    # The source is richest where it is: in its middle.
    rows, columns = np.unravel_index(np.argmax(images[1].filled(-np.inf)), images[1].shape)
    mesh = next(found for found in plane.collections if isinstance(found, QuadMesh))
    x, y = mesh.get_coordinates()[rows, columns]
    assert np.hypot(x - 0.18, y + 0.1) < 0.05


def test_what_has_no_two_planes_is_named(fit):
    with pytest.raises(jm.InputError, match="'light' is a map of light"):
        plane_figure(fit, "light")
    plain = jm.optimise(jm.Model(disc(), {"z": blank(telescope((15, 15)))}, {"disc.metallicity.central": dist.Normal(8.0, 0.1)}), starts=1)
    with pytest.raises(jm.InputError, match="nothing that carries 'metallicity' lies behind a lens"):
        plane_figure(plain, "z")
