"""The files that a configuration names, and whether they are still what they were."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from jaxmetal.errors import InputError
from jaxmetal.io.paths import file_path

# Bytes that are read at once.
BLOCK = 2**20


def fingerprint(files: Mapping[str, Path]) -> str:
    """The size, time and contents of files, as one text.

    Parameters
    ----------
    files
        the paths, by how the configuration names them.

    Returns
    -------
    text
        JSON, {name: [bytes, time of the last change in ns, SHA-256]}.
    """
    states = {name: _state(path) for name, path in sorted(files.items()) if path.is_file()}
    return json.dumps(states)


def changed_files(text: str, folder: Path) -> list[str]:
    """The names of the files whose contents are no longer those of a fingerprint.

    A file that cannot be read now is not among them.

    Parameters
    ----------
    text
        of `fingerprint`; nothing is known of an empty one.
    folder
        that the names are relative to.
    """
    return [
        name for name, state in json.loads(text or "{}").items() if _differs(name, state, folder)
    ]


def _differs(name: str, state: list, folder: Path) -> bool:
    try:
        path = file_path(name, folder)
        status = path.stat()
        # A file that was copied has another time and the same contents.
        return [status.st_size, status.st_mtime_ns] != state[:2] and _sum(path) != state[2]
    except (InputError, OSError):
        return False


def _state(path: Path) -> list:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, _sum(path)]


def _sum(path: Path) -> str:
    """The SHA-256 of a file."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            total.update(block)
    return total.hexdigest()
