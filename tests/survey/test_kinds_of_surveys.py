"""Surveys of emission lines, and of velocity and dispersion: their maps, profiles and columns."""

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

import jaxmetal as jm
from jaxmetal import survey
from jaxmetal.io.fits import write_maps
from jaxmetal.io.scene import build
from jaxmetal.survey import output
from jaxmetal.survey.catalogue import Catalogue, configure
from jaxmetal.view.report import survey_report
from tests.scenes import telescope
from tests.surveys import save

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SHAPE = (12, 12)
COMMON = {
    "file": "{file}",
    "pixel_scale": 0.5,
    "psf": {"gaussian": {"fwhm": 1.0}},
    "supersampling": [2, 1],
    "margin": 3,
}
LIGHT = {"profile": "sersic", "amp": 16.0, "R_sersic": 1.5, "n_sersic": 1.0}
LINE = {"profile": "gradient", "central": 8.5, "gradient": -0.05}
PRIORS = {
    "disc.metallicity.central": {"uniform": [7, 9.5]},
    "disc.metallicity.gradient": {"normal": [0.0, 0.3]},
}
ANGLES = {"inclination": 50.0, "position_angle": 30.0}


def profile(entry):
    home = jm.light if entry is LIGHT else jm.tracer
    return jm.Profile(
        getattr(home, entry["profile"]), **{k: v for k, v in entry.items() if k != "profile"}
    )


def run(folder, images, maps, tracers, priors):
    """The folder of results of a survey of galaxies with these images."""
    for name, one in images.items():
        write_maps(folder / f"{name}.fits", one)
    rows = [{"id": name, "file": f"{name}.fits"} for name in images]
    config = {
        "survey": {"shard": 2, "together": 2},
        "maps": maps,
        "galaxy": {"disc": {"light": LIGHT, **tracers}},
        "priors": PRIORS | priors,
        "fit": {"starts": 1},
        "sample": False,
    }
    survey.run(*save(folder, Table(rows=rows), config), folder / "out", progress=False)
    return config


@pytest.mark.slow
def test_lines_have_naive_gradients_and_profiles(tmp_path):
    """Those of `jm.lines`: the metallicities of pixels by their own lines, with S/N above 3."""
    disc = jm.Component(profile(LIGHT), metallicity=profile(LINE), emission=jm.Emission("marino13"))
    instrument, images = telescope(SHAPE, 0.5, 1.0, (2, 1), 3), {}
    for seed, name in enumerate(("a", "b")):
        maps = jm.simulate.line_maps(
            jm.Galaxy(disc=disc), instrument, ("Ha", "NII6584"), 0.1, seed=seed
        )
        images[name] = {line: (np.asarray(one.values), "") for line, one in maps.items()}
    entry = COMMON | {"kind": "lines", "sigma": 0.1, "lines": {"Ha": "Ha", "NII6584": "NII6584"}}
    tracers = {"metallicity": LINE, "emission": {"relation": "marino13"}}
    config = run(tmp_path, images, {"gas": entry}, tracers, {})
    results = survey.collect(tmp_path / "out")
    assert results["converged"].all()
    assert results["naive_gradient"].unit == units.Unit("dex / arcsec")
    catalogue = Catalogue(Table.read(tmp_path / "galaxies.ecsv"), "id")
    scene = build(configure(config, catalogue, 0), tmp_path)
    fit = jm.optimise(scene.model(), starts=1)
    expected = jm.lines.naive_gradients(fit, (3.0,))["naive: S/N > 3"]
    assert results["naive_gradient"][0] == pytest.approx(expected["gradient"], rel=0.01)
    assert results["naive_gradient_error"][0] == pytest.approx(expected["error"], rel=0.01)
    for galaxy in output.galaxies(tmp_path / "out"):
        assert set(galaxy["maps"]) == {"Ha", "NII6584"}
        shown = galaxy["profile"]
        assert shown["label"] == "metallicity [dex]"
        off = (shown["data"] - shown["model"]) / shown["error"]
        assert np.isfinite(off).sum() > 4 and np.nanmedian(np.abs(off)) < 3
    assert "metallicity [dex]" in survey_report(tmp_path / "out")


@pytest.mark.slow
def test_velocity_and_dispersion_are_kept_and_the_profile_is_that_of_the_metallicity(tmp_path):
    velocity = {"profile": "rotation", "v_max": 150.0, "r_turn": 0.5, **ANGLES}
    dispersion = {"profile": "uniform", "value": 30.0}
    disc = jm.Component(
        profile(LIGHT),
        metallicity=profile(LINE),
        velocity=profile(velocity),
        dispersion=profile(dispersion),
    )
    instrument = telescope(SHAPE, 0.5, 1.0, (2, 1), 3)
    blanks = {
        "V": jm.TracerMap(np.zeros(SHAPE), 1.0, instrument, "velocity", "linear", check=False),
        "S": jm.DispersionMap(np.ones(SHAPE), 1.0, instrument, check=False),
        "Z": jm.TracerMap(np.ones(SHAPE), 1.0, instrument, check=False),
    }
    exact = {name: jm.predict(jm.Galaxy(disc=disc), one) for name, one in blanks.items()}
    sigma = {"V": 3.0, "S": 3.0, "Z": 0.03}
    images = {}
    for seed, name in enumerate(("a", "b")):
        rng = np.random.default_rng(seed)
        images[name] = {
            key: (np.asarray(image) + sigma[key] * rng.normal(size=SHAPE), "")
            for key, image in exact.items()
        }
    tracer = COMMON | {"kind": "tracer", "scale": "linear", "value": "V", "unit": "km/s"}
    maps = {
        "v": tracer | {"tracer": "velocity", "sigma": 3.0},
        "s": COMMON | {"kind": "dispersion", "value": "S", "sigma": 3.0, "unit": "km/s"},
        "z": COMMON | {"kind": "tracer", "value": "Z", "sigma": 0.03, "unit": "dex"},
    }
    tracers = {"metallicity": LINE, "velocity": velocity, "dispersion": dispersion}
    priors = {
        "disc.velocity.v_max": {"uniform": [10, 400]},
        "disc.dispersion.value": {"uniform": [1, 100]},
    }
    run(tmp_path, images, maps, tracers, priors)
    results = survey.collect(tmp_path / "out")
    for path, truth in {"disc.velocity.v_max": 150.0, "disc.dispersion.value": 30.0}.items():
        pulls = (results[f"{path}.value"] - truth) / results[f"{path}.error"]
        assert np.all(np.abs(pulls) < 4) and str(results[f"{path}.value"].unit) == "km / s"
    for galaxy in output.galaxies(tmp_path / "out"):
        shown = galaxy["maps"]
        assert [shown[name]["unit"] for name in ("v", "s", "z")] == ["km/s", "km/s", "dex"]
        np.testing.assert_allclose(shown["v"]["data"], images[galaxy["id"]]["V"][0], rtol=1e-5)
        chi = (shown["s"]["data"] - shown["s"]["model"]) / shown["s"]["sigma"]
        assert 0.5 < np.mean(chi**2) < 1.5
        assert galaxy["profile"]["label"] == "z [dex]"
    page = survey_report(tmp_path / "out")
    assert all(f'"name":"{name}"' in page for name in ("v", "s", "z"))
