"""What a notebook shows: tables and small pictures that need no other file, and figures into
given axes.
"""

import base64
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import numpyro.distributions as dist
import pytest
from matplotlib.image import imread

import jaxmetal as jm
from jaxmetal.view.quick import PANELS, SLIT
from tests.scenes import CENTRAL, FLAT, GRADIENT, disc, small_model, telescope

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


class Balanced(HTMLParser):
    """Whether every element is closed, in order."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def html(thing):
    """The page of an object, which is checked to be whole and to have no colours of its own."""
    text = thing._repr_html_()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert "background" not in text and "<script" not in text
    return text


@pytest.fixture(scope="module")
def posterior(fit):
    """Draws about the fit."""
    rng = np.random.default_rng(1)
    samples = {
        path: float(fit.parameters[path]) + float(fit.errors[path]) * rng.normal(size=(2, 300))
        for path in (CENTRAL, GRADIENT)
    }
    statistics = {"diverging": np.zeros((2, 300), bool), "log_density": np.zeros((2, 300))}
    return jm.Posterior(samples, statistics, {"method": "nuts"})


def test_a_model_shows_maps_priors_ties_and_what_is_fixed():
    priors = {**FLAT, "disc.light.center_x": dist.Normal(0.0, 0.1)}
    priors["disc.metallicity.center_x"] = jm.Tied("disc.light.center_x")
    text = html(small_model(priors=priors))
    for words in ("TracerMap", GRADIENT, "Uniform(", "normal(0, 0.1)", "arcsec", "Ties"):
        assert words in text
    assert re.search(r"Fixed: .*disc\.light\.R_sersic 1\b", text)
    assert "disc.metallicity.center_x 0" not in text.partition("Fixed:")[2]


def test_a_picture_is_a_small_png_with_transparent_masked_pixels():
    values = np.full((31, 31), 8.5)
    values[:5] = np.nan
    one_map = jm.TracerMap(values, 0.1, telescope(), check=False)
    data = re.search(r'base64,([^"]*)"', html(one_map))[1]
    assert len(data) < 20_000
    import io

    image = imread(io.BytesIO(base64.b64decode(data)), format="png")
    assert image.shape == (31, 31, 4)
    # Rows count from the bottom.
    assert image[-1, 0, 3] == 0.0 and image[0, 0, 3] == 1.0


def test_results_show_a_table_and_their_diagnostics(fit, posterior):
    assert GRADIENT in html(fit) and "reduced chi-square" in html(fit)
    assert GRADIENT in html(posterior) and "2 × 300 draws by nuts" in html(posterior)


def test_a_galaxy_and_an_instrument_show_their_numbers():
    assert "disc.light.R_sersic" in html(disc()) and "sersic" in html(disc())
    text = html(telescope())
    assert "31 × 31 of 0.2 arcsec" in text and "GaussianPSF, FWHM 0.8 arcsec" in text


def test_the_parts_of_a_path_complete_one_after_the_other():
    """What an editor or a notebook proposes after a dot."""
    galaxy = disc()
    assert "disc" in dir(galaxy) and "metallicity" in dir(galaxy.disc)
    assert {"R_sersic", "center_x"} <= set(dir(galaxy.disc.light))


def test_names_are_escaped():
    galaxy = disc()
    odd = jm.Galaxy(**{"<b>": galaxy.disc})
    assert "<b>" not in html(odd) and "&lt;b&gt;" in html(odd)


def test_every_panel_of_a_fit_can_be_drawn_into_given_axes(fit):
    images = [what for what in PANELS if what != SLIT]
    figure, axes = plt.subplots(1, len(images))
    for panel, what in zip(axes, images, strict=True):
        assert fit.plot("z", ax=panel, what=what) is panel
        assert panel.collections
    figure.canvas.draw()
    plt.close(figure)
    with pytest.raises(jm.InputError, match="unknown panel 'modl'"):
        fit.plot("z", ax=axes[0], what="modl")


def test_without_axes_there_is_a_figure(fit, posterior, model):
    assert len(fit.plot().axes) > 4
    assert posterior.plot_corner().axes
    assert model.maps["z"].plot().get_figure() is not None


def test_a_corner_plot_in_given_axes(posterior):
    figure, axes = plt.subplots(2, 2)
    assert posterior.plot_corner({GRADIENT: -0.2}, ax=axes) is axes
    assert axes[1, 0].collections and not axes[0, 1].axison
    plt.close(figure)
    with pytest.raises(jm.InputError, match=r"expected axes of shape \(2, 2\), got \(3,\)"):
        posterior.plot_corner(ax=np.empty(3, object))


def test_results_as_tables(fit, posterior):
    table = posterior.to_table()
    assert table.colnames[:3] == ["parameter", "unit", "mean"] and len(table) == 2
    row = next(row for row in fit.to_table() if row["parameter"] == GRADIENT)
    assert row["value"] == pytest.approx(float(fit.parameters[GRADIENT]))


def test_tables_of_results_have_units(fit, model, posterior):
    """Those of the draws are known where they were sampled from a model."""
    expected = {CENTRAL: "dex", GRADIENT: "dex/arcsec"}
    for result in (fit, jm.forecast(model), jm.sample(model, fit, draws=100, method="importance")):
        rows = result.to_table()
        assert dict(zip(rows["parameter"], rows["unit"], strict=True)) == expected
    assert list(posterior.to_table()["unit"]) == ["", ""]


def test_draws_as_columns(posterior):
    """For pandas, getdist and the like: one number a draw, chain after chain."""
    flat, frame = posterior.flat, posterior.to_pandas()
    assert flat[GRADIENT].shape == (600,)
    np.testing.assert_array_equal(flat[GRADIENT][300:], posterior.by_chain[GRADIENT][1])
    assert list(frame.columns) == [CENTRAL, GRADIENT] and frame.index.names == ["chain", "draw"]
    np.testing.assert_array_equal(frame.loc[1, GRADIENT], posterior.samples[GRADIENT][1])
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(flat).shape == (600, 2)
