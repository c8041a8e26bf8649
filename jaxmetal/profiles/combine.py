"""Profiles made of profiles."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np
from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.profiles.profile import Profile, is_traced


@dataclasses.dataclass(frozen=True)
class Total:
    """The sum of functions of position; the parameters of each carry its own ending.

    Parameters
    ----------
    functions
        (ending, function, its options), …; a parameter "k" of the function with the ending "halo"
        is called "k_halo".
    """

    functions: tuple[tuple[str, Callable, tuple[tuple[str, Any], ...]], ...]

    def __call__(self, x: Array, y: Array, **parameters: Any) -> Array:
        terms = (
            f(x, y, **self.own(suffix, parameters), **dict(options))
            for suffix, f, options in self.functions
        )
        return reduce(add, terms)

    def own(self, suffix: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of one of the functions, by the names that it knows."""
        return {
            name.removesuffix(f"_{suffix}"): value
            for name, value in parameters.items()
            if name.endswith(f"_{suffix}")
        }

    @property
    def __name__(self) -> str:
        names = (getattr(function, "__name__", repr(function)) for _, function, _ in self.functions)
        return " + ".join(names)


def total(**profiles: Profile) -> Profile:
    """The sum of profiles as one profile.

        Z = Σᵢ Zᵢ

    Parameters
    ----------
    profiles
        by the ending that their parameters get: total(disc=…, halo=…) has "k_disc", "k_halo" and so
        on.

    Raises
    ------
    InputError
        if no profile is given, or an ending ends like another one, so that parameters would be
        mixed up.
    """
    if not profiles:
        raise InputError("total: at least one profile is needed.")
    if any(a != b and a.endswith(f"_{b}") for a in profiles for b in profiles):
        raise InputError(
            f"total: endings must not end like one another, got {', '.join(profiles)}."
        )
    values = {
        f"{name}_{suffix}": value
        for suffix, profile in profiles.items()
        for name, value in profile.parameters.items()
    }
    functions = ((name, p.function, tuple(p.options.items())) for name, p in profiles.items())
    return Profile(Total(tuple(functions)), **values)


def parts(profile: Profile) -> dict[str, Profile]:
    """The summands of a total by their endings; any other profile is its own only part, ""."""
    function = profile.function
    if not isinstance(function, Total):
        return {"": profile}
    return {
        suffix: Profile(f, **function.own(suffix, profile.parameters), **dict(options))
        for suffix, f, options in function.functions
    }


@dataclasses.dataclass(frozen=True)
class Joint:
    """Functions of position as one, which share the parameters of the same name.

    Parameters
    ----------
    functions
        (function, names of its parameters, its options), ….
    operation
        of two values: their sum or product.
    """

    functions: tuple[tuple[Callable, tuple[str, ...], tuple[tuple[str, Any], ...]], ...]
    operation: Callable[[Array, Array], Array] = add

    def __call__(self, x: Array, y: Array, **parameters: Any) -> Array:
        terms = (
            function(x, y, **{name: parameters[name] for name in names}, **dict(options))
            for function, names, options in self.functions
        )
        return reduce(self.operation, terms)

    def owner(self, name: str) -> Callable:
        """The function, the first of several, whose docstring tells of a parameter."""
        owners = (function for function, names, _ in self.functions if name in names)
        return next(owners, self.functions[0][0])

    @property
    def __name__(self) -> str:
        names = (getattr(f, "__name__", repr(f)) for f, _, _ in self.functions)
        return f" {SIGNS[self.operation]} ".join(names)


# How the name of a joint function is written.
SIGNS = {add: "+", mul: "*"}


def Sum(*profiles: Profile) -> Profile:  # a constructor to its users
    """The sum of profiles as one profile, in which a parameter keeps its name.

        Z = Σᵢ Zᵢ

    Parameters
    ----------
    profiles
        such as Profile(tracer.gradient, …) and Field(…). A parameter that several have, such as
        center_x, is one parameter of all of them, and has the value of the one that was given it.

    Returns
    -------
    profile
        with the parameters of all.

    Raises
    ------
    InputError
        for anything but profiles, and for a parameter that two of them have with different values.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> line = jm.Profile(jm.tracer.gradient, central=8.7, gradient=-0.05)
    >>> round(float(jm.Sum(line, jm.Field(amplitude=0.05, length=0.6)).length), 3)
    0.6
    """
    return _joint("Sum", add, profiles)


def Product(*profiles: Profile) -> Profile:  # a constructor to its users
    """The product of profiles as one profile, in which a parameter keeps its name.

        I = Πᵢ Iᵢ

    Parameters
    ----------
    profiles
        such as Profile(light.sersic, …) and Texture(…). A parameter that several have, such as
        center_x, is one parameter of all of them, and has the value of the one that was given it.

    Returns
    -------
    profile
        with the parameters of all.

    Raises
    ------
    InputError
        for anything but profiles, and for a parameter that two of them have with different values.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> disc = jm.Profile(jm.light.exponential, amp=1.0, scale_length=2.0)
    >>> clumpy = jm.Product(disc, jm.Texture(amplitude=0.5, length=0.6, extent=20.0, waves=8))
    >>> clumpy.modes.shape
    (17, 17)
    """
    return _joint("Product", mul, profiles)


def _joint(name: str, operation: Callable, profiles: Sequence[Profile]) -> Profile:
    if not profiles:
        raise InputError(f"{name}: at least one profile is needed.")
    for profile in profiles:
        if not isinstance(profile, Profile) or profile.deflects:
            raise InputError(f"{name}: expected profiles of one value each, got {profile!r}.")
    parts = ((p.function, tuple(p.parameters), tuple(p.options.items())) for p in profiles)
    return Profile(Joint(tuple(parts), operation), **_shared_values(name, profiles))


def _shared_values(caller: str, profiles: Sequence[Profile]) -> dict[str, Any]:
    """The values of the parameters of all profiles: of several, that which is no default."""
    values: dict[str, Any] = {}
    functions: dict[str, Callable] = {}
    for profile in profiles:
        for name, value in profile.parameters.items():
            if name not in values or _is_default(functions[name], name, values[name]):
                values[name], functions[name] = value, profile.function
            elif not (_equal(values[name], value) or _is_default(profile.function, name, value)):
                raise InputError(
                    f"{caller}: {name} is one parameter of all profiles that have it, and is "
                    f"{values[name]} and {value}."
                )
    return values


def _is_default(function: Callable, name: str, value: Any) -> bool:
    """Whether a parameter has the value that its function gives it."""
    parameter = inspect.signature(function).parameters.get(name)
    return parameter is not None and _equal(parameter.default, value)


def _equal(a: Any, b: Any) -> bool:
    return a is b or (not is_traced((a, b)) and np.array_equal(a, b))
