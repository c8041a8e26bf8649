"""Fibres and slitlets in a configuration: tables with a row for each measurement."""

import astropy.units as u
import numpy as np
import pytest
import yaml
from astropy.table import Table

import jaxmetal as jm
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.fits import write_maps
from jaxmetal.io.results import read_results
from jaxmetal.io.scene import build
from tests.io.test_config import sky

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

GRADIENT = "disc.metallicity.gradient"
GALAXY = {
    "disc": {
        "light": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
        "metallicity": {"profile": "gradient", "central": 8.0, "gradient": -0.2},
    }
}
PRIORS = {GRADIENT: {"normal": [0, 0.5]}}
X, Y = (axis.ravel() for axis in np.meshgrid(np.arange(-2, 3) * 1.2, np.arange(-2, 3) * 1.2))
FIBRES = {"x": "X", "y": "Y", "diameter": 1.0}
STEPS = [-0.3, -0.15, 0.0, 0.15, 0.3]


def table(count, **columns):
    """Metallicities with errors, and further columns."""
    rng = np.random.default_rng(1)
    numbers = {"Z": rng.normal(7.8, 0.05, count) * u.dex, "E": np.full(count, 0.05) * u.dex}
    return Table({**numbers, **columns})


def entry(**more):
    psf = {"gaussian": {"fwhm": 1.0}}
    return {"kind": "tracer", "file": "t.ecsv", "value": "Z", "error": "E", "psf": psf} | more


def built(folder, rows, one_map, **rest):
    """The scene of a configuration with one map."""
    rows.write(folder / "t.ecsv")
    raw = {"maps": {"z": one_map}, "galaxy": GALAXY, "priors": PRIORS}
    return build(raw | rest, folder)


@pytest.fixture
def fibres():
    """A table of fibres whose places are in units of their own."""
    return table(25, X=(X / 60) * u.arcmin, Y=Y * u.arcsec)


def test_fibres_are_circles_at_the_places_of_their_rows(tmp_path, fibres, tolerance):
    z = built(tmp_path, fibres, entry(fibres=FIBRES)).maps["z"].map
    assert z.values.shape == (25,) and z.instrument.measurements == "apertures"
    grid = z.instrument.grid
    assert float(grid.pixel_scale) == pytest.approx(0.2)
    expected = jm.Apertures.circles(grid, X, Y, 0.5)
    ones = np.ones(grid.shape)
    np.testing.assert_allclose(z.instrument.apertures.totals(ones), expected.totals(ones), 1e-5)
    x = np.broadcast_to(np.asarray(grid.coordinates[0], float), grid.shape)
    np.testing.assert_allclose(z.instrument.apertures.means(x), X, atol=1e-4)
    np.testing.assert_allclose(np.asarray(z.sigma), 0.05, rtol=1e-6)


def test_slitlets_have_a_row_for_each_row_of_the_detector(tmp_path):
    slitlets = {"x": 0.1, "y": 0.0, "angle": 30.0, "across": STEPS, "row_height": 0.1}
    one_map = entry(slitlets=slitlets | {"transmission": 0.1}, pixel_scale=0.05)
    priors = {"z.instrument.apertures.transmission": {"uniform": [0, 0.5]}}
    scene = built(tmp_path, table(5 * 16), one_map, priors=priors)
    apertures = scene.maps["z"].map.instrument.apertures
    assert apertures.count == 80 and float(apertures.transmission) == pytest.approx(0.1)
    assert scene.model().free == ("z.instrument.apertures.transmission",)


def test_results_of_fibres_are_complete_by_themselves(tmp_path, fibres):
    """The table of the results is read again, with the places of the fibres as numbers."""
    fibres["Z"][3] = np.nan
    raw = {"maps": {"z": entry(fibres=FIBRES)}, "galaxy": GALAXY, "priors": PRIORS}
    raw |= {"sample": False, "plots": False, "fit": {"starts": 1}}
    fibres.write(tmp_path / "t.ecsv")
    (tmp_path / "fit.yaml").write_text(yaml.safe_dump(raw), "utf-8")
    jm.run(tmp_path / "fit.yaml", tmp_path / "out")
    (tmp_path / "t.ecsv").unlink()
    scene, fit, _ = read_results(tmp_path / "out")
    assert fit.maps["z"].size == 24 and GRADIENT in fit.parameters
    np.testing.assert_allclose(scene.maps["z"].map.data[5:], fibres["Z"][5:], rtol=1e-5)


def mistakes(one_map):
    found = Mistakes()
    parse({"maps": {"z": one_map}, "galaxy": GALAXY}, found)
    return "\n".join(found.lines)


def test_what_is_wrong_with_the_entry_is_told():
    both = entry(fibres=FIBRES, slitlets={"x": 0.0, "y": 0.0})
    assert "expected fibres or slitlets, got both" in mistakes(both)
    assert "bins: is for maps of pixels" in mistakes(entry(fibres=FIBRES, bins="BINS"))
    assert "diametre" in mistakes(entry(fibres=FIBRES | {"diametre": 2.0}))
    assert "transmission" in mistakes(entry(slitlets={"x": 0, "y": 0, "transmission": 1.5}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": "OH"}, "unknown column 'OH'"),
        ({"fibres": FIBRES | {"x": "XPOS"}}, "unknown column 'XPOS'"),
        ({"fibres": FIBRES | {"x": "NAME"}}, "the column 'NAME' of t.ecsv has no numbers"),
        ({"fibres": FIBRES | {"x": [0.0, 1.0]}}, "expected one number or shape"),
        ({"fibres": {"x": 0.0, "y": 0.0, "diameter": 1.0}}, "25"),
        ({"fibres": FIBRES | {"diameter": -1.0}}, "positive"),
        ({"value": 1}, "expected the name of a column"),
    ],
)
def test_what_is_wrong_with_the_table_is_told(tmp_path, fibres, change, words):
    fibres["NAME"] = ["a"] * 25
    with pytest.raises(jm.InputError, match=words):
        built(tmp_path, fibres, entry(**{"fibres": FIBRES, **change}))


def test_fibres_and_an_image_count_from_one_reference(tmp_path, fibres):
    images = {"L": (np.full((21, 21), 5.0) + np.arange(21), ""), "L_ERR": (np.ones((21, 21)), "")}
    write_maps(tmp_path / "image.fits", images, sky((21, 21)))
    light = entry(kind="light", file="image.fits", value="L", error="L_ERR")
    fibres.write(tmp_path / "t.ecsv")
    maps = {"light": light, "z": entry(fibres=FIBRES)}
    scene = build({"maps": maps, "galaxy": GALAXY, "priors": PRIORS}, tmp_path)
    assert scene.reference is not None
    grid = scene.maps["z"].map.instrument.grid
    assert np.allclose(np.asarray(grid.pixel(0.0, 0.0)), (np.array(grid.shape) - 1) / 2, atol=1e-3)
