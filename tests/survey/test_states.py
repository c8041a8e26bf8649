"""Surveys whose shards, inputs or folders are not what they were: told by row and mended, or
refused; nothing of another state is taken for this survey's.
"""

import copy
import json
import shutil

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table

import jaxmetal as jm
from jaxmetal import cli, survey
from jaxmetal.io.inputs import changed_files, fingerprint
from jaxmetal.io.paths import named_files
from jaxmetal.survey import shard, store
from jaxmetal.survey.catalogue import Catalogue, check_references, configure, read_catalogue
from jaxmetal.survey.fits_table import hdu_list
from jaxmetal.survey.scenes import scene_of
from tests.surveys import GRADIENT, changed, save, write_survey

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

CONFIG = changed(sample=False, survey={"shard": 2, "together": 2, "maps": False})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Four galaxies, fitted and not sampled, in two shards of a survey in "out"."""
    folder = tmp_path_factory.mktemp("states")
    survey.run(*write_survey(folder, 4, CONFIG), folder / "out", progress=False)
    return folder


@pytest.fixture
def place(made, tmp_path):
    """The same in a folder of its own, whose configuration it is planned with."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    plan = json.loads((tmp_path / "out" / store.PLAN).read_text())
    (tmp_path / "out" / store.PLAN).write_text(json.dumps(plan | {"folder": str(tmp_path)}))
    return tmp_path


def again(place, out="out", **options):
    return survey.run(
        place / "galaxies.ecsv", place / "survey.yaml", place / out, progress=False, **options
    )


def gradients(place, out="out"):
    return np.asarray(survey.collect(place / out)[f"{GRADIENT}.value"])


def steeper(path):
    """The metallicities of a galaxy, with another gradient."""
    with fits.open(path, mode="update") as hdus:
        y, x = np.indices(hdus["Z"].data.shape) - 5.5
        hdus["Z"].data = hdus["Z"].data + 0.05 * np.hypot(x, y)


def test_a_shard_of_another_configuration_is_computed_again(place, caplog):
    """Copied by hand, or written by a worker of a survey that was planned anew since."""
    right = gradients(place)
    other = copy.deepcopy(CONFIG) | {"fit": {"starts": 1, "seed": 3}}
    (place / "survey.yaml").write_text(yaml.safe_dump(other))
    again(place, "other")
    (place / "survey.yaml").write_text(yaml.safe_dump(CONFIG))
    shutil.copy(store.shard_path(place / "other", 1), store.shard_path(place / "out", 1))
    with pytest.raises(jm.InputError, match=r"0001.nc: is not a shard of this survey"):
        survey.collect(place / "out")
    again(place)
    assert "is not a shard of this survey" in caplog.text
    np.testing.assert_array_equal(gradients(place), right)


def test_a_worker_of_a_survey_that_is_gone_writes_nothing(place, monkeypatch):
    out, written = place / "out", shard.datasets
    store.shard_path(out, 1).unlink()

    def planned_anew(*arguments):
        plan = json.loads((out / store.PLAN).read_text())
        plan["configuration"]["sha256"] = "0" * 64
        (out / store.PLAN).write_text(json.dumps(plan))
        return written(*arguments)

    monkeypatch.setattr(shard, "datasets", planned_anew)
    with pytest.raises(jm.InputError, match="another survey has been planned here; shard 1"):
        shard.compute(str(out), 1, progress=False)
    assert not store.shard_path(out, 1).exists()

    def deleted(*arguments):
        shutil.rmtree(out)
        return written(*arguments)

    again(place, "again")
    out = place / "again"
    store.shard_path(out, 1).unlink()
    monkeypatch.setattr(shard, "datasets", deleted)
    with pytest.raises(jm.InputError):
        shard.compute(str(out), 1, progress=False)
    assert not out.exists()


def test_a_galaxy_whose_file_has_changed_is_computed_again_and_told(place, caplog):
    before, shards = gradients(place), [store.shard_path(place / "out", n) for n in (0, 1)]
    times = [path.stat().st_mtime_ns for path in shards]
    # The same contents at another time are no change.
    (place / "3.fits").touch()
    steeper(place / "0.fits")
    again(place)
    after = gradients(place)
    assert f"row 1 (g0): {place / '0.fits'}" not in caplog.text
    assert "row 1 (g0): 0.fits changed since it was computed" in caplog.text
    assert "(g3)" not in caplog.text
    assert abs(after[0] - before[0]) > 0.05
    np.testing.assert_array_equal(after[1:], before[1:])
    rows = store.read_plan(place / "out").shards[0]["rows"]
    same = [path.stat().st_mtime_ns == time for path, time in zip(shards, times, strict=True)]
    assert same == [0 not in rows, 0 in rows]


def test_functions_and_variables_are_inputs_too(place, monkeypatch):
    """Files of users' functions, what these import, and what a variable stands for."""
    (place / "own.py").write_text("from beside import mine\n")
    (place / "beside.py").write_text("mine = lambda x, y: x\n")
    for name in ("one", "two"):
        (place / name).mkdir()
        shutil.copy(place / "2.fits", place / name)
    config = copy.deepcopy(CONFIG)
    config["maps"]["z"]["file"] = "$JAXMETAL_TEST_DATA/{maps}"
    config["galaxy"]["disc"]["light"] = {"profile": "own.py:mine"}
    monkeypatch.setenv("JAXMETAL_TEST_DATA", str(place / "one"))
    catalogue = Catalogue(Table.read(place / "galaxies.ecsv"), "id")
    with named_files() as files:
        scene_of(config, place, catalogue, 2)
    state = fingerprint(files)
    assert changed_files(state, place) == []
    monkeypatch.setenv("JAXMETAL_TEST_DATA", str(place / "two"))
    # The same contents elsewhere.
    assert changed_files(state, place) == []
    steeper(place / "two" / "2.fits")
    (place / "beside.py").write_text("mine = lambda x, y: y\n")
    assert changed_files(state, place) == [
        "$JAXMETAL_TEST_DATA/2.fits",
        str((place / "beside.py").resolve()),
    ]
    monkeypatch.delenv("JAXMETAL_TEST_DATA")
    assert "$JAXMETAL_TEST_DATA/2.fits" not in changed_files(state, place)


def test_a_galaxy_that_could_not_be_read_is_tried_again(place, capsys):
    """By the same command, as soon as its file is there; until then what is done stays."""
    right = gradients(place)
    (place / "2.fits").rename(place / "away")
    shutil.rmtree(place / "out" / store.SHARDS)
    done = again(place)
    assert (done.unanswered, done.unread) == (1, 1)
    assert str(done).splitlines()[1:] == [
        "1 galaxies have no answer",
        "1 of them could not be read; the same batch tries them again",
    ]
    assert np.isnan(gradients(place)).sum() == 1
    times = [store.shard_path(place / "out", n).stat().st_mtime_ns for n in (0, 1)]
    again(place)
    assert times == [store.shard_path(place / "out", n).stat().st_mtime_ns for n in (0, 1)]
    (place / "away").rename(place / "2.fits")
    assert again(place).unread == 0
    np.testing.assert_array_equal(gradients(place), right)


def test_a_galaxy_that_was_left_out_is_taken_in_when_it_can_be(place, caplog):
    caplog.set_level("INFO")
    right = gradients(place)
    (place / "2.fits").rename(place / "away")
    done = again(place, "skipping", skip_bad=True)
    assert (done.arrived, done.left_out) == (3, 1)
    assert again(place, "skipping", skip_bad=True).left_out == 1
    (place / "away").rename(place / "2.fits")
    done = again(place, "skipping", skip_bad=True)
    assert (done.arrived, done.left_out) == (4, 0)
    assert "row 3 (g2): was left out, and is usable now" in caplog.text
    np.testing.assert_allclose(gradients(place, "skipping"), right, rtol=1e-3)


def test_the_copy_of_the_catalogue_is_that_of_the_plan(place, capsys):
    copy = place / "out" / store.INPUT
    for damage in (lambda lines: lines[:-1], lambda lines: [*lines[:-4], *lines[:-5:-1]]):
        copy.write_text("\n".join(damage(copy.read_text().splitlines())) + "\n")
        for command in ("collect", "report"):
            assert cli.main([command, str(place / "out"), "--quiet"]) == 2
            assert "not the catalogue of the plan" in capsys.readouterr().err
        again(place)
        assert cli.main(["collect", str(place / "out"), "--quiet"]) == 0
        capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (store.PLAN, lambda text: text[:200]),
        (store.PLAN, lambda text: json.dumps([1, 2])),
        (store.PLAN, lambda text: json.dumps(json.loads(text) | {"shards": 3})),
        (store.PLAN, lambda text: json.dumps(json.loads(text) | {"groups": []})),
        (store.PLAN, lambda text: json.dumps(json.loads(text) | {"shards": [{"group": "a"}]})),
        (store.PLAN, lambda text: json.dumps(json.loads(text) | {"bad": [None]})),
        (store.PLAN, lambda text: json.dumps(json.loads(text) | {"catalogue": {"a": "b"}})),
        (store.PLAN, lambda text: json.dumps(json.loads(text) | {"raw": {"survey": 3}})),
        (store.PLAN, lambda text: "\0" + text),
        (store.INPUT, lambda text: ""),
    ],
)
@pytest.mark.parametrize("command", ["status", "collect", "report", "population"])
def test_a_damaged_folder_is_one_readable_line(place, capsys, name, damage, command):
    path = place / "out" / name
    path.write_text(damage(path.read_text()))
    status = cli.main([command, str(place / "out"), "--quiet"])
    written = capsys.readouterr().err
    assert "Traceback" not in written
    assert status == (0 if (name, command) == (store.INPUT, "status") else 2)
    assert bool(written) == (status == 2)


def test_what_lies_beside_the_shards_does_no_harm(place):
    shards = place / "out" / store.SHARDS
    right = gradients(place)
    (shards / "0000.nc").unlink()
    (shards / "0000.failed").write_bytes(b"\xff\xfe")
    (shards / "0001.json").write_text("[]")
    assert list(survey.status(place / "out").failed) == [0]
    content = (shards / "0001.nc").read_bytes()
    (shards / "0001.nc").write_bytes(content[:-100])
    (shards / "0001.json").write_text(json.dumps({"bytes": len(content)}))
    assert "is damaged" in survey.status(place / "out").failed[1]
    shutil.rmtree(shards)
    again(place)
    np.testing.assert_array_equal(gradients(place), right)


def test_what_changes_no_number_may_change_on_the_way(place):
    """The time limit of a job, for one."""
    store.shard_path(place / "out", 1).unlink()
    config = copy.deepcopy(CONFIG) | {"plots": False}
    config["survey"] = config["survey"] | {"slurm": {"minutes": 600}}
    (place / "survey.yaml").write_text(yaml.safe_dump(config))
    assert again(place).done == [0, 1]
    config["survey"]["together"] = 1
    (place / "survey.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(jm.InputError, match="the configuration has changed in survey"):
        again(place)


NAMES = ["#g0", " g", "g", "007"]


@pytest.mark.parametrize("suffix", ["ecsv", "csv"])
def test_names_are_kept_as_they_are(place, suffix):
    """In the copy of the catalogue and in the results; in CSV but for spaces around them."""
    names = NAMES if suffix == "ecsv" else ["#g0", "g", "007", "7"]
    table = Table.read(place / "galaxies.ecsv")
    table["id"] = names
    catalogue, config = save(place, table, CONFIG)
    if suffix == "csv":
        for name in ("R_e", "fwhm"):
            table[name].unit = None
        catalogue = place / "galaxies.csv"
        # Quoted, because astropy takes the line for a comment otherwise.
        lines = [",".join(table.colnames)]
        lines += [",".join(f'"{value}"' for value in row) for row in table]
        catalogue.write_text("\n".join(lines) + "\n")
    elif suffix == "ecsv":
        store.write_input(place, table)
        catalogue = place / store.INPUT
    survey.run(catalogue, config, place / "named", progress=False)
    assert list(survey.collect(place / "named")["id"]) == names
    assert list(read_catalogue(place / "named" / "catalogue.ecsv")["id"]) == names
    assert store.read_input(place / "named").ids == names


def test_a_variable_of_the_environment_is_no_column(place, monkeypatch):
    monkeypatch.setenv("JAXMETAL_TEST_DATA", str(place))
    config = copy.deepcopy(CONFIG)
    config["maps"]["z"]["file"] = "${JAXMETAL_TEST_DATA}/{maps}"
    catalogue = Catalogue(Table.read(place / "galaxies.ecsv"), "id")
    check_references(config, catalogue)
    file = configure(config, catalogue, 2)["maps"]["z"]["file"]
    assert file == "${JAXMETAL_TEST_DATA}/2.fits"


def test_fits_leaves_out_what_it_cannot_hold_and_says_so(made):
    table = survey.collect(made / "out")
    table["é"], table["\\xe9"], table["n" * 200] = 1, 2, 3
    table["when"] = np.array(["2020-01-01"] * 4, "datetime64[D]")
    with pytest.warns(jm.InputWarning, match="column 'when' cannot be in a FITS table") as told:
        names = hdu_list(table)[1].columns.names
    assert len(told) == 1 and len(names) == len(table.colnames) - 1
    assert {"\\xe9", "\\xe9_2", "n" * 60} <= set(names)
