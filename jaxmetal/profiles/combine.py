"""Profiles made of profiles."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.profiles.profile import Profile, is_traced
from jaxmetal.profiles.random_field import field


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
    """The sum of functions of position that share the parameters of the same name.

    Parameters
    ----------
    functions
        (function, names of its parameters, its options), ….
    """

    functions: tuple[tuple[Callable, tuple[str, ...], tuple[tuple[str, Any], ...]], ...]

    def __call__(self, x: Array, y: Array, **parameters: Any) -> Array:
        terms = (
            function(x, y, **{name: parameters[name] for name in names}, **dict(options))
            for function, names, options in self.functions
        )
        return reduce(add, terms)

    def owner(self, name: str) -> Callable:
        """The function, the first of several, whose docstring tells of a parameter."""
        owners = (function for function, names, _ in self.functions if name in names)
        return next(owners, self.functions[0][0])

    @property
    def __name__(self) -> str:
        return " + ".join(getattr(f, "__name__", repr(f)) for f, _, _ in self.functions)


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
    if not profiles:
        raise InputError("Sum: at least one profile is needed.")
    for profile in profiles:
        if not isinstance(profile, Profile) or profile.deflects:
            raise InputError(f"Sum: expected profiles of one value each, got {profile!r}.")
    parts = ((p.function, tuple(p.parameters), tuple(p.options.items())) for p in profiles)
    return Profile(Joint(tuple(parts)), **_shared_values(profiles))


def Field(amplitude: Any, length: Any, kernel: str = "matern32", **options: Any) -> Profile:
    """A Gaussian random field, to be added to a profile by `Sum`; see `random_field.field`.

    Parameters
    ----------
    amplitude
        standard deviation, in the tracer's unit.
    length
        correlation length, arcsec.
    kernel
        "exponential", "matern32", "matern52", "squared_exponential" or "krumholz_ting".
    options
        any other parameter of `random_field.field`, such as inclination and position_angle of the
        disc in which the field lies.

    Returns
    -------
    profile
        whose modes are left to `Model`, or those that are given.

    Raises
    ------
    InputError
        for an unknown kernel or parameter, or no numbers.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> line = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1)
    >>> metallicity = jm.Sum(line, jm.Field(amplitude=0.05, length=0.6))
    >>> metallicity.amplitude.item() > 0
    True
    """
    return Profile(field, amplitude=amplitude, length=length, kernel=kernel, **options)


def _shared_values(profiles: Sequence[Profile]) -> dict[str, Any]:
    """The values of the parameters of all profiles: of several, that which is no default."""
    values: dict[str, Any] = {}
    functions: dict[str, Callable] = {}
    for profile in profiles:
        for name, value in profile.parameters.items():
            if name not in values or _is_default(functions[name], name, values[name]):
                values[name], functions[name] = value, profile.function
            elif not (_equal(values[name], value) or _is_default(profile.function, name, value)):
                raise InputError(
                    f"Sum: {name} is one parameter of all profiles that have it, and is "
                    f"{values[name]} and {value}."
                )
    return values


def _is_default(function: Callable, name: str, value: Any) -> bool:
    """Whether a parameter has the value that its function gives it."""
    parameter = inspect.signature(function).parameters.get(name)
    return parameter is not None and _equal(parameter.default, value)


def _equal(a: Any, b: Any) -> bool:
    return a is b or (not is_traced((a, b)) and np.array_equal(a, b))


def field_of(profile: Profile) -> Profile | None:
    """The random field of a sum, or a profile that is one; None if there is none."""
    function, numbers = profile.function, profile.parameters
    if function is field:
        return profile
    for part, names, options in function.functions if isinstance(function, Joint) else ():
        if part is field:
            return Profile(part, **{name: numbers[name] for name in names}, **dict(options))
    return None
