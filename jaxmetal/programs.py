"""Compiled programs, and how they are kept between processes, so that the next one need neither trace nor compile them.

JAX's own cache spares a second process the compiling, but not the tracing and lowering that tell which program it needs: most
of what is left. Here a program is kept under what it is made from: the structure of its arguments, the source of this package,
versions, settings and processor.
"""

import dataclasses
import functools
import hashlib
import io
import os
import pickle
import platform
import re
import uuid
from collections.abc import Callable, Hashable, Sequence
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from threading import Lock, RLock
from types import FunctionType
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.core import Tracer

from jaxmetal.files import whole_file

# Packages whose functions and classes may be a part of a program: their versions, or the source, are a part of its name. A
# function from elsewhere can change without a sign, so that a program with one is not kept here.
PACKAGES = ("equinox", "jax", "jaxlib", "numpy", "numpyro", "optax")
KNOWN = {*PACKAGES, "jaxmetal", "builtins", "collections", "copyreg", "functools", "operator"}
# What else decides how a program is traced and compiled.
SETTINGS = (
    "enable_x64", "default_matmul_precision", "default_prng_impl", "threefry_partitionable", "numpy_dtype_promotion", "debug_nans",
    "default_device",
)  # fmt: skip
# One function is traced at a time: two threads of Python would take each other's turns and need longer than one after the other,
# while the compiler, which is not Python, works beside both.
TRACING = RLock()
# So many are kept; then the older half goes.
MOST = 1000
# As it is when it is imported: what changes later is not what runs here.
SOURCE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.rglob("*.py")))).hexdigest()


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an array stands in its structure, and what a program knows of it before it runs."""

    shape: tuple[int, ...]
    dtype: str
    weak: bool
    # Only of an array that has been put somewhere on purpose.
    sharding: Any


class Request(NamedTuple):
    """What decides which program it is: the arguments without their numbers, and the settings."""

    structure: Any
    leaves: tuple[Hashable, ...]
    settings: tuple[Hashable, ...]


class Compiled:
    """A function compiled for every structure of its arguments, and kept between processes wherever JAX keeps what it compiles.

    What is called inside another program is a part of that one; its options count for nothing there.

    Parameters
    ----------
    function
        of any pytrees, or a method of one; what is no array in them is a part of the program.
    options
        of the compiler, where it compiles for a processor.
    """

    def __init__(self, function: Callable, options: dict[str, Any]):
        functools.update_wrapper(self, function)
        self._function, self._options = function, options
        self._programs: dict[Request, Callable] = {}
        self._making: dict[Request, Lock] = {}

    def __call__(self, *arguments: Any) -> Any:
        leaves, structure = jax.tree.flatten((self._function, arguments))
        arrays = [leaf for leaf in leaves if _is_array(leaf)]
        if any(isinstance(array, Tracer) for array in arrays) or _setting("disable_jit"):
            return self._function(*arguments)
        return self._program(structure, leaves, arrays)(arrays)

    def prepare(self, *arguments: Any) -> None:
        """Have the program for such arguments compiled, without running it."""
        leaves, structure = jax.tree.flatten((self._function, arguments))
        self._program(structure, leaves, [leaf for leaf in leaves if _is_array(leaf)])

    def _program(self, structure: Any, leaves: Sequence[Any], arrays: Sequence[Any]) -> Callable:
        request = Request(structure, tuple(map(_outside, leaves)), tuple(str(_setting(name)) for name in SETTINGS))
        if request not in self._programs:
            with ExitStack() as held:
                # In this order: what is traced may ask for a program that another thread has begun, and must not wait for one that waits.
                with TRACING:
                    # Threads that want the same program at the same time make it once.
                    held.enter_context(self._making.setdefault(request, Lock()))
                    if request in self._programs:
                        return self._programs[request]
                    finish = _begun(self._function, self._options, request, arrays)
                template, program = finish()
                places, result = jax.tree.flatten(template)
                self._programs[request] = lambda arrays: jax.tree.unflatten(result, _filled(places, program(*arrays)))
        return self._programs[request]


def _begun(function: Callable, options: dict[str, Any], request: Request, arrays: Sequence[Any]) -> Callable[[], tuple[Any, Any]]:
    """Gives what the function returns without its arrays, and the program that gives these: read, or to be compiled and kept."""
    # They are measured on processors, and some are a processor's alone.
    options = options if jax.default_backend() == "cpu" else {}
    folder, path = _folder(), None
    # Keeping programs is a convenience: whatever goes wrong with it, and much may, costs no more than the compiling.
    if folder is not None:
        with suppress(Exception):
            path = folder / f"{_name(function, options, request)}.program"
            kept = _read(path)
            return lambda: kept
    templates = []

    def flat(*arrays: Any) -> list[Any]:
        called, arguments = jax.tree.unflatten(request.structure, _filled(request.leaves, arrays))
        leaves, structure = jax.tree.flatten(called(*arguments))
        templates.append(jax.tree.unflatten(structure, [_outside(leaf) for leaf in leaves]))
        return [leaf for leaf in leaves if _is_array(leaf)]

    # What comes from JAX's cache is not whole when it is written again: under such a name it finds nothing there.
    name = getattr(function, "__name__", "program")
    flat.__name__ = name if path is None else f"{name}_{uuid.uuid4().hex}"
    lowered = jax.jit(flat, compiler_options=options or None).lower(*arrays)

    def finish() -> tuple[Any, Any]:
        program = lowered.compile()
        if path is not None:
            with suppress(Exception):
                _write(path, templates[0], lowered, program)
        return templates[0], program

    return finish


def _read(path: Path) -> tuple[Any, Any]:
    from jax.experimental.serialize_executable import deserialize_and_load

    template, program = pickle.loads(path.read_bytes())
    with suppress(OSError):
        path.touch()
    _load_lapack()
    return template, deserialize_and_load(*program, execution_devices=jax.devices())


@functools.cache
def _load_lapack() -> None:
    """JAX does it when it lowers a program of linear algebra; one that is read from a file would find nothing there, and crash."""
    jax.jit(jax.lax.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), np.float32))


def _write(path: Path, template: Any, lowered: Any, program: Any) -> None:
    from jax.experimental.serialize_executable import serialize

    # Of any other library nobody would know, in another process, that it must be loaded first.
    if all(name.startswith("lapack_") for name in re.findall(r"custom_call @(\w+)", lowered.as_text())):
        with whole_file(path) as part:
            part.write_bytes(pickle.dumps((template, serialize(program))))
    others = list(path.parent.glob("*.program"))
    if len(others) > MOST:
        for other in sorted(others, key=lambda other: other.stat().st_mtime)[: len(others) // 2]:
            other.unlink(missing_ok=True)


def _folder() -> Path | None:
    """Beside what JAX keeps, where it keeps anything on a disk of this machine; None where programs are not kept.

    Only those for a processor as one device are: with others it is not tried out what a program needs.
    """
    root = _setting("compilation_cache_dir") if _setting("enable_compilation_cache") else None
    unread = not Path(__file__).is_file()
    if root is None or "://" in root or unread or jax.default_backend() != "cpu" or jax.device_count() > 1:
        return None
    return Path(root) / "jaxmetal"


class _Writer(pickle.Pickler):
    """Writes down what a program is made from, and refuses what is not known by its name."""

    def reducer_override(self, obj: Any) -> Any:
        module = getattr(obj, "__module__", None) or type(obj).__module__
        if module.partition(".")[0] not in KNOWN:
            raise pickle.PicklingError(f"{obj!r} of {module} may change without a sign")
        if isinstance(obj, type) or not type(obj).__module__.startswith("numpyro."):
            return NotImplemented
        # Its distributions have their numbers in the order of a set, another one in every process.
        return type(obj), (), sorted(vars(obj).items())


def _name(function: Callable, options: dict[str, Any], request: Request) -> str:
    # What a function has from where it was made is not in its name.
    if not isinstance(function, FunctionType) or "<" in function.__qualname__ or not function.__module__.startswith("jaxmetal."):
        raise pickle.PicklingError(f"{function!r} is not known by its name")
    _, arguments = jax.tree.unflatten(request.structure, request.leaves)
    written = io.BytesIO()
    writer = _Writer(written)
    # Equal parts are written alike, whether they are one object or two.
    writer.fast = True
    writer.dump((_here(), function.__module__, function.__qualname__, options, request.settings, arguments))
    return hashlib.sha256(written.getvalue()).hexdigest()


@functools.cache
def _here() -> tuple[str, ...]:
    """What all programs of this process are made from."""
    device = jax.devices()[0]
    made = (platform.python_version(), SOURCE, *map(version, PACKAGES), device.client.platform_version, device.device_kind)
    return (*made, processor(), os.environ.get("XLA_FLAGS", ""))


@functools.cache
def processor() -> str:
    """What tells processors apart: their instructions, where the system lists them. A program for one may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    listed = [line for line in lines if line.startswith(("flags", "Features"))]
    return f"{platform.machine()} {platform.processor()} {''.join(listed[:1])}"


def _setting(name: str) -> Any:
    return getattr(jax.config, f"jax_{name}", None)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


def _outside(leaf: Any) -> Any:
    """What is known of an array in place of the array."""
    if not _is_array(leaf):
        return leaf
    put = isinstance(leaf, jax.Array) and not isinstance(leaf, Tracer) and leaf.committed
    return Place(np.shape(leaf), str(leaf.dtype), getattr(leaf, "weak_type", False), leaf.sharding if put else None)


def _filled(leaves: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    """Arrays in their places among what is no array."""
    left = iter(arrays)
    return [next(left) if isinstance(leaf, Place) else leaf for leaf in leaves]
