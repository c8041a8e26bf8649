"""Starting values of light profiles, by the names, units and descriptions of their parameters."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxmetal.compiling import compiled_once
from jaxmetal.galaxy import LIGHT, Component, Galaxy
from jaxmetal.maps import Map
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.units import descriptions, is_ellipticity, is_length, owner_of
from jaxmetal.science.starts.estimates import BRIGHTNESS, Estimate
from jaxmetal.science.starts.shapes import Shape, shape_of_footprint, shape_of_light

# How descriptions of sizes begin, and the size over the half-light radius; the number of a
# profile whose wings are not known is that of an exponential one.
SIZES = (
    ("half-light radius", 1.0),
    ("standard deviation", 0.849),
    ("radius at which the brightness has fallen to 1/e", 0.596),
    ("scale length", 0.596),
    ("scale radius, 0.551 of the half-light radius", 0.551),
    ("of the edge", 1.414),
    ("core radius", 1.0),
    ("scale, arcsec", 0.7),
)
# Sersic index to start from, and how far it may be.
INDEX, INDEX_WIDTH = 1.0, 1.5
# Several components of one light: sizes from the smallest to the largest, in its radius.
SMALL, LARGE = 0.5, 1.5
# Points per side of a pixel on which a profile is added up.
POINTS = 3


class Seen(NamedTuple):
    """A light of a component, and the map by which it is known.

    Parameters
    ----------
    path
        such as "disc.light" or "disc.light.Ha".
    profile
        of the light.
    shape
        of it in the map.
    one_map
        the map.
    stretch, share
        its size over that of all the light, and its part of the flux.
    """

    path: str
    profile: Profile
    shape: Shape
    one_map: Map
    stretch: float = 1.0
    share: float = 1.0


def light_path(component: str, light: str) -> str:
    """The path of a light of a component."""
    return f"{component}.{LIGHT}" if light == LIGHT else f"{component}.{LIGHT}.{light}"


def seen_lights(galaxy: Galaxy, maps: Mapping[str, Map]) -> dict[str, list[Seen]]:
    """The lights of each component on the sky, with the maps that they are seen in.

    Parameters
    ----------
    galaxy, maps
        of a fit.

    Returns
    -------
    lights
        by component, the main one first; none of a component behind a lens.
    """
    shapes: dict[str, Shape] = {}
    seen: dict[str, list[Seen]] = {}
    in_map: dict[str, list[Seen]] = {}
    for name, component in galaxy.components.items():
        if galaxy.is_lensed(name):
            continue
        for light, profile in component.lights.items():
            label = _map_of(component, light, maps)
            if profile.name == "image":
                shape = _picture(profile, maps[label])
            else:
                shape = shapes.setdefault(label, _shape_in(label, maps[label]))
            one = Seen(light_path(name, light), profile, shape, maps[label])
            in_map.setdefault(label, []).append(one)
            seen.setdefault(name, []).append(one)
    divided = {one.path: one for group in in_map.values() for one in _divided(group)}
    return {name: [divided[one.path] for one in lights] for name, lights in seen.items()}


def _map_of(component: Component, light: str, maps: Mapping[str, Map]) -> str:
    """The name of the map that shows a light best: of itself, of any light, of anything."""
    names = {light}
    if component.emission is not None and component.line_light == light:
        names.add(component.emission.reference)
    own = [name for name, one_map in maps.items() if one_map.additive and one_map.light in names]
    any_light = [name for name, one_map in maps.items() if one_map.additive]
    return next(iter(own or any_light or maps))


def _shape_in(name: str, one_map: Map) -> Shape:
    return (shape_of_light if one_map.additive else shape_of_footprint)(name, one_map)


def _picture(profile: Profile, one_map: Map) -> Shape:
    """The shape of an image that serves as the light."""
    x, y = one_map.instrument.grid.coordinates
    image = np.asarray(_evaluated(profile, x, y), float)
    shown = _Shown(one_map, image)
    return shape_of_light("the image", shown)  # type: ignore[arg-type]


class _Shown:
    """An image in the place of a map of light: bright where it is above a hundredth of its peak."""

    censored = None

    def __init__(self, one_map: Map, image: np.ndarray):
        self.instrument, self.data = one_map.instrument, image
        self.errors = np.full(image.shape, 0.003 * max(float(np.nanmax(image)), 1e-300))

    def image(self, values: Any) -> np.ndarray:
        """The values, which are an image already."""
        return np.asarray(values, float)


def _divided(group: list[Seen]) -> list[Seen]:
    """Several lights that one map shows: of growing sizes, and equal parts of the flux."""
    if len(group) == 1:
        return group
    own = sorted(group, key=lambda one: _own_size(one.profile))
    stretches = np.geomspace(SMALL, LARGE, len(own))
    return [
        one._replace(stretch=float(stretch), share=1 / len(own))
        for one, stretch in zip(own, stretches, strict=True)
    ]


def _own_size(profile: Profile) -> float:
    """The smallest length of a profile, by which components keep their order."""
    lengths = [
        float(np.min(np.asarray(value)))
        for name, value in profile.parameters.items()
        if is_length(profile.function, name)
    ]
    return min(lengths, default=0.0)


def estimate_light(name: str, one: Seen) -> Estimate:
    """What is known of one parameter of a light, but for its brightness.

    Parameters
    ----------
    name
        of the parameter.
    one
        the light.

    Returns
    -------
    estimate
        without a value for a parameter that no moment says anything about; without a width where
        no map shows the light.
    """
    estimate = _estimate(name, one.profile.function, one.shape, one.stretch)
    if estimate.value is not None and not one.shape.is_light:
        return estimate._replace(width=None, source=f"{estimate.source}; no map shows the light")
    return estimate


def _estimate(name: str, function: Callable, shape: Shape, stretch: float) -> Estimate:
    text = descriptions(owner_of(function, name)).get(name, "")
    source = shape.source
    if name in ("center_x", "center_y"):
        width = max(0.5 * shape.radius, 2 * shape.pixel)
        return Estimate(shape.center[name == "center_y"], source, width)
    if is_ellipticity(function, name) and name in ("e1", "e2"):
        return Estimate(shape.ellipticity[name == "e2"], source, 0.3)
    angles = {
        "q": (shape.ratio, 0.3),
        "phi": (float(np.deg2rad(90 - shape.position_angle)), 0.7),
        "inclination": (shape.inclination, 20.0),
        "position_angle": (shape.position_angle, 40.0),
    }
    if name in angles:
        return Estimate(angles[name][0], source, angles[name][1])
    if text.startswith("Sersic index"):
        return Estimate(INDEX, "an exponential disc", INDEX_WIDTH)
    if is_length(function, name):
        for words, factor in SIZES:
            if text.startswith(words):
                size = factor * stretch * shape.radius
                return Estimate(size, f"{source}, PSF taken out in quadrature", size)
    return Estimate(None, "not known from moments")


def estimate_brightness(one: Seen, profile: Profile) -> Estimate:
    """The amplitude of a light, by its flux in the map.

    Parameters
    ----------
    one
        the light.
    profile
        the same with its other parameters at their starting values.

    Returns
    -------
    estimate
        of `amp`; 1 where no map shows the light.
    """
    if not one.shape.is_light:
        return Estimate(1.0, "no map shows the light: any brightness gives the same map")
    unit = Profile(profile.function, **{**profile.parameters, "amp": 1.0}, **profile.options)
    total = _flux(unit, one.one_map)
    if not (np.isfinite(total) and total > 0):
        return Estimate(None, "the flux of the profile is not finite")
    value = one.share * one.shape.flux / total
    return Estimate(
        value, f"flux of {one.shape.source.removeprefix('moments of ')}", value, BRIGHTNESS
    )


def _flux(profile: Profile, one_map: Map) -> float:
    """The flux of a profile in the frame of a map, PSF ignored."""
    grid = one_map.instrument.grid
    rows, columns = grid.shape
    inner = (np.arange(POINTS) + 0.5) / POINTS - 0.5
    row = (np.arange(rows)[:, None] + inner).reshape(-1, 1)
    column = (np.arange(columns)[:, None] + inner).reshape(1, -1)
    kind = jnp.result_type(float)
    x, y = grid.position(jnp.asarray(column, kind), jnp.asarray(row, kind))
    values = np.asarray(_evaluated(profile, x, y), float)
    return float(values.sum()) / POINTS**2 * float(grid.pixel_area)


@compiled_once
def _evaluated(profile: Profile, x: Array, y: Array) -> Array:
    return profile(*jnp.broadcast_arrays(x, y))
