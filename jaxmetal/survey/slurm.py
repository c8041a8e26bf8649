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

# Seconds before its end at which Slurm warns a job.
WARNING = 60
# Seconds between two looks at the queue.
LOOK = 2.0
# Folder of the jobs' logs in that of the survey.
LOGS = "slurm"


class Shard:
    """The function that a job runs; it starts from the beginning after a timeout or preemption."""

    def __call__(self, folder: str, number: int) -> bool:
        # Not at the top of the module: the process that waits for the jobs needs no JAX.
        from jaxmetal.survey.shard import work

        # None writes a line to the job's log every half minute.
        return work(folder, number, progress=None)

    def checkpoint(self, folder: str, number: int) -> Any:
        """The submission that submitit sends again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, folder, number)


class Array:
    """An executor that sends the shards to Slurm as one array of jobs.

    Parameters
    ----------
    config
        partition, time and the like, from the configuration.
    """

    def __init__(self, config: Slurm):
        self._config = config

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
        except Exception as error:  # submitit raises several classes for what sbatch reports
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
        # Slurm replaces %j and the like in the names of its logs.
        if "%" in str(logs) or "\n" in str(logs):
            raise InputError(
                f"--slurm: the folder's name may hold no % and no line break, got {str(logs)!r}."
            )
        config = self._config
        options = {
            "partition": config.partition,
            "account": config.account,
            "qos": config.qos,
            "constraint": config.constraint,
        }
        options |= {
            "mem": config.memory and f"{round(1024 * config.memory)}M",
            "gpus_per_node": config.gpus or None,
        }
        try:
            executor = submitit.SlurmExecutor(folder=logs, max_num_timeout=config.requeues)
        except RuntimeError as error:
            raise InputError(f"--slurm: {error}") from None
        executor.update_parameters(
            job_name="jaxmetal",
            time=config.minutes,
            cpus_per_task=config.cpus,
            array_parallelism=config.at_once,
            signal_delay_s=WARNING,
            setup=list(config.setup),
            **{key: value for key, value in options.items() if value is not None},
        )
        return executor


class Queue:
    """The jobs that are still in Slurm's queue, looked up every `LOOK` seconds at most."""

    def __init__(self, jobs: Sequence[str]):
        self._array = ",".join(sorted({job.split("_")[0] for job in jobs}))
        self._waiting: set[str] = set(jobs)
        self._last_look = time.monotonic()

    def has(self, job: str) -> bool:
        """Whether a job waits, runs or is about to be requeued; a held job does not count."""
        if time.monotonic() - self._last_look > LOOK:
            self._last_look = time.monotonic()
            # If the queue does not answer, the last answer holds until the next look.
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                words = ["squeue", "--noheader", "--array", "--format=%i|%r", "--jobs", self._array]
                answer = subprocess.run(words, capture_output=True, text=True, timeout=60)
                if answer.returncode == 0 or "Invalid job id" in answer.stderr:
                    lines = [line.partition("|") for line in answer.stdout.splitlines()]
                    self._waiting = {
                        job for job, _, reason in lines if "held" not in reason.lower()
                    }
        return job in self._waiting


class Job:
    """The future of a shard that is computed by Slurm; it is done when the shard's file exists."""

    def __init__(self, folder: str, number: int, job: str, queue: Queue):
        self._folder, self._number, self._job, self._queue = folder, number, job, queue

    def done(self) -> bool:
        """Whether the shard's file exists, or the job is gone."""
        return self._exists() or not self._queue.has(self._job)

    def result(self) -> bool:
        """True if the shard's file exists.

        Raises
        ------
        RuntimeError
            if the job is gone without it.
        """
        if self._exists():
            return True
        reason = store.read_failure(self._folder, self._number)
        logs = os.path.join(self._folder, LOGS)
        raise RuntimeError(
            reason or f"job {self._job} ended without a result; its log is in {logs}"
        )

    def _exists(self) -> bool:
        return store.shard_path(self._folder, self._number).is_file()
