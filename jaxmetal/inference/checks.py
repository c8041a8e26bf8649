"""What must be true of a galaxy, its maps and the paths of its priors."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Galaxy, get
from jaxmetal.maps import LightMap, Map, TracerMap


def check_scene(galaxy: Galaxy, maps: Mapping[str, Map]) -> None:
    """A galaxy and its maps belong together; an InputError says where not."""
    if not isinstance(galaxy, Galaxy):
        raise InputError(f"Model.galaxy: expected a Galaxy, got {type(galaxy).__name__}.")
    if not maps:
        raise InputError("Model.maps: at least one LightMap or TracerMap is needed.")
    for name, map in maps.items():
        if not isinstance(map, Map):
            raise InputError(f"Model.maps[{name!r}]: expected a LightMap or TracerMap, got {type(map).__name__}.")
        if name in galaxy.named:
            raise InputError(f"Model.maps: {name!r} is also the name of a component or of the lenses; paths would be ambiguous.")
        if isinstance(map, TracerMap) and map.tracer not in galaxy.tracers:
            raise unknown("tracer", map.tracer, galaxy.tracers, f"Model.maps[{name!r}]")


def check_path(scene: Mapping[str, Any], path: str) -> None:
    """A path leads to a number or an array of numbers that may be free; an InputError says where it goes wrong."""
    first, *rest = path.split(".")
    if rest == ["scatter"] and isinstance(map := scene.get(first), LightMap) and map.modes is not None:
        raise InputError(f"priors[{path!r}]: a light map with a covariance has no scatter, which is a fraction of the model's flux.")
    if not eqx.is_inexact_array(get(scene, path)):
        raise InputError(f"priors[{path!r}]: the path stops at a group of parameters; name one of them.")
