"""Starting values of tracers, by the names, units and descriptions of their parameters."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.emission import REDDENING
from jaxmetal.emission.attenuation import balmer_slope, ccm89
from jaxmetal.galaxy import Galaxy
from jaxmetal.maps import Map
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.units import declared_unit, descriptions, is_ellipticity, owner_of
from jaxmetal.science.discs import disc_of_model
from jaxmetal.science.starts.estimates import Estimate
from jaxmetal.science.starts.fields import Motion, Trend, metallicity_of_lines, motion, trend
from jaxmetal.science.starts.lights import Seen
from jaxmetal.science.starts.shapes import Shape

# Names of parameters of a disc in rotation.
SPEEDS = ("v_max", "v_disc", "v_halo")
# Sizes as parts of the half-light radius, and what they are in words.
SIZES = {
    "break_radius": 1.0,
    "scale_length": 1.5,
    "r_turn": 0.5,
    "r_halo": 2.0,
    "r_bar": 0.5,
    "length": 0.5,
    "height": 0.1,
}
# Inclinations in degrees between which a rotation is looked for, and that of an unknown disc.
EDGES, UNKNOWN = (20.0, 75.0), 45.0
# H-alpha over H-beta without dust.
BALMER = 2.86


class Carried(NamedTuple):
    """A tracer of a component, and what the maps say of it.

    Parameters
    ----------
    path
        such as "disc.metallicity".
    profile
        of the tracer.
    shape
        of the light that carries it; None behind a lens.
    light
        the light itself.
    trend, motion
        of the map that shows it; None where none does.
    level
        a single number that is known of it: (value, width, source), or None.
    """

    path: str
    profile: Profile
    shape: Shape | None
    light: Seen | None
    trend: Trend | None = None
    motion: Motion | None = None
    level: tuple[float, float, str] | None = None

    @property
    def rotates(self) -> bool:
        """Whether it is a velocity, by its parameters."""
        return bool({"systemic", *SPEEDS} & set(self.profile.parameters))


def estimate_geometry(name: str, carried: Carried, free: Mapping[str, Any]) -> Estimate | None:
    """What is known of the place and the ellipse of a tracer: those of its light.

    Parameters
    ----------
    name
        of the parameter.
    carried
        the tracer.
    free
        the paths of the light's parameters that have a prior: the tracer follows them.

    Returns
    -------
    estimate
        None for a parameter of another kind.
    """
    function, shape = carried.profile.function, carried.shape
    has_ellipse = is_ellipticity(function, name) and name in ("e1", "e2")
    if name not in ("center_x", "center_y", "inclination", "position_angle") and not has_ellipse:
        return None
    if shape is None or carried.light is None:
        return Estimate(None, "behind a lens")
    path = f"{carried.light.path}.{name}"
    if path in free:
        return Estimate(None, f"as {path}", tied=path)
    if name in ("center_x", "center_y"):
        return Estimate(shape.center[name == "center_y"], shape.source)
    if has_ellipse:
        return Estimate(shape.ellipticity[name == "e2"], shape.source)
    return _angle(name, carried, shape)


def _angle(name: str, carried: Carried, shape: Shape) -> Estimate:
    """The position angle or the inclination of a disc, by its motion or by its light."""
    if name == "position_angle":
        if carried.rotates and carried.motion is not None:
            return Estimate(carried.motion.position_angle, carried.motion.source, 30.0)
        return Estimate(shape.position_angle, shape.source)
    if carried.rotates:
        return _inclination(shape)
    return Estimate(shape.inclination, f"axis ratio by {shape.source}")


def _inclination(shape: Shape) -> Estimate:
    """The inclination of a disc in rotation, which its speed cannot be told from."""
    if not shape.is_light:
        return Estimate(UNKNOWN, "unknown: no map shows the light, and speeds depend on it")
    angle = float(np.clip(shape.inclination, *EDGES))
    return Estimate(angle, f"axis ratio by {shape.source}; held, because speeds depend on it")


def estimate_tracer(name: str, carried: Carried) -> Estimate:
    """What is known of one parameter of a tracer, but for its place and its ellipse.

    Parameters
    ----------
    name
        of the parameter.
    carried
        the tracer, at its place.

    Returns
    -------
    estimate
        without a value for a parameter that a line, or a plane, says nothing about.
    """
    function = carried.profile.function
    if carried.rotates and carried.motion is not None:
        if (estimate := _speed(name, carried.profile, carried.motion)) is not None:
            return estimate
    elif carried.trend is not None:
        unit = declared_unit(function, name)
        for rule in (_level, _slope, _field):
            if (estimate := rule(name, function, unit, carried.trend)) is not None:
                return estimate
    elif carried.level is not None and name in ("central", "value"):
        value, width, source = carried.level
        return Estimate(value, source, width)
    return _size(name, carried)


def _size(name: str, carried: Carried) -> Estimate:
    """A length as a part of the size of the light, where a map shows the tracer."""
    if carried.trend is None and carried.motion is None:
        return Estimate(None, "no map shows it")
    if name not in SIZES or carried.shape is None:
        return Estimate(None, "not known from the maps")
    size = SIZES[name] * carried.shape.radius
    return Estimate(size, f"half-light radius by {carried.shape.source}, times {SIZES[name]}", size)


def _speed(name: str, profile: Profile, field: Motion) -> Estimate | None:
    """The systemic velocity, and speeds in the plane of the disc."""
    if name == "systemic":
        return Estimate(field.systemic, field.source, field.amplitude)
    if name not in SPEEDS:
        return None
    inclination = float(np.asarray(profile.parameters.get("inclination", UNKNOWN)))
    speed = field.amplitude / max(float(np.sin(np.deg2rad(inclination))), 0.2)
    return Estimate(
        speed, f"half the range of {field.source.removeprefix('plane through ')}", speed
    )


def _level(name: str, function: Callable, unit: Any, line: Trend) -> Estimate | None:
    text = descriptions(owner_of(function, name)).get(name, "")
    if unit == "tracer" and (name == "value" or text.startswith("value at the centre")):
        value = line.central + (0.5 * line.extent * line.gradient if name == "value" else 0.0)
        return Estimate(value, line.source, max(line.spread, 3 * line.rms, 1e-6))
    return None


def _slope(name: str, function: Callable, unit: Any, line: Trend) -> Estimate | None:
    if unit != "tracer / arcsec":
        return None
    if name in ("gradient_x", "gradient_y"):
        value = line.slope[name == "gradient_y"]
        return Estimate(value, line.source.replace("straight line", "plane"), 3 * line.steepest)
    return Estimate(line.gradient, line.source, 3 * line.steepest)


def _field(name: str, function: Callable, unit: Any, line: Trend) -> Estimate | None:
    text = descriptions(owner_of(function, name)).get(name, "")
    if name == "amplitude" and text.startswith("standard deviation of the field"):
        return Estimate(0.7 * line.rms, f"scatter about the {line.source}", line.rms, 1.0)
    return None


def with_data(carried: Carried, galaxy: Galaxy, maps: Mapping[str, Map]) -> Carried:
    """The same with what the maps say of it, the galaxy at its place.

    Parameters
    ----------
    carried
        the tracer.
    galaxy, maps
        of the fit.

    Returns
    -------
    carried
        with a trend in the radius of its own disc, or a motion, where a map shows it.
    """
    component, tracer = carried.path.split(".")
    shown = {name: one_map for name, one_map in maps.items() if one_map.tracer == tracer}
    if shown:
        name = max(shown, key=lambda label: shown[label].size)
        one_map = shown[name]
        line = _trend_in(galaxy, component, tracer, name, one_map, one_map.data, one_map.errors)
        return carried._replace(trend=line, motion=motion(name, one_map))
    if spreads := [m for m in maps.values() if tracer in m.tracers_in_its_unit]:
        return carried._replace(level=_median(spreads[0]))
    if tracer == REDDENING:
        return carried._replace(level=_reddening(maps))
    if tracer == "metallicity" and (found := metallicity_of_lines(maps)) is not None:
        calibration, values, errors, one_map = found
        name = f"the lines' {calibration}"
        line = _trend_in(galaxy, component, tracer, name, one_map, values, errors)
        return carried._replace(trend=line)
    return carried


def _median(one_map: Map) -> tuple[float, float, str]:
    """The typical value of a map of something whose unit a tracer has, such as a dispersion."""
    middle = float(np.nanmedian(one_map.data))
    return middle, 0.7 * abs(middle) + 1e-6, "median of its map"


def _trend_in(
    galaxy: Galaxy,
    component: str,
    tracer: str,
    name: str,
    one_map: Map,
    values: np.ndarray,
    errors: np.ndarray,
) -> Trend | None:
    """The line in the radius of a component's own disc."""
    disc = disc_of_model(galaxy, tracer, component)
    return trend(name, values, errors, disc.radii(one_map.instrument, galaxy), one_map)


def _reddening(maps: Mapping[str, Map]) -> tuple[float, float, str] | None:
    """The colour excess by the sum of two Balmer lines, mag."""
    sums = {
        one_map.light: float(np.nansum(one_map.data))
        for one_map in maps.values()
        if one_map.additive and one_map.light in ("Ha", "Hb")
    }
    if set(sums) != {"Ha", "Hb"} or not min(sums.values()) > 0:
        return None
    excess = float(np.log10(sums["Ha"] / sums["Hb"] / BALMER)) / balmer_slope(ccm89)
    return float(np.clip(excess, 0.02, 1.5)), 0.3, "sum of H-alpha over that of H-beta"
