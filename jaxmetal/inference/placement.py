"""Parameter values placed into a scene: ties followed, and Linear amplitudes solved."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmetal.galaxy import Galaxy, get, put
from jaxmetal.inference.coordinates import Values
from jaxmetal.inference.linear import Solution, solve
from jaxmetal.inference.priors import Tied
from jaxmetal.maps import Map

Ties = tuple[tuple[str, Tied], ...]
Maps = dict[str, Map]
# The predicted maps of a galaxy, by name.
Predict = Callable[[Galaxy, Maps], dict[str, Array]]


class Scene(NamedTuple):
    """A galaxy, the maps of it, and the parameters that are tied to others.

    Parameters
    ----------
    galaxy, maps
        with their starting values.
    ties
        (path, Tied) of each tied parameter.
    """

    galaxy: Galaxy
    maps: Maps
    ties: Ties


def named_parts(galaxy: Galaxy, maps: Mapping[str, Map]) -> dict[str, Any]:
    """Everything that a path may start from: components, lenses and maps by name."""
    return {**galaxy.named, **maps}


def place(scene: Scene, values: Values) -> tuple[Galaxy, Maps]:
    """The galaxy and the maps with these values in place, ties followed.

    Parameters
    ----------
    scene
        the starting point; a path that has no value keeps its own.
    values
        by path, in the units of the parameters.
    """
    parts = named_parts(scene.galaxy, scene.maps)
    for path, value in values.items():
        parts = put(parts, path, value)
    for path, value in _tied_values(parts, scene.ties).items():
        parts = put(parts, path, value)
    return scene.galaxy.with_named(parts), {name: parts[name] for name in scene.maps}


def _tied_values(parts: Mapping[str, Any], ties: Ties) -> Values:
    """The values of the tied parameters where the free values are in place."""
    return {path: tie.function(*(get(parts, source) for source in tie.paths)) for path, tie in ties}


def solve_amplitudes(
    scene: Scene, linear: Collection[str], values: Values, predict: Predict
) -> Solution | None:
    """The Linear amplitudes, from the light maps exactly, then with the tracer maps.

    What a tracer map shows depends on the ratios of the amplitudes, and not linearly; one step from
    the light's solution is enough, because the light maps constrain them far more tightly than a
    tracer map does.

    Parameters
    ----------
    scene
        the starting point.
    linear
        paths of the Linear amplitudes.
    values
        of the other free parameters, by path.
    predict
        (galaxy, maps) -> predicted maps.

    Returns
    -------
    solution
        None if the values hold all amplitudes already.
    """
    if all(path in values for path in linear):
        return None

    def predicted(amplitudes: Values, names: Collection[str]) -> dict[str, Array]:
        galaxy, maps = place(scene, {**values, **amplitudes})
        return predict(galaxy, {name: maps[name] for name in names})

    _, maps = place(scene, values)
    lights = {name: one_map for name, one_map in maps.items() if one_map.additive}
    parts = named_parts(scene.galaxy, scene.maps)
    dark = {path: jnp.zeros_like(get(parts, path)) for path in linear}
    solution = solve(lambda amplitudes: predicted(amplitudes, lights), lights, dark)
    if len(lights) == len(maps):
        return solution
    return solve(lambda amplitudes: predicted(amplitudes, maps), maps, solution.amplitudes)
