"""What every test may ask for: the precision of this run, and figures that need no screen."""

import os
import warnings
from contextlib import suppress
from importlib import import_module

import jax
import jaxtyping
import matplotlib
import pytest

import jaxmetal as jm
from jaxmetal.compiling import QUICK
from jaxmetal.io.compiled import release_programs
from tests.browsing import browser  # noqa: F401
from tests.scenes import small_model

matplotlib.use("Agg")
# Arrays of different rank meet only where that is written out: a shape is never right by chance.
jax.config.update("jax_numpy_rank_promotion", "raise")
# The command line would write into the home folder of whoever runs the tests.
os.environ["JAXMETAL_CACHE_DIR"] = "off"


# Where precision matters most; elsewhere double precision is left to the run of everything.
KERNELS = ("profiles", "instrument", "forward", "maps", "emission")


def pytest_addoption(parser):
    parser.addoption(
        "--everything",
        action="store_true",
        help="run in float64, too, what is otherwise left to float32; the slow tests always do",
    )


def _let_arviz_write_its_file():
    """Once a day arviz writes a file when it is imported, which workers must not do at once."""
    with suppress(ImportError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("arviz")


def pytest_configure(config):
    """Lets XLA compile the programs of the default run as `compiled_once` does.

    Nearly all of its time is compilation. The slow tests compute for longer, and run what users
    run. With xla_backend_optimization_level in XLA_FLAGS (users have 3) the flags stay as they are.
    """
    if not hasattr(config, "workerinput"):
        _let_arviz_write_its_file()
    flags = os.environ.get("XLA_FLAGS", "")
    if config.option.markexpr != "not slow" or "xla_backend_optimization_level" in flags:
        return
    options = {"xla_backend_optimization_level": 0} | QUICK
    ours = [f"--{name}={str(value).lower()}" for name, value in options.items()]
    # Read when JAX computes for the first time, here and in the processes that tests start.
    os.environ["XLA_FLAGS"] = " ".join([flags, *ours]).strip()


@pytest.fixture(scope="module", autouse=True)
def few_programs():
    """A worker that runs all tests would compile more programs than a process may hold."""
    yield
    release_programs()


@pytest.fixture(scope="session")
def x64() -> bool:
    """Whether this run computes in double precision."""
    return jax.config.jax_enable_x64


@pytest.fixture(scope="session")
def tolerance(x64):
    """tolerance(double, single): how far rounding may carry a result in this run."""
    return lambda double, single: double if x64 else single


@pytest.fixture(autouse=True)
def types_are_checked(request, monkeypatch):
    """By jaxtyping, if it was asked for; see scripts/test.sh."""
    if request.node.get_closest_marker("wrong_types"):
        monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


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

    Precision("single") or precision("double"). A default run in double precision has what is
    marked for it, and the tests of the numerical kernels.
    """
    double = jax.config.jax_enable_x64
    other = "single" if double else "double"
    short = double and config.option.markexpr == "not slow" and not config.option.everything
    left_out = [item for item in items if not _in_this_run(item, other, short)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def _in_this_run(item, other, short):
    precisions = [name for mark in item.iter_markers("precision") for name in mark.args]
    if other in precisions:
        return False
    return not short or bool(precisions) or item.path.parent.name in KERNELS
