"""A profile function together with its numbers, as a pytree."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array

from jaxmetal.errors import InputError, unknown


def as_array(value: Any, where: str) -> Array:
    """A number or array of numbers as a floating-point JAX array of the default precision."""
    try:
        # An explicit dtype: a weakly typed Python number would compile everything once more.
        return jnp.asarray(value, dtype=jnp.result_type(float))
    except (TypeError, ValueError):
        raise InputError(f"{where}: expected a number or an array of numbers, got {value!r}.") from None


def _signature(function: Callable) -> tuple[dict[str, inspect.Parameter], bool]:
    """The parameters after (x, y), and whether any further name is welcome."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < 2:
        raise InputError(f"Profile: {_name(function)} must be a function f(x, y, **parameters).")
    rest = parameters[2:]
    named = {p.name: p for p in rest if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named, any(p.kind is p.VAR_KEYWORD for p in rest)


def _name(function: Callable) -> str:
    return getattr(function, "__name__", None) or repr(function)


class Profile(eqx.Module):
    """A function f(x, y, **parameters) with the values of its parameters.

    Parameters
    ----------
    function
        any function of x and y (arcsec) and named parameters, written with jax.numpy.
    parameters
        its parameters by name; those with a default in the function may be left out.

    Raises
    ------
    InputError
        for a parameter that the function does not have, one that is missing, or one that is not a finite number.

    Examples
    --------
    >>> disc = Profile(light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    >>> disc.n_sersic
    Array(1., dtype=float32)
    """

    function: Callable = eqx.field(static=True)
    parameters: dict[str, Array]

    def __init__(self, function: Callable, /, **parameters: Any):
        if not callable(function):
            raise InputError(f"Profile: expected a function f(x, y, **parameters), got {function!r}.")
        named, anything = _signature(function)
        where = f"Profile({_name(function)})"
        for name in parameters:
            if name not in named and not anything:
                raise unknown("parameter", name, named, where)
        values = {name: p.default for name, p in named.items() if p.default is not p.empty} | parameters
        missing = [name for name in named if name not in values]
        if missing:
            raise InputError(f"{where}: missing parameter {', '.join(map(repr, missing))}.")
        self.function = function
        self.parameters = {name: as_array(value, f"{where}.{name}") for name, value in sorted(values.items())}
        for name, value in self.parameters.items():
            if not is_traced(value) and not np.all(np.isfinite(value)):
                raise InputError(f"{where}.{name}: expected finite numbers, got {value}.")

        self._check_shapes(where)

    def _check_shapes(self, where: str) -> None:
        """One value at each position, whatever the shapes of the parameters; nothing is computed."""
        at = jax.ShapeDtypeStruct((2, 3), jnp.result_type(float))
        try:
            shape = jax.eval_shape(lambda x, y: self.function(x, y, **self.parameters), at, at).shape
        except (TypeError, ValueError, IndexError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            shapes = ", ".join(f"{name} {value.shape}" for name, value in self.parameters.items() if value.ndim)
            reason = str(error).splitlines()[0]
            raise InputError(f"{where}: cannot be evaluated ({reason}); shapes of its parameters: {shapes or 'single numbers'}.") from None
        if shape not in ((), (2, 3)):
            raise InputError(f"{where}: expected one value at each of (2, 3) positions, got shape {shape}; is a parameter an array?")

    def __call__(self, x: Array, y: Array) -> Array:
        """The profile's value at (x, y), arcsec."""
        return self.function(x, y, **self.parameters)

    def __getattr__(self, name: str) -> Array:
        # Through __dict__, because unpickling asks for attributes before there are any.
        if name in self.__dict__.get("parameters", ()):
            return self.parameters[name]
        raise AttributeError(f"the profile has no parameter {name!r}")

    @property
    def name(self) -> str:
        """The function's name."""
        return _name(self.function)


def is_traced(tree: Any) -> bool:
    """Whether any number in the tree is being traced by JAX and so has no value yet."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))
