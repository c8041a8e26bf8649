"""The folder of a survey: its plan, its input, and the files of its shards."""

import contextlib
import fcntl
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from jaxmetal.errors import InputError, reason
from jaxmetal.files import whole_file
from jaxmetal.io.tables import ecsv_text
from jaxmetal.survey.catalogue import Catalogue, read_catalogue
from jaxmetal.survey.identity import Plan

# Files and folders in the folder of a survey.
PLAN = "survey.json"
INPUT = "input.ecsv"
SHARDS = "shards"
# The ending of the note beside a shard, by which its state is known without opening it.
TALLY = ".json"
# Attempts to lock a shard: `is_claimed` locks it for a moment, too.
TRIES = 5
# Seconds between two attempts.
PAUSE = 0.1


def read_plan(folder: str | os.PathLike) -> Plan:
    """The plan of a survey.

    Raises
    ------
    InputError
        if the folder holds none, or it cannot be read.
    """
    path = Path(folder) / PLAN
    if not path.is_file():
        raise InputError(f"{folder}: not the folder of a survey; {PLAN} is expected in it.")
    try:
        plan = TypeAdapter(Plan).validate_json(path.read_text("utf-8"), strict=True)
    except ValueError as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}).") from None
    if not plan.consistent:
        raise InputError(f"{path}: is damaged: parts of it are missing, or do not fit the others.")
    return plan


def keep_plan(folder: Path, plan: Plan, table: Any) -> None:
    """Write the plan of a new survey and a copy of its catalogue.

    Of several processes that plan at once the first writes.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / SHARDS).mkdir(exist_ok=True)
        with open(folder / SHARDS / ".plan", "a") as lock:
            _lock(lock, 0)
            if (folder / PLAN).exists():
                return
            write_input(folder, table)
            # Last, because a folder with a plan counts as a survey.
            _write_plan(folder, plan)
            os.unlink(lock.name)


def _write_plan(folder: Path, plan: Plan) -> None:
    with whole_file(folder / PLAN) as part:
        part.write_text(json.dumps(asdict(plan), indent=1), "utf-8")


def replace_plan(folder: Path, old: Plan, new: Plan) -> None:
    """Write a plan with more shards, unless another process has changed the plan since."""
    with writing(folder), open(folder / SHARDS / ".plan", "a") as lock:
        _lock(lock, 0)
        if read_plan(folder) == old:
            _write_plan(folder, new)
        os.unlink(lock.name)


def write_input(folder: Path, table: Any) -> None:
    """Write a copy of a survey's catalogue, whose SHA-256 is in the plan."""
    with writing(folder), whole_file(folder / INPUT) as part:
        part.write_text(ecsv_text(table), "utf-8", newline="")


def input_is_whole(folder: Path, plan: Plan) -> bool:
    """Whether the copy of a survey's catalogue is there and that of its plan."""
    path = folder / INPUT
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == plan.catalogue["sha256"]


def read_input(folder: str | os.PathLike) -> Catalogue:
    """The input catalogue of a survey.

    Raises
    ------
    InputError
        if it is not that of the plan.
    """
    plan, path = read_plan(folder), Path(folder) / INPUT
    if not input_is_whole(Path(folder), plan):
        lack = "is missing, or not the catalogue of the plan"
        raise InputError(f"{path}: {lack}; the same batch again writes it again.")
    return Catalogue(read_catalogue(path), (plan.raw.get("survey") or {}).get("id", "id"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError in a block, such as a full disk, into an InputError with the path."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from None


def shard_path(folder: str | os.PathLike, number: int, suffix: str = ".nc") -> Path:
    """The file of a shard."""
    return Path(folder) / SHARDS / f"{number:04d}{suffix}"


@contextmanager
def claimed(folder: str | os.PathLike, number: int, wait: bool = False) -> Iterator[bool]:
    """Lock a shard in a block; gives whether it was locked, or belongs to another process.

    The lock ends with the process, even if it is killed. On a file system without locks every
    process gets it: two may compute the same shard, with the same result.
    """
    path = shard_path(folder, number, ".lock")
    if (Path(folder) / PLAN).is_file():
        path.parent.mkdir(exist_ok=True)
    with writing(path), open(path, "a") as lock:
        is_mine = _lock(lock, TRIES if not wait else 0)
        try:
            yield is_mine
        finally:
            if is_mine:
                path.unlink(missing_ok=True)


def _lock(lock: Any, tries: int) -> bool:
    """Try to lock a file `tries` times, or wait for the lock if that is 0."""
    for attempt in range(max(tries, 1)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (fcntl.LOCK_NB if tries else 0))
            return True
        except BlockingIOError:
            if attempt + 1 < tries:
                time.sleep(PAUSE)
        except OSError:
            return True
    return False


def is_claimed(folder: str | os.PathLike, number: int) -> bool:
    """Whether a process has locked a shard."""
    with (
        contextlib.suppress(FileNotFoundError, PermissionError),
        open(shard_path(folder, number, ".lock")) as lock,
    ):
        return not _lock(lock, 1)
    return False


def write_shard(
    folder: str | os.PathLike,
    number: int,
    groups: Mapping[str, Any],
    attributes: Mapping[str, Any],
    tally: Mapping[str, int] | None = None,
) -> None:
    """Write the results of a shard as netCDF followed by its SHA-256, complete or not at all.

    The tally of its galaxies is noted beside it.

    Raises
    ------
    InputError
        if another survey has been planned in the folder since, whose shard this is not.
    """
    import xarray

    tree = xarray.DataTree.from_dict(dict(groups))
    tree.attrs = {**attributes, "number": number}
    compression = {"zlib": True, "complevel": 1, "shuffle": True}
    encoding = {
        f"/{name}": {
            key: compression
            for key, values in data.data_vars.items()
            if values.dtype.kind in "fi" and values.ndim
        }
        for name, data in groups.items()
    }
    # As bytes first, so that a full disk is an OSError of a plain write and not an error in HDF5.
    # HDF5 ignores what follows the end of its data.
    with _without_dask_locks():
        content = bytes(tree.to_netcdf(None, engine="h5netcdf", encoding=encoding))
    content += sha256(content).digest()
    path = shard_path(folder, number)
    if not read_plan(folder).owns(attributes):
        raise InputError(f"{folder}: another survey has been planned here; shard {number} is lost.")
    with writing(path):
        sweep(folder, number)
        with whole_file(shard_path(folder, number, TALLY)) as part:
            part.write_text(json.dumps({"bytes": len(content), **(tally or {})}), "utf-8")
        with whole_file(path) as part:
            part.write_bytes(content)
        shard_path(folder, number, ".failed").unlink(missing_ok=True)


def read_tally(folder: str | os.PathLike, number: int) -> dict[str, int]:
    """What `write_shard` noted of a shard; nothing without a note that can be read."""
    with contextlib.suppress(OSError, ValueError):
        tally = json.loads(shard_path(folder, number, TALLY).read_text("utf-8"))
        if isinstance(tally, dict) and all(type(n) is int for n in tally.values()):
            return tally
    return {}


def _without_dask_locks() -> Any:
    """A context without distributed locks.

    In a Dask worker xarray would otherwise take a lock of the cluster for bytes in memory.
    """
    if "dask" not in sys.modules:
        return contextlib.nullcontext()
    from dask import config

    return config.set(scheduler="synchronous")


def sweep(folder: str | os.PathLike, number: int) -> None:
    """Remove the temporary files of a killed process; only the holder of the lock may."""
    for temporary in (Path(folder) / SHARDS).glob(f".{number:04d}.*-*"):
        shutil.rmtree(temporary, ignore_errors=True)


def read_shard(folder: str | os.PathLike, number: int, plan: Plan | None = None) -> Any:
    """A shard's results as an xarray.DataTree in memory, its checksum verified.

    Parameters
    ----------
    folder, number
        of the survey and of the shard.
    plan
        of the survey; it is read if left out.

    Raises
    ------
    InputError
        if it is missing, damaged or not of this place.
    """
    import xarray

    path = shard_path(folder, number)
    if not path.is_file():
        raise InputError(f"{path}: no such shard.")
    content = path.read_bytes()
    if sha256(content[:-32]).digest() != content[-32:]:
        raise InputError(f"{path}: is damaged; the same batch again computes it again.")
    try:
        with xarray.open_datatree(io.BytesIO(content[:-32]), engine="h5netcdf") as tree:
            contents = tree.load()
    except Exception as error:  # of h5netcdf, h5py and xarray
        raise InputError(f"{path}: is damaged ({reason(error, short=True)}).") from None
    plan = read_plan(folder) if plan is None else plan
    if not plan.owns_shard(contents, number):
        hint = "the same batch again computes it"
        raise InputError(f"{path}: is not a shard of this survey; {hint}.")
    return contents


def write_failure(folder: str | os.PathLike, number: int, text: str) -> None:
    """Write why a shard could not be computed.

    An error of writing is ignored: the reason is in the message of the run, too.
    """
    with contextlib.suppress(OSError), whole_file(shard_path(folder, number, ".failed")) as part:
        part.write_text(text, "utf-8")


def read_failure(folder: str | os.PathLike, number: int) -> str | None:
    """Why a shard could not be computed; None without a file that says so."""
    with contextlib.suppress(OSError):
        return shard_path(folder, number, ".failed").read_text("utf-8", errors="replace")
    return None
