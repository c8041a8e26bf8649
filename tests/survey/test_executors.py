"""Processes that compute shards: none that never ends, none that is left behind."""

import multiprocessing
import os
import subprocess
import sys
import time
from asyncio import CancelledError
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import pytest

import jaxmetal as jm
from jaxmetal import survey
from jaxmetal.survey import master, rows
from jaxmetal.survey.executors import Pool, check_executor
from tests.surveys import write_survey

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


class Cluster:
    """A cluster that loses what it was given, and then takes no more."""

    def __init__(self):
        self._ended = False

    def submit(self, function, *arguments):
        if self._ended:
            raise RuntimeError("no scheduler\nany more")
        self._ended = True
        future = Future()
        future.set_exception(CancelledError())
        return future


def test_a_cluster_that_ends_is_one_readable_line(tmp_path):
    failures, cluster = {}, Cluster()
    master._compute_by_executor(cluster, str(tmp_path), [0], False, failures, print)
    assert failures == {}, "a shard whose worker was lost is tried again"
    with pytest.raises(jm.InputError, match=r"takes no work \(RuntimeError: no scheduler any more"):
        master._compute_by_executor(cluster, str(tmp_path), [0], True, failures, print)


def test_rows_that_workers_check_give_the_same_plan(tmp_path, monkeypatch):
    """Each worker has its own seed of hashes, on which the order of NumPyro's fields depends."""
    catalogue, config = write_survey(tmp_path, 6)
    (tmp_path / "4.fits").unlink()
    monkeypatch.setattr(rows, "AT_ONCE", 1)
    with Pool(2) as pool:
        plans = [
            master.prepare(catalogue, config, tmp_path / name, True, executor, False)
            for name, executor in (("serial", None), ("parallel", pool), ("lost", Cluster()))
        ]
    assert plans[0] == plans[1] == plans[2]
    assert len(plans[0].groups) == 1 and list(plans[0].bad) == ["4"]


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


def test_shards_that_follow_each_other_are_of_different_groups():
    """So that workers which begin together compile different programs."""
    groups = [0, 0, 0, 1, 2, 2]
    assert master.by_turns(range(6), groups) == [0, 3, 4, 1, 5, 2]
    assert master.by_turns([2, 5], groups) == [2, 5]
    assert master.by_turns([], groups) == []
