"""The priors of a configuration, and checks of the parameters that they and `truth` name."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np
import numpyro.distributions as dist

from jaxmetal.errors import InputError, comma_hint
from jaxmetal.galaxy import LENS, Galaxy, children, get
from jaxmetal.inference.checks import check_tie
from jaxmetal.inference.linear import check_linear
from jaxmetal.inference.priors import Linear, Tied, check_ties, checked_prior
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes
from jaxmetal.io.observations import Observed


def make_prior(prior: schema.Prior) -> Any:
    """The distribution, tie or linear amplitude that a configuration describes."""
    (name, value), *_ = [(name, value) for name, value in prior if value is not None]
    if name == "truncated_normal":
        return dist.TruncatedNormal(value[0], value[1], low=value[2], high=value[3])
    if name == "log_normal":
        return dist.LogNormal(np.log(value[0]), value[1])
    if name == "linear":
        return Linear()
    families = {"uniform": dist.Uniform, "normal": dist.Normal, "log_uniform": dist.LogUniform}
    if name in families:
        return families[name](*value)
    return {"half_normal": dist.HalfNormal, "tied": Tied}[name](value)


def check_priors(
    config: schema.Config,
    want: str,
    galaxy: Galaxy | None,
    maps: Mapping[str, Observed],
    priors: Mapping[str, Any],
    mistakes: Mistakes,
) -> None:
    """Check that every path exists, and that every prior allows the starting value.

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

    def undecided(path: str) -> bool:
        return _undecided(path, config, want, scene, mistakes)

    for where, paths in (("priors", priors), ("truth", config.truth)):
        for path in paths:
            if undecided(path):
                continue
            with mistakes.at(f"{where}.{path}"):
                start, prior = _parameter(scene, path), priors.get(path)
                if where == "truth":
                    _check_truth(config.truth[path], start)
                for source in prior.paths if isinstance(prior, Tied) else ():
                    if not undecided(source):
                        check_tie(scene, path, source)
                if where == "priors" and not isinstance(prior, Tied | Linear):
                    checked_prior(path, prior, start)
    with mistakes.at("priors"):
        check_ties({path: prior for path, prior in priors.items() if isinstance(prior, Tied)})
        linear = tuple(path for path, prior in priors.items() if isinstance(prior, Linear))
        if want == "fit" and not mistakes.touches("maps") and not mistakes.touches("galaxy"):
            check_linear(scene, fitted, linear)


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
        profile = f"galaxy.{first}.{second}"
        unmade = first not in scene or second not in children(scene[first])
        return (
            mistakes.spoils(profile) or (unmade and mistakes.touches(profile)) or first not in scene
        )
    if second in ("likelihood", "calibration") and mistakes.touches(f"maps.{first}.{second}"):
        return True
    lost = mistakes.spoils("galaxy") or mistakes.touches("maps")
    return first not in scene and (lost or (want == "simulate" and first in schema.MOCK))


def _check_truth(value: Any, start: Any) -> None:
    """The true value of a parameter is a number, or as many as the parameter has."""
    if isinstance(value, str):
        raise InputError(f"expected a number, got {value!r}{comma_hint(value)}.")
    if np.shape(value) != np.shape(start):
        expected = "one number" if np.shape(start) == () else f"numbers of shape {np.shape(start)}"
        raise InputError(f"expected {expected}, got {value!r}.")
