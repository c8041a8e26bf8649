"""A galaxy: components, each a light profile with the tracers that ride on it."""

from functools import reduce
from typing import Any

import equinox as eqx

from jaxmetal.errors import InputError, unknown
from jaxmetal.profiles.profile import Profile


class Component(eqx.Module):
    """One light profile and any number of named tracers that its light carries.

    Parameters
    ----------
    light
        surface brightness per arcsec².
    tracers
        what the light carries, by name, such as metallicity=Profile(tracer.gradient, ...). A component without a
        given tracer adds to light maps but has no part in that tracer's average.

    Raises
    ------
    InputError
        if anything but a Profile is given.
    """

    light: Profile
    tracers: dict[str, Profile]

    def __init__(self, light: Profile, **tracers: Profile):
        for name, profile in {"light": light, **tracers}.items():
            if not isinstance(profile, Profile):
                raise InputError(f"Component: {name} must be a Profile, got {type(profile).__name__}.")
        self.light = light
        self.tracers = dict(sorted(tracers.items()))

    def __getattr__(self, name: str) -> Profile:
        if name in self.__dict__.get("tracers", ()):
            return self.tracers[name]
        raise AttributeError(f"the component has no tracer {name!r}")


class Galaxy(eqx.Module):
    """Any number of named components; their light adds up.

    Parameters
    ----------
    components
        by name, such as disc=Component(...), bulge=Component(...).

    Raises
    ------
    InputError
        without a component, or if anything but a Component is given.

    Examples
    --------
    >>> galaxy = Galaxy(disc=Component(light=Profile(light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)))
    >>> galaxy.disc.light.R_sersic
    Array(1., dtype=float32)
    """

    components: dict[str, Component]

    def __init__(self, **components: Component):
        if not components:
            raise InputError("Galaxy: at least one component is needed.")
        for name, component in components.items():
            if not isinstance(component, Component):
                raise InputError(f"Galaxy: {name} must be a Component, got {type(component).__name__}.")
        self.components = dict(sorted(components.items()))

    def __getattr__(self, name: str) -> Component:
        if name in self.__dict__.get("components", ()):
            return self.components[name]
        raise AttributeError(f"the galaxy has no component {name!r}")

    @property
    def tracers(self) -> list[str]:
        """The names of all tracers that any component carries."""
        return sorted({name for component in self.components.values() for name in component.tracers})


def children(node: Any) -> dict[str, Any]:
    """What a dotted path may name below this node."""
    named = _named(node)
    if named is not None:
        return named
    if isinstance(node, eqx.Module):
        # A class may name what of it a fit can adjust; the rest is data.
        names = getattr(node, "adjustable", None) or node.__dataclass_fields__
        values = {name: getattr(node, name) for name in names}
        return {name: value for name, value in values.items() if isinstance(value, eqx.Module) or eqx.is_inexact_array(value)}
    return {}


def _named(node: Any) -> dict[str, Any] | None:
    """The parts that users named, by their names; None for other objects."""
    if isinstance(node, Galaxy):
        return node.components
    if isinstance(node, Component):
        return {"light": node.light, **node.tracers}
    if isinstance(node, Profile):
        return node.parameters
    return node if isinstance(node, dict) else None


def get(node: Any, path: str) -> Any:
    """What stands at a dotted path such as "disc.light.R_sersic".

    Raises
    ------
    InputError
        naming the part of the path that does not exist, and what does.
    """

    def step(node: Any, name: str) -> Any:
        below = children(node)
        if name not in below:
            raise unknown("name", name, below, f"path {path!r}")
        return below[name]

    return reduce(step, path.split("."), node)


def put(node: Any, path: str, value: Any) -> Any:
    """A copy of `node` with another value at a dotted path."""
    get(node, path)

    def step(node: Any, name: str) -> Any:
        named = _named(node)
        return getattr(node, name) if named is None else named[name]

    return eqx.tree_at(lambda tree: reduce(step, path.split("."), tree), node, value)
