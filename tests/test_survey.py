"""A survey: what goes in is checked by row, what comes out is whole, and no number depends on how the work was divided."""

import shutil

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table
from surveys import CONFIG, GRADIENT, changed, gradient, numbers, save, write_survey

import jaxmetal as jm
from jaxmetal import cli, survey
from jaxmetal.io.scene import build
from jaxmetal.survey import output, store
from jaxmetal.survey.catalogue import Catalogue, configure, read_catalogue

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of a catalogue of six galaxies with its configuration, and a finished survey of them in "out"."""
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
    assert np.all((table[f"{GRADIENT}.q16"] < table[f"{GRADIENT}.q50"]) & (table[f"{GRADIENT}.q50"] < table[f"{GRADIENT}.q84"]))


def test_a_frame_that_is_filled_up_changes_nothing(made):
    """The first galaxy is a row smaller than its neighbours: its pixels stay where they were."""
    catalogue = Catalogue(read_catalogue(made / "galaxies.ecsv"), "id")
    models = [build(configure(CONFIG, catalogue, 0), made, fill=fill).model() for fill in (False, True)]
    assert [model.maps["z"].values.shape for model in models] == [(11, 12), (12, 12)]
    densities = [float(model.log_density(model.start)) for model in models]
    assert densities[0] == pytest.approx(densities[1], rel=1e-5)


def test_the_tables_hold_units_and_provenance_and_agree(made, table):
    ecsv, cards = Table.read(made / "out" / "catalogue.ecsv"), Table.read(made / "out" / "catalogue.fits")
    assert list(ecsv["id"]) == list(cards["id"]) == [f"g{i}" for i in range(6)]
    assert ecsv["R_e"].unit == cards["R_e"].unit == units.arcsec
    for name, values in numbers(table).items():
        np.testing.assert_array_equal(np.asarray(ecsv[name]), values)
        np.testing.assert_array_equal(np.asarray(cards[name]), values)
    assert ecsv.meta["jaxmetal"] == jm.__version__ and len(ecsv.meta["configuration"]["sha256"]) == 64
    assert cards.meta["SEED"] == 0 and cards.meta["CONFHASH"] == ecsv.meta["configuration"]["sha256"]


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
        assert z["pixel_scale"] == 0.5 and z["unit"] == "dex"


def test_nothing_depends_on_how_the_work_is_divided(fresh, made, table):
    catalogue, config = save(fresh, Table.read(fresh / "galaxies.ecsv"), changed(survey={"shard": 2, "together": 2}))
    survey.run(catalogue, config, fresh / "out", progress=False)
    assert (len(store.read_plan(fresh / "out").shards), len(store.read_plan(made / "out").shards)) == (3, 2)
    for name, values in numbers(survey.collect(fresh / "out")).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)


def test_the_same_command_again_does_only_what_is_missing(planned, made, table):
    before = store.shard_path(planned, 0).stat().st_mtime_ns
    store.shard_path(planned, 1).unlink()
    left = planned / "shards" / ".0001.nc-left"
    left.mkdir()
    assert str(survey.status(planned)) == "4 of 6 galaxies; 2 shards: 1 done, 0 running, 0 failed, 1 missing"
    assert "not computed yet" in list(survey.collect(planned)["message"])
    done = survey.run(made / "galaxies.ecsv", made / "survey.yaml", planned, progress=False)
    assert (done.done, done.arrived) == ([0, 1], 6)
    assert store.shard_path(planned, 0).stat().st_mtime_ns == before and not left.exists()
    for name, values in numbers(survey.collect(planned)).items():
        np.testing.assert_array_equal(values, numbers(table)[name], err_msg=name)
