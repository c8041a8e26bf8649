"""A survey: what goes in is checked by row, what comes out is whole, and no number depends on
how the work was divided.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from jax.experimental.compilation_cache.compilation_cache import reset_cache

import jaxmetal as jm
from jaxmetal import cli, survey
from jaxmetal.io.compiled import keep_compiled
from jaxmetal.io.scene import build
from jaxmetal.survey import output, shard, store
from jaxmetal.survey.catalogue import Catalogue, configure, read_catalogue
from jaxmetal.survey.executors import Pool
from jaxmetal.survey.groups import facts_of
from jaxmetal.survey.master import prepare
from jaxmetal.survey.scenes import scene_of
from tests.surveys import (
    CONFIG,
    GRADIENT,
    batch_command,
    changed,
    gradient,
    numbers,
    save,
    write_survey,
)

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder in which other processes find the programs that these tests compile."""
    folder = tmp_path_factory.mktemp("compiled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXMETAL_CACHE_DIR", str(folder))
        keep_compiled()
        yield folder
    jax.config.update("jax_compilation_cache_dir", None)
    reset_cache()


@pytest.fixture(scope="module")
def made(tmp_path_factory, compiled):
    """The folder of a catalogue of six galaxies with its configuration, and a finished survey of
    them in "out".
    """
    folder = tmp_path_factory.mktemp("survey")
    survey.run(*write_survey(folder), folder / "out", progress=False)
    return folder


@pytest.fixture(scope="module")
def table(made):
    return survey.collect(made / "out")


@pytest.fixture
def fresh(made, tmp_path):
    """The same catalogue and configuration with nothing done yet."""
    for path in made.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def planned(made, tmp_path):
    """The finished survey's folder, copied."""
    return shutil.copytree(made / "out", tmp_path / "out")


def complaints(capsys, *words):
    """What a command with bad input says."""
    assert cli.main([*map(str, words), "--quiet"]) == 2
    written = capsys.readouterr().err
    assert "Traceback" not in written
    return [line.removeprefix("jaxmetal: ") for line in written.splitlines()]


def test_truths_are_found_with_their_errors(table):
    assert table["converged"].all() and set(table["method"]) == {"importance"}
    assert table[f"{GRADIENT}.mean"].unit == units.Unit("dex / arcsec")
    pull = (table[f"{GRADIENT}.mean"] - [gradient(i) for i in range(6)]) / table[f"{GRADIENT}.sd"]
    assert np.all(np.abs(pull) < 3.5) and np.all(table[f"{GRADIENT}.sd"] < 0.05)
    assert np.all(
        (table[f"{GRADIENT}.q16"] < table[f"{GRADIENT}.q50"])
        & (table[f"{GRADIENT}.q50"] < table[f"{GRADIENT}.q84"])
    )


def test_a_frame_that_is_filled_up_changes_nothing(made):
    """The first galaxy is a row smaller than its neighbours: its pixels stay where they were."""
    catalogue = Catalogue(read_catalogue(made / "galaxies.ecsv"), "id")
    models = [
        build(configure(CONFIG, catalogue, 0), made, frames=frames).model()
        for frames in (None, {}, {"z": (20, 16), "light": (20, 16)})
    ]
    shapes = [model.maps["z"].values.shape for model in models]
    assert shapes == [(11, 12), (12, 12), (20, 16)]
    densities = [float(model.log_density(model.start)) for model in models]
    assert densities[1:] == pytest.approx([densities[0]] * 2, rel=1e-5)


def test_the_tables_hold_units_and_provenance_and_agree(made, table):
    ecsv, cards = (
        Table.read(made / "out" / "catalogue.ecsv"),
        Table.read(made / "out" / "catalogue.fits"),
    )
    assert list(ecsv["id"]) == list(cards["id"]) == [f"g{i}" for i in range(6)]
    assert ecsv["R_e"].unit == cards["R_e"].unit == units.arcsec
    for name, values in numbers(table).items():
        np.testing.assert_array_equal(np.asarray(ecsv[name]), values)
        np.testing.assert_array_equal(np.asarray(cards[name]), values)
    assert (
        ecsv.meta["jaxmetal"] == jm.__version__ and len(ecsv.meta["configuration"]["sha256"]) == 64
    )
    assert (
        cards.meta["SEED"] == 0 and cards.meta["CONFHASH"] == ecsv.meta["configuration"]["sha256"]
    )


def test_pictures_of_every_galaxy_have_its_own_frame(made):
    found = list(output.galaxies(made / "out"))
    assert sorted(galaxy["id"] for galaxy in found) == [f"g{i}" for i in range(6)]
    for galaxy in found:
        z = galaxy["maps"]["z"]
        assert z["data"].shape == z["model"].shape == ((12, 12) if galaxy["row"] % 2 else (11, 12))
        with fits.open(made / f"{galaxy['row']}.fits") as hdus:
            np.testing.assert_allclose(z["data"], hdus["Z"].data, rtol=1e-6)
        chi = (z["data"] - z["model"]) / z["sigma"]
        assert 0.6 < np.mean(chi**2) < 1.4
        assert galaxy["pixel_scale"] == 0.5 and z["unit"] == "dex" and not z["light"]
        # Medians of the model lie where those of the data do, within their errors.
        profile = galaxy["profile"]
        off = (profile["data"] - profile["model"]) / profile["error"]
        assert np.nanmedian(np.abs(off)) < 2.5


def test_nothing_depends_on_how_the_work_is_divided(fresh, made, table):
    catalogue, config = save(
        fresh, Table.read(fresh / "galaxies.ecsv"), changed(survey={"shard": 2, "together": 2})
    )
    survey.run(catalogue, config, fresh / "out", progress=False)
    assert (
        len(store.read_plan(fresh / "out").shards),
        len(store.read_plan(made / "out").shards),
    ) == (3, 2)
    for name, values in numbers(survey.collect(fresh / "out")).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)


def test_the_same_command_again_does_only_what_is_missing(planned, made, table):
    before = store.shard_path(planned, 0).stat().st_mtime_ns
    store.shard_path(planned, 1).unlink()
    left, claim = planned / "shards" / ".0001.nc-left", store.shard_path(planned, 0, ".lock")
    left.mkdir()
    claim.touch()
    assert (
        str(survey.status(planned))
        == "4 of 6 galaxies; 2 shards: 1 done, 0 running, 0 failed, 1 missing"
    )
    assert "not computed yet" in list(survey.collect(planned)["message"])
    done = survey.run(made / "galaxies.ecsv", made / "survey.yaml", planned, progress=False)
    assert (done.done, done.arrived) == ([0, 1], 6)
    assert (
        store.shard_path(planned, 0).stat().st_mtime_ns == before
        and not left.exists()
        and not claim.exists()
    )
    for name, values in numbers(survey.collect(planned)).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)


@pytest.mark.slow
def test_a_killed_survey_goes_on_to_the_same_numbers(fresh, table):
    """SIGKILL at moments spread over a whole run, until one is left alone."""
    words = batch_command("out")
    environment = os.environ | {"PYTHONPATH": str(Path(jm.__file__).parents[1])}
    killed = 0
    for moment in ("0000.lock", "0000.nc"):
        process = subprocess.Popen(
            words, cwd=fresh, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        while process.poll() is None and not list(fresh.glob(f"out/shards/{moment}")):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    assert killed == 2
    subprocess.run(words, cwd=fresh, env=environment, check=True, capture_output=True)
    assert not list((fresh / "out" / "shards").glob(".*")) and not list(
        (fresh / "out" / "shards").glob("*.lock")
    )
    for name, values in numbers(survey.collect(fresh / "out")).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)


BAD = {
    "missing": "no such file",
    "truncated": "Z_ERR",
    "html": "cannot be read as a FITS file",
    "huge": "more than any map has",
    "table": "holds a table",
    "shell": "$(touch owned); `touch owned`; '<b>.fits: no such file",
    "no PSF": "has no fwhm in this row",
    "unit": "no pixel is left",
    "same name": "the galaxy of row 1 has the same name",
    "no name": "the galaxy has no name",
}


def broken(folder):
    """A catalogue of three good galaxies and one for each way of being bad."""
    rows = [
        {"id": f"g{i}", "maps": f"{i}.fits", "fwhm": 1.0 + 0.3 * (i % 2 == 0), "R_e": 1.5}
        for i in range(3)
    ]
    rows += [
        {"id": f"<script>{how}</script>", "maps": f"{how}.fits", "fwhm": 1.0, "R_e": 1.5}
        for how in BAD
    ]
    at = {how: 3 + i for i, how in enumerate(BAD)}
    for how in ("no PSF", "same name", "no name"):
        rows[at[how]]["maps"] = "0.fits"
    rows[at["same name"]]["id"], rows[at["no name"]]["id"] = "g0", ""
    rows[at["shell"]]["maps"] = "$(touch owned); `touch owned`; '<b>.fits"
    whole = (folder / "1.fits").read_bytes()
    (folder / "truncated.fits").write_bytes(whole[: len(whole) // 2])
    (folder / "html.fits").write_text("<html>")
    (folder / "huge.fits").write_bytes(
        whole.replace(b"NAXIS1  =                   12", b"NAXIS1  =           1000000000")
    )
    fits.BinTableHDU(Table({"a": [1.0]}), name="Z").writeto(folder / "table.fits")
    with fits.open(folder / "1.fits") as hdus:
        hdus["Z"].data[:] = np.nan
        hdus.writeto(folder / "unit.fits")
    table = Table(rows=rows)
    table["fwhm"] = MaskedColumn(
        table["fwhm"], mask=[row == at["no PSF"] for row in range(len(rows))]
    )
    return save(folder, table, CONFIG)


def test_everything_wrong_is_told_by_row_before_anything_is_fitted(fresh, capsys):
    catalogue, config = broken(fresh)
    said = complaints(capsys, "batch", catalogue, config, "--out", fresh / "out")
    assert not (fresh / "out").exists() and not (fresh / "owned").exists()
    assert said[-1] == "10 of 13 galaxies cannot be used; --skip-bad goes on without them."
    for row, (how, words) in enumerate(BAD.items(), start=4):
        assert any(line.startswith(f"row {row} (") and words in line for line in said), how
    assert len(said) == 11


def test_bad_galaxies_are_rows_with_their_reasons(fresh, table):
    catalogue, config = broken(fresh)
    done = survey.run(catalogue, config, fresh / "out", skip_bad=True, progress=False)
    assert (done.arrived, done.left_out) == (3, 10)
    found = survey.collect(fresh / "out")
    for row, words in enumerate(BAD.values(), start=3):
        assert found["message"][row].startswith("left out: ") and words in found["message"][row]
        assert not found["converged"][row] and np.isnan(found[f"{GRADIENT}.q50"][row])
    # What a galaxy draws hangs on its name, not on its neighbours in the catalogue.
    np.testing.assert_allclose(
        found[f"{GRADIENT}.q50"][:3], table[f"{GRADIENT}.q50"][:3], rtol=1e-4
    )


def test_a_file_that_is_lost_on_the_way_is_a_row_too(fresh, table, monkeypatch):
    monkeypatch.chdir(fresh)
    prepare("galaxies.ecsv", "survey.yaml", "out", progress=False)
    (fresh / "3.fits").unlink()
    shutil.copy(fresh / "1.fits", fresh / "5.fits")
    fits.setval(fresh / "4.fits", "BUNIT", value="Gyr", extname="Z")
    survey.run("galaxies.ecsv", "survey.yaml", "out", progress=False)
    found = survey.collect("out")
    assert "3.fits: no such file" in found["message"][3] and np.sum(found["converged"]) == 5
    # What is strange about the data of a galaxy is told in its row.
    assert (
        "maps.z: TracerMap: the values are in Gyr, but scale" in found["note"][4]
        and not found["note"][0]
    )


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"fit": {"starts": "{mass}"}}, "fit.starts: a column of the catalogue cannot stand here"),
        (
            {"priors": {GRADIENT: {"normal": [0.0, "{scater}"]}}},
            "priors.disc.metallicity.gradient.normal.1: unknown column",
        ),
        ({"survey": {"id": "name"}}, "survey.id: unknown column 'name'"),
        ({"survey": {"shards": 3}}, "survey.shards: unknown key 'shards'. Did you mean 'shard'?"),
        (
            {"survey": {"slurm": {"partition": "debug; rm -rf ~"}}},
            "survey.slurm.partition: expected",
        ),
        ({"sample": {"adapt_metric": True}}, "sample.adapt_metric: is not available"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line(fresh, capsys, parts, words):
    catalogue, config = save(fresh, Table.read(fresh / "galaxies.ecsv"), changed(**parts))
    said = complaints(capsys, "batch", catalogue, config, "--out", fresh / "out")
    assert len(said) == 1 and said[0].startswith(words)


def test_columns_are_taken_in_the_unit_that_is_wanted():
    rows = Table({"id": ["a"], "size": [0.05], "angle": [1.0], "mass": [3.0], "name": ["m31"]})
    rows["size"].unit, rows["angle"].unit, rows["mass"].unit = "arcmin", "rad", "solMass"
    catalogue = Catalogue(rows, "id")
    config = {
        "galaxy": {"disc": {"light": {"R_sersic": "{size}", "n_sersic": 1}}},
        "priors": {"disc.light.R_sersic": {"log_normal": ["{size}", 0.1]}},
    }
    filled = configure(
        config
        | {"baseline": {"inclination": "{angle}"}, "maps": {"z": {"file": "{name}-{id}.fits"}}},
        catalogue,
        0,
    )
    assert (
        filled["galaxy"]["disc"]["light"]["R_sersic"]
        == filled["priors"]["disc.light.R_sersic"]["log_normal"][0]
        == pytest.approx(3.0)
    )
    assert filled["baseline"]["inclination"] == pytest.approx(np.rad2deg(1.0))
    assert filled["maps"]["z"]["file"] == "m31-a.fits"
    # By the profile that stands there: alpha is a radius of one and a number without a unit of
    # another.
    alpha = {"galaxy": {"disc": {"light": {"profile": "moffat", "alpha": "{size}"}}}}
    assert configure(alpha, catalogue, 0)["galaxy"]["disc"]["light"]["alpha"] == pytest.approx(3.0)
    alpha["galaxy"]["disc"]["light"]["profile"] = "core_sersic"
    with pytest.raises(
        jm.InputError, match=r"alpha: size is in arcmin, expected a number without a unit"
    ):
        configure(alpha, catalogue, 0)
    by_name = {"galaxy": {"disc": {"light": {"Ha": {"profile": "moffat", "alpha": "{size}"}}}}}
    by_name["priors"] = {"disc.light.Ha.alpha": {"log_normal": ["{size}", 0.1]}}
    filled = configure(by_name, catalogue, 0)
    assert filled["galaxy"]["disc"]["light"]["Ha"]["alpha"] == pytest.approx(3.0)
    assert filled["priors"]["disc.light.Ha.alpha"]["log_normal"][0] == pytest.approx(3.0)
    theta = {
        "lens": {"halo": {"profile": "sie"}},
        "priors": {"lens.halo.theta_E": {"normal": ["{size}", 0.1]}},
    }
    assert configure(theta, catalogue, 0)["priors"]["lens.halo.theta_E"]["normal"][
        0
    ] == pytest.approx(3.0)
    with pytest.raises(
        jm.InputError, match=r"galaxy.disc.light.R_sersic: mass is in solMass, expected arcsec"
    ):
        configure({"galaxy": {"disc": {"light": {"R_sersic": "{mass}"}}}}, catalogue, 0)
    rows["name"] = ["evil.py:run"]
    with pytest.raises(jm.InputError, match="profiles that come with jaxmetal only"):
        configure({"galaxy": {"disc": {"light": {"profile": "{name}"}}}}, catalogue, 0)
    with pytest.raises(jm.InputError, match="readers that come with jaxmetal only"):
        configure({"maps": {"cube": {"kind": "{name}"}}}, catalogue, 0)


def test_lights_by_name_decide_the_sampling_and_the_structure(tmp_path):
    """Columns stand in each light; the smallest length of any counts, and so do their names."""
    light = CONFIG["galaxy"]["disc"]["light"]
    facts = []
    for name in ("stars", "dust"):
        config = changed()
        config["galaxy"]["disc"]["light"] = {"Ha": light, name: light | {"R_sersic": 0.7}}
        config["maps"]["z"]["light"] = "Ha"
        table, _ = write_survey(tmp_path, 1, config)
        scene, _ = scene_of(config, tmp_path, Catalogue(read_catalogue(table), "id"), 0)
        assert float(scene.galaxy.disc.light["Ha"].R_sersic) == pytest.approx(1.5)
        facts.append(facts_of(0, scene))
    assert facts[0].size == pytest.approx(0.7 / 0.5)
    assert facts[0].structure != facts[1].structure


def test_another_survey_in_the_same_folder_is_refused(planned, made, tmp_path, capsys):
    for path in made.glob("*.fits"):
        shutil.copy(path, tmp_path)
    catalogue, config = save(
        tmp_path, Table.read(made / "galaxies.ecsv")[:5], changed(fit={"starts": 2})
    )
    said = complaints(capsys, "batch", catalogue, config, "--out", planned)
    assert said == [
        f"{planned}: holds another survey: the catalogue has changed; --out names another folder.",
        (
            f"{planned}: holds another survey: the configuration has changed in fit; --out "
            f"names another folder."
        ),
    ]
    assert complaints(capsys, "status", tmp_path) == [
        f"{tmp_path}: not the folder of a survey; survey.json is expected in it."
    ]
    assert (
        "expected an empty folder"
        in complaints(capsys, "batch", catalogue, config, "--out", tmp_path)[0]
    )


def test_a_galaxy_without_an_answer_is_not_sampled(fresh, table, monkeypatch):
    """It would hold up the others.

    Its fit is in its row, and nothing that looks like a posterior.
    """
    usual = shard.optimise_batch

    def lost(models, **options):
        fits = usual(models, **options)
        fits.keep(0, replace(fits[0], converged=False, message="not converged: stopped"))
        return fits

    monkeypatch.setattr(shard, "optimise_batch", lost)
    catalogue = Table.read(fresh / "galaxies.ecsv")[:2]
    survey.run(*save(fresh, catalogue, CONFIG), fresh / "out", progress=False)
    found = survey.collect(fresh / "out")
    assert list(found["converged"]) == [False, True] and list(found["method"]) == ["", "importance"]
    assert found["message"][0] == "not sampled: not converged: stopped"
    assert np.isnan(
        [found[f"{GRADIENT}.{key}"][0] for key in ("mean", "sd", "q16", "q50", "q84", "ess")]
    ).all()
    assert np.isfinite(
        [
            found[name][0]
            for name in (f"{GRADIENT}.value", f"{GRADIENT}.error", "reduced_chi_square")
        ]
    ).all()
    np.testing.assert_allclose(found[f"{GRADIENT}.q50"][1], table[f"{GRADIENT}.q50"][1], rtol=1e-4)


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
def test_a_catalogue_may_hold_what_tables_on_disk_cannot(fresh, monkeypatch):
    """Names that are ours, texts as Python objects, positions, and units that FITS does not
    know.
    """
    monkeypatch.chdir(fresh)
    planned, old = fresh / "out", Table.read(fresh / "galaxies.ecsv")
    for name in ("message", "input_message"):
        old[name] = np.array([f"said {i}" for i in range(6)], object)
    old["place"] = SkyCoord(np.arange(6.0), np.arange(6.0), unit="deg")
    old["size"] = np.ones(6)
    old["size"].unit = units.Unit("<b>é", parse_strict="silent")
    survey.run(old, CONFIG, planned, progress=False)
    survey.collect(planned)
    text, cards = (
        (planned / "catalogue.ecsv").read_text("utf-8"),
        Table.read(planned / "catalogue.fits"),
    )
    assert '"""' not in text and "importance" in text
    ecsv = Table.read(planned / "catalogue.ecsv")
    for found in (ecsv, cards):
        assert (
            list(found["input_input_message"])
            == list(found["input_message"])
            == [f"said {i}" for i in range(6)]
        )
        np.testing.assert_array_equal(found["place.ra"], np.arange(6.0))
        assert set(found["method"]) == {"importance"}
    assert str(ecsv["size"].unit) == "<b>é"
    assert "<b>\\xe9" in [
        str(value) for value in fits.getheader(planned / "catalogue.fits", 1).values()
    ]


def test_status_needs_no_jax(planned):
    command = (
        f"import sys; from jaxmetal.cli import main; main(['status', "
        f"{str(planned)!r}]); print('jax' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(jm.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "6 of 6 galaxies; 2 shards: 2 done, 0 running, 0 failed, 0 missing",
        "False",
    ]


def test_two_at_once_do_no_harm(planned, made, table):
    """While another process holds a shard it is running.

    When that process ends without a result, its work is taken over.
    """
    store.shard_path(planned, 1).unlink()
    hold = (
        f"from jaxmetal.survey import store\nwith store.claimed({str(planned)!r}, 1):\n "
        f"print('held', flush=True); input()"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(jm.__file__).parents[1])}
    other = subprocess.Popen(
        [sys.executable, "-c", hold],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert other.stdout.readline() == "held\n"
    assert survey.status(planned).running == [1] and not shard.compute(
        str(planned), 1, progress=False
    )
    with ThreadPoolExecutor() as threads:
        done = threads.submit(
            survey.run, made / "galaxies.ecsv", made / "survey.yaml", planned, progress=False
        )
        time.sleep(1.0)
        assert not done.done()
        other.send_signal(signal.SIGKILL)
        assert done.result().arrived == 6
    other.communicate()
    for name, values in numbers(survey.collect(planned)).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)


def test_a_damaged_shard_is_told_and_computed_again(planned, made, table, capsys):
    path = store.shard_path(planned, 0)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    assert "is damaged" in complaints(capsys, "collect", planned)[0]
    survey.run(made / "galaxies.ecsv", made / "survey.yaml", planned, progress=False)
    np.testing.assert_array_equal(
        survey.collect(planned)[f"{GRADIENT}.q50"], table[f"{GRADIENT}.q50"]
    )


def test_a_full_disk_is_a_readable_line_and_what_is_there_stays_whole(
    fresh, tmp_path_factory, capsys
):
    disk = tmp_path_factory.mktemp("disk")
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", disk], capture_output=True
    ).returncode:
        pytest.skip("a small file system can be mounted by root only")
    try:
        said = complaints(
            capsys, "batch", fresh / "galaxies.ecsv", fresh / "survey.yaml", "--out", disk / "out"
        )
        assert len(said) == 1 and "No space left on device" in said[0]
        left = survey.status(disk / "out")
        for number in left.done:
            store.read_shard(disk / "out", number)
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        survey.run(fresh / "galaxies.ecsv", fresh / "survey.yaml", disk / "out", progress=False)
        assert len(survey.collect(disk / "out")) == 6
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        for words in (
            ["batch", fresh / "galaxies.ecsv", fresh / "survey.yaml", "--out", disk / "new"],
            ["collect", disk / "out"],
        ):
            assert "Read-only file system" in complaints(capsys, *words)[0]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_commands_say_what_they_did(planned, capsys):
    assert cli.main(["status", str(planned)]) == 0
    assert (
        capsys.readouterr().out
        == "6 of 6 galaxies; 2 shards: 2 done, 0 running, 0 failed, 0 missing\n"
    )
    assert cli.main(["collect", str(planned)]) == 0
    assert capsys.readouterr().out.startswith("6 galaxies, 6 converged: ")


def test_laplace_alone_and_no_pictures(fresh, table):
    said = changed(sample=False, survey={"shard": 4, "together": 2, "maps": False})
    survey.run(
        *save(fresh, Table.read(fresh / "galaxies.ecsv"), said), fresh / "out", progress=False
    )
    found = survey.collect(fresh / "out")
    assert set(found["method"]) == {"laplace"} and all(
        not galaxy["maps"] for galaxy in output.galaxies(fresh / "out")
    )
    np.testing.assert_allclose(found[f"{GRADIENT}.sd"], table[f"{GRADIENT}.sd"], rtol=0.15)


@pytest.mark.slow
def test_an_automatic_sampling_is_chosen_for_a_group_and_its_errors_are_kept(fresh, table):
    config = changed(sample=False, survey={"shard": 2, "together": 2, "maps": False})
    del config["maps"]["z"]["supersampling"], config["maps"]["z"]["margin"]
    alike = Table.read(fresh / "galaxies.ecsv")[[0, 2]]
    survey.run(*save(fresh, alike, config), fresh / "out", progress=False)
    found = survey.collect(fresh / "out")
    (group,) = store.read_plan(fresh / "out").groups
    errors = group["errors"]["z"]
    np.testing.assert_allclose(found["light_sampling_error"], errors["light"])
    np.testing.assert_allclose(found["sampling_error"], errors["the tracer"])
    assert 0 < errors["the tracer"] < 0.1
    difference = found[f"{GRADIENT}.value"] - table[f"{GRADIENT}.value"][[0, 2]]
    assert np.all(np.abs(difference) < 0.5 * table[f"{GRADIENT}.error"][[0, 2]])


@pytest.mark.slow
def test_processes_of_this_machine_give_the_same(fresh, table):
    """One of them dies, and another takes its place."""
    with Pool(1) as pool:
        with contextlib.suppress(BrokenExecutor):
            pool.submit(os._exit, 9).result()
        done = survey.run(
            fresh / "galaxies.ecsv",
            fresh / "survey.yaml",
            fresh / "out",
            executor=pool,
            progress=False,
        )
    assert done.arrived == 6
    for name, values in numbers(survey.collect(fresh / "out")).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)


@pytest.mark.slow
def test_an_interrupted_survey_does_not_wait_for_its_processes():
    with pytest.raises(KeyboardInterrupt), Pool(1) as pool:
        future = pool.submit(time.sleep, 600)
        while not future.running():
            time.sleep(0.1)
        raise KeyboardInterrupt
    with pytest.raises(BrokenExecutor):
        future.result(timeout=60)


def test_the_population_of_a_survey(made, capsys):
    """Six galaxies whose gradients rise by 0.04 from one to the next, and with them their masses
    by 0.1.
    """
    assert cli.main(["population", str(made / "out"), "--against", "mass"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{GRADIENT} of 6 galaxies, at mass = 9.25"
    assert [line.split()[0] for line in lines[1:]] == ["mean", "scatter", "slope"]
    slope, error = float(lines[3].split()[1]), float(lines[3].split()[3])
    assert abs(slope - 0.4) < 4 * error < 0.4
    assert complaints(capsys, "population", made / "out", "--against", "id")[0].startswith(
        "id: expected a column of numbers"
    )
    assert (
        "unknown column 'mas'"
        in complaints(capsys, "population", made / "out", "--against", "mas")[0]
    )
    assert (
        "no draws of such a parameter"
        in complaints(capsys, "population", made / "out", "--parameter", "disc.light.amp")[0]
    )


def test_a_survey_is_one_page(made, table, capsys):
    assert cli.main(["report", str(made / "out"), "--out", str(made / "page.html")]) == 0
    page = (made / "page.html").read_text("utf-8")
    assert "<title>out</title>" in page
    assert all(f'id="galaxy-{row}"' in page for row in range(len(table)))
    assert GRADIENT in page and "naive_gradient" in page


def test_the_straight_line_stands_beside_the_fit(table):
    naive, sigma = np.asarray(table["naive_gradient"]), np.asarray(table["naive_gradient_error"])
    truth = np.array([gradient(i) for i in range(len(table))])
    assert np.all(sigma > 0)
    # Flatter than the truth, as the PSF makes it.
    assert np.mean(np.abs(naive)) < np.mean(np.abs(truth))
