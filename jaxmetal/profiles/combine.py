"""Profiles made of profiles."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add
from typing import Any

from jaxtyping import Array

from jaxmetal.errors import InputError
from jaxmetal.profiles.profile import Profile


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
