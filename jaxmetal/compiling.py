"""How programs are compiled for a processor: safely, and with less effort for what is run a few times only."""

from collections.abc import Callable
from typing import Any

import jax

from jaxmetal import threads
from jaxmetal.programs import Compiled

# For the case that JAX had computed before the package was imported.
SAFE: dict[str, Any] = {threads.FLAG: False} if threads.needed() else {}
# The older of XLA's two ways to emit fused loops for a CPU is the quicker compiler; later versions do not have it any more.
QUICK: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False} if jax.__version_info__ < (0, 11) else {}


def compiled(function: Callable) -> Compiled:
    """`function` compiled for every structure of its arguments."""
    return Compiled(function, SAFE)


def compiled_soon(function: Callable) -> Compiled:
    """`function` compiled in two thirds of the usual time where XLA can, to run up to half slower: for what is run a few times."""
    return Compiled(function, SAFE | QUICK)


def compiled_once(function: Callable) -> Compiled:
    """`function` compiled in a quarter to two thirds of the usual time, to run a few times slower: for what is hardly ever run twice."""
    return Compiled(function, SAFE | QUICK | {"xla_backend_optimization_level": 0})
