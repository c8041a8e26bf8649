"""The mock arc, and the picture of both planes."""

from dataclasses import replace

import numpy as np
import numpyro.distributions as dist
import pytest
from matplotlib.collections import LineCollection, QuadMesh

import jaxmetal as jm
from jaxmetal.view import planes
from jaxmetal.view.planes import plane_figure
from tests.scenes import blank, disc, telescope

pytestmark = pytest.mark.precision("single")


@pytest.fixture(scope="module")
def fit():
    maps = jm.arcs.observe(jm.GaussianPSF(0.2), seed=3, shape=(45, 45), supersampling=(2, 1))
    return jm.optimise(
        jm.Model(jm.arcs.galaxy(), maps, {"source.metallicity.gradient": dist.Normal(0.0, 1.0)}),
        starts=1,
    )


@pytest.fixture
def fit_of():
    """A fit of nothing: the galaxy as it is, and a small map."""

    def made(galaxy):
        maps = {"z": blank(telescope((11, 11)))}
        nothing = np.zeros((0, 0))
        return jm.Fit(
            {},
            nothing,
            galaxy,
            maps,
            {"z": np.zeros((11, 11))},
            0.0,
            True,
            "converged",
            np.zeros(0),
            nothing,
        )

    return made


@pytest.mark.slow
def test_a_mock_arc_scatters_about_its_truth_as_its_errors_say(fit):
    assert fit.reduced_chi_square == pytest.approx(1.0, abs=5 * np.sqrt(2 / fit.size))
    assert (
        abs(fit.parameters["source.metallicity.gradient"] + 0.6)
        < 4 * fit.errors["source.metallicity.gradient"]
    )
    # An arc and its counter-image, not the whole frame.
    assert 0.2 < fit.maps["z"].size / fit.maps["light"].size < 0.8


@pytest.mark.slow
def test_both_planes_are_drawn_with_critical_curves_and_caustics(fit):
    sky, plane, _ = plane_figure(fit, "z").axes
    # The Einstein ring of 1.1", and the diamond of a weak ellipticity and shear; further out there
    # is the cut of the singular core.
    for axes, least, most in ((sky, 0.9, 1.4), (plane, 0.01, 0.1)):
        (lines,) = (found for found in axes.collections if isinstance(found, LineCollection))
        away = np.hypot(*np.concatenate(lines.get_segments()).T)
        assert np.sum((least < away) & (away < most)) > 500
    images = [
        next(found for found in axes.collections if isinstance(found, QuadMesh)).get_array()
        for axes in (sky, plane)
    ]
    np.testing.assert_allclose(
        images[0].compressed(), fit.maps["z"].data[np.isfinite(fit.maps["z"].data)]
    )
    # The source is richest where it is: in its middle.
    rows, columns = np.unravel_index(np.argmax(images[1].filled(-np.inf)), images[1].shape)
    mesh = next(found for found in plane.collections if isinstance(found, QuadMesh))
    x, y = mesh.get_coordinates()[rows, columns]
    assert np.hypot(x - 0.18, y + 0.1) < 0.05


@pytest.mark.slow
def test_what_has_no_two_planes_is_named(fit):
    with pytest.raises(jm.InputError, match="'light' is a map of light"):
        plane_figure(fit, "light")
    plain = jm.optimise(
        jm.Model(
            disc(),
            {"z": blank(telescope((15, 15)))},
            {"disc.metallicity.central": dist.Normal(8.0, 0.1)},
        ),
        starts=1,
    )
    with pytest.raises(
        jm.InputError, match="nothing that carries 'metallicity' lies behind a lens"
    ):
        plane_figure(plain, "z")


def as_seen(galaxy, grid):
    """The galaxy with a picture of its arc as its light, as a telescope without blur has it."""
    component = galaxy.source
    x, y = grid.coordinates
    brightness = np.asarray(component.light(*jm.lensing.source_position(galaxy, x, y)), float)
    picture = jm.Profile(jm.light.image, image=brightness, scale=grid.pixel_scale)
    return jm.Galaxy(
        lens=galaxy.lens, source=jm.Component(picture, lensed_light=False, **component.tracers)
    )


def test_the_picture_of_an_arc_is_traced_back_to_its_source():
    """Through a shear and a convergence, which make the picture larger, wider than high, and of
    the same brightness.
    """
    lens = {
        "shear": jm.Profile(jm.lens.shear, gamma1=0.3, gamma2=0.1),
        "sheet": jm.Profile(jm.lens.convergence, kappa=0.2),
    }
    light = jm.Profile(jm.light.gaussian, amp=2.0, sigma=0.25, center_x=0.1, center_y=-0.05)
    truth = jm.Galaxy(
        lens=lens, source=jm.Component(light, metallicity=jm.arcs.galaxy().source.metallicity)
    )
    sky, frame = jm.Grid.regular((201, 201), 0.015), jm.Grid.regular((41, 41), 0.03, (0.1, -0.05))
    arc = as_seen(truth, sky)
    traced = planes._traced_back(arc, arc.source, "light", sky, frame)
    assert traced.lensed_light and list(traced.tracers) == ["metallicity"]
    wanted, found = (
        np.asarray(component.lights["light"](*frame.coordinates), float)
        for component in (truth.source, traced)
    )
    # A pixel holds the mean of what falls into it.
    np.testing.assert_allclose(found, wanted, atol=0.04 * wanted.max())


@pytest.mark.slow
def test_both_planes_are_drawn_where_the_light_is_a_picture_of_the_arc(fit):
    """The source shines in the same place, with the same metallicity, as where its light is
    modelled.
    """
    grid = fit.maps["z"].instrument.grid
    arc = replace(fit, galaxy=as_seen(fit.galaxy, grid))
    panels = []
    for one in (fit, arc):
        plane = plane_figure(one, "z").axes[1]
        panels.append(
            next(found for found in plane.collections if isinstance(found, QuadMesh)).get_array()
        )
    modelled, traced = (~np.ma.getmaskarray(panel) for panel in panels)
    assert np.mean(traced[modelled]) > 0.5
    both = modelled & traced
    np.testing.assert_allclose(panels[0][both], panels[1][both], atol=0.02)


@pytest.mark.slow
def test_a_source_plane_without_light_is_named(fit_of):
    truth, nothing = jm.arcs.galaxy(), jm.Profile(jm.light.image, image=np.zeros((5, 5)))
    dark = jm.Component(nothing, lensed_light=False, metallicity=truth.source.metallicity)
    with pytest.raises(
        jm.InputError,
        match="no light of what carries 'metallicity' comes from the source plane behind 'z'",
    ):
        plane_figure(fit_of(jm.Galaxy(lens=truth.lens, source=dark)), "z")
