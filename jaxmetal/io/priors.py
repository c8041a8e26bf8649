"""The priors of a configuration, and checks of the parameters that they and `truth` name."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import equinox as eqx
import numpy as np
import numpyro.distributions as dist

from jaxmetal.errors import InputError, comma_hint
from jaxmetal.galaxy import LENS, Galaxy, children, get, range_at
from jaxmetal.inference.checks import check_tie
from jaxmetal.inference.linear import check_linear
from jaxmetal.inference.priors import Linear, Tied, check_ties, checked_prior
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes
from jaxmetal.io.observations import Observed
from jaxmetal.maps import Map
from jaxmetal.profiles.ranges import check_within
from jaxmetal.science.kinematics import tied_inclination


def make_prior(prior: schema.Prior) -> Any:
    """The distribution, tie or linear amplitude that a configuration describes."""
    (name, value), *_ = [(name, value) for name, value in prior if value is not None]
    if name == "truncated_normal":
        return dist.TruncatedNormal(value[0], value[1], low=value[2], high=value[3])
    if name == "log_normal":
        return dist.LogNormal(np.log(value[0]), value[1])
    if name == "linear":
        return Linear()
    if name == "tied_inclination":
        return tied_inclination(value.light, value.thickness)
    families = {"uniform": dist.Uniform, "normal": dist.Normal, "log_uniform": dist.LogUniform}
    if name in families:
        return families[name](*value)
    return {"half_normal": dist.HalfNormal, "tied": Tied}[name](value)


def check_priors(
    config: schema.Config,
    want: str,
    galaxy: Galaxy | None,
    maps: Mapping[str, Observed],
    priors: dict[str, Any],
    mistakes: Mistakes,
) -> None:
    """Check that every path exists, and that every prior allows the starting value.

    A prior that reaches beyond what its parameter may be is replaced.

    Parameters
    ----------
    config, want
        the configuration, and "fit" or "simulate".
    galaxy, maps
        as far as they could be made.
    priors
        by path.
    mistakes
        to which what is wrong is added.
    """
    fitted = {name: observed.map for name, observed in maps.items()}
    scene: dict[str, Any] = {**(galaxy.named if galaxy else {}), **fitted}
    undecided = partial(_undecided, config=config, want=want, scene=scene, mistakes=mistakes)
    for where, paths in (("priors", priors), ("truth", config.truth)):
        for path in paths:
            if undecided(path):
                continue
            with mistakes.at(f"{where}.{path}"):
                start, prior = _parameter(scene, path), priors.get(path)
                if where == "truth":
                    _check_truth(scene, path, config.truth[path], start)
                if isinstance(prior, Tied):
                    _check_sources(scene, path, prior, undecided)
                elif where == "priors" and not isinstance(prior, Linear):
                    # What it is cut off by, the model need not tell again.
                    priors[path] = checked_prior(path, prior, scene)
    with mistakes.at("priors"):
        _check_together(want, scene, fitted, priors, mistakes)


def _check_together(
    want: str,
    scene: Mapping[str, Any],
    fitted: Mapping[str, Map],
    priors: Mapping[str, Any],
    mistakes: Mistakes,
) -> None:
    """Check that no tie follows another, and that linear amplitudes can be solved for."""
    check_ties(_of_kind(priors, Tied))
    if want == "fit" and not mistakes.touches("maps") and not mistakes.touches("galaxy"):
        check_linear(scene, fitted, tuple(_of_kind(priors, Linear)))


def _of_kind(priors: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The priors of one kind, by path."""
    return {path: prior for path, prior in priors.items() if isinstance(prior, kind)}


def _check_sources(
    scene: Mapping[str, Any], path: str, tie: Tied, undecided: Callable[[str], bool]
) -> None:
    """Check the parameters that another one is tied to, unless they are undecided."""
    for source in tie.paths:
        if not undecided(source):
            check_tie(scene, path, source)


def _parameter(scene: Mapping[str, Any], path: str) -> Any:
    """The value of a parameter."""
    value = get(scene, path)
    if not eqx.is_inexact_array(value):
        raise InputError("the path stops at a group of parameters; name one of them.")
    return value


def _undecided(
    path: str, config: schema.Config, want: str, scene: Mapping[str, Any], mistakes: Mistakes
) -> bool:
    """Whether a path may be missing only because of another mistake, or until a simulation."""
    first, second = [*path.split("."), ""][:2]
    if first == LENS:
        return mistakes.spoils(f"{LENS}.{second}")
    if first in config.galaxy:
        return _unmade(path, scene, mistakes)
    if second in ("likelihood", "calibration") and mistakes.touches(f"maps.{first}.{second}"):
        return True
    lost = mistakes.spoils("galaxy") or mistakes.touches("maps")
    return first not in scene and (lost or _is_mock(first, config, want))


def _is_mock(name: str, config: schema.Config, want: str) -> bool:
    """Whether a name is that of a map that a simulation is about to make."""
    simulation = config.simulate
    return want == "simulate" and (simulation is None or name in simulation.maps)


def _unmade(path: str, scene: Mapping[str, Any], mistakes: Mistakes) -> bool:
    """Whether a part of a component may be missing because of a mistake in it."""
    component, part, *below = [*path.split("."), ""]
    where = f"galaxy.{component}.{part}"
    # With the name of the light in a path such as "disc.light.Ha.amp".
    profile = ".".join([where, *below[:-2]])
    if component not in scene or mistakes.spoils(profile):
        return True
    return part not in children(scene[component]) and mistakes.touches(where)


def _check_truth(scene: Mapping[str, Any], path: str, value: Any, start: Any) -> None:
    """The true value of a parameter is a number that it may be, or as many as it has."""
    if isinstance(value, str):
        raise InputError(f"expected a number, got {value!r}{comma_hint(value)}.")
    if np.shape(value) != np.shape(start):
        expected = "one number" if np.shape(start) == () else f"numbers of shape {np.shape(start)}"
        raise InputError(f"expected {expected}, got {value!r}.")
    check_within(range_at(scene, path), value)
