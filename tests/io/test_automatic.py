"""Numbers and priors that a configuration leaves to the data: filled in, printed, and kept."""

import copy

import jax
import numpy as np
import pytest
import yaml

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.io.automatic import find_automatic, prior_block
from jaxmetal.io.config import resolved
from jaxmetal.io.fits import write_maps
from jaxmetal.io.scene import build
from jaxmetal.science.starts.guess import as_text
from jaxmetal.survey.catalogue import Catalogue, read_catalogue
from jaxmetal.survey.scenes import scene_of
from tests.scenes import disc, telescope
from tests.surveys import CONFIG as SURVEY
from tests.surveys import write_survey

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

COMMON = {
    "file": "maps.fits",
    "pixel_scale": 0.2,
    "psf": {"gaussian": {"fwhm": 0.8}},
    "supersampling": [4, 2],
    "margin": 8,
}
CONFIG = {
    "maps": {
        "z": {"kind": "tracer", "value": "Z", "error": "Z_ERR", **COMMON},
        "light_map": {"kind": "light", "value": "LIGHT", "error": "LIGHT_ERR", **COMMON},
    },
    "galaxy": {
        "disc": {
            "light": {"profile": "sersic", "amp": "auto", "R_sersic": "auto", "n_sersic": 1.0},
            "metallicity": {"profile": "gradient", "central": "auto", "gradient": -0.1},
        }
    },
    "priors": "auto",
    "fit": {"starts": 1},
    "sample": False,
    "plots": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a file of noisy maps."""
    folder = tmp_path_factory.mktemp("auto")
    truth, instrument = disc(R=1.2, central=8.6, gradient=-0.15), telescope()
    z = jm.simulate.tracer_map(truth, instrument, variance=lambda flux: 1e-3 + 1e-3 / flux, seed=1)
    light = jm.simulate.light_map(truth, instrument, seed=2)
    images = {
        "Z": (z.values, "dex"),
        "Z_ERR": (z.errors, "dex"),
        "LIGHT": (light.values, ""),
        "LIGHT_ERR": (light.errors, ""),
    }
    write_maps(folder / "maps.fits", images)
    return folder


def changed(**parts):
    """The configuration with other parts."""
    return {**copy.deepcopy(CONFIG), **parts}


def test_auto_numbers_come_from_the_data_and_others_stay(folder):
    scene = build(CONFIG, folder)
    light = scene.galaxy.disc.light
    assert float(light.R_sersic) == pytest.approx(1.2, rel=0.2)
    assert float(light.amp) == pytest.approx(16.0, rel=0.4)
    assert float(light.n_sersic) == 1.0
    assert float(scene.galaxy.disc.metallicity.gradient) == pytest.approx(-0.1)
    assert "disc.light.R_sersic" in scene.priors and "z.scatter" in scene.priors


def test_what_was_filled_in_is_kept_and_gives_the_same_model_again(folder):
    first = build(CONFIG, folder)
    kept = yaml.safe_load(yaml.safe_dump(resolved(first.config, folder, {}), sort_keys=False))
    assert "auto" not in yaml.safe_dump({key: kept[key] for key in ("galaxy", "priors")})
    again = build(kept, folder)
    assert not again.guessed and list(again.priors) == list(first.priors)
    leaves = [jax.tree.leaves((scene.galaxy, scene.priors)) for scene in (first, again)]
    for one, other in zip(*leaves, strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_priors_by_path_beside_written_ones(folder):
    paths = ("disc.light.amp", "disc.metallicity.gradient")
    priors = dict.fromkeys(paths, "auto") | {"disc.metallicity.central": {"uniform": [7, 10]}}
    scene = build(changed(priors=priors), folder)
    assert set(scene.priors) == set(priors)
    assert "disc.light.R_sersic" in "\n".join(as_text(scene.guessed))


def test_all_others_beside_a_written_prior(folder):
    priors = {"others": "auto", "disc.metallicity.gradient": {"normal": [0, 0.05]}}
    scene = build(changed(priors=priors), folder)
    assert float(scene.priors["disc.metallicity.gradient"].scale) == pytest.approx(0.05)
    assert "z.scatter" in scene.priors


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (
            {"priors": {"disc.light.R": "auto"}},
            "priors.disc.light.R: auto: nothing is guessed of it",
        ),
        (
            {"priors": {"z.instrument.psf.fwhm": "auto"}},
            "nothing is guessed of it; write a prior",
        ),
    ],
)
def test_what_the_data_do_not_tell_is_one_line(folder, part, text):
    with pytest.raises(jm.InputError, match=text) as error:
        build(changed(**part), folder)
    assert len(str(error.value).splitlines()) == 1


def test_a_parameter_that_no_rule_knows_asks_for_a_number(folder):
    galaxy = copy.deepcopy(CONFIG["galaxy"])
    galaxy["disc"]["metallicity"] = {
        "profile": "spiral_arms", "central": "auto", "gradient": "auto", "contrast": "auto",
    }  # fmt: skip
    with pytest.raises(jm.InputError, match=r"metallicity\.contrast: auto: .*; write a number"):
        build(changed(galaxy=galaxy), folder)


def test_a_mistake_elsewhere_is_told_before_anything_is_guessed(folder):
    with pytest.raises(jm.InputError, match="unknown parameter 'R_e'") as error:
        light = {**CONFIG["galaxy"]["disc"]["light"], "R_e": "auto"}
        build(changed(galaxy={"disc": {**CONFIG["galaxy"]["disc"], "light": light}}), folder)
    assert len(str(error.value).splitlines()) == 1


def test_a_simulation_has_nothing_to_take_numbers_from(folder):
    simulate = {"shape": [9, 9], "pixel_scale": 0.2, "psf": "none"}
    with pytest.raises(jm.InputError, match=r"R_sersic: auto: a simulation has no maps"):
        build(changed(maps={}, priors={}, simulate=simulate), folder, want="simulate")


def test_validate_prints_what_it_takes_from_the_data(folder, capsys):
    path = folder / "fit.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    assert cli.main(["validate", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("auto: disc.light.R_sersic" in line and "log_normal" in line for line in lines)
    assert "valid; maps" in lines[-1]


@pytest.mark.parametrize("value", [None, 3, ["auto"], "auto"])
def test_odd_contents_are_left_to_the_checks_that_follow(value):
    rest, automatic = find_automatic({"galaxy": {"disc": {"light": value}}, "priors": value})
    assert bool(automatic) == (value == "auto") and "galaxy" in rest


def test_a_tie_by_a_function_has_no_place_in_a_configuration():
    with pytest.raises(jm.InputError, match="several parameters"):
        prior_block(jm.Tied(("a.b.c", "a.b.d"), lambda a, b: a + b))


def test_each_galaxy_of_a_survey_has_its_own_numbers_and_one_structure(tmp_path):
    config = copy.deepcopy(SURVEY)
    config["galaxy"]["disc"]["metallicity"] |= {"central": "auto", "gradient": "auto"}
    config["priors"] = "auto"
    catalogue_path, path = write_survey(tmp_path, 2, config)
    catalogue = Catalogue(read_catalogue(catalogue_path), "id")
    raw = yaml.safe_load(path.read_text())
    scenes = [scene_of(raw, tmp_path, catalogue, row)[0] for row in range(2)]
    gradients = [float(scene.galaxy.disc.metallicity.gradient) for scene in scenes]
    assert gradients[0] != gradients[1]
    priors = [{path: type(prior) for path, prior in scene.priors.items()} for scene in scenes]
    assert priors[0] == priors[1]


@pytest.mark.slow
def test_a_survey_with_auto_runs_and_its_population_says_what_it_needs(tmp_path, capsys):
    config = copy.deepcopy(SURVEY)
    config["galaxy"]["disc"]["metallicity"] |= {"central": "auto", "gradient": "auto"}
    config["priors"] = "auto"
    catalogue, path = write_survey(tmp_path, 4, config)
    out = tmp_path / "out"
    assert cli.main(["batch", str(catalogue), str(path), "--out", str(out)]) == 0
    assert cli.main(["population", str(out), "--parameter", "disc.metallicity.gradient"]) == 2
    assert "its prior is auto" in capsys.readouterr().err
