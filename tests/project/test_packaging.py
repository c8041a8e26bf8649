"""Wheel and source distribution: built, looked into, installed and used as somebody else would."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

import jaxmetal as jm
from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.slow, pytest.mark.precision("single")]

UV = shutil.which(
    "uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
)
# Of the environment, what would lead back to this repository.
LEADING_BACK = ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST")


def run(*command, cwd, code=0, **environment):
    """The standard output of a command that knows nothing of this repository."""
    clean = {name: value for name, value in os.environ.items() if name not in LEADING_BACK}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == code, result.stdout[-2000:] + result.stderr[-2000:]
    return result.stdout


class Built(NamedTuple):
    """The two distributions, and the folder they are in."""

    folder: Path
    wheel: Path
    sdist: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Both are made from a copy of the repository, the wheel from the source distribution."""
    if UV is None:
        pytest.skip("uv is not installed; it builds the distributions")
    folder = tmp_path_factory.mktemp("packages")
    run(UV, "build", REPOSITORY, "--out-dir", folder, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(folder, wheel, sdist)


@pytest.fixture(scope="module")
def unpacked(built):
    """The folder of the source distribution."""
    with tarfile.open(built.sdist) as archive:
        archive.extractall(built.folder, filter="data")
    return built.folder / f"jaxmetal-{jm.__version__}"


def files_of(folder):
    """Files that belong to the package, without what Python and tools leave there."""
    paths = (path for path in (REPOSITORY / folder).rglob("*") if path.is_file())
    names = {path.relative_to(REPOSITORY).as_posix() for path in paths}
    return {name for name in names if "__pycache__" not in name and "/.ipynb" not in name}


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(built):
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    package = files_of("jaxmetal")
    assert {name for name in names if ".dist-info/" not in name} == package
    assert {"jaxmetal/py.typed", "jaxmetal/view/page/report.html"} <= package
    assert f"jaxmetal-{jm.__version__}.dist-info/licenses/LICENSE" in names


def test_the_source_distribution_holds_all_that_is_committed(built):
    """But for what only the repository needs."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("not a clone, in which git could say what is committed")
    committed = set(run("git", "ls-files", cwd=REPOSITORY).splitlines())
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = {name for name in committed - names if (REPOSITORY / name).exists()}
    assert {name.partition("/")[0] for name in missing} <= {".github", ".ci"}


def test_the_tests_of_the_source_distribution_run(unpacked):
    """All are collected, and those that read pages, scripts and the citation pass."""
    pytest_there = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    environment = {"PYTHONPATH": str(unpacked), "JAX_ENABLE_X64": "0"}
    run(*pytest_there, "--collect-only", cwd=unpacked, **environment)
    reading = ("tests/test_citation.py", "tests/project/test_reference.py")
    pages = ("tests/project/test_pages.py", "-k", "citation or reference or named or exists")
    run(*pytest_there, *reading, *pages, cwd=unpacked, **environment)


@pytest.fixture(scope="module")
def fresh(built):
    """The folder with the programs of a new environment, into which the wheel is installed.

    With its dependencies where uv has them in its cache. Else without, and with those of the
    present environment on the path: then only the wheel itself is tried.
    """
    venv = built.folder / "venv"
    run(UV, "venv", "--python", sys.executable, venv, cwd=built.folder)
    programs = venv / ("Scripts" if os.name == "nt" else "bin")
    install = (UV, "pip", "install", "--python", programs / "python")
    try:
        run(*install, "--offline", built.wheel, cwd=built.folder)
    except AssertionError:
        run(*install, "--offline", "--no-deps", built.wheel, cwd=built.folder)
        (site,) = venv.rglob("site-packages")
        # Lines of a .pth file are appended, and .pth files of that folder are not read: so an
        # editable installation of this repository does not come with it.
        (site / "present.pth").write_text(sysconfig.get_paths()["purelib"], "utf-8")
    return programs


def test_the_wheel_works_where_it_is_installed(built, fresh):
    text = "import jaxmetal as jm; print(jm.__file__); jm.Instrument, jm.optimise, jm.run"
    path = run(fresh / "python", "-c", text, cwd=built.folder).strip()
    assert Path(path).is_relative_to(fresh.parent)
    version = run(fresh / "jaxmetal", "--version", cwd=built.folder)
    assert version.split() == ["jaxmetal", jm.__version__]
    schema = json.loads(run(fresh / "jaxmetal", "schema", cwd=built.folder))
    assert "galaxy" in schema["properties"]
    assert "sersic" in run(fresh / "jaxmetal", "profiles", cwd=built.folder)


def test_editors_see_the_types_of_the_installed_package(built, fresh):
    """By py.typed, beside the package that is imported."""
    text = "import jaxmetal, pathlib; print(pathlib.Path(jaxmetal.__file__).parent / 'py.typed')"
    assert Path(run(fresh / "python", "-c", text, cwd=built.folder).strip()).exists()
