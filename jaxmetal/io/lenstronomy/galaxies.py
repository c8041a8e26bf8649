"""The galaxy of lenstronomy's lists of profiles."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.io.lenstronomy.checks import checked, index, listed, warn
from jaxmetal.io.lenstronomy.names import LENSES, NAMES, Table, profile_from_lenstronomy
from jaxmetal.profiles.combine import total
from jaxmetal.profiles.profile import Profile

# The name of the tracer, and of its map.
TRACER = "tracer"
RULES = ("jaxmetal", "lenstronomy")
# lenstronomy's tracer_type and our scale.
SCALES = {"LINEAR": "linear", "LOG": "log10"}


class Kind(NamedTuple):
    """lenstronomy's names of the lists of one kind of profile.

    Parameters
    ----------
    names
        of the profiles, in kwargs_model.
    values
        of their parameters, in a result.
    settings
        of their parameters, in kwargs_params.
    prior
        Gaussians, in kwargs_likelihood; tracers have none.
    ways
        arguments of the profiles' classes, in kwargs_model; "" for kinds of which none is carried
        over.
    table
        of the profiles.
    """

    names: str
    values: str
    settings: str
    prior: str = ""
    ways: str = ""
    table: Table = NAMES


KINDS = {
    "source": Kind(
        "source_light_model_list",
        "kwargs_source",
        "source_model",
        "prior_source",
        "source_light_profile_kwargs_list",
    ),
    "tracer": Kind("tracer_source_model_list", "kwargs_tracer_source", "tracer_source_model"),
    "lens": Kind("lens_model_list", "kwargs_lens", "lens_model", "prior_lens", table=LENSES),
    "lens_light": Kind(
        "lens_light_model_list",
        "kwargs_lens_light",
        "lens_light_model",
        "prior_lens_light",
        "lens_light_profile_kwargs_list",
    ),
}
# The kinds whose amplitudes a linear solver determines.
LIT = ("source", "lens_light")

# The indices of the light profiles of a group, and of the tracers that they carry.
Group = tuple[tuple[int, ...], tuple[int, ...]]


def galaxy_from_lenstronomy(
    kwargs_model: Mapping, kwargs_result: Mapping, numerics: str = "jaxmetal"
) -> Galaxy:
    """The galaxy of a lenstronomy model.

    Light profile i becomes the component "source_i"; the tracers that it carries by the
    tracer_partition become its tracer "tracer", as their sum if there are several, as in
    lenstronomy. Lens model i becomes the lens "lens_i", lens light i the foreground component
    "lens_light_i".

    Parameters
    ----------
    kwargs_model
        lenstronomy's: source_light_model_list, tracer_source_model_list, tracer_partition,
        lens_model_list, lens_light_model_list.
    kwargs_result
        its parameters: "kwargs_source", "kwargs_tracer_source", "kwargs_lens" and
        "kwargs_lens_light", as `FittingSequence.best_fit()` gives them.
    numerics
        "jaxmetal", or "lenstronomy" for profiles that agree with lenstronomy's to rounding.

    Returns
    -------
    galaxy
        with components "source_0", "source_1", …, "lens_light_0", …

    Raises
    ------
    InputError
        naming what is missing, wrong, or cannot be carried over (several lens planes, point
        sources, …).

    Warns
    -----
    InputWarning
        where lenstronomy does something that is hardly intended.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> disc = {"amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> galaxy = jm.galaxy_from_lenstronomy(
    ...     {"source_light_model_list": ["SERSIC"]}, {"kwargs_source": [disc]}
    ... )
    >>> sorted(galaxy.components)
    ['source_0']
    """
    model = checked("kwargs_model", kwargs_model)
    result = checked("kwargs_result", kwargs_result)
    names = {kind: profile_names(model, kind) for kind in KINDS}
    if not any(names[kind] for kind in LIT):
        raise InputError(
            "kwargs_model['source_light_model_list']: at least one light profile is needed."
        )
    check_rule(numerics)
    profiles = {kind: _profiles(model, kind, result, numerics) for kind in KINDS}
    _warn_of_partition(model, len(names["tracer"]))
    components = _sources(profiles["source"], profiles["tracer"], groups(model))
    components |= {
        named("lens_light", i): Component(light, foreground=True)
        for i, light in enumerate(profiles["lens_light"])
    }
    lenses = {named("lens", i): lens for i, lens in enumerate(profiles["lens"])}
    return Galaxy(lens=lenses, **components)


def _sources(
    lights: list[Profile], tracers: list[Profile], partition: list[Group]
) -> dict[str, Component]:
    """The components by name, each with the tracers that its light carries."""
    tracer_indices = {i: indices for members, indices in partition for i in members}
    components = {}
    for i, light in enumerate(lights):
        own_tracers = {str(k): tracers[k] for k in tracer_indices.get(i, ())}
        if not own_tracers:
            components[named("source", i)] = Component(light)
            continue
        tracer: Any = (
            total(**own_tracers) if len(own_tracers) > 1 else next(iter(own_tracers.values()))
        )
        components[named("source", i)] = Component(light, **{TRACER: tracer})
    return components


def _profiles(model: Mapping, kind: str, result: Mapping, numerics: Any) -> list[Profile]:
    """Our profiles for those of one kind."""
    names, lists = profile_names(model, kind), KINDS[kind]
    where = f"kwargs_result[{lists.values!r}]"
    values = listed(result.get(lists.values, []), where, len(names))
    arguments = [None] * len(names)
    if model.get(lists.ways) is not None:
        arguments = listed(model[lists.ways], f"kwargs_model[{lists.ways!r}]", len(names))
    return [
        _profile(name, values[i], numerics, arguments[i], lists.table, f"{where}[{i}]")
        for i, name in enumerate(names)
    ]


def _profile(
    name: str, values: Any, numerics: Any, arguments: Mapping | None, table: Table, where: str
) -> Profile:
    if not isinstance(values, Mapping):
        kind = type(values).__name__
        raise InputError(f"{where}: expected a dictionary of parameters, got {kind}.")
    try:
        return profile_from_lenstronomy(name, dict(values), numerics, arguments, table)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def named(kind: str, i: int) -> str:
    """The name of the component or lens that profile i of a kind becomes."""
    return f"{kind}_{i}"


def check_rule(numerics: str) -> None:
    """Raise an InputError for numerics that do not exist."""
    if numerics not in RULES:
        raise unknown("numerics", str(numerics), RULES)


def profile_names(model: Mapping, kind: str) -> list[str]:
    """lenstronomy's names of the profiles of one kind."""
    return listed(model.get(KINDS[kind].names) or [], f"kwargs_model[{KINDS[kind].names!r}]")


def scale(model: Mapping) -> str:
    """How light averages the tracer, by jaxmetal's name.

    Raises
    ------
    InputError
        for a tracer_type that does not exist.
    """
    kind = model.get("tracer_type", "LINEAR")
    if kind not in SCALES:
        raise unknown("tracer_type", str(kind), SCALES, "kwargs_model")
    if kind == "LOG":
        warn(
            "tracer_type LOG is used; lenstronomy's FittingSequence averages linearly whatever "
            "tracer_type says"
        )
    return SCALES[kind]


def groups(model: Mapping) -> list[Group]:
    """The tracer_partition as indices: the light profiles of each group, and their tracers.

    Raises
    ------
    InputError
        if it is no list of pairs, names a profile that does not exist, or lets one light profile
        carry two averages.
    """
    lights, tracers = (len(profile_names(model, kind)) for kind in ("source", "tracer"))
    partition = model.get("tracer_partition")
    if not tracers:
        return []
    key = "kwargs_model['tracer_partition']"
    partition_groups = []
    for n, pair in enumerate(listed([[None, None]] if partition is None else partition, key)):
        where = f"{key}[{n}]"
        light, tracer = listed(pair, where, 2)
        members = _selected(light, lights, f"{where}[0]")
        partition_groups.append((members, _selected(tracer, tracers, f"{where}[1]")))
    indices = [i for members, _ in partition_groups for i in members]
    if len(set(indices)) < len(indices):
        raise InputError(
            f"{key}: a light profile in two groups weighs twice; put its tracers into one group."
        )
    return [group for group in partition_groups if group[1]]


def _warn_of_partition(model: Mapping, tracers: int) -> None:
    """Warn of a partition that is missing or leaves tracers out."""
    if tracers > 1 and model.get("tracer_partition") is None:
        sums = f"the {tracers} tracers add up on all of the light"
        remedy = "tracer_partition=[[0, 0], …] pairs them"
        warn(f"without a tracer_partition {sums}; {remedy}")
    idle = sorted(set(range(tracers)) - {k for _, group in groups(model) for k in group})
    if idle:
        numbers = ", ".join(map(str, idle))
        warn(f"tracer {numbers} is in no group of tracer_partition, so it is left out")


def _selected(selector: Any, count: int, where: str) -> tuple[int, ...]:
    """None (all), an index, or a list of indices or booleans, as indices."""
    if selector is None:
        return tuple(range(count))
    if isinstance(selector, int | np.integer) and not isinstance(selector, bool):
        return (index(selector, count, where),)
    items = listed(selector, where)
    if items and all(isinstance(item, bool | np.bool_) for item in items):
        listed(items, where, count)
        return tuple(i for i, item in enumerate(items) if item)
    return tuple(sorted({index(item, count, where) for item in items}))
