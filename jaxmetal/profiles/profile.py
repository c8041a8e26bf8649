"""A profile function together with its numbers, as a pytree."""

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike

from jaxmetal.errors import InputError, described, reason, unknown
from jaxmetal.profiles.ranges import check_numbers
from jaxmetal.profiles.units import accepted_unit
from jaxmetal.quantities import ARCSEC, Unit, plain

# What users hand over for an array: Quantities are arrays, too.
Numbers = ArrayLike | Sequence[float]


# Arrays of single numbers, and how many are kept.
_SCALARS: dict[Any, Array] = {}
MOST_SCALARS = 1000


def as_array(value: Any, where: str, unit: Unit = "") -> Array:
    """A number or array of numbers as a floating-point JAX array of the default precision.

    Parameters
    ----------
    value, where, unit
        as for `quantities.plain`: a quantity is converted to the unit that is expected, masked
        values are NaN.

    Raises
    ------
    InputError
        for what are no numbers, or have a unit that cannot be converted.
    """
    if type(value) is float:
        return _scalar(value)
    bare = value if isinstance(value, jax.Array) else plain(value, where, unit)
    try:
        numbers = bare if isinstance(bare, jax.Array) else np.asarray(bare)
        if numbers.dtype.kind in "OUSc":
            raise TypeError
        if isinstance(numbers, np.ndarray):
            # On the host, where nothing is compiled for it.
            with np.errstate(over="ignore"):
                numbers = numbers.astype(jnp.result_type(float))
        # An explicit dtype: a weakly typed Python number would compile everything once more.
        return jnp.asarray(numbers, jnp.result_type(float))
    except (TypeError, ValueError):
        raise InputError(
            f"{where}: expected a number or an array of numbers, got {value!r}."
        ) from None


def _scalar(value: float) -> Array:
    """A Python number as an array; those that come again and again, such as 0.0, are made once."""
    dtype = jnp.result_type(float)
    # By its digits, because 0.0 and -0.0 are equal.
    key = value.hex(), dtype, jax.config.jax_default_device  # type: ignore[attr-defined]
    if key in _SCALARS:
        return _SCALARS[key]
    with np.errstate(over="ignore"):
        array = jnp.asarray(np.asarray(value, dtype))
    if len(_SCALARS) < MOST_SCALARS and not isinstance(array, Tracer):
        _SCALARS[key] = array
    return array


def _signature(function: Callable) -> tuple[dict[str, inspect.Parameter], bool]:
    """The parameters after (x, y), and whether the function takes any further name."""
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) < 2:
        raise InputError(f"Profile: {_name(function)} must be a function f(x, y, **parameters).")
    after = parameters[2:]
    named = {p.name: p for p in after if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named, any(p.kind is p.VAR_KEYWORD for p in after)


def options_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The options of a profile function, which no fit can vary.

    They are keyword-only, and their default is a str, bool, int or None.
    """
    named, _ = _signature(function)
    return {
        name: p
        for name, p in named.items()
        if p.kind is p.KEYWORD_ONLY and isinstance(p.default, str | int | None)
    }


def _option(value: Any, option: inspect.Parameter, where: str) -> str | int | None:
    """The value of an option, checked.

    It must be one of those that the annotation lists, or else of the same type as the default.
    """
    default, choices = option.default, _choices(option)
    if choices:
        valid = any(
            value is choice or (value == choice and isinstance(choice, str)) for choice in choices
        )
    else:
        valid = isinstance(value, (int, type(None)) if default is None else type(default))
    if not valid:
        like = "a whole number or None" if default is None else f"a value like {default!r}"
        expected = ", ".join(map(repr, choices)) or like
        raise InputError(f"{where}.{option.name}: expected one of {expected}, got {value!r}.")
    return value


def _choices(option: inspect.Parameter) -> tuple:
    """The only values of an option; none if it may be any of the type of its default."""
    if isinstance(option.default, bool):
        return False, True
    return get_args(option.annotation) if get_origin(option.annotation) is Literal else ()


def _complete(function: Callable, parameters: dict[str, Any], where: str) -> dict[str, Any]:
    """Parameters and options by name, with the function's defaults for those left out."""
    named, takes_any = _signature(function)
    for name in parameters:
        if name not in named and not takes_any:
            raise unknown("parameter", name, named, where)
    defaults = {name: p.default for name, p in named.items() if p.default is not p.empty}
    values = defaults | parameters
    missing = [name for name in named if name not in values]
    if missing:
        raise InputError(f"{where}: missing parameter {', '.join(map(repr, missing))}.")
    return values


def _name(function: Callable) -> str:
    return getattr(function, "__name__", None) or repr(function)


class Profile(eqx.Module):
    """A function `f(x, y, **parameters)` with the values of its parameters.

    Parameters
    ----------
    function
        any function of x and y (arcsec) and named parameters, written with jax.numpy. It gives one
        value at each position; a lens gives a pair, the deflection along x and y.
    parameters
        its parameters by name; those with a default in the function may be left out. A keyword-only
        one with a str, bool, int or None for its default is an option: it is compiled in, and no
        fit reaches it. An astropy Quantity is converted to the unit that the function's description
        states; what depends on the unit of the maps, and the parameters of your own functions, are
        plain numbers. A range that the description states, such as "positive" or "at least 0.3",
        is held too; see `jaxmetal.profiles.ranges`.

    Raises
    ------
    InputError
        for a parameter that the function does not have, one that is missing, one that is not a
        finite number or outside of the range that the function's description states, one whose unit
        cannot be converted, or an option with a value that it does not know.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> disc = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    >>> float(disc.n_sersic)
    1.0
    """

    function: Callable = eqx.field(static=True)
    parameters: dict[str, Array]
    _options: tuple[tuple[str, str | int | None], ...] = eqx.field(static=True)
    deflects: bool = eqx.field(static=True)

    def __init__(self, function: Any = None, /, *unnamed: Any, **parameters: Any):
        if not callable(function):
            description = repr(function) if isinstance(function, str) else described(function)
            raise InputError(
                f"Profile: expected a function f(x, y, **parameters), "
                f"such as jaxmetal.light.sersic, got {description}."
            )
        where = f"Profile({_name(function)})"
        if unnamed:
            raise InputError(
                f"{where}: parameters are given by name, such as amp=16.0, got {unnamed[0]!r}."
            )
        values = _complete(function, parameters, where)
        options = options_of(function)
        self.function = function
        self._options = tuple(
            (name, _option(values.pop(name), option, where))
            for name, option in sorted(options.items())
        )
        self.parameters = {
            name: as_array(value, f"{where}.{name}", accepted_unit(function, name))
            for name, value in sorted(values.items())
        }
        # While a program is traced its numbers are not known yet.
        numbers = {n: np.asarray(v) for n, v in self.parameters.items() if not is_traced(v)}
        for name, value in numbers.items():
            if not np.all(np.isfinite(value)):
                raise InputError(f"{where}.{name}: expected finite numbers, got {value}.")
        check_numbers(function, numbers, where)
        self.deflects = self._checked_shapes(where) == 2

    def _checked_shapes(self, where: str) -> int:
        """How many values there are at each position, one or a pair.

        The function is evaluated abstractly, so nothing is computed.
        """
        numbers = tuple((n, v.shape, str(v.dtype)) for n, v in self.parameters.items())
        try:
            shapes = _shapes_of(self.function, self._options, numbers, str(jnp.result_type(float)))
        except InputError:
            raise
        except Exception as error:  # whatever a user's own function raises
            sizes = ", ".join(
                f"{name} {value.shape}" for name, value in self.parameters.items() if value.ndim
            )
            raise InputError(
                f"{where}: cannot be evaluated ({reason(error, short=True)}); "
                f"shapes of its parameters: {sizes or 'single numbers'}."
            ) from None
        if len(shapes) not in (1, 2) or not set(shapes) <= {(), (2, 3)}:
            shape_text = ", ".join(map(str, shapes))
            raise InputError(
                f"{where}: expected one value at each of (2, 3) positions, "
                f"got shape {shape_text}; is a parameter an array?"
            )
        return len(shapes)

    def __call__(self, x: ArrayLike, y: ArrayLike) -> Any:
        """The profile's value at (x, y), arcsec.

        Of a lens it is the deflection (alpha_x, alpha_y), arcsec.
        """
        x, y = (
            place
            if isinstance(place, jax.Array)
            else as_array(place, f"{self.name}.{axis}", ARCSEC)
            for axis, place in (("x", x), ("y", y))
        )
        return self.function(x, y, **self.parameters, **self.options)

    def __getattr__(self, name: str) -> Array:
        # Through __dict__, because unpickling asks for attributes before there are any.
        if name in self.__dict__.get("parameters", ()):
            return self.parameters[name]
        raise AttributeError(f"the profile has no parameter {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.parameters]

    @property
    def options(self) -> dict[str, str | int | None]:
        """The options, which no fit can vary, by name."""
        return dict(self._options)

    @property
    def name(self) -> str:
        """The function's name."""
        return _name(self.function)


@lru_cache(maxsize=1024)
def _shapes_of(
    function: Callable,
    options: tuple[tuple[str, Any], ...],
    numbers: tuple[tuple[str, tuple[int, ...], str], ...],
    dtype: str,
) -> tuple[tuple[int, ...], ...]:
    """The shapes of a function's values at (2, 3) positions: one, or a pair's.

    The galaxies of a survey have the same few.

    Parameters
    ----------
    function, options
        of a profile.
    numbers
        (name, shape, type) of its parameters.
    dtype
        of the positions.
    """
    at = jax.ShapeDtypeStruct((2, 3), dtype)
    parameters = {n: jax.ShapeDtypeStruct(shape, kind) for n, shape, kind in numbers}
    values = jax.eval_shape(
        lambda x, y, parameters: function(x, y, **parameters, **dict(options)), at, at, parameters
    )
    return tuple(v.shape for v in (values if isinstance(values, tuple) else (values,)))


def is_traced(tree: Any) -> bool:
    """Whether any number in the tree is being traced by JAX and so has no value yet."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))
