"""A good part survives a bad one: what fails after the fit is named and costs nothing of it."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import QTable

import jaxmetal as jm
from jaxmetal import cli
from jaxmetal.inference import optimise as optimise_module
from jaxmetal.inference import sample as sampling
from jaxmetal.io import results
from jaxmetal.io.fits import write_maps
from jaxmetal.view import figures
from tests.cli.test_cli import GALAXY, PRIORS, files
from tests.cli.test_cli import MADE as BOTH

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

SIZE = 15
MADE = [name for name in BOTH if name != "maps/light.fits"]
GRADIENT = "disc.metallicity.gradient"
ENTRY = {
    "kind": "tracer",
    "file": "maps.fits",
    "sigma": 0.02,
    "pixel_scale": 0.4,
    "psf": "none",
    "supersampling": [2, 1],
    "margin": 0,
}


def write(folder, change=None, **parts):
    """A configuration of one small map, and the map; `change` spoils the image."""
    y, x = (np.indices((SIZE, SIZE)) - SIZE // 2) * 0.4
    image = 8.2 - 0.1 * np.hypot(x, y) + 0.02 * np.random.default_rng(2).normal(size=x.shape)
    write_maps(folder / "maps.fits", {"Z": (image if change is None else change(image), "")})
    entry = ENTRY | {"value": "Z"} | parts.pop("entry", {})
    config = {
        "maps": {"z": entry},
        "galaxy": GALAXY,
        "priors": PRIORS,
        "fit": {"starts": 1},
        "sample": False,
        "plots": False,
    }
    path = folder / "fit.yaml"
    path.write_text(yaml.safe_dump(config | parts, allow_unicode=True), encoding="utf-8")
    return path


def run(path, *words):
    """The exit status, and the folder of results."""
    return cli.main(
        ["fit", str(path), "--out", str(path.parent / "out"), "--quiet", *words]
    ), path.parent / "out"


@pytest.mark.parametrize(
    "unit",
    [
        "Å",
        "$\\frac{1}{$",
        "10⁻¹⁷ <b>é",
    ],
)
@pytest.mark.slow
def test_units_that_files_and_figures_cannot_hold(tmp_path, unit):
    """They are written as they were in text, and as FITS and matplotlib can show them elsewhere."""
    status, out = run(write(tmp_path, entry={"unit": unit, "check": False}, plots=True))
    assert status == 0 and "failed" not in (out / "summary.txt").read_text("utf-8")
    assert files(out / "plots") == ["light_z.png", "map_z.png", "profile_z.png"]
    header = fits.getheader(out / "maps" / "z.fits", "DATA")
    assert header.get("BUNIT") == {"Å": "Angstrom", "$\\frac{1}{$": unit}.get(unit)
    assert "BUNIT" in header or "\\xe9" in str(header["COMMENT"])
    assert f"{unit}/arcsec" in (out / "summary.txt").read_text("utf-8")


def hopeless(image):
    """Most pixels are no measurements."""
    return np.where(np.indices(image.shape)[0] < 9, -99.0, image)


@pytest.mark.parametrize("numbers", [1.0, np.nan, np.inf])
def test_a_fit_without_an_answer_is_written_and_not_sampled(tmp_path, monkeypatch, capsys, numbers):
    """Its statistics may be no numbers; the status is not that of a fit with an answer."""
    usual = optimise_module.optimise

    def found(*arguments, **options):
        fit = usual(*arguments, **options)
        predicted = {name: numbers * image for name, image in fit.predicted.items()}
        return replace(fit, predicted=predicted, converged=False, message="not converged: nowhere")

    monkeypatch.setattr(optimise_module, "optimise", found)
    status, out = run(write(tmp_path, hopeless, entry={"check": False}, sample={"draws": 20}))
    said = capsys.readouterr()
    assert status == 3 and "Traceback" not in said.err and "fit: not converged" in said.out
    assert files(out) == MADE
    assert "posterior: not sampled: the fit to start from has" in (out / "summary.txt").read_text()
    assert not any(QTable.read(out / "parameters.ecsv")["converged"])
    # As a number, or as text where a header has none.
    assert float(fits.getheader(out / "maps" / "z.fits")["CHISQ"]) != 0
    assert not results.read_results(out)[1].converged


@pytest.mark.slow
def test_whoever_insists_gets_a_posterior_of_a_fit_without_an_answer(sampled, monkeypatch):
    config = yaml.safe_load(sampled.read_text())
    sampled.write_text(
        yaml.safe_dump(
            config | {"plots": False, "sample": config["sample"] | {"allow_unconverged": True}}
        )
    )
    usual = optimise_module.optimise
    lost = {"converged": False, "message": "not converged: nowhere"}
    monkeypatch.setattr(
        optimise_module,
        "optimise",
        lambda *arguments, **options: replace(usual(*arguments, **options), **lost),
    )
    status, out = run(sampled)
    assert status == 3, "forty draws are too few to be the answer instead"
    text = (out / "summary.txt").read_text()
    assert (
        "fit: not converged: nowhere" in text
        and "importance sampling, 40 draws" in text
        and "posterior.nc" in files(out)
    )


def test_one_pixel_has_no_naive_line(tmp_path):
    def alone(image):
        return np.where(np.arange(image.size).reshape(image.shape) == 100, image, np.nan)

    status, out = run(write(tmp_path, alone, plots=True))
    assert status == 0 and files(out / "plots") == ["light_z.png", "map_z.png", "profile_z.png"]
    lines = (out / "summary.txt").read_text().splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("naive")] == ["none"] * 3


@pytest.mark.parametrize(
    ("truth", "line"),
    [("abc", "expected a number, got 'abc'"), ([1, 2], "expected one number, got [1.0, 2.0]")],
)
def test_a_truth_that_is_none_is_bad_input(tmp_path, capsys, truth, line):
    assert run(write(tmp_path, truth={GRADIENT: truth}))[0] == 2
    assert capsys.readouterr().err == f"jaxmetal: truth.{GRADIENT}: {line}.\n"


@pytest.fixture
def sampled(tmp_path):
    """A configuration that takes few samples, and draws them."""
    return write(tmp_path, sample={"method": "importance", "chains": 2, "draws": 20}, plots=True)


def test_what_fails_after_the_fit_is_named_and_the_rest_is_there(sampled, monkeypatch, capsys):
    """A figure that cannot be drawn.

    A posterior of too few draws is no failure, it says so itself.
    """

    def broken(*arguments):
        raise RuntimeError("no ink\nleft")

    monkeypatch.setattr(figures, "map_figure", broken)
    status, out = run(sampled)
    said = capsys.readouterr()
    assert status == 4 and "jaxmetal: picture map_z failed: RuntimeError: no ink left\n" in said.err
    assert said.out.index("maximum of the posterior") < said.out.index("posterior: not converged")
    assert set(files(out)) >= {
        "posterior.nc",
        "plots/profile_z.png",
        "plots/corner.png",
        "plots/trace.png",
        "summary.txt",
    }
    assert "failed: picture map_z: RuntimeError: no ink left" in (out / "summary.txt").read_text()
    assert (
        "posterior: not converged: fewer than 400 effective samples"
        in (out / "summary.txt").read_text()
    )
    assert cli.main(["plot", str(out), "--quiet"]) == 4
    assert len(capsys.readouterr().out.split()) == 4
    assert cli.main(["report", str(out), "--quiet"]) == 4
    page = (out / "report.html").read_text("utf-8")
    assert (
        page.count("data:image/png") == 4
        and "could not be drawn: RuntimeError: no ink left" in page
    )


@pytest.mark.parametrize(
    "what", [RuntimeError("chains are bound"), KeyboardInterrupt(), SystemExit(143)]
)
def test_a_sampler_that_ends_early_leaves_the_fit(sampled, monkeypatch, capsys, what):
    seen = []

    def ended(*arguments, **options):
        out = sampled.parent / "out"
        seen.extend(files(out))
        seen.append((out / "summary.txt").read_text().splitlines()[2])
        raise what

    monkeypatch.setattr(sampling, "draw_one", ended)
    if isinstance(what, SystemExit):
        with pytest.raises(SystemExit):
            run(sampled)
    else:
        assert run(sampled)[0] == (4 if isinstance(what, RuntimeError) else 130)
    out, said = sampled.parent / "out", capsys.readouterr()
    assert {
        "summary.txt",
        "parameters.ecsv",
        "maps/z.fits",
        "posterior: not sampled: not finished yet",
    } <= set(seen)
    summary = (out / "summary.txt").read_text()
    assert (
        "posterior: not sampled: "
        + ("the sampler failed" if isinstance(what, RuntimeError) else "interrupted")
        in summary
    )
    assert ("failed: sampling: RuntimeError: chains are bound" in summary) == isinstance(
        what, RuntimeError
    )
    assert f"{GRADIENT} " in said.out and results.read_results(out)[1].converged
    if isinstance(what, KeyboardInterrupt):
        assert said.err.endswith(
            f"sampling interrupted; the results of the fit are in {out}\njaxmetal: interrupted\n"
        )
    # Pictures do not wait for the posterior.
    assert ("plots/map_z.png" in files(out)) == isinstance(what, RuntimeError)


def test_only_a_maximum_is_sampled_unless_insisted_on(sampled):
    """From Python, where `jm.run` does what the command does and gives back what it made."""
    made = jm.run(sampled, sampled.parent / "out", sample=False, progress=False)
    assert (
        made.fit.converged
        and made.posterior is None
        and made.summary == (made.folder / "summary.txt").read_text()
    )
    model, fit = made.scene.model(), made.fit
    far = replace(fit, converged=False, message="not converged: stopped")
    with pytest.raises(
        jm.InputError,
        match=(
            r"has not converged; .*more starts or steps.*allow_unconverged .* not "
            r"converged: stopped"
        ),
    ):
        jm.sample(model, far, chains=1, draws=10)
    with pytest.raises(
        jm.InputError,
        match=r"fits \[1\] cannot be sampled; leave them out. fits\[1\]: .*not converged: stopped",
    ):
        jm.sample_batch([model, model], [fit, far], chains=1, draws=10)
    drawn = jm.sample(model, far, method="importance", chains=2, draws=20, allow_unconverged=True)
    assert drawn.samples[GRADIENT].shape == (2, 20)
    lost = replace(far, unconstrained_covariance=np.full_like(far.unconstrained_covariance, np.nan))
    with pytest.raises(jm.InputError, match="has no covariance"):
        jm.sample(model, lost, allow_unconverged=True)


def interrupted_after(module, words, folder):
    """The status of a command that is interrupted once it has imported a module, and its words."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    # A signal that is ignored here, as in a shell's background, would be ignored there, too.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", *words],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        for line in process.stderr:
            if line.split()[-1:] == [module]:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    said = [line for line in err.splitlines() if not line.startswith("import time:")]
    return process.returncode, said


# NumPy prints an exception that is raised during its import, and continues.
@pytest.mark.parametrize("module", ["numpy._core.multiarray", "jax._src.core"])
def test_an_interrupt_while_modules_are_imported_is_one_line(tmp_path, module):
    words = ["-m", "jaxmetal", "fit", str(write(tmp_path)), "--out", "out"]
    assert interrupted_after(module, words, tmp_path) == (130, ["jaxmetal: interrupted"])
    assert not (tmp_path / "out").exists()
