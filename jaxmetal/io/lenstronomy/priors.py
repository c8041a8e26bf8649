"""From kwargs_params, kwargs_constraints and prior lists to starting values, priors and ties."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpyro.distributions as dist

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import LENS
from jaxmetal.inference.priors import Linear, Tied
from jaxmetal.io.lenstronomy.checks import index, listed, warn
from jaxmetal.io.lenstronomy.galaxies import KINDS, LIT, TRACER, groups, named, profile_names
from jaxmetal.io.lenstronomy.names import NAMES, parameters_of

# A parameter: the kind of its profile, the number of it, its name in lenstronomy.
Parameter = tuple[str, int, str]
# Which kind takes its values from which, in lenstronomy's order: what comes last holds.
JOINTS = {
    "joint_lens_light_with_lens_light": ("lens_light", "lens_light"),
    "joint_lens_with_light": ("lens_light", "lens"),
    "joint_lens_with_source_light": ("source", "lens"),
    "joint_lens_with_lens": ("lens", "lens"),
    "joint_source_with_source": ("source", "source"),
    "joint_source_light_with_tracer": ("source", "tracer"),
}
SETTINGS = ("init", "sigma", "fixed", "lower", "upper")


class Settings:
    """What kwargs_params says of each parameter.

    Parameters
    ----------
    model, params
        lenstronomy's kwargs_model and kwargs_params, checked.

    Raises
    ------
    InputError
        for a list that is missing or of the wrong length.
    """

    def __init__(self, model: Mapping, params: Mapping):
        self.names = {kind: profile_names(model, kind) for kind in KINDS}
        self.given = bool(params)
        self._lists: dict[tuple[str, str], list[Mapping]] = {}
        for kind, own in KINDS.items():
            key = own.settings
            where = f"kwargs_params[{key!r}]"
            if params and self.names[kind] and key not in params:
                raise InputError(f"{where}: is missing.")
            count = len(self.names[kind])
            lists = listed(params.get(key) or [[{}] * count] * len(SETTINGS), where, len(SETTINGS))
            for n, (setting, entries) in enumerate(zip(SETTINGS, lists, strict=True)):
                self._lists[kind, setting] = listed(
                    entries or [{}] * count, f"{where}[{n}] ({setting})", count
                )
                if not all(isinstance(entry, Mapping) for entry in self._lists[kind, setting]):
                    raise InputError(
                        f"{where}[{n}] ({setting}): expected a dictionary for each profile, got {entries!r}."
                    )

    def where(self, setting: str, parameter: Parameter) -> str:
        """How lenstronomy calls the place of a number."""
        kind, i, name = parameter
        return f"kwargs_params[{KINDS[kind].settings!r}][{SETTINGS.index(setting)}][{i}][{name!r}] ({setting})"

    def get(self, setting: str, parameter: Parameter) -> Any:
        """A number of kwargs_params, or None."""
        kind, i, name = parameter
        return self._lists[kind, setting][i].get(name)

    def entries(self, setting: str, kind: str) -> list[Mapping]:
        """One of the lists of kwargs_params."""
        return self._lists[kind, setting]

    @property
    def parameters(self) -> list[Parameter]:
        """All parameters of all profiles."""
        return [
            (kind, i, name)
            for kind, names in self.names.items()
            for i in range(len(names))
            for name in self.parameters_of(kind, i)[0]
        ]

    def parameters_of(self, kind: str, i: int) -> tuple[list[str], set[str]]:
        """The parameters of one profile, and those among them that may be left out."""
        return parameters_of(self.names[kind][i], KINDS[kind].table)

    def absent(self, parameter: Parameter) -> bool:
        """Whether kwargs_params is silent on a parameter that has a value of its own, such as a centre."""
        kind, i, name = parameter
        said = (self.get(setting, parameter) is not None for setting in SETTINGS)
        return name in self.parameters_of(kind, i)[1] and not any(said)


def ties(constraints: Mapping, settings: Settings) -> dict[Parameter, Parameter]:
    """Which parameter follows which; a chain of joints is followed to its beginning.

    Raises
    ------
    InputError
        for a joint that is not [i, k, names], or names what does not exist.
    """
    joined: dict[Parameter, Parameter] = {}
    for key, (leading, following) in JOINTS.items():
        for n, joint in enumerate(
            listed(constraints.get(key) or [], f"kwargs_constraints[{key!r}]")
        ):
            where = f"kwargs_constraints[{key!r}][{n}]"
            first, second, names = listed(joint, where, 3)
            lead = index(first, len(settings.names[leading]), f"{where}[0]")
            target = index(second, len(settings.names[following]), f"{where}[1]")
            pairs = (
                names.items()
                if isinstance(names, Mapping)
                else [(name, name) for name in listed(names, f"{where}[2]")]
            )
            for to, origin in pairs:
                for parameter in ((following, target, to), (leading, lead, origin)):
                    if parameter not in settings.parameters:
                        raise unknown(
                            "parameter",
                            str(parameter[2]),
                            settings.parameters_of(*parameter[:2])[0],
                            where,
                        )
                joined[following, target, to] = (leading, lead, origin)
    for (kind, k, name), lead in joined.items():
        if kind == "lens" and lead[0] == "source" and lead in joined:
            warn(
                f"{name!r} of lens model {k} follows source {lead[1]}, which is joint itself; lenstronomy puts a 0 there"
            )
    return {parameter: _root(parameter, joined) for parameter in joined}


def _root(parameter: Parameter, joined: Mapping[Parameter, Parameter]) -> Parameter:
    seen = {parameter}
    while parameter in joined:
        parameter = joined[parameter]
        if parameter in seen:
            raise InputError(
                f"kwargs_constraints: {parameter[2]!r} of {parameter[0]} {parameter[1]} is joined to itself."
            )
        seen.add(parameter)
    return parameter


def start(
    settings: Settings, result: Mapping, joined: Mapping[Parameter, Parameter], linear: bool
) -> dict[str, list[dict[str, Any]]]:
    """The values to start from, as a kwargs_result: fixed ones, then those of the result, then init."""
    values = {}
    for kind, own in KINDS.items():
        count = len(settings.names[kind])
        known = listed(
            result.get(own.values) or [{}] * count, f"kwargs_result[{own.values!r}]", count
        )
        values[kind] = [
            dict(init) | dict(found) | dict(fixed)
            for init, found, fixed in zip(
                settings.entries("init", kind), known, settings.entries("fixed", kind), strict=True
            )
        ]
    for name, own in (
        (name, own)
        for kind in LIT
        for name, own in zip(settings.names[kind], values[kind], strict=True)
    ):
        amplitude = np.asarray(own.get("amp", 0.0))
        # Whoever has a linear solver may start from no light at all.
        if linear and not (amplitude.any() if amplitude.ndim else amplitude > 0):
            own["amp"] = _unit_amplitude(name, own)
    for (kind, k, name), (leading, i, origin) in joined.items():
        if origin in values[leading][i]:
            values[kind][k][name] = values[leading][i][origin]
    return {own.values: values[kind] for kind, own in KINDS.items()}


def _unit_amplitude(name: str, values: Mapping[str, Any]) -> Any:
    """Amplitudes to start a linear solution from: 1, or as many as the profile has."""
    size = NAMES[name].size
    if size is not None and "n_max" in values:
        return np.ones(size(int(values["n_max"])))
    return np.ones(np.shape(values["sigma"])) if np.ndim(values.get("sigma", 1.0)) else 1.0


def priors(
    model: Mapping,
    settings: Settings,
    joined: Mapping[Parameter, Parameter],
    values: Mapping,
    likelihood: Mapping,
    linear: bool,
) -> dict[str, Any]:
    """Uniform priors within the bounds, narrowed by Gaussian ones, and ties, by jaxmetal's paths.

    Raises
    ------
    InputError
        for bounds that are missing, do not increase, or exclude the start.
    """
    if not settings.given:
        return {}
    gaussians = _gaussians(likelihood, settings)
    found: dict[str, Any] = {}
    leads: dict[Parameter, str] = {}
    for parameter in settings.parameters:
        places = paths(model, settings, parameter)
        kind, i, name = parameter
        amplitude = linear and kind in LIT and name == "amp"
        fixed = settings.get("fixed", parameter) is not None or settings.absent(parameter)
        if not places or parameter in joined or (fixed and not amplitude):
            continue
        value = values[KINDS[kind].values][i].get(name)
        own = (
            Linear()
            if amplitude
            else _bounded(settings, parameter, value, gaussians.get(parameter))
        )
        leads[parameter] = places[0]
        found |= {places[0]: own} | {place: Tied(places[0]) for place in places[1:]}
    for parameter, root in joined.items():
        if root in leads:
            found |= {place: Tied(leads[root]) for place in paths(model, settings, parameter)}
    for kind, i, name in gaussians:
        if (kind, i, name) in joined or (linear and name == "amp"):
            raise InputError(
                f"kwargs_likelihood[{KINDS[kind].prior!r}]: {name!r} of profile {i} is joint or linear, not free."
            )
    return found


def _bounded(
    settings: Settings, parameter: Parameter, value: Any, gaussian: tuple[float, float] | None
) -> dist.Distribution:
    low, high = (settings.get(setting, parameter) for setting in ("lower", "upper"))
    for bound, setting in ((low, "lower"), (high, "upper"), (value, "init")):
        if bound is None:
            raise InputError(
                f"{settings.where(setting, parameter)}: is missing; the parameter is free."
            )
    low, high = (
        np.broadcast_to(np.asarray(bound, float), np.shape(value)) for bound in (low, high)
    )
    if not np.all(low < high):
        raise InputError(
            f"{settings.where('upper', parameter)}: must be above the lower bound; got {low!s} and {high!s}."
        )
    if not np.all((low < value) & (value < high)):
        raise InputError(
            f"{settings.where('init', parameter)}: must lie between {low!s} and {high!s}, got {value!s}."
        )
    return (
        dist.Uniform(low, high)
        if gaussian is None
        else dist.TruncatedNormal(*gaussian, low=low, high=high)
    )


def _gaussians(likelihood: Mapping, settings: Settings) -> dict[Parameter, tuple[float, float]]:
    """(mean, sigma) of prior_source and its like: [[number of the profile, name, mean, sigma], …]."""
    found = {}
    for kind, own in KINDS.items():
        for n, entry in enumerate(
            listed(likelihood.get(own.prior) or [], f"kwargs_likelihood[{own.prior!r}]")
        ):
            where = f"kwargs_likelihood[{own.prior!r}][{n}]"
            i, name, mean, sigma = listed(entry, where, 4)
            i = index(i, len(settings.names[kind]), f"{where}[0]")
            known = settings.parameters_of(kind, i)[0]
            if name not in known:
                raise unknown("parameter", str(name), known, where)
            if (kind, i, name) in found:
                raise InputError(f"{where}: a second prior on {name!r} of profile {i}.")
            found[kind, i, name] = (float(mean), float(sigma))
    if likelihood.get("check_bounds", True) is False:
        warn("check_bounds=False: the bounds of kwargs_params hold all the same")
    return found


def paths(model: Mapping, settings: Settings, parameter: Parameter) -> list[str]:
    """Where a parameter of lenstronomy's stands in the galaxy: a tracer stands once on each light that carries it."""
    kind, i, name = parameter
    if kind == "lens":
        return [f"{LENS}.{named(kind, i)}.{name}"]
    if kind in LIT:
        return [f"{named(kind, i)}.light.{name}"]
    riding = [
        (light, tracers) for lights, tracers in groups(model) if i in tracers for light in lights
    ]
    return [
        f"{named('source', light)}.{TRACER}.{name}" + (f"_{i}" if len(tracers) > 1 else "")
        for light, tracers in riding
    ]
