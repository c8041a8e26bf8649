"""What every test may ask for: the precision of this run, and figures that need no screen."""

import os

import jax
import matplotlib
import pytest

import jaxmetal as jm
from jaxmetal.compiling import QUICK
from tests.browsing import browser  # noqa: F401
from tests.scenes import small_model

matplotlib.use("Agg")
# Arrays of different rank meet only where that is written out: a shape is never right by chance.
jax.config.update("jax_numpy_rank_promotion", "raise")
# The command line would write into the home folder of whoever runs the tests.
os.environ["JAXMETAL_CACHE_DIR"] = "off"


def compile_quickly() -> None:
    """Let XLA compile as `compiled_once` does, before JAX computes for the first time.

    Nearly all the time of the tests is compilation. With xla_backend_optimization_level in
    XLA_FLAGS (3 is what users have) the flags are left as they are.
    """
    options = {"xla_backend_optimization_level": 0} | QUICK
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_backend_optimization_level" not in flags:
        ours = [f"--{name}={str(value).lower()}" for name, value in options.items()]
        os.environ["XLA_FLAGS"] = " ".join([flags, *ours])


compile_quickly()


@pytest.fixture(scope="session")
def x64() -> bool:
    """Whether this run computes in double precision."""
    return jax.config.jax_enable_x64


@pytest.fixture(scope="session")
def tolerance(x64):
    """tolerance(double, single): how far rounding may carry a result in this run."""
    return lambda double, single: double if x64 else single


@pytest.fixture(scope="session")
def model():
    """A small noisy tracer map, whose central value and gradient are free."""
    return small_model(seed=3)


@pytest.fixture(scope="session")
def fit(model):
    """The fit of `model`."""
    return jm.optimise(model, starts=1)


def pytest_collection_modifyitems(config, items):
    """Leaves what one precision decides to the run in that precision.

    Precision("single") or precision("double").
    """
    other = "single" if jax.config.jax_enable_x64 else "double"
    elsewhere = [
        item for item in items if any(other in mark.args for mark in item.iter_markers("precision"))
    ]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in set(elsewhere)]
