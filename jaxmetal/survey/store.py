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
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.survey.catalogue import Catalogue, read_catalogue

# Files and folders in the folder of a survey.
PLAN = "survey.json"
INPUT = "input.ecsv"
SHARDS = "shards"
# Attempts to lock a shard: `is_claimed` locks it for a moment, too.
TRIES = 5
# Seconds between two attempts.
PAUSE = 0.1


@dataclass(frozen=True)
class Plan:
    """The input of a survey, its groups of galaxies and its shards.

    Parameters
    ----------
    versions
        of jaxmetal, and the precision of its numbers.
    catalogue, configuration
        {"file", "sha256"} of each, as they were when the survey was planned.
    raw, folder
        the configuration with its references, and the folder that its paths are relative to.
    bad
        {row, as text: why that galaxy was left out}.
    groups
        of galaxies that share a program: {"size", "samplings": {map: [convolve, nodes, margin]},
        "errors": {map: {what is shown: largest error, of light relative to it}}}, the errors
        only where the samplings were chosen automatically.
    shards
        {"group", "rows"} of each.
    """

    versions: dict[str, str]
    catalogue: dict[str, str]
    configuration: dict[str, str]
    raw: dict[str, Any]
    folder: str
    bad: dict[str, str]
    groups: list[dict[str, Any]]
    shards: list[dict[str, Any]]

    def differences(self, other: "Plan") -> list[str]:
        """The parts of the input that differ from those of another plan, as texts."""
        changes = [
            f"{key} was {self.versions[key]}, is {other.versions[key]}"
            for key in self.versions
            if self.versions[key] != other.versions[key]
        ]
        if self.catalogue["sha256"] != other.catalogue["sha256"]:
            changes.append("the catalogue has changed")
        keys = [key for key in {**self.raw, **other.raw} if self.raw.get(key) != other.raw.get(key)]
        if keys or self.folder != other.folder:
            changes.append(f"the configuration has changed in {', '.join(keys) or 'its folder'}")
        return changes


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
        return Plan(**json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: cannot be read ({error}).") from None


def keep_plan(folder: Path, plan: Plan, table: Any) -> None:
    """Write the plan of a new survey and a copy of its catalogue.

    Of several processes that plan at once the first writes.
    """
    with writing(folder):
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
        with open(folder / SHARDS / ".plan", "a") as lock:
            _lock(lock, 0)
            if (folder / PLAN).exists():
                return
            with whole_file(folder / INPUT) as part:
                table.write(part, format="ascii.ecsv")
            # Last, because a folder with a plan counts as a survey.
            with whole_file(folder / PLAN) as part:
                part.write_text(json.dumps(asdict(plan), indent=1), "utf-8")
            os.unlink(lock.name)


def read_input(folder: str | os.PathLike) -> Catalogue:
    """The input catalogue of a survey."""
    settings = read_plan(folder).raw.get("survey") or {}
    return Catalogue(read_catalogue(Path(folder) / INPUT), settings.get("id", "id"))


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
    folder: str | os.PathLike, number: int, groups: Mapping[str, Any], attributes: Mapping[str, Any]
) -> None:
    """Write the results of a shard as netCDF followed by its SHA-256, complete or not at all."""
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
    with writing(path):
        sweep(folder, number)
        with whole_file(path) as part:
            part.write_bytes(content)
        shard_path(folder, number, ".failed").unlink(missing_ok=True)


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


def read_shard(folder: str | os.PathLike, number: int) -> Any:
    """A shard's results as an xarray.DataTree in memory, its checksum verified.

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
    with xarray.open_datatree(io.BytesIO(content[:-32]), engine="h5netcdf") as tree:
        contents = tree.load()
    if contents.attrs.get("number") != number or "galaxies" not in contents.children:
        raise InputError(f"{path}: not a shard of this survey.")
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
        return shard_path(folder, number, ".failed").read_text("utf-8")
    return None
