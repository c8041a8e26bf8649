"""The command line: what it writes, what it says, and that bad input ends in status 2, a line
for each mistake, and no files.
"""

import base64
import copy
import dataclasses
import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import QTable
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.inference import optimise as optimise_module
from jaxmetal.io import mock, results
from jaxmetal.io.fits import write_maps
from jaxmetal.io.summary import unit_of
from tests.browsing import look, serious
from tests.io.test_config import sky

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

GALAXY = {
    "disc": {
        "light": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
        "metallicity": {"profile": "gradient", "central": 8.0, "gradient": -0.2},
    }
}
PRIORS = {
    "disc.metallicity.central": {"uniform": [6, 10]},
    "disc.metallicity.gradient": {"normal": [0, 0.5]},
}
MOCK = {
    "galaxy": GALAXY,
    "priors": PRIORS,
    "fit": {"starts": 1},
    "sample": {"chains": 2, "warmup": 60, "draws": 60},
    "simulate": {
        "shape": [31, 31],
        "pixel_scale": 0.2,
        "psf": {"gaussian": {"fwhm": 0.8}},
        "supersampling": [2, 1],
        "seed": 3,
    },
}
MADE = [
    "config.original.yaml",
    "config.resolved.yaml",
    "maps/light.fits",
    "maps/z.fits",
    "parameters.ecsv",
    "summary.txt",
]
PLOTS = ("corner", "light_z", "map_light", "map_z", "profile_z", "trace")
SAMPLED = [*(f"plots/{name}.png" for name in PLOTS), "posterior.nc"]


def save(path, config):
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return str(path)


def files(folder):
    return sorted(
        str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file()
    )


def lines(capsys):
    """What the command wrote to the standard error, each line without the program's name."""
    written = capsys.readouterr().err
    assert "Traceback" not in written
    return [line.removeprefix("jaxmetal: ") for line in written.splitlines()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a simulation, the configuration that fits it, and the results of that fit."""
    folder = tmp_path_factory.mktemp("cli")
    assert (
        cli.main(
            ["simulate", save(folder / "mock.yaml", MOCK), "--out", str(folder / "mock"), "--quiet"]
        )
        == 0
    )
    config = yaml.safe_load((folder / "mock" / "fit.yaml").read_text())
    config["galaxy"]["disc"]["metallicity"] |= {"central": 8.4, "gradient": -0.05}
    save(folder / "mock" / "fit.yaml", config)
    assert (
        cli.main(
            ["fit", str(folder / "mock" / "fit.yaml"), "--out", str(folder / "fit"), "--quiet"]
        )
        == 0
    )
    return folder


@pytest.fixture
def config(made):
    """What the fit was configured with, its files named by their whole path."""
    found = yaml.safe_load((made / "mock" / "fit.yaml").read_text())
    for entry in found["maps"].values():
        entry["file"] = str(made / "mock" / "maps.fits")
    return found | {"sample": False, "plots": False}


def test_help_costs_nothing():
    """What a command needs is imported after the arguments are parsed."""
    program = """
import sys
from jaxmetal.cli import main
try:
    main(["--help"])
finally:
    print(*{name.partition(".")[0] for name in sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    *_, imported = done.stdout.splitlines()
    assert "jaxmetal" in imported.split()
    costly = {"jax", "numpy", "astropy", "equinox", "matplotlib", "pydantic", "yaml", "xarray"}
    assert not costly & set(imported.split())
    for command in ("fit", "simulate", "plot", "report", "validate", "demo"):
        assert command in done.stdout


def test_a_word_that_is_no_command_is_status_2(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["fti", "a.yaml"])
    assert end.value.code == 2
    assert "invalid choice: 'fti'" in capsys.readouterr().err


def test_a_simulation_brings_the_configuration_that_fits_it(made):
    assert files(made / "mock") == ["fit.yaml", "maps.fits"]
    config = yaml.safe_load((made / "mock" / "fit.yaml").read_text())
    assert config["truth"] == {"disc.metallicity.central": 8.0, "disc.metallicity.gradient": -0.2}
    assert config["maps"]["z"]["file"] == "maps.fits"
    assert "simulate" not in config
    with fits.open(made / "mock" / "maps.fits") as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "Z", "Z_ERR", "LIGHT", "LIGHT_ERR"]
        assert hdus["Z"].header["BUNIT"] == "dex"


def test_a_fit_writes_every_file(made):
    assert files(made / "fit") == sorted(MADE + SAMPLED)
    assert [path for path in made.iterdir() if path.name.startswith(".")] == []


def test_the_table_has_units_errors_and_the_truth_within(made):
    table = QTable.read(made / "fit" / "parameters.ecsv")
    assert list(table["name"]) == list(PRIORS)
    assert list(table["unit"]) == ["dex", "dex/arcsec"]
    assert all(table["converged"]) and table.meta["converged"] is True
    row = table[1]
    assert abs(row["value"] + 0.2) < 5 * row["error"] < 0.1
    assert abs(row["mean"] - row["value"]) < row["sd"]
    assert row["q16"] < row["q50"] < row["q84"]
    assert row["ess"] > 10 and np.isnan(row["r_hat"]), "independent draws have no R-hat"


def test_the_posterior_is_saved(made):
    posterior = jm.Posterior.load(made / "fit" / "posterior.nc")
    assert posterior.samples["disc.metallicity.gradient"].shape == (2, 60)
    assert posterior.attributes["method"] == "importance", "the default of every door is auto"


def test_the_maps_are_saved(made):
    with fits.open(made / "fit" / "maps" / "z.fits") as hdus:
        assert [hdu.name for hdu in hdus][1:] == ["DATA", "ERROR", "MODEL", "RESIDUAL", "INTRINSIC"]
        assert [hdu.header["BUNIT"] for hdu in hdus[1:]] == ["dex", "dex", "dex", "", "dex"]
        data, error, model, residual = (
            np.asarray(hdus[name].data, float) for name in ("DATA", "ERROR", "MODEL", "RESIDUAL")
        )
        np.testing.assert_allclose(residual, (data - model) / error, rtol=1e-3, atol=1e-4)
        assert hdus[0].header["CHISQ"] == pytest.approx((residual**2).sum(), rel=1e-4)
        # Without the telescope the centre is richer.
        assert hdus["INTRINSIC"].data[15, 15] > model[15, 15] + 0.02


@pytest.fixture(scope="module")
def page(made):
    assert (
        cli.main(["report", str(made / "fit"), "--out", str(made / "page" / "fit.html"), "--quiet"])
        == 0
    )
    return made / "page" / "fit.html"


def test_a_fit_becomes_a_page(page):
    assert files(page.parent) == ["fit.html"]
    text = page.read_text("utf-8")
    pictures = re.findall(r'<img alt="(\w+)[^"]*" src="data:image/png;base64,([^"]*)">', text)
    assert [alt for alt, _ in pictures] == ["Data", "Data", "The", "Pixels", "Every", "Each"]
    assert all(base64.b64decode(data).startswith(b"\x89PNG") for _, data in pictures)
    assert "<script" not in text and not re.search("https?://", text)
    numbers = (
        "naive: annuli",
        "forward-modelled, posterior",
        "reduced chi-square",
        "largest R-hat",
        "divergent draws",
        "uniform: [6.0, 10.0]",
    )
    assert [part for part in (*numbers, "truth", *PRIORS) if part not in text] == []
    assert 2e5 < len(text) < 3e6


def test_a_page_compares_models_of_the_same_data(made, config, tmp_path, capsys):
    """A gradient beside none, by the names of their folders."""
    config["galaxy"]["disc"]["metallicity"]["gradient"] = 0.0
    del config["priors"]["disc.metallicity.gradient"]
    flat, out = tmp_path / "flat", tmp_path / "page.html"
    assert cli.main(["fit", save(tmp_path / "flat.yaml", config), "--out", str(flat)]) == 0
    assert cli.main(["report", str(made / "fit"), "--compare", str(flat), "--out", str(out)]) == 0
    text = out.read_text("utf-8")
    assert "Models of the same data" in text and "laplace evidence" in text
    assert "fit is the most probable: more than 1e+06 to 1 over flat" in text
    assert cli.main(["report", str(made / "fit"), "--compare", str(tmp_path)]) == 2
    assert "not a folder of results" in capsys.readouterr().err


@pytest.mark.slow
def test_nobody_is_left_out_of_the_page(page, browser):
    for width, dark in ((1366, False), (1366, True), (400, False)):
        look(browser, width, 768, dark)
        browser.get(page.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert serious(browser) == []


def test_a_folder_that_can_have_no_page_is_refused(tmp_path, capsys):
    assert cli.main(["report", str(tmp_path)]) == 2
    assert lines(capsys) == [
        (
            f"{tmp_path}: not a folder of results; config.resolved.yaml and parameters.ecsv "
            f"are expected in it."
        )
    ]
    assert files(tmp_path) == []


def test_the_summary_compares_naive_with_forward_modelled(made):
    text = (made / "fit" / "summary.txt").read_text()
    for part in (
        "fit: converged",
        "posterior: ",
        "reduced",
        "BIC",
        "evaluated at 2 and convolved at 1 points",
        "naive: annuli",
        "truth",
    ):
        assert part in text
    gradients = {
        line.split("  ")[0]: float(line[len(line.rstrip()) - 17 :].split("±")[0].split()[-1])
        for line in text.splitlines()
        if "±" in line
    }
    assert gradients["forward-modelled, maximum"] < gradients["naive: weighted by errors"] < 0


def test_results_are_read_as_they_were_written(made):
    _, fit, posterior = results.read_results(made / "fit")
    table = QTable.read(made / "fit" / "parameters.ecsv")
    assert [float(fit.parameters[name]) for name in table["name"]] == list(table["value"])
    np.testing.assert_allclose(
        list(fit.summary()["disc.metallicity.gradient"].values()),
        list(table[1]["value", "error"].values()),
        rtol=1e-6,
    )
    assert fit.converged and posterior is not None
    assert float(fit.galaxy.disc.metallicity.gradient) == pytest.approx(table["value"][1], rel=1e-6)
    with fits.open(made / "fit" / "maps" / "z.fits") as hdus:
        assert fit.chi_square["z"] == pytest.approx(hdus[0].header["CHISQ"], rel=1e-5)


def test_pictures_are_drawn_again(made, capsys):
    for path in (made / "fit" / "plots").iterdir():
        path.unlink()
    assert cli.main(["plot", str(made / "fit")]) == 0
    assert files(made / "fit") == sorted(MADE + SAMPLED)
    assert len(capsys.readouterr().out.split()) == len(PLOTS)


def test_a_folder_keeps_the_configuration_as_it_was_written(made):
    assert (made / "fit" / "config.original.yaml").read_bytes() == (
        made / "mock" / "fit.yaml"
    ).read_bytes()
    said = yaml.safe_load((made / "fit" / "config.resolved.yaml").read_text())
    assert [entry["file"] for entry in said["maps"].values()] == ["maps/z.fits", "maps/light.fits"]


def test_plot_wants_a_folder_of_results(made, tmp_path, capsys):
    assert cli.main(["plot", str(made / "mock")]) == 2
    assert "not a folder of results" in lines(capsys)[0]
    (tmp_path / "config.resolved.yaml").write_bytes(
        (made / "fit" / "config.resolved.yaml").read_bytes()
    )
    (tmp_path / "parameters.ecsv").write_text("# %ECSV 1.0\n")
    assert cli.main(["plot", str(tmp_path)]) == 2
    (line,) = lines(capsys)
    assert "parameters.ecsv: cannot be read as a table" in line


def test_a_folder_with_results_is_not_overwritten(made, config, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "precious.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    arguments = ["fit", save(tmp_path / "fit.yaml", config), "--quiet", "--out"]
    assert cli.main([*arguments, str(out)]) == 2
    (line,) = lines(capsys)
    assert "out: the folder is not empty; --overwrite replaces it" in line
    for wrong in ("file", "file/below"):
        assert cli.main([*arguments, str(tmp_path / wrong), "--overwrite"]) == 2
        assert "file: expected a folder, it is a file" in lines(capsys)[0]
    assert files(tmp_path) == ["file", "fit.yaml", "out/precious.txt"]
    assert cli.main([*arguments, str(out), "--overwrite"]) == 0
    assert files(out) == MADE


def test_no_sample_and_the_usual_folder(config, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "mine.yaml", config | {"sample": {"draws": 10}})
    assert cli.main(["fit", "mine.yaml", "--no-sample"]) == 0
    assert files(tmp_path / "mine-results") == MADE
    assert (
        yaml.safe_load((tmp_path / "mine-results" / "config.resolved.yaml").read_text())["sample"]
        is False
    )
    said = lines(capsys)
    assert "fitting 2 parameters to 1922 pixels" in said
    assert any(line.startswith("fit: converged; reduced chi-square") for line in said)


def test_a_fit_that_did_not_converge_says_so_and_is_written(config, tmp_path, monkeypatch, capsys):
    usual = optimise_module.optimise

    def lost(*arguments, **options):
        return dataclasses.replace(
            usual(*arguments, **options),
            converged=False,
            message="not converged: a Newton step would still gain 7",
        )

    monkeypatch.setattr(optimise_module, "optimise", lost)
    asked = config | {"sample": {"draws": 10}}
    assert (
        cli.main(["fit", save(tmp_path / "fit.yaml", asked), "--out", str(tmp_path / "out")]) == 3
    )
    assert files(tmp_path / "out") == MADE
    assert (
        "fit: not converged: a Newton step would still gain 7"
        in (tmp_path / "out" / "summary.txt").read_text()
    )
    table = QTable.read(tmp_path / "out" / "parameters.ecsv")
    assert not any(table["converged"]) and table.meta["message"].startswith("not converged")
    said = lines(capsys)
    assert any("fit: not converged" in line for line in said)
    assert any(
        "not sampled: the fit to start from has not converged" in line
        and "allow_unconverged" in line
        for line in said
    )


def test_maps_keep_their_place_on_the_sky(config, tmp_path):
    with fits.open(config["maps"]["z"]["file"]) as hdus:
        images = {hdu.name: (np.asarray(hdu.data), hdu.header.get("BUNIT", "")) for hdu in hdus[1:]}
    wcs = sky((31, 31))
    write_maps(tmp_path / "sky.fits", images, wcs)
    for entry in config["maps"].values():
        entry["file"] = "sky.fits"
        del entry["pixel_scale"]
    assert (
        cli.main(
            ["fit", save(tmp_path / "fit.yaml", config), "--out", str(tmp_path / "out"), "--quiet"]
        )
        == 0
    )
    with fits.open(tmp_path / "out" / "maps" / "z.fits") as hdus:
        found = WCS(hdus["INTRINSIC"].header).all_pix2world([[3, 8]], 0)
    np.testing.assert_allclose(found, wcs.all_pix2world([[3, 8]], 0), atol=1e-9)


BAD = {
    "wrong shape": (
        ("maps", "z", "error"),
        "SMALL",
        "[SMALL]: shape (9, 31) does not match the values' (31, 31)",
    ),
    "all masked": (("maps", "z", "mask"), "ALL", "maps.z: TracerMap: no pixel is left"),
    "negative sigma": (
        ("maps", "z", "error"),
        "MOSTLY",
        "maps.z: TracerMap.sigma: standard deviations must be positive; 930 of 961",
    ),
    "profile parameter": (
        ("galaxy", "disc", "light", "R"),
        1.0,
        "galaxy.disc.light.R: unknown parameter 'R'",
    ),
    "unknown key": (("prior",), {}, "prior: unknown key 'prior'. Did you mean 'priors'?"),
    "prior's path": (
        ("priors", "disc.light.R"),
        {"uniform": [0, 1]},
        "priors.disc.light.R: unknown name 'R'",
    ),
    "start outside": (
        ("priors", "disc.light.R_sersic"),
        {"uniform": [2, 3]},
        "starting value 1 lies outside the prior's support",
    ),
    "truncated file": (("maps", "z", "file"), "cut.fits", "cut.fits"),
    "missing extension": (("maps", "z", "value"), "OH", "unknown extension 'OH'"),
    "wide psf": (
        ("maps", "z", "psf"),
        {"moffat": {"fwhm": 1500, "beta": 2.5}},
        "maps.z: psf: larger than the frame",
    ),
    "bad kernel": (
        ("maps", "z", "psf"),
        {"kernel": {"file": "bad.fits", "oversampling": 1}},
        "KernelPSF.kernel: 1 of 25",
    ),
}


@pytest.fixture(scope="module")
def bad_files(made):
    """Maps that cannot be fitted, beside the good ones."""
    folder = made / "bad"
    with fits.open(made / "mock" / "maps.fits") as hdus:
        images = {name: np.asarray(hdus[name].data) for name in ("Z", "Z_ERR")}
    mostly = np.where(np.arange(31)[:, None] < 30, -1.0, 1.0) * images["Z_ERR"]
    images |= {"SMALL": images["Z"][:9], "ALL": np.ones((31, 31), np.uint8), "MOSTLY": mostly}
    write_maps(folder / "maps.fits", {name: (image, "dex") for name, image in images.items()})
    (folder / "cut.fits").write_bytes((folder / "maps.fits").read_bytes()[:6500])
    kernel = np.ones((5, 5))
    kernel[2, 2] = np.inf
    write_maps(folder / "bad.fits", {"K": (kernel, "")})
    return folder


def spoiled(config, folder, changes):
    config = copy.deepcopy(config)
    config["maps"] = {"z": config["maps"]["z"] | {"file": "maps.fits"}}
    for (*way, last), value, _ in changes:
        node = config
        for key in way:
            node = node[key]
        node[last] = value
    return save(folder / "fit.yaml", config)


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_readable_line_and_status_2(config, bad_files, capsys, what):
    before = files(bad_files)
    path = spoiled(config, bad_files, [BAD[what]])
    for command in (["validate", path], ["fit", path, "--out", str(bad_files / "out")]):
        assert cli.main(command) == 2
        (line,) = lines(capsys)
        assert BAD[what][2] in line
    assert set(files(bad_files)) - set(before) <= {"fit.yaml"}


def test_several_mistakes_are_reported_at_once(config, bad_files, capsys):
    changes = [
        BAD[what]
        for what in (
            "profile parameter",
            "unknown key",
            "prior's path",
            "start outside",
            "missing extension",
        )
    ]
    assert (
        cli.main(["fit", spoiled(config, bad_files, changes), "--out", str(bad_files / "out")]) == 2
    )
    said = lines(capsys)
    assert len(said) == 5
    for _, _, culprit in changes:
        assert sum(culprit in line for line in said) == 1
    assert not (bad_files / "out").exists()


def test_a_missing_configuration_is_named(tmp_path, capsys):
    for command in ("fit", "validate"):
        assert cli.main([command, str(tmp_path / "none.yaml")]) == 2
        (line,) = lines(capsys)
        assert line == f"{tmp_path / 'none.yaml'}: no such file."


def test_validate_says_what_there_is(made, tmp_path, capsys):
    assert cli.main(["validate", str(made / "mock" / "fit.yaml")]) == 0
    said = capsys.readouterr().out
    assert all(
        part in said
        for part in ("fit.yaml: valid; maps ", "z (961 pixels)", "light (961 pixels)", "; 2 priors")
    )
    assert cli.main(["validate", save(tmp_path / "mock.yaml", MOCK)]) == 0


def test_a_disk_that_is_full_leaves_nothing(config, tmp_path, monkeypatch, capsys):
    """Neither half a folder nor a lost old one; the numbers have been printed by then."""
    out = tmp_path / "out"

    def full(folder, *rest):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "parameters.ecsv"))

    monkeypatch.setattr(results, "write_table", full)
    arguments = ["fit", save(tmp_path / "fit.yaml", config), "--out", str(out), "--quiet"]
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert "maximum of the posterior" in printed.out and "Traceback" not in printed.err
    assert printed.err.endswith("No space left on device\n")
    assert files(tmp_path) == ["fit.yaml"] and len(list(tmp_path.iterdir())) == 1
    out.mkdir()
    (out / "old.txt").write_text("old")
    assert cli.main([*arguments, "--overwrite"]) == 2
    assert files(tmp_path) == ["fit.yaml", "out/old.txt"]


def test_a_folder_that_may_not_be_written_is_named_before_the_fit(
    config, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert (
        cli.main(["fit", save(tmp_path / "fit.yaml", config), "--out", str(tmp_path / "out")]) == 2
    )
    assert lines(capsys) == [f"{tmp_path / 'out'}: no permission to write there."]


def test_an_interrupt_ends_quietly(config, tmp_path, monkeypatch, capsys):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(optimise_module, "optimise", stop)
    assert (
        cli.main(
            ["fit", save(tmp_path / "fit.yaml", config), "--out", str(tmp_path / "out"), "--quiet"]
        )
        == 130
    )
    assert lines(capsys) == ["interrupted"]
    assert files(tmp_path) == ["fit.yaml"]


KILLED = """
import sys, time
from jaxmetal.cli.signals import exit_on_sigterm
from jaxmetal.io.results import whole_folder
with exit_on_sigterm(), whole_folder(sys.argv[1]) as folder:
    (folder / "half.txt").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
def test_a_killed_write_leaves_nothing(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_the_demo_compares_with_the_truth(tmp_path, monkeypatch, capsys):
    def small(fwhm, quick=False):
        config = usual(fwhm, quick=True) | {"priors": PRIORS, "sample": False, "plots": False}
        return config | {
            "simulate": config["simulate"] | {"shape": [31, 31], "supersampling": [2, 1]}
        }

    usual = mock.use_case_1
    monkeypatch.setattr(mock, "use_case_1", small)
    monkeypatch.setattr(mock, "START", {"disc.metallicity.gradient": 0.0})
    out = tmp_path / "demo"
    assert cli.main(["demo", "--out", str(out), "--fwhm", "0.8", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "naive: weighted by errors" in said and "forward-modelled, maximum" in said
    assert said.splitlines()[-2].split()[:2] == ["truth", "-0.2000"]
    assert {"fit.yaml", "maps.fits", "results/summary.txt", "results/maps/light.fits"} <= set(
        files(out)
    )
    assert cli.main(["demo", "--out", str(out), "--fwhm", "-1"]) == 2
    assert "not empty" in lines(capsys)[0]
    assert cli.main(["demo", "--out", str(tmp_path / "new"), "--fwhm", "-1"]) == 2
    assert (
        "simulate.psf.gaussian.fwhm: expected a number greater than 0, got -1.0" in lines(capsys)[0]
    )


def test_the_demo_is_a_configuration_that_passes(tmp_path):
    for quick in (False, True):
        config = mock.use_case_1(1.5, quick)
        assert cli.main(["validate", save(tmp_path / "demo.yaml", config)]) == 0
        for path in (*mock.START, *config["priors"]):
            component, profile, name = path.split(".")
            assert name in config["galaxy"][component][profile]


@pytest.mark.parametrize(
    "path, unit",
    [
        ("disc.light.R_sersic", "arcsec"),
        ("disc.light.amp", ""),
        ("z.scatter", "dex"),
        ("z.instrument.psf.fwhm", "arcsec"),
    ],
)
def test_parameters_know_their_units(made, path, unit):
    scene, _, _ = results.read_results(made / "fit")
    assert unit_of(path, scene) == unit
