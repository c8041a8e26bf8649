"""The shards of a survey as the jobs of a Slurm array, sent by submitit (the `cluster` extra)."""

import contextlib
import logging
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.io.schema import Slurm
from jaxmetal.survey import store

log = logging.getLogger("jaxmetal")

# Seconds before its end at which Slurm warns a job, and between looks at the queue.
WARNING, LOOK = 60, 2.0
LOGS = "slurm"


class Shard:
    """A shard as a job: sent again from its beginning when its time is up or it has to make room, which does no harm."""

    def __call__(self, folder: str, number: int) -> bool:
        # Not at the top: what waits for the jobs needs no JAX.
        from jaxmetal.survey.shard import work

        # A job's log is a place for a line every so often.
        return work(folder, number, progress=None)

    def checkpoint(self, folder: str, number: int) -> Any:
        """What submitit is to send again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, folder, number)


class Array:
    """Slurm as a place to compute shards: a job each, an array for all that are missing.

    Parameters
    ----------
    said
        partition, time and the like, from the configuration.
    """

    def __init__(self, said: Slurm):
        self._said = said

    def shards(self, folder: str, todo: Sequence[int]) -> dict[int, "Job"]:
        """Send shards to Slurm.

        Raises
        ------
        InputError
            if there is no Slurm or no submitit, or Slurm does not take the jobs.
        """
        executor = self._executor(Path(folder) / LOGS)
        try:
            jobs = executor.map_array(Shard(), [folder] * len(todo), list(todo))
        except Exception as error:  # submitit passes on what sbatch says in several classes
            raise InputError(
                f"survey.slurm: the jobs were not taken ({' '.join(str(error).split())})."
            ) from None
        queue = Queue([job.job_id for job in jobs])
        log.info(
            "sent to Slurm: jobs %s; an interrupt here leaves them running",
            ", ".join(job.job_id for job in jobs),
        )
        return {
            number: Job(folder, number, job.job_id, queue)
            for number, job in zip(todo, jobs, strict=True)
        }

    def _executor(self, logs: Path) -> Any:
        try:
            import submitit
        except ImportError:
            raise InputError(
                '--slurm: submitit is not installed; pip install "jaxmetal[cluster]".'
            ) from None
        # Slurm reads %j and the like in the names of its logs.
        if "%" in str(logs) or "\n" in str(logs):
            raise InputError(
                f"--slurm: the folder's name may hold no % and no line break, got {str(logs)!r}."
            )
        said = self._said
        wanted = {
            "partition": said.partition,
            "account": said.account,
            "qos": said.qos,
            "constraint": said.constraint,
        }
        wanted |= {
            "mem": said.memory and f"{round(1024 * said.memory)}M",
            "gpus_per_node": said.gpus or None,
        }
        try:
            executor = submitit.SlurmExecutor(folder=logs, max_num_timeout=said.requeues)
        except RuntimeError as error:
            raise InputError(f"--slurm: {error}") from None
        executor.update_parameters(
            job_name="jaxmetal",
            time=said.minutes,
            cpus_per_task=said.cpus,
            array_parallelism=said.at_once,
            signal_delay_s=WARNING,
            setup=list(said.setup),
            **{key: value for key, value in wanted.items() if value is not None},
        )
        return executor


class Queue:
    """Which of some jobs Slurm still has, looked up every few seconds at most."""

    def __init__(self, jobs: Sequence[str]):
        self._array = ",".join(sorted({job.split("_")[0] for job in jobs}))
        self._there: set[str] = set(jobs)
        self._looked = time.monotonic()

    def has(self, job: str) -> bool:
        """Whether a job waits, runs or is about to be sent again; one that is held will not run by itself."""
        if time.monotonic() - self._looked > LOOK:
            self._looked = time.monotonic()
            # A queue that does not answer says nothing; it is asked again.
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                words = ["squeue", "--noheader", "--array", "--format=%i|%r", "--jobs", self._array]
                found = subprocess.run(words, capture_output=True, text=True, timeout=60)
                if found.returncode == 0 or "Invalid job id" in found.stderr:
                    lines = [line.partition("|") for line in found.stdout.splitlines()]
                    self._there = {job for job, _, reason in lines if "held" not in reason.lower()}
        # A job that is no array has its own number alone.
        return job in self._there


class Job:
    """A shard that Slurm has; it is done when its file is there, whatever becomes of the job."""

    def __init__(self, folder: str, number: int, job: str, queue: Queue):
        self._folder, self._number, self._job, self._queue = folder, number, job, queue

    def done(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._arrived() or not self._queue.has(self._job)

    def result(self) -> bool:
        """True if the shard is there.

        Raises
        ------
        RuntimeError
            if the job is gone without it.
        """
        if self._arrived():
            return True
        reason = store.read_failure(self._folder, self._number)
        raise RuntimeError(
            reason
            or f"job {self._job} ended without a result; its log is in {os.path.join(self._folder, LOGS)}"
        )

    def _arrived(self) -> bool:
        return store.shard_path(self._folder, self._number).is_file()
