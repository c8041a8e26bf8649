"""What a user's own function raises: one readable line that names it, and no traceback."""

import pytest
import yaml

from jaxmetal import cli
from tests.io.test_config import LIGHT, changed, folder, mistakes  # noqa: F401

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

MODULE = """
import sys
import jaxmetal as jm

def failing(x, y, amp):
    raise RuntimeError("no ink\\nleft")

def asserting(x, y, amp):
    assert amp is None

def leaving(x, y, amp):
    sys.exit(7)

def endless(x, y, amp):
    return endless(x, y, amp)

def late(x, y, amp):
    if x.shape != (2, 3):
        raise ZeroDivisionError("too many")
    return amp + 0 * x

def relation(metallicity):
    raise KeyError("NII")

def curve(wavelength):
    raise OSError("no table")

def correlation(distance):
    raise ArithmeticError("too far")

class Robust(jm.Likelihood):
    def log_density(self, residual):
        raise RuntimeError("unlikely")

class Kind(jm.LightMap):
    def moments(self, galaxy):
        raise RuntimeError("no moments")

class Late(jm.LightMap):
    def observed(self, *sums):
        raise RuntimeError("not seen")
"""
LIGHT_OF = "galaxy/disc/light"
KIND = {"kind": "map"} | {key: value for key, value in LIGHT.items() if key != "kind"}


def profile(name):
    return LIGHT_OF, {"profile": f"own.py:{name}", "amp": 1.0}


@pytest.fixture
def place(folder):  # noqa: F811
    (folder / "own.py").write_text(MODULE)
    (folder / "leaves.py").write_text("import sys\nsys.exit(5)\n")
    return folder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (profile("failing"), "Profile(failing): cannot be evaluated (RuntimeError: no ink)"),
        (profile("asserting"), "Profile(asserting): cannot be evaluated (AssertionError)"),
        (profile("leaving"), "own.py:leaving, line 12: failed (SystemExit: 7)."),
        (profile("endless"), "Profile(endless): cannot be evaluated (RecursionError"),
        ((LIGHT_OF, {"profile": "leaves.py:x", "amp": 1}), "cannot be imported (SystemExit: 5)"),
        (
            ("galaxy/disc/emission", {"relation": "own.py:relation"}),
            "own.py:relation, line 23: failed (KeyError: 'NII').",
        ),
        (
            ("galaxy/disc/emission", {"relation": "curti20", "attenuation": "own.py:curve"}),
            "own.py:curve, line 26: failed (OSError: no table).",
        ),
        (
            ("maps/z/correlation", "own.py:correlation"),
            "own.py:correlation, line 29: failed (ArithmeticError: too far).",
        ),
        (
            ("maps/l", KIND | {"type": "own.py:Kind"}),
            "own.py:moments, line 37: failed (RuntimeError: no moments).",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_it_raises_while_a_configuration_is_read_is_a_mistake(place, change, words):
    (line,) = mistakes(changed(change), place)
    assert line.startswith(change[0].replace("/", ".").removesuffix(".correlation"))
    assert words in line and len(line) < 250


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (profile("late"), "own.py:late, line 19: failed (ZeroDivisionError: too many)."),
        (
            ("maps/l", KIND | {"type": "own.py:Late"}),
            "own.py:observed, line 41: failed (RuntimeError: not seen).",
        ),
        (
            ("maps/z/likelihood", "own.py:Robust"),
            "own.py:log_density, line 33: failed (RuntimeError: unlikely).",
        ),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_it_raises_in_a_fit_is_bad_input_too(place, tmp_path, capsys, change, words):
    path = place / "fit.yaml"
    path.write_text(yaml.safe_dump(changed(change, ("maps/z/check", False))))
    assert cli.main(["fit", str(path), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert capsys.readouterr().err.endswith(f"jaxmetal: {words}\n")


def test_an_error_of_this_package_is_no_bad_input(place, tmp_path, monkeypatch):
    """Whoever mends it needs the traceback."""
    path = place / "fit.yaml"
    path.write_text(yaml.safe_dump(changed()))

    def broken(*arguments, **options):
        raise RuntimeError("our own")

    monkeypatch.setattr("jaxmetal.pipeline.load", broken)
    with pytest.raises(RuntimeError, match="our own"):
        cli.main(["fit", str(path), "--out", str(tmp_path / "out"), "--quiet"])


def test_no_folder_has_a_null_character_in_its_name(place, capsys):
    path = place / "fit.yaml"
    path.write_text(yaml.safe_dump(changed()))
    assert cli.main(["fit", str(path), "--out", "a\0b", "--quiet"]) == 2
    assert "null character" in capsys.readouterr().err
