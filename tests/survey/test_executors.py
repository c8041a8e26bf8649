"""Processes that compute shards: none that never ends, none that is left behind."""

import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

import jaxmetal as jm
from jaxmetal import survey
from jaxmetal.survey.executors import check_executor

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

MASTER = """
import os, time
from jaxmetal.survey.executors import Pool

if __name__ == "__main__":
    with Pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(100)
"""


def test_a_pool_of_forks_is_refused_with_the_line_to_write_instead(tmp_path):
    """Before anything is read: JAX's threads do not run in a fork, which waits for ever."""
    forks = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))
    with pytest.raises(jm.InputError, match=r"mp_context=multiprocessing\.get_context\('spawn'\)"):
        survey.run("nothing.ecsv", "nothing.yaml", tmp_path, executor=forks)
    forks.shutdown()
    check_executor(ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")))
    check_executor(None)


def runs(process):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system lists no processes")
def test_a_worker_leaves_when_its_parent_was_killed(tmp_path):
    (tmp_path / "master.py").write_text(MASTER)
    environment = os.environ | {"PYTHONPATH": str(Path(jm.__file__).parents[1])}
    command = [sys.executable, str(tmp_path / "master.py")]
    master = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    worker = int(master.stdout.readline())
    assert runs(worker)
    master.kill()
    master.communicate()
    until = time.monotonic() + 20
    while runs(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not runs(worker)
