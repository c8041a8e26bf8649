"""What every test may ask for: the precision of this run, and figures that need no screen."""

import os

import jax
import matplotlib
import pytest

matplotlib.use("Agg")
# The command line would write into the home folder of whoever runs the tests.
os.environ["JAXMETAL_CACHE_DIR"] = "off"


@pytest.fixture(scope="session")
def x64() -> bool:
    """Whether this run computes in double precision."""
    return jax.config.jax_enable_x64


@pytest.fixture(scope="session")
def tolerance(x64):
    """tolerance(double, single): how far rounding may carry a result in this run."""
    return lambda double, single: double if x64 else single


@pytest.fixture
def double_precision(x64):
    """Skips what single precision cannot decide."""
    if not x64:
        pytest.skip("needs double precision; run with JAX_ENABLE_X64=1")
