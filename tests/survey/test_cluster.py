"""Shards on a real Slurm and on Dask, with jobs cancelled, sent again and lost.

All arrive, none twice, and the numbers are the same.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

import jaxmetal as jm
from jaxmetal import survey
from jaxmetal.errors import InputError
from jaxmetal.io.schema import Slurm
from jaxmetal.survey.slurm import Array
from tests.paths import REPOSITORY
from tests.surveys import batch_command, changed, numbers, write_survey

# Precision plays no part here, or the one in which most people run.
pytestmark = [pytest.mark.precision("single"), pytest.mark.slow]

SHARDS = 16
# A word with a space and a quote in it reaches the job as it is.
SETUP = "export SURVEY_NOTE='two words; \"quoted\"'"
CONFIG = changed(
    sample=False,
    survey={
        "shard": 1,
        "together": 1,
        "slurm": {
            "minutes": 20,
            "at_once": 4,
            "memory": 1.5,
            "partition": "debug",
            "setup": [SETUP],
        },
    },
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """What a process needs to find the package, and a folder for what is compiled."""
    found = {
        "PYTHONPATH": str(Path(jm.__file__).parents[1]),
        "JAXMETAL_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
    }
    return os.environ | found


@pytest.fixture(scope="module")
def alone(tmp_path_factory, environment):
    """Sixteen galaxies, and the numbers of a survey of them that nothing disturbed, computed by
    a process of its own.
    """
    folder = tmp_path_factory.mktemp("cluster")
    write_survey(folder, SHARDS, CONFIG)
    words = batch_command("alone", "--quiet")
    subprocess.run(words, cwd=folder, env=environment, check=True)
    return folder, numbers(survey.collect(folder / "alone"))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """A Slurm of two nodes on this machine."""
    places = (
        os.environ.get("JAXMETAL_SLURM"),
        REPOSITORY.parent / "shared" / "slurm",
    )
    scripts = next(
        (Path(place) for place in places if place and (Path(place) / "slurm_up.sh").is_file()), None
    )
    if scripts is None or not shutil.which("slurmctld") or os.geteuid():
        pytest.skip(
            "no Slurm here: root, slurmctld and ../shared/slurm (or JAXMETAL_SLURM) are needed"
        )
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run(
        ["bash", scripts / "slurm_up.sh", folder], check=True, capture_output=True, timeout=120
    )
    yield {"SLURM_CONF": str(folder / "slurm.conf")}
    subprocess.run(
        ["bash", scripts / "slurm_down.sh", folder], check=True, capture_output=True, timeout=120
    )


def wait_for(what, seconds=300):
    """What a function gives as soon as it gives something."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "nothing came in time"
        time.sleep(0.2)
    return found


@pytest.mark.slurm
def test_sixteen_shards_arrive_once_each_through_a_rough_night(slurm, alone, environment):
    folder, undisturbed = alone

    def ask(*words):
        return subprocess.run(
            words, env=environment | slurm, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    hit = []

    def strike(what):
        """Do something to a job that is at its shard and has been left in peace so far, unless
        it ends just then.
        """
        array = max(ask("squeue", "-h", "-o", "%F").split(), default="0")
        for number in [int(path.stem) for path in folder.glob("out/shards/*.lock")]:
            if number not in hit and what(f"{array}_{number}"):
                hit.append(number)
                return f"{array}_{number}"
        return None

    def command(*words):
        return lambda job: (
            subprocess.run(
                [*words, job], env=environment | slurm, capture_output=True, timeout=60
            ).returncode
            == 0
        )

    def warn(job):
        """The signal that Slurm sends to a job whose time is up, or which has to make room."""
        array, number = (
            f"SLURM_ARRAY_{key}_ID={value}".encode()
            for key, value in zip(("JOB", "TASK"), job.split("_"), strict=True)
        )
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                said = (process / "environ").read_bytes().split(b"\0")
                if (
                    b"submitit.core._submit" in (process / "cmdline").read_bytes().split(b"\0")
                    and array in said
                    and number in said
                ):
                    os.kill(int(process.name), signal.SIGUSR2)
                    return True
        return False

    words = batch_command("out", "--slurm")
    master = subprocess.Popen(
        words,
        cwd=folder,
        env=environment | slurm,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        warned = wait_for(lambda: strike(warn))
        wait_for(lambda: strike(command("scontrol", "requeue")))
        wait_for(lambda: strike(command("scancel")))
        wait_for(lambda: "n1" in ask("squeue", "-h", "-t", "R", "-o", "%N"))
        ask("scontrol", "update", "nodename=n1", "state=down", "reason=test")
        time.sleep(3)
        # It may have come back by itself.
        subprocess.run(
            ["scontrol", "update", "nodename=n1", "state=resume"],
            env=environment | slurm,
            capture_output=True,
            timeout=60,
        )
        out, err = master.communicate(timeout=500)
    finally:
        master.kill()
        subprocess.run(["scancel", "--user=root"], env=environment | slurm, timeout=60)
    assert master.returncode == 0, err
    assert out == "16 of 16 galaxies; 16 shards: 16 done, 0 running, 0 failed, 0 missing\n"
    assert (
        f"Requeued job {warned}" in (folder / "out" / "slurm" / f"{warned}_0_log.out").read_text()
    )
    # Each beside the state of the files that it was computed from.
    shards = sorted(path.name for path in (folder / "out" / "shards").iterdir())
    endings = ("json", "nc")
    assert shards == [f"{number:04d}.{end}" for number in range(SHARDS) for end in endings]
    table = survey.collect(folder / "out")
    assert sorted(table["shard"]) == list(range(SHARDS))
    for name, values in numbers(table).items():
        np.testing.assert_array_equal(values, undisturbed[name], err_msg=name)
    script = next((folder / "out" / "slurm").glob("*_submission.sh")).read_text()
    assert SETUP in script and "--partition=debug" in script and "--mem=1536M" in script


def test_dask_gives_the_same_though_a_worker_is_killed(alone, environment, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    folder, undisturbed = alone
    for name in ("PYTHONPATH", "JAXMETAL_CACHE_DIR"):
        monkeypatch.setenv(name, environment[name])
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        words = batch_command("dask", "--quiet")
        words += ["--executor", f"dask:{cluster.scheduler_address}"]
        with subprocess.Popen(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
        ) as master:
            wait_for(lambda: len(list(folder.glob("dask/shards/*.lock"))) == 2)
            os.kill(next(iter(workers.values())), signal.SIGKILL)
            out, _ = master.communicate(timeout=300)
    assert master.returncode == 0 and out.startswith("16 of 16 galaxies")
    for name, values in numbers(survey.collect(folder / "dask")).items():
        np.testing.assert_array_equal(values, undisturbed[name], err_msg=name)


def test_without_slurm_or_with_a_strange_folder_the_message_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match='--slurm: Could not detect "srun"'):
        Array(Slurm()).shards("/nowhere", [0])
    with pytest.raises(InputError, match="may hold no %"):
        Array(Slurm()).shards("/nowhere/100%", [0])
