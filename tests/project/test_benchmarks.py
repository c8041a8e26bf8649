"""The benchmarks run: a few rounds of what takes seconds, in processes of their own."""

import json
import os
import subprocess
import sys

import pytest

from tests.paths import REPOSITORY

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]
FEW = ["--rounds", "1", "--count", "2"]


@pytest.mark.parametrize(
    ("item", "columns"),
    [
        ("maps", {"map_ms", "shift"}),
        ("posterior", {"seconds"}),
        ("scaling", {"ms"}),
        ("memory", {"peak_mib"}),
    ],
)
def test_a_benchmark_gives_finite_numbers(item, columns, tmp_path):
    out = tmp_path / "latest.json"
    command = [sys.executable, REPOSITORY / "scripts" / "benchmark.py", item, "--out", out, *FEW]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "JAXMETAL_CACHE_DIR": "off"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for row in json.loads(out.read_text())[item]["rows"]:
        for column in columns:
            assert row[column] > 0, row
