"""The figures of emission lines: all lines at once, and the diagnostic diagram."""

import dataclasses

import numpy as np
import numpyro.distributions as dist
import pytest

import jaxmetal as jm
from jaxmetal.errors import InputError
from jaxmetal.view.figures import _map_figures
from jaxmetal.view.lines import diagram_figure, lines_figure, lines_of
from tests.scenes import telescope

LINES = ("Ha", "Hb", "NII6584", "OIII5007")


@pytest.fixture(scope="module")
def fit():
    """A fit to four lines, one of them faint."""
    galaxy = jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=8.6, gradient=-0.1),
            emission=jm.Emission(reference="Ha", relation="curti20"),
        )
    )
    maps = jm.simulate.line_maps(galaxy, telescope(), LINES, seed=0)
    return jm.optimise(
        jm.Model(galaxy, maps, {"disc.metallicity.central": dist.Normal(8.6, 0.2)}), starts=1
    )


def test_every_line_has_a_row_from_blue_to_red(fit):
    assert list(lines_of(fit)) == ["Hb", "OIII5007", "Ha", "NII6584"]
    figure = lines_figure(fit)
    panels = [axes for axes in figure.axes if axes.get_title() == "" or axes.collections]
    assert len(figure.axes) == 4 * 5
    assert [axes.get_ylabel() for axes in panels if axes.get_ylabel().endswith("y [arcsec]")] == [
        f"{name}\ny [arcsec]" for name in lines_of(fit)
    ]
    assert len(lines_figure(fit, ["Ha"]).axes) == 5


def test_the_diagram_shows_the_models_pixels_without_noise(fit):
    figure = diagram_figure(fit)
    data, model = (np.asarray(points.get_offsets()) for points in figure.axes[0].collections[:2])
    assert len(model) > len(data) > 100
    # The model's ratios follow one relation; those of noisy pixels do not.
    assert model[:, 1].std() < 0.5 * data[:, 1].std()
    order = np.argsort(model[:, 0])
    assert np.all(np.diff(model[order, 1]) < 1e-3)


def test_a_fit_of_lines_has_both_figures(fit):
    assert {"lines", "diagram"} <= set(_map_figures(fit, dict.fromkeys(fit.maps)))


def test_the_profile_of_lines_has_the_naive_line_beside_the_models(fit):
    """The model through the PSF runs through the annuli; the naive line is another."""
    figure = fit.plot(what="profile")
    axes = figure.axes[0]
    assert axes.get_ylabel() == "12 + log(O/H) [dex]"
    legend = dict(text.get_text().split(": ", 1) for text in figure.legends[0].get_texts()[2:])
    cut = jm.lines.naive_gradients(fit, [3.0])["naive: S/N > 3"]["gradient"]
    assert legend["naive"] == f"S/N > 3: {legend['naive'].split(': ')[1]}"
    naive = float(legend["naive"].split(": ")[1].split()[0].replace("\N{MINUS SIGN}", "-"))
    assert naive == pytest.approx(cut, abs=6e-4)
    best, squares, circles = (
        next(
            line
            for line in axes.lines
            if line.get_marker() == marker and line.get_label()[0] in label
        )
        for marker, label in (("None", "f"), ("s", "_"), ("o", "f"))
    )
    slope = np.polyfit(*best.get_data(), 1)[0]
    assert slope == pytest.approx(-0.1, abs=1e-3) and cut > -0.09
    inner = slice(0, 5)
    np.testing.assert_allclose(circles.get_ydata()[inner], squares.get_ydata()[inner], atol=0.01)


def test_a_fit_of_one_line_has_no_profile(fit):
    one = dataclasses.replace(fit, maps={"Ha": fit.maps["Ha"]})
    with pytest.raises(InputError, match="two lines in the same pixels"):
        one.plot(what="profile")
    with pytest.raises(InputError, match="unknown map 'Hc'"):
        fit.plot("Hc", what="profile")


def test_what_is_missing_is_named(fit):
    without = dataclasses.replace(fit, maps={"Ha": fit.maps["Ha"]})
    with pytest.raises(InputError, match="diagram_figure: needs maps of NII6584, Ha"):
        diagram_figure(without)
    with pytest.raises(InputError, match="lines_figure: the fit has no map of a line"):
        lines_figure(dataclasses.replace(fit, maps={}))
