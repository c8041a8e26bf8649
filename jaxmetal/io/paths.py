"""Files and Python functions that a configuration names."""

import ast
import functools
import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxmetal.errors import InputError, reason

# The files of users' functions that have been imported, to tell their errors from others.
_FILES_OF_USERS: set[str] = set()
# Where files that are asked for are noted; see `named_files`.
_NAMED: ContextVar[dict[str, Path] | None] = ContextVar("named", default=None)


def file_path(text: str, folder: Path) -> Path:
    """The path of a file named in a configuration.

    Parameters
    ----------
    text
        in which ${VARIABLE} and ~ are filled in.
    folder
        that it is relative to: the configuration's.

    Returns
    -------
    path
        whether or not there is such a file.

    Raises
    ------
    InputError
        for an environment variable that is not set, or the home folder of an unknown user.
    """
    for name in re.findall(r"\$\{?(\w+)\}?", text):
        if not os.environ.get(name):
            raise InputError(f"the environment variable {name} is not set, needed by {text!r}.")
    try:
        path = Path(os.path.expandvars(text)).expanduser()
    except RuntimeError:
        raise InputError(f"{text!r}: there is no such user whose home folder ~ could be.") from None
    path = path if path.is_absolute() else folder / path
    _note(text, path)
    return path


@contextmanager
def named_files() -> Iterator[dict[str, Path]]:
    """The files that are asked for in a block, by how the configuration names them.

    Among them are the modules of users' functions, and those beside them that they import.
    """
    files: dict[str, Path] = {}
    before = _NAMED.set(files)
    try:
        yield files
    finally:
        _NAMED.reset(before)


def _note(name: str, path: Path) -> None:
    files = _NAMED.get()
    if files is not None:
        files[name] = path


def module_file(name: str, folder: Path) -> Path | None:
    """The file of a user's module.

    Parameters
    ----------
    name
        "file.py", or a module beside the configuration.
    folder
        of the configuration.

    Returns
    -------
    path
        None if it must be an installed module.

    Raises
    ------
    InputError
        for a file that does not exist.
    """
    if name.endswith(".py"):
        path = file_path(name, folder)
        if not path.is_file():
            raise InputError(f"{path}: no such file.")
        return path
    path = folder.joinpath(*name.split(".")).with_suffix(".py")
    return path if path.is_file() else None


def imported_function(text: str, folder: Path, label: str) -> Callable:
    """A function by its module and name.

    Parameters
    ----------
    text
        "module:function" or "file.py:function".
    folder
        that a file, or a module beside the configuration, is relative to.
    label
        the key of the configuration that names it, for messages.

    Returns
    -------
    function
        the same object every time, unless its file has changed.

    Raises
    ------
    InputError
        if the module cannot be imported or has no such function.
    """
    source, _, name = text.rpartition(":")
    try:
        module = _module(source, folder)
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        if isinstance(error, SystemExit) and not own_failure(error):
            raise
        raise InputError(f"{label}: {source!r} cannot be imported ({reason(error)}).") from None
    if file := getattr(module, "__file__", None):
        _FILES_OF_USERS.add(file)
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"{label}: {source!r} has no function {name!r}.")
    return function


def made_by_user(where: str, kind: type, *arguments: Any, **options: Any) -> Any:
    """An object of a user's class; what the class raises is a mistake in the configuration.

    Raises
    ------
    InputError
        naming the class and what it raised.
    """
    try:
        return kind(*arguments, **options)
    except InputError:
        raise
    except Exception as error:  # whatever the user's own code raises
        raise InputError(f"{where}: failed ({reason(error)}).") from None


def own_failure(error: BaseException) -> str:
    """What to say of an error that came from a function of a user's file; empty for others.

    Parameters
    ----------
    error
        as it was raised.

    Returns
    -------
    text
        that names the function, its file and the line.
    """
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename in _FILES_OF_USERS]
    if not mine or isinstance(error, InputError):
        return ""
    # A signal to end, such as that of a scheduler, may arrive while it runs.
    if isinstance(error, SystemExit) and frames[-1] is not mine[-1]:
        return ""
    last = mine[-1]
    place = f"{Path(last.filename).name}:{last.name}, line {last.lineno}"
    return f"{place}: failed ({reason(error)})."


def why(error: BaseException) -> str:
    """Why something could not be read, in one line; raises an exit that no user's function made."""
    text = own_failure(error)
    if isinstance(error, SystemExit) and not text:
        raise error
    return text or reason(error)


def with_imports(path: Path) -> list[Path]:
    """A module and those in the same folder that it imports, directly or not.

    Parameters
    ----------
    path
        of the module.

    Returns
    -------
    paths
        of a package that is imported all modules.
    """
    modules: list[Path] = []
    queue = [path]
    while queue:
        module = queue.pop()
        if module in modules:
            continue
        modules.append(module)
        for name in _imported(module):
            alone, package = path.parent / f"{name}.py", path.parent / name
            queue += [alone] if alone.is_file() else sorted(package.rglob("*.py"))
    return modules


def _imported(path: Path) -> set[str]:
    """The first names of what a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def _module(source: str, folder: Path) -> ModuleType:
    """A module that lies beside the configuration, or is installed."""
    path = module_file(source, folder)
    if path is None:
        return importlib.import_module(source)
    if _NAMED.get() is not None:
        for module in with_imports(path):
            _note(str(module), module)
    return _loaded(path.resolve(), path.stat().st_mtime_ns)


@functools.lru_cache
def _loaded(path: Path, mtime_ns: int) -> ModuleType:
    """A user's module, one object for all galaxies of a survey: their models share programs."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    _FILES_OF_USERS.add(str(path))
    # What it imports may lie beside it.
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module
