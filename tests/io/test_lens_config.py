"""Lenses in a configuration.

By name, by maps of their deflection, with what lies in front of and behind them.
"""

import re

import numpy as np
import pytest
import yaml

import jaxmetal as jm
from jaxmetal.io import scene
from jaxmetal.io.config import resolved
from jaxmetal.io.fits import write_maps
from tests.io.test_config import GOOD, SIZE, Z, mistakes, sky
from tests.scenes import DEFLECTION, blank

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

HALO = {"profile": "sie", "theta_E": 0.8, "e1": 0.1, "e2": 0.0}
ON_SKY = {k: v for k, v in Z.items() if k != "pixel_scale"} | {"file": "sky.fits"}
BULGE = {
    "light": {"profile": "sersic", "amp": 5.0, "R_sersic": 0.5, "n_sersic": 4.0},
    "foreground": True,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("lens")
    image = np.random.default_rng(0).uniform(8.0, 8.5, (SIZE, SIZE))
    images = {
        "Z": (image, "dex"),
        "Z_ERR": (np.full((SIZE, SIZE), 0.1), "dex"),
        "LIGHT": (image, ""),
        "LIGHT_ERR": (0 * image + 1, ""),
    }
    write_maps(path / "map.fits", images)
    write_maps(path / "sky.fits", images, sky())
    # A shear, on pixels of its own.
    wcs = sky((41, 41), 0.1)
    x, y = jm.Grid.from_wcs(wcs, (41, 41), (150.0, 2.0)).coordinates
    for name, alpha in (("x", 0.05 * x + 0 * y), ("y", -0.05 * y + 0 * x)):
        write_maps(path / f"{name}.fits", {"ALPHA": (np.asarray(alpha), "arcsec")}, wcs)
    (path / "mine.py").write_text(
        "def pull(x, y, strength):\n    return strength * x, strength * y\n"
    )
    return path


def lensed(*maps, lens=None, galaxy=None, priors=None):
    """The good configuration behind lenses."""
    parts = {
        "maps": dict(maps) or {"z": Z},
        "galaxy": GOOD["galaxy"] | (galaxy or {}),
        "priors": priors or GOOD["priors"],
    }
    return GOOD | parts | {"lens": lens}


def test_lenses_by_name_are_those_of_the_library(folder):
    disc = GOOD["galaxy"]["disc"] | {"distance_ratio": 0.9}
    priors = {
        "lens.halo.theta_E": {"uniform": [0.1, 2.0]},
        "disc.distance_ratio": {"uniform": [0.5, 1.5]},
    }
    lens = {
        "halo": HALO,
        "shear": {"profile": "shear", "gamma1": 0.03, "gamma2": 0.0},
        "own": {"profile": "mine:pull", "strength": 0.1},
    }
    made = scene.build(
        lensed(lens=lens, galaxy={"disc": disc, "bulge": BULGE}, priors=priors), folder
    )
    galaxy = made.galaxy
    assert set(galaxy.lens) == {"halo", "shear", "own"}
    assert galaxy.lens["halo"].name == "sie" and float(
        galaxy.lens["halo"].theta_E
    ) == pytest.approx(0.8)
    assert galaxy.is_lensed("disc") and not galaxy.is_lensed("bulge")
    assert float(galaxy.disc.distance_ratio) == pytest.approx(0.9)
    assert made.model().names == tuple(priors)


def test_published_maps_deflect_as_the_lens_does_that_they_show(folder):
    made = scene.build(lensed(("z", ON_SKY), lens={"cluster": {"deflection": DEFLECTION}}), folder)
    z = made.maps["z"].map
    shear = jm.Galaxy(
        lens={"s": jm.Profile(jm.lens.shear, gamma1=0.05, gamma2=0.0)}, disc=made.galaxy.disc
    )
    sharp = blank(jm.Instrument(z.instrument.grid, jm.NoPSF(), (2, 1), 0))
    np.testing.assert_allclose(jm.predict(made.galaxy, sharp), jm.predict(shear, sharp), atol=2e-5)


def test_the_light_may_be_a_picture_of_the_arc(folder):
    """Seen where it was taken, while the tracer lies in the source plane."""
    light = {"kind": "light", "value": "LIGHT", "error": "LIGHT_ERR"}
    arc = GOOD["galaxy"]["disc"] | {
        "light": {"profile": "image", "map": "seen"},
        "lensed_light": False,
    }
    config = lensed(
        ("z", ON_SKY),
        ("seen", ON_SKY | light),
        lens={"cluster": {"deflection": DEFLECTION}},
        galaxy={"disc": arc},
    )
    galaxy = scene.build(config, folder).galaxy
    grid = jm.Grid.regular((9, 9), 0.2)
    plain = jm.Galaxy(disc=jm.Component(light=galaxy.disc.light))
    sharp = jm.Instrument(grid, jm.NoPSF(), (4, 2), 0)
    np.testing.assert_allclose(
        jm.predict(galaxy, blank(sharp, jm.LightMap)),
        jm.predict(plain, blank(sharp, jm.LightMap)),
        rtol=1e-5,
    )
    x, y = jm.lensing.source_position(galaxy, *grid.coordinates)
    np.testing.assert_allclose(
        jm.predict(galaxy, blank(sharp)), 8.0 - 0.2 * np.hypot(x, y), atol=0.02
    )


def test_the_resolved_configuration_says_the_same(folder):
    lens = {"cluster": {"deflection": DEFLECTION}, "halo": HALO}
    made = scene.build(lensed(("z", ON_SKY), lens=lens, galaxy={"bulge": BULGE}), folder)
    said = yaml.safe_load(yaml.safe_dump(resolved(made.config, folder, {})))
    assert said["lens"]["cluster"]["deflection"]["x_file"] == str((folder / "x.fits").resolve())
    again = scene.build(said, folder.parent)
    assert again.galaxy.bulge.foreground and set(again.galaxy.lens) == {"cluster", "halo"}


MISTAKES = {
    "unknown lens": (
        {"halo": HALO | {"profile": "siee"}},
        "lens.halo: unknown profile 'siee'. Did you mean 'sie'?",
    ),
    "light as a lens": ({"halo": {"profile": "sersic"}}, "lens.halo: unknown profile 'sersic'"),
    "parameter": (
        {"halo": HALO | {"theta_e": 1.0}},
        "lens.halo.theta_e: unknown parameter 'theta_e'. Did you mean 'theta_E'?",
    ),
    "missing": ({"halo": {"profile": "sie"}}, "lens.halo.theta_E: is missing."),
    "neither": ({"halo": {}}, "lens.halo: expected profile, or deflection: {x_file: "),
    "both": (
        {"halo": HALO | {"deflection": DEFLECTION}},
        "lens.halo: expected profile, or deflection: ",
    ),
    "parameters of maps": (
        {"c": {"deflection": DEFLECTION, "ratio": 1.0}},
        "lens.c: deflection: the maps have no parameters, got ratio",
    ),
    "unit": (
        {"c": {"deflection": DEFLECTION | {"unit": "deg"}}},
        "lens.c.deflection.unit: expected 'arcsec' or 'pixel', got 'deg'.",
    ),
    "convention": (
        {"c": {"deflection": {k: v for k, v in DEFLECTION.items() if k != "axes"}}},
        "lens.c.deflection.axes: is missing.",
    ),
    "scaling": (
        {"c": {"deflection": DEFLECTION | {"scaled_to": "sourse"}}},
        "lens.c.deflection.scaled_to: expected infinity, source, or a red",
    ),
    "word": (
        {"c": {"deflection": DEFLECTION | {"units": "deg"}}},
        "lens.c.deflection.units: unknown key 'units'. Did you mean 'unit'?",
    ),
    "no file": (
        {"c": {"deflection": DEFLECTION | {"y_file": "no.fits"}}},
        "lens.c: .*no.fits: no such file",
    ),
    "redshift": (
        {"c": {"deflection": DEFLECTION | {"scaled_to": 2.0}}},
        "lens.c: read_deflection.lens_redshift: needed for maps",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_about_a_lens_is_one_line(folder, mistake):
    lens, line = MISTAKES[mistake]
    lines = mistakes(lensed(("z", ON_SKY), lens=lens), folder)
    assert len(lines) == 1, lines
    assert re.match(line.replace("{", r"\{").replace("?", r"\?"), lines[0]), lines[0]


def test_other_mistakes_are_one_line_each(folder):
    config = lensed(lens={"c": {"deflection": DEFLECTION}})
    (line,) = mistakes(config, folder)
    assert line == (
        "lens.c: deflection: the maps of this configuration have no place on the sky; "
        "give all of them a WCS."
    )
    config = lensed(
        lens={"halo": HALO},
        priors={"lens.halo.theta_e": {"uniform": [0, 1]}, "lens.hallo.e1": {"normal": [0, 1]}},
    )
    lines = mistakes(config, folder)
    assert (
        len(lines) == 2
        and "Did you mean 'theta_E'" in lines[0]
        and "Did you mean 'halo'" in lines[1]
    )
    both = mistakes(
        lensed(lens={"halo": HALO}, galaxy={"bulge": BULGE | {"distance_ratio": 0.5}}), folder
    )
    assert both == [
        "galaxy.bulge: Component: foreground light is not deflected, so it has no distance_ratio."
    ]
    named = mistakes(lensed(lens={"halo": HALO}, galaxy={"lens": BULGE}), folder)
    assert "galaxy.lens: lens is the name of the lenses; a component needs another one." in named
