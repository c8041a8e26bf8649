"""The figure of a rotation curve: what it draws, and when there is one."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.galaxy import put
from jaxmetal.view import maps, rotation
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


def test_a_map_without_rotation_is_refused(fit):
    with pytest.raises(InputError, match="is a rotating disc"):
        rotation_figure(fit, "s")
    with pytest.raises(InputError, match="unknown map"):
        rotation_figure(fit, "velocity")
