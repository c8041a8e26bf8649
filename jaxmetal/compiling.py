"""How much of a program's time goes into compiling it: less for what is run a few times only.

Not for what may be called inside another program: only the outermost can be compiled its own way.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax

# The older of XLA's two ways to emit fused loops for a CPU is the quicker compiler; later versions do not have it any more.
QUICK: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False} if jax.__version_info__ < (0, 11) else {}


def compiled_soon(function: Callable, **more: Any) -> Callable:
    """`function` compiled in two thirds of the usual time where XLA can, to run up to half slower: for what is run a few times."""
    options: dict[str, Any] = {"compiler_options": QUICK | more}
    return eqx.filter_jit(function, **options)


def compiled_once(function: Callable) -> Callable:
    """`function` compiled in a quarter to two thirds of the usual time, to run a few times slower: for what is hardly ever run twice."""
    return compiled_soon(function, xla_backend_optimization_level=0)
