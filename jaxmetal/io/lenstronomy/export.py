"""A galaxy as lenstronomy's lists of profiles."""

import re
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.io.lenstronomy.galaxies import KINDS, SCALES
from jaxmetal.io.lenstronomy.names import profile_to_lenstronomy
from jaxmetal.profiles import light, tracer
from jaxmetal.profiles.combine import parts
from jaxmetal.profiles.profile import Profile

# Tracers that are light profiles by another name, and what their parameters are called there.
ALIKE = {
    tracer.gradient: (light.linear, {"central": "amp", "gradient": "k"}),
    tracer.uniform: (light.uniform, {"value": "amp"}),
}
# lenstronomy's tracer_type for our scale.
TRACER_TYPES = {scale: tracer_type for tracer_type, scale in SCALES.items()}


def to_lenstronomy(
    galaxy: Galaxy, tracer: str | None = None, scale: str = "log10"
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A galaxy as lenstronomy's kwargs_model and kwargs_result.

    Components with one and the same tracer profile share it; a tracer that is a total becomes
    several.

    Parameters
    ----------
    galaxy
        with profiles that lenstronomy has too; foreground components become lens light.
    tracer
        which tracer to take, if there are several; lenstronomy has room for one.
    scale
        "log10" or "linear": tracer_type LOG or LINEAR.

    Returns
    -------
    kwargs_model, kwargs_result
        light profiles and lens models in the order of their names.

    Raises
    ------
    InputError
        for what lenstronomy's tracer module does not have, or if the choice of the tracer is
        ambiguous.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> kwargs_model, kwargs_result = jm.to_lenstronomy(jm.examples.disc())
    >>> kwargs_model["source_light_model_list"]
    ['SERSIC']
    """
    name = _tracer(galaxy, tracer)
    if scale not in TRACER_TYPES:
        raise unknown("scale", str(scale), TRACER_TYPES, "to_lenstronomy")
    components = _in_order(galaxy.components)
    for member, part in components.items():
        _check_place(member, part, name, bool(galaxy.lens))
    sources = [part for part in components.values() if not part.foreground]
    light_and_lenses = {
        "source": [_only_light(part) for part in sources],
        "lens": list(_in_order(galaxy.lens).values()),
        "lens_light": [_only_light(part) for part in components.values() if part.foreground],
    }
    model, result = _dictionaries(light_and_lenses)
    if name is None:
        return model, result
    tracers, partition = _tracers([part.tracers.get(name) for part in sources])
    tracer_model, tracer_result = _dictionaries({"tracer": tracers})
    groups = {"tracer_partition": partition, "tracer_type": TRACER_TYPES[scale]}
    return model | tracer_model | groups, result | tracer_result


def _dictionaries(
    lists: Mapping[str, list[Profile]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """kwargs_model and kwargs_result of profiles by kind."""
    model, result = {}, {}
    for kind, profiles in lists.items():
        if profiles or kind == "source":
            pairs = [_named(profile) for profile in profiles]
            model[KINDS[kind].names] = [name for name, _ in pairs]
            result[KINDS[kind].values] = [values for _, values in pairs]
    return model, result


def _tracers(profiles: list[Profile | None]) -> tuple[list[Profile], list[list[list[int]]]]:
    """The tracers that sources carry, a sum as its parts, and their tracer_partition."""
    tracers, partition = [], []
    for profile, riders in _shared(profiles):
        first = len(tracers)
        tracers += parts(profile).values()
        partition.append([riders, list(range(first, len(tracers)))])
    return tracers, partition


def _named(profile: Profile) -> tuple[str, dict[str, Any]]:
    """lenstronomy's name and parameters of a profile; its light profiles serve for tracers too."""
    if profile.function in ALIKE:
        function, names = ALIKE[profile.function]
        values = {names.get(name, name): value for name, value in profile.parameters.items()}
        profile = Profile(function, **values)
    return profile_to_lenstronomy(profile)


def _tracer(galaxy: Galaxy, tracer: str | None) -> str | None:
    """The name of the tracer to take; None for a galaxy without tracers."""
    if not isinstance(galaxy, Galaxy):
        raise InputError(f"to_lenstronomy: expected a Galaxy, got {type(galaxy).__name__}.")
    tracers = galaxy.tracers
    if tracer is None and len(tracers) > 1:
        choices = f"choose one with tracer=, of {', '.join(tracers)}"
        raise InputError(f"to_lenstronomy: lenstronomy has one tracer; {choices}.")
    if tracer is not None and tracer not in tracers:
        raise unknown("tracer", tracer, tracers, "to_lenstronomy")
    return tracer or next(iter(tracers), None)


def _check_place(name: str, component: Component, tracer: str | None, lensed: bool) -> None:
    """Raise if lenstronomy's tracer module has no such place for a component."""
    where = f"to_lenstronomy: {name}"
    if component.distance_ratio is not None:
        raise InputError(f"{where}: a distance_ratio of its own cannot be carried over.")
    if component.foreground and tracer in component.tracers:
        reason = "lens light carries no tracer in lenstronomy"
        raise InputError(f"{where}: {reason}; this has {tracer!r}.")
    if lensed and not component.lensed_light and not component.foreground:
        light = "light that is a picture of the arc (lensed_light=False)"
        raise InputError(f"{where}: {light} cannot be carried over.")


def _in_order(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Components or lenses by name, numbers in names by their size: source_2 before source_10."""

    def natural(name: str) -> list[tuple[int, str]]:
        pieces = re.split(r"(\d+)", name)
        return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]

    return {name: parts[name] for name in sorted(parts, key=natural)}


def _shared(profiles: list[Profile | None]) -> list[tuple[Profile, list[int]]]:
    """The different profiles, each with the indices at which it occurs."""
    groups: list[tuple[Profile, list[int]]] = []
    for i, profile in enumerate(profiles):
        if profile is None:
            continue
        riders = next((riders for other, riders in groups if _same(other, profile)), None)
        if riders is None:
            groups.append((profile, [i]))
        else:
            riders.append(i)
    return groups


def _same(a: Profile, b: Profile) -> bool:
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        map(np.array_equal, jax.tree.leaves(a), jax.tree.leaves(b))
    )


def _only_light(component: Component) -> Profile:
    """The light of a component; lenstronomy has no second one."""
    if len(component.lights) > 1:
        names = ", ".join(component.lights)
        raise InputError(f"to_lenstronomy: lenstronomy has one light a component, got {names}.")
    return next(iter(component.lights.values()))
