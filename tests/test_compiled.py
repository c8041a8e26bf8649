"""Compiled programs kept between processes: where, and never at the price of a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxmetal.io import compiled

PROGRAM = """
import warnings
warnings.simplefilter("error")
import jax
from jaxmetal.io.compiled import keep_compiled
folder = keep_compiled()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
print(folder, float(jax.jit(lambda x: x + 1)(1.0)))
"""

# A truncated prior holds another distribution, whose numbers are to be in order too.
PRIORS = """
import hashlib
import jax
import numpyro.distributions as dist
from jaxmetal.inference.priors import Priors
priors = Priors(b=dist.Uniform(1.0, 2.0), a=dist.TruncatedNormal(0.0, 1.0, low=-1.0, high=3.0), c=dist.LogNormal(0.1, 0.2).expand((2,)))
def density(priors):
    return sum(prior.log_prob(1.5).sum() for prior in priors.values())
for some in (priors, dict(priors)):
    print(hashlib.sha256(jax.jit(density).lower(some).as_text().encode()).hexdigest())
"""


def run(**variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAXMETAL_", "XDG_", "JAX_COMPILATION"))}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=kept | variables, capture_output=True, text=True, check=True)
    folder, result = done.stdout.split()
    assert result == "2.0"
    return folder


def test_programs_are_kept_in_the_users_cache_folder(tmp_path):
    folder = Path(run(XDG_CACHE_HOME=str(tmp_path)))
    assert folder.parent == tmp_path / "jaxmetal"
    assert list(folder.iterdir())


def test_a_folder_that_cannot_be_written_costs_a_compilation_and_nothing_else(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert run(JAXMETAL_CACHE_DIR=str(tmp_path / "file")) == "None"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("word", ["off", "0", " OFF ", ""])
def test_it_can_be_switched_off(monkeypatch, word):
    monkeypatch.setenv(compiled.VARIABLE, word)
    assert compiled._folder() is None


def test_it_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv(compiled.VARIABLE, str(tmp_path / "elsewhere"))
    assert compiled._folder().parent == tmp_path / "elsewhere"
    monkeypatch.delenv(compiled.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert compiled._folder().parent == tmp_path / ".cache" / "jaxmetal"


def test_a_program_with_priors_is_the_same_in_every_process():
    orders = []
    for seed in ("1", "2", "3"):
        done = subprocess.run(
            [sys.executable, "-c", PRIORS], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        orders.append(done.stdout.split())
    ours, theirs = zip(*orders, strict=True)
    assert len(set(ours)) == 1
    # By numpyro's own order, which is that of a set, they differ: otherwise this test would show nothing.
    assert len(set(theirs)) > 1
