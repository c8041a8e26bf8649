"""Dotted paths such as "disc.light.R_sersic", which name every number of a scene."""

from functools import reduce
from typing import Any

import equinox as eqx

from jaxmetal.errors import unknown
from jaxmetal.galaxy.component import Component
from jaxmetal.galaxy.galaxy import Galaxy
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.ranges import Range, declared_range


def children(node: Any) -> dict[str, Any]:
    """The values below a node by the next part of a dotted path."""
    parts = _named(node)
    if parts is not None:
        return parts
    if isinstance(node, eqx.Module):
        # A class may list its fields that can be parameters of a fit; the others are data.
        names = getattr(node, "adjustable", node.__dataclass_fields__)
        values = {name: getattr(node, name) for name in names}
        return {
            name: value
            for name, value in values.items()
            if isinstance(value, eqx.Module | dict) or eqx.is_inexact_array(value)
        }
    return {}


def _named(node: Any) -> dict[str, Any] | None:
    """The parts of a node by the names that users gave them; None for other objects."""
    if isinstance(node, Galaxy):
        return node.named
    if isinstance(node, Component):
        ratio = {} if node.distance_ratio is None else {"distance_ratio": node.distance_ratio}
        emission = {} if node.emission is None else {"emission": node.emission}
        return {"light": node.light, **emission, **ratio, **node.tracers}
    if isinstance(node, Profile):
        return node.parameters
    return node if isinstance(node, dict) else None


def get(node: Any, path: str) -> Any:
    """The value at a dotted path such as "disc.light.R_sersic".

    Raises
    ------
    InputError
        with the part of the path that does not exist, and the names that do.
    """

    def step(node: Any, name: str) -> Any:
        below = children(node)
        if name not in below:
            raise unknown("name", name, below, f"path {path!r}")
        return below[name]

    return reduce(step, path.split("."), node)


def range_at(node: Any, path: str) -> Range | None:
    """What the number at a dotted path may be; None for any number.

    Raises
    ------
    InputError
        for a path that does not exist.
    """
    above, _, name = path.rpartition(".")
    owner = get(node, above) if above else node
    return declared_range(owner.function if isinstance(owner, Profile) else owner, name)


def put(node: Any, path: str, value: Any) -> Any:
    """A copy of `node` with the value at a dotted path replaced."""
    get(node, path)

    def step(node: Any, name: str) -> Any:
        parts = _named(node)
        return getattr(node, name) if parts is None else parts[name]

    return eqx.tree_at(lambda tree: reduce(step, path.split("."), tree), node, value)
