"""Checks of a galaxy, its maps and the paths of its priors."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx

from jaxmetal.errors import InputError, check_type, described
from jaxmetal.forward.cells import beam_of
from jaxmetal.galaxy import Galaxy, get
from jaxmetal.inference.priors import Tied
from jaxmetal.maps import Map

# How priors are written, and a model.
MODEL_HINT = "write Model(galaxy, {'z': map}, priors) first"
EXAMPLE = "{'disc.metallicity.gradient': dist.Normal(0.0, 0.5)}"


def check_scene(galaxy: Galaxy, maps: Mapping[str, Map]) -> None:
    """Check that a galaxy and its maps are consistent."""
    check_type(galaxy, Galaxy, "Model.galaxy", "write Model(galaxy, {'z': map}, priors)")
    if maps is not None and not isinstance(maps, Mapping):
        raise InputError(
            f"Model.maps: expected maps by name, such as {{'z': map}}, got {described(maps)}."
        )
    if not maps:
        raise InputError(
            "Model.maps: at least one LightMap or TracerMap is needed, such as {'z': map}."
        )
    for name, one_map in maps.items():
        _check_map(galaxy, name, one_map)


def _check_map(galaxy: Galaxy, name: Any, one_map: Any) -> None:
    """Check that a map has a name that paths can contain, and observes the galaxy."""
    if not isinstance(one_map, Map):
        raise InputError(
            f"Model.maps[{name!r}]: expected a LightMap or TracerMap, got {described(one_map)}."
        )
    if not isinstance(name, str) or "." in name:
        hint = "it is a part of dotted paths"
        raise InputError(f"Model.maps: expected names without a dot, got {name!r}; {hint}.")
    if name in galaxy.named:
        raise InputError(
            f"Model.maps: {name!r} is also the name of a component or of the lenses; paths "
            "would be ambiguous."
        )
    try:
        for moment in one_map.moments(galaxy):
            beam_of(galaxy, moment)
    except InputError as error:
        raise InputError(f"Model.maps[{name!r}]: {error}") from None


def check_priors(priors: Any) -> dict[str, Any]:
    """Priors by path; an InputError for anything else."""
    if priors is not None and not isinstance(priors, Mapping):
        raise InputError(
            f"Model.priors: expected priors by path, such as {EXAMPLE}, got {described(priors)}."
        )
    for path in priors or ():
        if not isinstance(path, str):
            raise InputError(
                f"Model.priors: expected a dotted path such as 'disc.light.amp', got {path!r}."
            )
    return dict(priors or {})


def check_accuracy(accuracy: Any) -> float | None:
    """The part of its error by which sampling may move a parameter; None for none such."""
    if accuracy is None:
        return None
    if isinstance(accuracy, bool) or not isinstance(accuracy, int | float) or not 0 < accuracy < 1:
        raise InputError(
            f"Model.accuracy: expected a number between 0 and 1, such as 0.03, got {accuracy!r}."
        )
    return float(accuracy)


def check_paths(scene: Mapping[str, Any], priors: Mapping[str, Any]) -> None:
    """Check that every path with a prior, and every source of a tie, leads to a free number."""
    for path, prior in priors.items():
        check_path(scene, path)
        for source in prior.paths if isinstance(prior, Tied) else ():
            check_tie(scene, path, source)


def check_tie(scene: Mapping[str, Any], path: str, source: str) -> None:
    """Check that what a parameter is tied to exists; the InputError names the tie."""
    try:
        check_path(scene, source)
    except InputError as error:
        reason = str(error).partition("]: " if str(error).startswith("priors[") else ": ")[2]
        raise InputError(f"priors[{path!r}]: tied to {source!r}: {reason}") from None


def check_path(scene: Mapping[str, Any], path: str) -> None:
    """Check that a path leads to a number or an array of numbers that may be free.

    The InputError names the part of the path that is wrong.
    """
    first, *attributes = path.split(".")
    one_map = scene.get(first)
    scaled = attributes == ["calibration", "flux_scale"]
    if isinstance(one_map, Map) and scaled and not one_map.additive:
        raise InputError(
            f"priors[{path!r}]: {type(one_map).__name__} shows no flux; a flux scale changes "
            "nothing in it."
        )
    if not eqx.is_inexact_array(get(scene, path)):
        raise InputError(
            f"priors[{path!r}]: the path stops at a group of parameters; name one of them."
        )
