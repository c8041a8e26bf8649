"""The folder of a survey: what was asked, and the shards of results, each whole or not there at all."""

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

PLAN, INPUT, SHARDS = "survey.json", "input.ecsv", "shards"
# A look at a lock takes it for a moment; whoever comes in that moment tries again.
TRIES, PAUSE = 5, 0.1


@dataclass(frozen=True)
class Plan:
    """What was asked of a survey, and how it is divided.

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
        "errors": {map: [tracer, light]}}.
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
        """In what another survey was asked for something else."""
        found = [
            f"{key} was {self.versions[key]}, is {other.versions[key]}"
            for key in self.versions
            if self.versions[key] != other.versions[key]
        ]
        if self.catalogue["sha256"] != other.catalogue["sha256"]:
            found.append("the catalogue has changed")
        keys = [key for key in {**self.raw, **other.raw} if self.raw.get(key) != other.raw.get(key)]
        if keys or self.folder != other.folder:
            found.append(f"the configuration has changed in {', '.join(keys) or 'its folder'}")
        return found


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
    """Write the plan of a new survey; its catalogue lies beside it, so that the folder needs nothing but the data.

    Of several processes that plan at once the first is heard.
    """
    with writing(folder):
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
        with open(folder / SHARDS / ".plan", "a") as lock:
            _lock(lock, 0)
            if (folder / PLAN).exists():
                return
            with whole_file(folder / INPUT) as part:
                table.write(part, format="ascii.ecsv")
            # Last, because a survey is there once its plan is.
            with whole_file(folder / PLAN) as part:
                part.write_text(json.dumps(asdict(plan), indent=1), "utf-8")
            os.unlink(lock.name)


def read_input(folder: str | os.PathLike) -> Catalogue:
    """The catalogue that a survey was asked for."""
    said = read_plan(folder).raw.get("survey") or {}
    return Catalogue(read_catalogue(Path(folder) / INPUT), said.get("id", "id"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A full disk or a forbidden folder is an error that says so."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from None


def shard_path(folder: str | os.PathLike, number: int, suffix: str = ".nc") -> Path:
    """The file of a shard."""
    return Path(folder) / SHARDS / f"{number:04d}{suffix}"


@contextmanager
def claimed(folder: str | os.PathLike, number: int, wait: bool = False) -> Iterator[bool]:
    """Whether this process alone works on a shard now. The claim ends with the process, however that ends.

    Where the file system knows no locks everybody gets the claim: two may then do the same work,
    and the result is the same.
    """
    path = shard_path(folder, number, ".lock")
    with writing(path), open(path, "a") as lock:
        mine = _lock(lock, TRIES if not wait else 0)
        try:
            yield mine
        finally:
            if mine:
                path.unlink(missing_ok=True)


def _lock(lock: Any, tries: int) -> bool:
    """Try to lock a file so many times, or wait for it if that is 0."""
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
    """Whether some process works on a shard now."""
    with (
        contextlib.suppress(FileNotFoundError, PermissionError),
        open(shard_path(folder, number, ".lock")) as lock,
    ):
        return not _lock(lock, 1)
    return False


def write_shard(
    folder: str | os.PathLike, number: int, groups: Mapping[str, Any], attributes: Mapping[str, Any]
) -> None:
    """Write the results of a shard, a checksum behind them; under a temporary name until it is whole."""
    import xarray

    tree = xarray.DataTree.from_dict(dict(groups))
    tree.attrs = {**attributes, "number": number}
    coded = {"zlib": True, "complevel": 1, "shuffle": True}
    encoding = {
        f"/{name}": {
            key: coded
            for key, values in data.data_vars.items()
            if values.dtype.kind in "fi" and values.ndim
        }
        for name, data in groups.items()
    }
    # As bytes first, so that a full disk is met by one plain write; netCDF does not mind what
    # stands behind its end.
    with _not_by_dask():
        content = bytes(tree.to_netcdf(None, engine="h5netcdf", encoding=encoding))
    content += sha256(content).digest()
    path = shard_path(folder, number)
    with writing(path):
        sweep(folder, number)
        with whole_file(path) as part:
            part.write_bytes(content)
        shard_path(folder, number, ".failed").unlink(missing_ok=True)


def _not_by_dask() -> Any:
    """Inside a Dask worker xarray would ask the whole cluster for a lock on what is in this process's memory alone."""
    if "dask" not in sys.modules:
        return contextlib.nullcontext()
    from dask import config

    return config.set(scheduler="synchronous")


def sweep(folder: str | os.PathLike, number: int) -> None:
    """Remove what a killed process left half written; only the holder of the claim may."""
    for left in (Path(folder) / SHARDS).glob(f".{number:04d}.*-*"):
        shutil.rmtree(left, ignore_errors=True)


def read_shard(folder: str | os.PathLike, number: int) -> Any:
    """A shard's results as an xarray.DataTree, all of it in memory and compared with its checksum.

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
        loaded = tree.load()
    if loaded.attrs.get("number") != number or "galaxies" not in loaded.children:
        raise InputError(f"{path}: not a shard of this survey.")
    return loaded


def write_failure(folder: str | os.PathLike, number: int, text: str) -> None:
    """Leave a word on why a shard could not be computed; where even that cannot be written, it is in the report of the run."""
    with contextlib.suppress(OSError), whole_file(shard_path(folder, number, ".failed")) as part:
        part.write_text(text, "utf-8")


def read_failure(folder: str | os.PathLike, number: int) -> str | None:
    """Why a shard could not be computed; None if nothing is known."""
    with contextlib.suppress(OSError):
        return shard_path(folder, number, ".failed").read_text("utf-8")
    return None
