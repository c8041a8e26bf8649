"""Starting values and priors from lenstronomy's kwargs_params and prior lists."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpyro.distributions as dist

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import LENS
from jaxmetal.inference.priors import Linear, Tied
from jaxmetal.io.lenstronomy.checks import index, listed, warn
from jaxmetal.io.lenstronomy.galaxies import KINDS, LIT, TRACER, groups, named
from jaxmetal.io.lenstronomy.names import NAMES
from jaxmetal.io.lenstronomy.settings import Parameter, Settings


def start(
    settings: Settings, result: Mapping, links: Mapping[Parameter, Parameter], linear: bool
) -> dict[str, list[dict[str, Any]]]:
    """The starting values as a kwargs_result: fixed ones, else those of the result, else init.

    Parameters
    ----------
    settings, result
        kwargs_params, and kwargs_result, checked.
    links
        {parameter: the one that it follows}.
    linear
        whether amplitudes of light are solved for.
    """
    values = {}
    for kind, lists in KINDS.items():
        count = len(settings.names[kind])
        where = f"kwargs_result[{lists.values!r}]"
        results = listed(result.get(lists.values) or [{}] * count, where, count)
        inits, fixed = (settings.entries(setting, kind) for setting in ("init", "fixed"))
        values[kind] = [
            dict(init) | dict(entry) | dict(constant)
            for init, entry, constant in zip(inits, results, fixed, strict=True)
        ]
    if linear:
        for kind in LIT:
            _set_amplitudes(settings.names[kind], values[kind])
    for (kind, k, name), (leader_kind, i, origin) in links.items():
        if origin in values[leader_kind][i]:
            values[kind][k][name] = values[leader_kind][i][origin]
    return {lists.values: values[kind] for kind, lists in KINDS.items()}


def _set_amplitudes(names: list[str], profiles: list[dict[str, Any]]) -> None:
    """Set amplitudes that are missing or zero, as they may be if they are solved for."""
    for name, profile in zip(names, profiles, strict=True):
        amplitude = np.asarray(profile.get("amp", 0.0))
        if not (amplitude.any() if amplitude.ndim else amplitude > 0):
            profile["amp"] = _unit_amplitude(name, profile)


def _unit_amplitude(name: str, values: Mapping[str, Any]) -> Any:
    """Starting amplitudes of a linear solution: 1, or as many as the profile has."""
    size = NAMES[name].size
    if size is not None and "n_max" in values:
        return np.ones(size(int(values["n_max"])))
    return np.ones(np.shape(values["sigma"])) if np.ndim(values.get("sigma", 1.0)) else 1.0


def priors(
    model: Mapping,
    settings: Settings,
    links: Mapping[Parameter, Parameter],
    values: Mapping,
    likelihood: Mapping,
    linear: bool,
) -> dict[str, Any]:
    """Uniform or truncated Gaussian priors within the bounds, and ties, by jaxmetal's paths.

    Parameters
    ----------
    model, settings, likelihood
        kwargs_model, kwargs_params and kwargs_likelihood, checked.
    links
        {parameter: the one that it follows}.
    values
        from `start`.
    linear
        whether amplitudes of light are solved for.

    Raises
    ------
    InputError
        for bounds that are missing, do not increase, or exclude the start.
    """
    if not settings.given:
        return {}
    gaussians = _gaussians(likelihood, settings)
    by_path: dict[str, Any] = {}
    leads: dict[Parameter, str] = {}
    for parameter, places in _leading(model, settings, links, linear).items():
        if linear and _is_amplitude(parameter):
            prior: Any = Linear()
        else:
            kind, i, name = parameter
            value = values[KINDS[kind].values][i].get(name)
            prior = _bounded(settings, parameter, value, gaussians.get(parameter))
        leads[parameter] = places[0]
        by_path |= {places[0]: prior} | {place: Tied(places[0]) for place in places[1:]}
    for parameter, root in links.items():
        if root in leads:
            by_path |= {place: Tied(leads[root]) for place in paths(model, settings, parameter)}
    _check_free(gaussians, links, linear)
    return by_path


def _leading(
    model: Mapping, settings: Settings, links: Mapping[Parameter, Parameter], linear: bool
) -> dict[Parameter, list[str]]:
    """The parameters that are free or solved for and follow no other, with their paths."""
    leaders = {}
    for parameter in settings.parameters:
        places = paths(model, settings, parameter)
        solved = linear and _is_amplitude(parameter)
        if not places or parameter in links or (settings.is_fixed(parameter) and not solved):
            continue
        leaders[parameter] = places
    return leaders


def _check_free(
    gaussians: Iterable[Parameter], links: Mapping[Parameter, Parameter], linear: bool
) -> None:
    """Raise for a Gaussian prior on a parameter that follows another, or is solved for."""
    for parameter in gaussians:
        if parameter in links or (linear and _is_amplitude(parameter)):
            kind, i, name = parameter
            where = f"kwargs_likelihood[{KINDS[kind].prior!r}]"
            raise InputError(f"{where}: {name!r} of profile {i} is joint or linear, not free.")


def _is_amplitude(parameter: Parameter) -> bool:
    """Whether a linear solver can determine a parameter."""
    kind, _, name = parameter
    return kind in LIT and name == "amp"


def _bounded(
    settings: Settings, parameter: Parameter, value: Any, gaussian: tuple[float, float] | None
) -> dist.Distribution:
    """The prior of a free parameter within its bounds."""
    low, high = (settings.get(setting, parameter) for setting in ("lower", "upper"))
    for bound, setting in ((low, "lower"), (high, "upper"), (value, "init")):
        if bound is None:
            where = settings.where(setting, parameter)
            raise InputError(f"{where}: is missing; the parameter is free.")
    shape = np.shape(value)
    low, high = (np.broadcast_to(np.asarray(bound, float), shape) for bound in (low, high))
    if not np.all(low < high):
        where = settings.where("upper", parameter)
        raise InputError(f"{where}: must be above the lower bound; got {low!s} and {high!s}.")
    if not np.all((low < value) & (value < high)):
        where = settings.where("init", parameter)
        raise InputError(f"{where}: must lie between {low!s} and {high!s}, got {value!s}.")
    if gaussian is None:
        return dist.Uniform(low, high)
    return dist.TruncatedNormal(*gaussian, low=low, high=high)


def _gaussians(likelihood: Mapping, settings: Settings) -> dict[Parameter, tuple[float, float]]:
    """(mean, sigma) of each [index of the profile, name, mean, sigma] of prior_source and so on."""
    gaussians = {}
    for kind, lists in KINDS.items():
        key = f"kwargs_likelihood[{lists.prior!r}]"
        for n, entry in enumerate(listed(likelihood.get(lists.prior) or [], key)):
            where = f"{key}[{n}]"
            i, name, mean, sigma = listed(entry, where, 4)
            i = index(i, len(settings.names[kind]), f"{where}[0]")
            names = settings.parameters_of(kind, i)[0]
            if name not in names:
                raise unknown("parameter", str(name), names, where)
            if (kind, i, name) in gaussians:
                raise InputError(f"{where}: a second prior on {name!r} of profile {i}.")
            gaussians[kind, i, name] = (float(mean), float(sigma))
    if likelihood.get("check_bounds", True) is False:
        warn("check_bounds=False: the bounds of kwargs_params hold all the same")
    return gaussians


def paths(model: Mapping, settings: Settings, parameter: Parameter) -> list[str]:
    """The paths of one of lenstronomy's parameters; a tracer has one for each light with it."""
    kind, i, name = parameter
    if kind == "lens":
        return [f"{LENS}.{named(kind, i)}.{name}"]
    if kind in LIT:
        return [f"{named(kind, i)}.light.{name}"]
    carriers = [
        (light, tracers) for lights, tracers in groups(model) if i in tracers for light in lights
    ]
    return [
        f"{named('source', light)}.{TRACER}.{name}" + (f"_{i}" if len(tracers) > 1 else "")
        for light, tracers in carriers
    ]
