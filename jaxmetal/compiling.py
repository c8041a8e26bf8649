"""How functions are compiled: by `equinox.filter_jit`, with options for XLA where it compiles for a CPU.

What is compiled is kept between processes by JAX's own persistent compilation cache, where one is
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
    """A function compiled once for every structure, shape and type of its arguments.

    Arrays are arguments of the compiled program, and everything else a constant of it. Inside
    another traced function it is called as it is: the options are those of the outermost program.

    Parameters
    ----------
    function
        of any pytrees, or a method of one.
    options
        of XLA, for a CPU alone: that is where they were measured.
    """

    def __init__(self, function: Callable, options: dict[str, Any]):
        functools.update_wrapper(self, function)
        self._function, self._options = function, options

    @functools.cached_property
    def _program(self) -> Any:
        # Not before the first call: to ask for the backend sets it up.
        options = self._options if jax.default_backend() == "cpu" else None
        # Equinox hands on to `jax.jit` whatever it does not know.
        for_jit: dict[str, Any] = {"compiler_options": options or None}
        return eqx.filter_jit(self._function, **for_jit)

    def __call__(self, *arguments: Any) -> Any:
        # While a function is traced for jit, a new array is a tracer too.
        leaves = [jnp.asarray(np.float32(0)), *jax.tree.leaves((self._function, arguments))]
        if any(isinstance(leaf, Tracer) for leaf in leaves):
            return self._function(*arguments)
        return self._program(*arguments)

    def prepare(self, *arguments: Any) -> None:
        """Compile for such arguments without running it; JAX finds the program again when it is called."""
        self._program.lower(*arguments).compile()


def compiled(function: Callable) -> Compiled:
    """`function` compiled to run fast."""
    return Compiled(function, SAFE)


def compiled_soon(function: Callable) -> Compiled:
    """`function` compiled in two thirds of the usual time where XLA can, to run up to half slower: for what is run a few times."""
    return Compiled(function, SAFE | QUICK)


def compiled_once(function: Callable) -> Compiled:
    """`function` compiled in a quarter to two thirds of the usual time, to run a few times slower: for what is hardly ever run twice."""
    return Compiled(function, SAFE | QUICK | {"xla_backend_optimization_level": 0})
