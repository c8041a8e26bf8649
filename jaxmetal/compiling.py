"""Compilation of functions by `equinox.filter_jit`, with options of XLA on a CPU.

Compiled programs are kept between processes by JAX's persistent compilation cache, where one is
set; see `io.compiled`.
"""

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxmetal import threads

# Against the deadlock that `threads` describes, in case JAX had read its flags before this package
# was imported.
SAFE: dict[str, Any] = {threads.FLAG: False} if threads.needed() else {}
# The older of XLA's two ways to emit fused loops for a CPU is the quicker compiler; later versions
# do not have it any more.
QUICK: dict[str, Any] = (
    {"xla_cpu_use_fusion_emitters": False} if jax.__version_info__ < (0, 11) else {}
)


class Compiled:
    """A function that is compiled once for every structure, shape and type of its arguments.

    Arrays are arguments of the compiled program, everything else is a constant of it. While another
    function is traced it is called without compilation, so that the options of the outermost
    program hold.

    Parameters
    ----------
    function
        of any pytrees, or a method of one.
    options
        of XLA, used on a CPU only, because they were measured there.
    """

    def __init__(self, function: Callable, options: dict[str, Any]):
        functools.update_wrapper(self, function)
        self._function, self._options = function, options

    @functools.cached_property
    def _program(self) -> Any:
        # Not before the first call, because this initialises the backend.
        options = self._options if jax.default_backend() == "cpu" else None
        # Equinox passes unknown options on to `jax.jit`.
        for_jit: dict[str, Any] = {"compiler_options": options or None}
        return eqx.filter_jit(self._function, **for_jit)

    def __call__(self, *arguments: Any) -> Any:
        # While a function is traced for jit, a new array is a tracer, too.
        leaves = [jnp.asarray(np.float32(0)), *jax.tree.leaves((self._function, arguments))]
        if any(isinstance(leaf, Tracer) for leaf in leaves):
            return self._function(*arguments)
        return self._program(*arguments)


def compiled(function: Callable) -> Compiled:
    """`function` compiled to run fast."""
    return Compiled(function, SAFE)


def compiled_soon(function: Callable) -> Compiled:
    """`function` compiled to be run a few times.

    The compilation takes half of that of `compiled`, and the program is up to half slower.
    """
    return Compiled(function, SAFE | QUICK | {"xla_backend_optimization_level": 1})


def compiled_once(function: Callable) -> Compiled:
    """`function` compiled to be run once or twice.

    The compilation takes a quarter to two thirds of that of `compiled`, and the program is a few
    times slower.
    """
    return Compiled(function, SAFE | QUICK | {"xla_backend_optimization_level": 0})
