"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

import jaxmetal as jm
from tests.public_names import NAMES

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

ROOT = Path(jm.__file__).parent
FILES = [path for path in sorted(ROOT.rglob("*.py")) if ">>>" in path.read_text("utf-8")]
# Files whose examples compile programs of their own.
LONG = ("arcs", "batch", "batch_posteriors", "deconvolution", "gradients", "pixels", "products")
LONG += ("lensing", "relative", "score_test", "use_cases")
RUN = [pytest.param(p, marks=pytest.mark.slow) if p.stem in LONG else p for p in FILES]


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.stem)
def test_an_example_gives_what_it_says(path):
    name = ".".join(("jaxmetal", *path.relative_to(ROOT).with_suffix("").parts))
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0 or "+SKIP" in path.read_text("utf-8")
    assert result.failed == 0


def test_an_example_is_skipped_only_where_it_needs_files():
    skipping = {path.stem for path in FILES if re.search(r"\+SKIP", path.read_text("utf-8"))}
    assert skipping == {"deflections", "ensemble", "line_grids", "pipeline", "psfs"}


def test_every_public_name_has_an_example():
    """Profiles among them."""
    named = {f"{thing.__module__}.{thing.__qualname__}": inspect.getdoc(thing) for thing in NAMES}
    assert {name for name, text in named.items() if ">>>" not in (text or "")} == set()
    assert len(named) > 150
