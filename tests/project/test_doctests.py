"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import jaxmetal as jm

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

ROOT = Path(jm.__file__).parent
FILES = [path for path in sorted(ROOT.rglob("*.py")) if ">>>" in path.read_text("utf-8")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_gives_what_it_says(path):
    name = ".".join(("jaxmetal", *path.relative_to(ROOT).with_suffix("").parts))
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0 or "+SKIP" in path.read_text("utf-8")
    assert result.failed == 0


def test_an_example_is_skipped_only_where_it_needs_files():
    skipping = {path.stem for path in FILES if re.search(r"\+SKIP", path.read_text("utf-8"))}
    assert skipping == {"ensemble", "pipeline", "line_grids"}
