"""A kind of map and a likelihood from outside the package: in configurations, fits and reports."""

import shutil

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import QTable

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.errors import InputError
from jaxmetal.io import results
from jaxmetal.io.scene import load
from tests.paths import DRILLS

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SHAPE, TRUE_DISPERSION, OUTLIERS = (24, 24), 25.0, 0.1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A disc that rotates, of which a tenth of the dispersions is wrong by ten errors."""
    from tests.drills.dispersion import DispersionMap

    path = tmp_path_factory.mktemp("drill")
    for name in ("dispersion.py", "outliers.py"):
        shutil.copyfile(DRILLS / name, path / name)
    component = jm.Component(
        jm.Profile(jm.light.exponential, amp=100.0, scale_length=2.0),
        velocity=jm.Profile(jm.tracer.dipole, central=0.0, gradient_x=30.0, gradient_y=10.0),
        dispersion=jm.Profile(jm.tracer.uniform, value=TRUE_DISPERSION),
    )
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, 0.4), jm.GaussianPSF(1.2), (2, 1))
    blank = DispersionMap(np.ones(SHAPE), 1.0, instrument, check=False)
    clean = np.asarray(jm.predict(jm.Galaxy(disc=component), blank))
    rng = np.random.default_rng(2)
    size = np.where(rng.random(SHAPE) < OUTLIERS, 10.0, 1.0)
    data = clean + size * rng.normal(size=SHAPE)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(data, name="SIGMA")]
    fits.HDUList(hdus).writeto(path / "gas.fits")
    (path / "fit.yaml").write_text(yaml.safe_dump(config()))
    return path


def config(**entry):
    return {
        "maps": {
            "s": {
                "kind": "map",
                "type": "dispersion.py:DispersionMap",
                "file": "gas.fits",
                "value": "SIGMA",
                "sigma": 1.0,
                "unit": "km/s",
                "pixel_scale": 0.4,
                "psf": {"gaussian": {"fwhm": 1.2}},
                "likelihood": {"outliers.py:Outliers": {"fraction": 0.2}},
                "supersampling": [2, 1],
                "check": False,
            }
            | entry
        },
        "galaxy": {
            "disc": {
                "light": {"profile": "exponential", "amp": 100.0, "scale_length": 2.0},
                "velocity": {
                    "profile": "dipole",
                    "central": 0.0,
                    "gradient_x": 25.0,
                    "gradient_y": 5.0,
                },
                "dispersion": {"profile": "uniform", "value": 40.0},
            }
        },
        "priors": {
            "disc.dispersion.value": {"uniform": [1, 100]},
            "disc.velocity.gradient_x": {"normal": [25, 10]},
            "s.likelihood.fraction": {"uniform": [0.0, 0.5]},
        },
        "sample": False,
    }


@pytest.mark.parametrize("name", ["dispersion.py", "outliers.py"])
def test_a_drill_is_one_short_file(name):
    assert len((DRILLS / name).read_text("utf-8").splitlines()) < 60


def test_a_configuration_fits_a_map_and_a_likelihood_of_a_users_file(folder):
    run = jm.run(folder / "fit.yaml", out=folder / "out")
    fit = run.fit
    assert fit.converged
    assert type(fit.maps["s"]).__name__ == "DispersionMap"
    expected = {
        "disc.dispersion.value": TRUE_DISPERSION,
        "disc.velocity.gradient_x": 30.0,
        "s.likelihood.fraction": OUTLIERS,
    }
    for path, true in expected.items():
        assert abs(float(fit.parameters[path]) - true) < 4 * float(fit.errors[path]), path
    table = QTable.read(folder / "out" / "parameters.ecsv")
    assert list(table["name"]) == list(fit.parameters)
    assert "map s: 576 pixels" in (folder / "out" / "summary.txt").read_text()


def test_its_results_are_drawn_and_reported_without_the_input(folder, tmp_path):
    jm.run(folder / "fit.yaml", out=folder / "first", overwrite=True)
    shutil.move(folder / "first", tmp_path / "mailed")
    scene, fit, _ = results.read_results(tmp_path / "mailed")
    assert type(scene.maps["s"].map).__name__ == "DispersionMap"
    assert type(fit.maps["s"].likelihood).__name__ == "Outliers"
    for command in ("plot", "report"):
        assert cli.main([command, str(tmp_path / "mailed"), "--quiet"]) == 0
    assert (tmp_path / "mailed" / "plots" / "map_s.png").exists()
    assert "dispersion.py:DispersionMap" in (tmp_path / "mailed" / "report.html").read_text()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"type": "dispersion.py:Nothing"},
            "maps.s: type: 'dispersion.py' has no function 'Nothing'",
        ),
        ({"type": "outliers.py:Outliers"}, "maps.s: type: .* is no subclass of jaxmetal.Map"),
        ({"options": {"wrong": 1}}, "maps.s: dispersion.py:DispersionMap: failed .*wrong"),
        ({"likelihood": "gaussain"}, "maps.s.likelihood: expected gaussian, student-t"),
        (
            {"likelihood": {"outliers.py:Outliers": {"part": 0.1}}},
            "maps.s: likelihood: outliers.py:Outliers: failed .*part",
        ),
        ({"calibration": {"shift": 0.1}}, "maps.s.calibration.shift|unknown key 'shift'"),
    ],
)
def test_a_mistake_in_a_users_class_is_one_line(folder, entry, message):
    path = folder / "wrong.yaml"
    path.write_text(yaml.safe_dump(config(**entry)))
    with pytest.raises(InputError, match=message) as error:
        load(path)
    assert len(str(error.value).splitlines()) == 1
