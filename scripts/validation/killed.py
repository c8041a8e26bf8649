"""A survey killed at ten random moments and started again, against an undisturbed one."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from validation.mock_survey import CONFIG, write_survey

from jaxmetal import survey

GALAXIES, KILLS = 96, 10
# A kill falls so many shards after the last one, and so many seconds later, at most.
SHARDS, SECONDS = 2, 5.0


def rows(count: int | None = None):
    """A row for each time that it was killed, and one for what came of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_survey(folder, count or GALAXIES, broken=0.0)
        small = CONFIG | {"survey": {"shard": 2, "together": 2}}
        (folder / "survey.yaml").write_text(yaml.safe_dump(small, sort_keys=False))
        since = time.monotonic()
        _start(folder, "quiet").wait()
        whole, rng = time.monotonic() - since, np.random.default_rng(0)
        for kill in range(1, KILLS + 1):
            process, begin = _start(folder, "killed"), time.monotonic()
            enough = _shards(folder) + int(rng.integers(0, SHARDS, endpoint=True))
            while _shards(folder) < enough and process.poll() is None:
                time.sleep(0.05)
            time.sleep(float(rng.uniform(0.0, SECONDS)))
            process.send_signal(signal.SIGKILL)
            ended, seconds = -process.wait(), time.monotonic() - begin
            if ended != signal.SIGKILL:
                raise SystemExit(
                    f"killed: the survey was over before its kill {kill}; take more galaxies."
                )
            yield {
                "kill": kill,
                "seconds": seconds,
                "ended_by": ended,
                "shards": _shards(folder),
                "different": -1,
            }
        _start(folder, "killed").wait()
        quiet, killed = (survey.collect(folder / out) for out in ("quiet", "killed"))
        names = [column for column in quiet.colnames if quiet[column].dtype.kind in "fib"]
        different = sum(
            np.asarray(quiet[column]).tobytes() != np.asarray(killed[column]).tobytes()
            for column in names
        )
        yield {
            "kill": 0,
            "seconds": whole,
            "ended_by": 0,
            "shards": _shards(folder),
            "different": different,
        }


def _shards(folder: Path) -> int:
    return len(list(folder.glob("killed/shards/*.nc")))


def _start(folder: Path, out: str) -> subprocess.Popen:
    """The survey in a process of its own, which keeps what it compiles."""
    command = f"-m jaxmetal batch galaxies.ecsv survey.yaml --out {out} --quiet"
    words = [sys.executable, *command.split()]
    return subprocess.Popen(
        words,
        cwd=folder,
        env=os.environ | {"JAXMETAL_CACHE_DIR": str(folder / "compiled")},
        stdout=subprocess.DEVNULL,
    )
