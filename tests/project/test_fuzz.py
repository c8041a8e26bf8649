"""The fuzzers, for half a minute each: nothing ends in a traceback, too late or too large, and no
nonsense is accepted.
"""

import os
import subprocess
import sys

import pytest

from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]


@pytest.mark.parametrize("name", ["configurations", "fits", "catalogues", "surveys"])
def test_whatever_is_fed_in_is_used_or_refused_in_readable_lines(name):
    seed = os.environ.get("JAXMETAL_FUZZ_SEED", "0")
    command = [sys.executable, REPOSITORY / "scripts" / "fuzz.py", name, "--seed", seed]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "JAXMETAL_CACHE_DIR": "off"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
