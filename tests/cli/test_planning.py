"""Forecasts of configurations: of simulations and of data, one or many at once."""

import numpy as np
import pytest
import yaml
from astropy.table import Table

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.io.scene import load

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

GRADIENT = "disc.metallicity.gradient"
LINES = {
    "galaxy": {
        "disc": {
            "light": {"profile": "sersic", "amp": 1.0, "R_sersic": 1.0, "n_sersic": 1.0},
            "metallicity": {"profile": "gradient", "central": 8.5, "gradient": -0.1},
            "emission": {"relation": "marino13"},
        }
    },
    "priors": {
        "disc.light.amp": {"log_normal": [1.0, 1.0]},
        "disc.metallicity.central": {"uniform": [7.0, 9.5]},
        GRADIENT: {"normal": [0.0, 0.5]},
    },
    "simulate": {
        "field_of_view": [6, 5],
        "pixel_scale": 0.25,
        "psf": {"gaussian": {"fwhm": 0.5}},
        "lines": ["Ha", "NII6584", "OIII4959+OIII5007"],
        "line_noise": 0.02,
    },
}
LINES["galaxy"]["disc"]["emission"]["relation"] = "curti20"


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(LINES))
    return path


def told(capsys, *arguments):
    assert cli.main([str(a) for a in arguments]) == 0
    return capsys.readouterr().out


def test_a_forecast_is_that_of_python(plan, capsys):
    text = told(capsys, "forecast", plan, "--of", GRADIENT)
    frame = jm.Instrument(jm.Grid.regular((20, 24), 0.25), jm.GaussianPSF(0.5))
    galaxy, priors = load(plan, want="simulate").galaxy, load(plan, want="simulate").priors
    lines = ["Ha", "NII6584"]
    maps = dict(jm.simulate.line_maps(galaxy, frame, lines, sigma=0.005))
    doublet = {"OIII4959": 1, "OIII5007": 1}
    maps["oiii"] = jm.LineMap(np.zeros(frame.shape), 0.005, frame, doublet, check=False)
    expected = jm.forecast(jm.Model(galaxy, maps, priors)).errors[GRADIENT]
    assert float(text.split()[-1]) == pytest.approx(float(expected), rel=0.01)


@pytest.mark.slow
def test_settings_vary_together(plan, capsys, tmp_path):
    out = tmp_path / "out"
    fwhm = "simulate.psf.gaussian.fwhm"
    vary = ["--vary", f"{fwhm}=0.5,2", "--vary", "exposure=1,9", "--of", GRADIENT]
    text = told(capsys, "forecast", plan, *vary, "--error", f"{GRADIENT}=0.01", "--out", out)
    table = Table.read(out / "forecast.ecsv")
    assert (out / "forecast.png").is_file() and f"written to {out}" in text
    assert list(table[fwhm]) == [0.5, 0.5, 2.0, 2.0] and list(table["exposure"]) == [1, 9, 1, 9]
    errors = np.asarray(table[f"error of {GRADIENT}"])
    assert errors[:2] / errors[1] == pytest.approx([3.0, 1.0], rel=0.02) and errors[2] > errors[0]
    wanted = np.asarray(table[table.colnames[-1]])
    assert wanted[0] == pytest.approx((errors[0] / 0.01) ** 2, rel=0.05)
    assert wanted[0] == pytest.approx(wanted[1], rel=2e-3)


@pytest.mark.slow
def test_an_error_below_the_scatter_needs_an_infinite_exposure(plan, capsys):
    scattered = ["--set", "simulate.correlation={gaussian: {length: 2}}"]
    text = told(capsys, "forecast", plan, *scattered, "--error", f"{GRADIENT}=1e-7")
    assert text.rstrip().endswith("inf")


def test_a_simulation_of_lines_can_be_fitted(plan, capsys, tmp_path):
    told(capsys, "simulate", plan, "--out", tmp_path / "mock")
    scene = load(tmp_path / "mock" / "fit.yaml")
    assert set(scene.maps) == {"Ha", "NII6584", "OIII4959_OIII5007"}
    fit = jm.optimise(scene.model())
    pull = (fit.parameters[GRADIENT] + 0.1) / fit.errors[GRADIENT]
    assert fit.converged and abs(pull) < 4
    # The same forecast from the maps as from what they were made of.
    errors = (
        float(told(capsys, "forecast", config, "--of", GRADIENT).split()[-1])
        for config in (plan, tmp_path / "mock" / "fit.yaml")
    )
    assert next(errors) == pytest.approx(next(errors), rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--of", "gradient"], "unknown free parameter 'gradient'"),
        (["--error", "0.1"], "--error: expected PATH=VALUE"),
        (["--vary", "simulate.psf.gaussian.fwhm"], "--vary: expected PATH=VALUE"),
        (["--set", "priors={}"], "nothing is free"),
        (["--set", "simulate.lines=[Ha, Hx]"], "Hx"),
        (["--set", "simulate.shape=[9, 9]"], "expected shape: [rows, columns], or field_of_view"),
        (["--set", "simulate.pixel_scale=0.0001"], "points, more than"),
    ],
)
def test_bad_input_is_one_line(plan, capsys, arguments, message):
    assert cli.main(["forecast", str(plan), *arguments]) == 2
    assert message in capsys.readouterr().err
