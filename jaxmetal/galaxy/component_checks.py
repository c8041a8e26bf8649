"""What a component is made of: refused if it is of the wrong kind."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxmetal.errors import InputError, described
from jaxmetal.profiles.profile import Profile


def check_profiles(unnamed: Sequence[Any], profiles: Mapping[str, Any]) -> None:
    """Refuse tracers without a name, and what is not the Profile of a light or a tracer."""
    if unnamed:
        expected = "tracers by name, such as metallicity=profile"
        raise InputError(
            f"Component: expected {expected}, got {described(unnamed[0])} without a name."
        )
    for name, profile in profiles.items():
        if not isinstance(profile, Profile):
            value = f"{described(profile)}{_profile_hint(profile)}"
            raise InputError(f"Component: {name} must be a Profile, got {value}.")
        if profile.deflects:
            raise InputError(
                f"Component: {name} must have one value at each position, got the lens "
                f"{profile.name}."
            )


def check_lensing(foreground: Any, lensed_light: Any, distance_ratio: Any) -> None:
    """Refuse switches that are not True or False, and a distance of what no lens deflects."""
    for name, choice in {"foreground": foreground, "lensed_light": lensed_light}.items():
        if not isinstance(choice, bool):
            raise InputError(f"Component: {name} must be True or False, got {choice!r}.")
    if foreground and distance_ratio is not None:
        raise InputError(
            "Component: foreground light is not deflected, so it has no distance_ratio."
        )


def _profile_hint(value: Any) -> str:
    """How a profile is written, for an error about a value that is none."""
    if callable(value) and hasattr(value, "__name__"):
        return f"; write Profile({value.__name__}, …) with the values of its parameters"
    return "; write Profile(function, …) with the values of its parameters"
