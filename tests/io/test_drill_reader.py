"""A reader from outside the package, in one short file: in configurations, fits and reports."""

import shutil
from importlib.metadata import EntryPoint

import numpy as np
import pytest
import yaml

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.errors import InputError
from jaxmetal.io import results
from jaxmetal.io.kept import keep_input, write_map
from jaxmetal.io.readers import registry
from jaxmetal.io.scene import build, load
from tests.paths import DRILLS

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

DRILL = DRILLS / "npz_survey.py"
SHAPE, TRUTH, FWHM = (20, 20), -0.03, 1.8
DISC = {"inclination": 50.0, "position_angle": 30.0}


@pytest.fixture
def folder(tmp_path):
    """A galaxy of a made-up survey with its reader beside the configuration."""
    shutil.copyfile(DRILL, tmp_path / "npz_survey.py")
    light = jm.Profile(jm.light.exponential, amp=100.0, scale_length=2.0)
    metallicity = jm.Profile(jm.tracer.disc_gradient, central=8.6, gradient=TRUTH, **DISC)
    galaxy = jm.Galaxy(disc=jm.Component(light=light, metallicity=metallicity))
    psf = jm.MoffatPSF(FWHM * (1.03 * 6565.0 / 5000.0) ** -0.2, beta=3.0)
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, 0.5), psf, (2, 1))
    blank = {
        "oh": jm.TracerMap(np.ones(SHAPE), 1.0, instrument),
        "oiii": jm.LightMap(np.ones(SHAPE), 1.0, instrument),
    }
    maps = {name: np.asarray(jm.predict(galaxy, one)) for name, one in blank.items()}
    noise = np.random.default_rng(1).normal(size=(2, *SHAPE))
    (tmp_path / "data").mkdir()
    np.savez(
        tmp_path / "data" / "galaxy.npz",
        oh=maps["oh"] + 0.01 * noise[0],
        oh_error=np.full(SHAPE, 0.001),
        oiii=maps["oiii"] + 0.05 * noise[1],
        oiii_error=np.full(SHAPE, 0.05),
        r_e=3.4,
        redshift=0.03,
        inclination=DISC["inclination"],
        pa=DISC["position_angle"],
    )
    (tmp_path / "data" / "seeing.txt").write_text(str(FWHM))
    return tmp_path


def config(**entry):
    reader = {
        "kind": "npz_survey.py:read",
        "file": "data/galaxy.npz",
        "floor": 0.01,
        "seeing": "data/seeing.txt",
    }
    angles = {name: f"cube.{name}" for name in DISC}
    return {
        "maps": {"cube": reader | {"supersampling": [2, 1]} | entry},
        "galaxy": {
            "disc": {
                "light": {"profile": "exponential", "amp": 90.0, "scale_length": 2.1},
                "metallicity": {"profile": "disc_gradient", "central": 8.5, "gradient": 0.0}
                | angles,
            }
        },
        "priors": {
            "disc.metallicity.central": {"uniform": [7, 10]},
            "disc.metallicity.gradient": {"normal": [0, 0.1]},
            "disc.light.amp": {"log_uniform": [1, 1000]},
            "disc.light.scale_length": {"uniform": [0.5, 5]},
        },
        "fit": {"starts": 1},
        "sample": False,
    }


def test_the_drill_is_one_short_file():
    assert len(DRILL.read_text("utf-8").splitlines()) < 60


def test_a_configuration_reads_maps_psf_and_geometry(folder):
    scene = build(config(names={"oh": "z"}), folder)
    assert set(scene.maps) == {"z", "oiii"}
    z, oiii = scene.maps["z"], scene.maps["oiii"]
    assert z.map.tracer == "metallicity" and z.unit == "dex"
    assert np.all(z.map.errors == np.float32(0.01)), "the option of the reader"
    widths = [float(one.map.instrument.psf.fwhm) for one in (oiii, z)]
    assert widths == pytest.approx(
        [FWHM * (1.03 * line / 5000.0) ** -0.2 for line in (5008.0, 6565.0)]
    )
    assert (scene.disc.effective_radius, scene.disc.redshift) == (3.4, 0.03)
    assert float(scene.galaxy.disc.metallicity.position_angle) == DISC["position_angle"]
    other = build(config(psf={"gaussian": {"fwhm": 1.0}}, scatter=0.02), folder).maps["oh"].map
    assert isinstance(other.instrument.psf, jm.GaussianPSF)
    assert float(other.scatter) == pytest.approx(0.02)


@pytest.mark.slow
def test_a_fit_is_made_mailed_and_reported(folder):
    """The results need neither the file nor the reader again."""
    (folder / "fit.yaml").write_text(yaml.safe_dump(config()))
    run = jm.run(folder / "fit.yaml", out=folder / "made", progress=False)
    assert run.fit.converged and not run.failures
    name = "disc.metallicity.gradient"
    assert abs(float(run.fit.parameters[name]) - TRUTH) < 4 * float(run.fit.errors[name])
    assert "dex/R_e" in run.summary and "(the file of the map)" in run.summary
    (folder / "mail").mkdir()
    shutil.move(folder / "made", folder / "mail" / "made")
    shutil.rmtree(folder / "data")
    (folder / "npz_survey.py").unlink()
    again = load(folder / "mail" / "made" / results.CONFIG)
    psfs = [scene.maps["oh"].map.instrument.psf for scene in (run.scene, again)]
    assert float(psfs[0].fwhm) == pytest.approx(float(psfs[1].fwhm))
    assert float(psfs[0].beta) == pytest.approx(float(psfs[1].beta))
    assert again.disc.effective_radius == pytest.approx(3.4)
    page = folder / "page.html"
    assert cli.main(["report", str(folder / "mail" / "made"), "--out", str(page), "--quiet"]) == 0
    assert "dex/R_e" in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"flor": 1}, "maps.cube.flor: unknown key 'flor'. Did you mean 'floor'?"),
        ({"floor": -1}, "maps.cube.floor: expected a number greater than or equal to 0, got -1."),
        (
            {"kind": "npz_survey.py:raed"},
            "maps.cube: kind: 'npz_survey.py' has no function 'raed'.",
        ),
        ({"kind": "npz_survey:wrong", "floor": None}, "unknown key 'floor'"),
    ],
)
def test_mistakes_are_told_like_those_of_other_maps(folder, change, line):
    with pytest.raises(InputError) as found:
        build(config(**change), folder)
    assert line in str(found.value)


@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("wrong", "maps.cube: the reader 'npz_survey.py:wrong' must return a Reading, got int."),
        (
            "shifted",
            (
                "maps.cube: the reader 'npz_survey.py:shifted' gives a grid without a WCS that "
                "is not Grid.regular; give its WCS."
            ),
        ),
        ("broken", "maps.cube: the reader 'npz_survey.py:broken' failed (KeyError: 'galaxy')."),
    ],
)
def test_a_reader_that_fails_is_one_line(folder, function, line):
    raw = config()
    raw["maps"]["cube"] = {"kind": f"npz_survey.py:{function}", "file": "data/galaxy.npz"}
    with pytest.raises(InputError) as found:
        build(raw, folder)
    assert str(found.value).splitlines() == [line]


def test_an_installed_package_may_bring_a_reader(folder, monkeypatch):
    """By an entry point; the name of one of jaxmetal's own stays its own."""
    point = EntryPoint("npz", "npz_survey:read", registry.GROUP)
    taken = EntryPoint("manga", "npz_survey:read", registry.GROUP)
    points = {registry.GROUP: [point, taken]}
    monkeypatch.setattr(registry, "entry_points", lambda group: points[group])
    monkeypatch.syspath_prepend(folder)
    registry.installed.cache_clear()
    try:
        assert set(build(config(kind="npz"), folder).maps) == {"oh", "oiii"}
        assert registry.installed()["manga"] == registry.BUILTIN["manga"]
    finally:
        registry.installed.cache_clear()


KERNELS = """
from dataclasses import replace

import numpy as np
import jaxmetal as jm
from npz_survey import read as read_npz


def read(path):
    offset = np.arange(-15, 16) / 3
    image = np.exp(-0.5 * (offset**2 + offset[:, None] ** 2) / 1.5**2)
    kernel = jm.KernelPSF(image, 3, includes_pixel=True)
    return replace(read_npz(path), psf={"oh": kernel, "oiii": jm.NoPSF()})
"""


def test_results_keep_an_image_as_the_psf_of_one_map(folder):
    (folder / "kernels.py").write_text(KERNELS)
    raw = config()
    raw["maps"]["cube"] = {"kind": "kernels.py:read", "file": "data/galaxy.npz"}
    scene = build(raw, folder)
    assert isinstance(scene.maps["oiii"].map.instrument.psf, jm.NoPSF)
    kept = keep_input(folder / "made", scene, dict.fromkeys(scene.maps, ((2, 1), 2)))
    for name, observed in scene.maps.items():
        images = {
            "DATA": (observed.map.data, observed.unit),
            "ERROR": (observed.map.errors, observed.unit),
        }
        write_map(folder / "made" / "maps" / f"{name}.fits", observed, images)
    again = build(kept, folder / "made")
    assert kept["maps"]["oiii"]["psf"] == "none"
    before, after = (one.maps["oh"].map.instrument.psf for one in (scene, again))
    np.testing.assert_allclose(after.kernel, before.kernel, rtol=1e-5)
    assert float(after.oversampling) == pytest.approx(3.0) and after.includes_pixel
