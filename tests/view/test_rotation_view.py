"""The figure of a rotation curve: what it draws, and when there is one."""

import dataclasses
import inspect
import re
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.galaxy import put
from jaxmetal.view import figures as figures_module
from jaxmetal.view import maps, rotation, style
from jaxmetal.view.figures import fit_figures
from jaxmetal.view.fit_sections import TITLES, picture
from jaxmetal.view.position_velocity import position_velocity_figure
from jaxmetal.view.rotation import rotation_figure
from tests.scenes import blank

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

NUMBERS = {"v_max": 200.0, "r_turn": 0.3, "inclination": 55.0, "position_angle": 20.0}


def galaxy_of(profile):
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.exponential, amp=10.0, scale_length=1.0),
            velocity=profile,
            dispersion=jm.Profile(jm.tracer.uniform, value=40.0),
        )
    )


@pytest.fixture(scope="module")
def truth():
    return galaxy_of(jm.Profile(jm.tracer.rotation, systemic=900.0, **NUMBERS))


@pytest.fixture(scope="module")
def fit(truth):
    """Of maps without noise, which a disc with the wrong velocity starts from."""
    instrument = jm.Instrument(jm.Grid.regular((21, 21), 0.4), jm.GaussianPSF(1.5), (3, 1), 6)
    options = {"tracer": "velocity", "scale": "linear"}
    v = np.array(jm.predict(truth, blank(instrument, **options)))
    s = np.array(jm.predict(truth, blank(instrument, jm.DispersionMap, check=False)))
    maps = {
        "v": jm.TracerMap(v, 5.0, instrument, **options),
        "s": jm.DispersionMap(s, 5.0, instrument),
    }
    start = put(truth, "disc.velocity.v_max", jnp.asarray(150.0))
    return jm.optimise(jm.Model(start, maps, {"disc.velocity.v_max": dist.Uniform(1, 500)}))


def lines(figure):
    """{start of the label: (x, y)} of the lines."""
    drawn = {line.get_label(): line.get_xydata().T for line in figure.axes[0].lines}
    return {label[:5]: np.asarray(xy) for label, xy in drawn.items()}


def test_the_curve_is_that_of_the_galaxy_and_the_major_axis_lies_below_it(fit, truth):
    figure = rotation_figure(fit, "v", unit="km/s", truth=truth)
    drawn = lines(figure)
    radii, curve = drawn["rotat"]
    np.testing.assert_allclose(curve, 200 * 2 / np.pi * np.arctan(radii / 0.3), rtol=0.01)
    np.testing.assert_allclose(drawn["truth"][1], curve, rtol=0.01, atol=0.5)
    at, through = drawn["fit t"]
    known = np.isfinite(through)
    beneath = np.interp(at[known], radii, curve) - through[known]
    assert np.all(beneath > 0) and beneath[0] > 50 and beneath[-1] < 15
    low, high = figure.axes[0].get_ylim()
    assert low < 0 and high > curve.max()
    words = figure.axes[0].get_ylabel()
    assert words == "rotation velocity [km/s], in the plane of the disc"
    (entry,) = [text.get_text() for text in figure.legends[0].texts if "sigma" in text.get_text()]
    # 184.2 over 40 at half of the largest radius, 2.4 arcsec.
    assert "= 4.60" in entry


def test_only_measurements_near_the_major_axis_are_drawn(fit):
    disc = rotation._disc(fit, "velocity", "disc", None)
    radius, factor = rotation._cut(fit.maps["v"], disc, fit.galaxy)
    used = np.isfinite(radius)
    assert 0 < used.sum() < 0.3 * used.size
    least = np.sin(np.deg2rad(55.0)) * np.cos(np.deg2rad(rotation.WEDGE))
    assert np.all(np.abs(factor[used]) >= least - 1e-6)
    # As many recede as approach.
    assert (factor[used] > 0).sum() == (factor[used] < 0).sum()


def test_the_colours_of_velocities_diverge_at_the_systemic_one(fit):
    figure = maps.map_figure(fit, "v", "km/s")
    norms = [axes.collections[0].norm for axes in figure.axes[:4] if axes.collections]
    for index in (0, 1, 3):
        assert norms[index].vmin + norms[index].vmax == pytest.approx(2 * 900.0, abs=0.1)
    assert maps.systemic_velocity(fit, fit.maps["s"]) is None


def test_position_and_velocity_in_a_slit(fit, truth):
    """The fit runs through the data, steeper without the PSF, with the dispersion about both."""
    axes = position_velocity_figure(fit, "v", "km/s").axes[0]
    drawn = {line.get_label(): np.asarray(line.get_xydata()).T for line in axes.lines}
    position, velocity = drawn["velocity of the fit"]
    (bars,) = axes.containers
    measured = np.asarray(bars.lines[0].get_ydata())
    np.testing.assert_allclose(velocity, measured, atol=0.3)
    np.testing.assert_allclose(velocity + velocity[::-1], 1800.0, atol=0.5)
    assert velocity[-1] > 1000 and position[-1] > 3.5
    at, sharp = drawn["velocity without the PSF"]
    expected = 900 + 200 * np.sin(np.deg2rad(55)) * 2 / np.pi * np.arctan(at / 0.3)
    np.testing.assert_allclose(sharp, expected, rtol=1e-3)
    (upper,) = [y for label, (_, y) in drawn.items() if "dispersion" in label]
    spread = upper - measured
    # The beam adds to the 40 km/s in the middle, and nothing far out.
    assert spread[len(spread) // 2] > 70 and spread[-1] == pytest.approx(40.0, abs=4.0)
    assert axes.get_ylabel() == "velocity [km/s]"


def test_a_velocity_map_alone_has_no_dispersion_in_the_slit(fit):
    alone = dataclasses.replace(fit, maps={"v": fit.maps["v"]})
    axes = alone.plot("v", ax=style.new_figure(4, 3).add_subplot(), what="position-velocity")
    assert not any("dispersion" in str(line.get_label()) for line in axes.lines)
    assert len(alone.plot("v", what="position-velocity").axes) == 1


def test_every_figure_of_velocities_has_its_place_in_the_report(fit):
    scene: Any = SimpleNamespace(
        maps={name: SimpleNamespace(unit="km/s") for name in fit.maps},
        truth=None,
        disc_of=lambda *_: None,
        config=SimpleNamespace(truth={}),
    )
    figures = fit_figures(scene, fit, None)
    assert {"rotation_v", "slit_v", "map_v", "map_s"} <= set(figures)
    for name in ("rotation_v", "slit_v"):
        failures = {}
        assert "data:image/png" in picture(name, figures[name], failures)
        assert not failures


def test_every_kind_of_figure_has_a_title():
    """Those that `fit_figures` and what it calls may give."""
    source = inspect.getsource(figures_module)
    kinds = {name.partition("_")[0] for name in re.findall(r'f?"([a-z]+(?:_\{[^"]*)?)":', source)}
    kinds |= set(re.findall(r'figures\[f?"([a-z]+)', source))
    assert {"map", "light", "planes", "lines", "diagram", "corner", "slit"} <= kinds
    assert kinds - {"unit", "truth", "scales", "disc"} <= set(TITLES)


def test_a_map_without_rotation_is_refused(fit):
    with pytest.raises(InputError, match="is a rotating disc"):
        position_velocity_figure(fit, "s")
    with pytest.raises(InputError, match="is a rotating disc"):
        rotation_figure(fit, "s")
    with pytest.raises(InputError, match="unknown map"):
        rotation_figure(fit, "velocity")
