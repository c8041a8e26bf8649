"""kwargs_constraints: which parameter follows which."""

from collections.abc import Mapping
from typing import Any

from jaxmetal.errors import InputError, unknown
from jaxmetal.io.lenstronomy.checks import index, listed, warn
from jaxmetal.io.lenstronomy.settings import Parameter, Settings

# (leading, following) kind of each joint, in lenstronomy's order: the last one counts.
JOINTS = {
    "joint_lens_light_with_lens_light": ("lens_light", "lens_light"),
    "joint_lens_with_light": ("lens_light", "lens"),
    "joint_lens_with_source_light": ("source", "lens"),
    "joint_lens_with_lens": ("lens", "lens"),
    "joint_source_with_source": ("source", "source"),
    "joint_source_light_with_tracer": ("source", "tracer"),
}


def ties(constraints: Mapping, settings: Settings) -> dict[Parameter, Parameter]:
    """The parameter that each tied parameter follows; chains are followed to their beginning.

    Parameters
    ----------
    constraints, settings
        kwargs_constraints, checked, and kwargs_params.

    Raises
    ------
    InputError
        for a joint that is not [i, k, names], or names what does not exist.
    """
    links: dict[Parameter, Parameter] = {}
    for key, kinds in JOINTS.items():
        for n, joint in enumerate(
            listed(constraints.get(key) or [], f"kwargs_constraints[{key!r}]")
        ):
            links |= _joint(joint, kinds, settings, f"kwargs_constraints[{key!r}][{n}]")
    for (kind, k, name), lead in links.items():
        if kind == "lens" and lead[0] == "source" and lead in links:
            follows = f"{name!r} of lens model {k} follows source {lead[1]}"
            warn(f"{follows}, which is joint itself; lenstronomy puts a 0 there")
    return {parameter: _root(parameter, links) for parameter in links}


def _joint(
    joint: Any, kinds: tuple[str, str], settings: Settings, where: str
) -> dict[Parameter, Parameter]:
    """The ties of one joint: [i, k, names], or [i, k, {name of the follower: name}]."""
    leader_kind, follower_kind = kinds
    first, second, names = listed(joint, where, 3)
    lead = index(first, len(settings.names[leader_kind]), f"{where}[0]")
    target = index(second, len(settings.names[follower_kind]), f"{where}[1]")
    if isinstance(names, Mapping):
        pairs = list(names.items())
    else:
        pairs = [(name, name) for name in listed(names, f"{where}[2]")]
    links: dict[Parameter, Parameter] = {}
    for name, origin in pairs:
        follower, leader = (follower_kind, target, name), (leader_kind, lead, origin)
        for parameter in (follower, leader):
            if parameter not in settings.parameters:
                valid_names = settings.parameters_of(*parameter[:2])[0]
                raise unknown("parameter", str(parameter[2]), valid_names, where)
        links[follower] = leader
    return links


def _root(parameter: Parameter, links: Mapping[Parameter, Parameter]) -> Parameter:
    """The parameter at the beginning of a chain of ties."""
    path = {parameter}
    while parameter in links:
        parameter = links[parameter]
        if parameter in path:
            joint = f"{parameter[2]!r} of {parameter[0]} {parameter[1]}"
            raise InputError(f"kwargs_constraints: {joint} is joined to itself.")
        path.add(parameter)
    return parameter
