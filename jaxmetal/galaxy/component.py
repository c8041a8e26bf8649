"""A component: light, the tracers that it carries, and what its gas emits."""

import operator
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import equinox as eqx
from jaxtyping import Array

from jaxmetal.emission import REDDENING, Blend, Emission, parts_of
from jaxmetal.errors import InputError, check_type, described, unknown
from jaxmetal.galaxy.component_checks import check_lensing, check_profiles
from jaxmetal.profiles.profile import Profile, as_array, is_traced
from jaxmetal.profiles.ranges import check_number

# The name of a component's light, and of the light that a map sees, where there is only one.
LIGHT = "light"


class Component(eqx.Module):
    """Light, one profile or several by name, the tracers that it carries, and lines of its gas.

    Parameters
    ----------
    light
        surface brightness per arcsec²; or several lights by name, such as {"Ha": profile,
        "continuum": profile}, of which a map names the one that it sees (`LightMap(...,
        light="Ha")`). Their parameters have the paths "disc.light.Ha.amp".
    tracers
        what the light carries, by name, such as metallicity=Profile(tracer.gradient, ...). A
        component without a given tracer adds to light maps but has no part in that tracer's
        average.
    emission
        what the gas emits, an `Emission`: lines whose ratios follow from the tracers. A line is one
        more light: maps see "NII6584" as they see any other.
    foreground
        whether it lies in front of the galaxy's lenses, such as their own light, and is not lensed.
    distance_ratio
        factor on the deflection for a component at a redshift of its own: its D_LS/D_S over that
        for which the lenses are given, positive; 1 if left out, and then no parameter.
    lensed_light
        False if `light` is the surface brightness in the image plane, such as an image of an arc;
        lensing conserves it. The tracers are defined in the source plane in either case.

    Raises
    ------
    InputError
        if anything but a Profile is given, or a lens; for an emission that needs a tracer or a
        light which the component does not have.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=2.0)
    >>> age = jm.Profile(jm.tracer.gradient, central=8.0, gradient=-1.0)
    >>> sorted(jm.Component(light, age=age).tracers)
    ['age']
    """

    # A Profile, or lights by name; see `lights`.
    light: Any
    tracers: dict[str, Profile]
    emission: Emission | None
    distance_ratio: Array | None
    foreground: bool = eqx.field(static=True)
    lensed_light: bool = eqx.field(static=True)

    def __init__(
        self,
        light: Profile | Mapping[str, Profile],
        *unnamed: Any,
        emission: Emission | None = None,
        foreground: bool = False,
        distance_ratio: Any = None,
        lensed_light: bool = True,
        **tracers: Profile,
    ):
        lights = dict(sorted(_lights_by_name(light).items()))
        check_profiles(unnamed, {**lights, **tracers})
        check_lensing(foreground, lensed_light, distance_ratio)
        self.light = lights if isinstance(light, Mapping) else light
        self.tracers = dict(sorted(tracers.items()))
        self.emission = emission
        if emission is not None:
            _check_emission(self)
        self.foreground, self.lensed_light = foreground, lensed_light
        if distance_ratio is not None:
            distance_ratio = as_array(distance_ratio, "Component: distance_ratio")
            if not is_traced(distance_ratio):
                check_number(self, "distance_ratio", distance_ratio, "Component: distance_ratio ")
        self.distance_ratio = distance_ratio

    @property
    def lights(self) -> dict[str, Profile]:
        """The lights by name; "light" is the name of one without."""
        return self.light if isinstance(self.light, dict) else {LIGHT: self.light}

    @property
    def line_light(self) -> str:
        """The name of the light that is the reference line of the emission."""
        assert self.emission is not None
        if self.emission.light is not None:
            return self.emission.light
        named = self.emission.reference
        return named if named in self.lights else next(iter(self.lights))

    @property
    def light_names(self) -> tuple[str, ...]:
        """The names of its lights, the lines that it emits among them."""
        return (*self.lights, *(self.emission.lines if self.emission is not None else ()))

    def shines(self, light: str | Blend) -> bool:
        """Whether it has a light, or any of a sum of lights."""
        return any(name in self.light_names for name, _ in parts_of(light))

    def needs(self, lights: Sequence[str | Blend]) -> tuple[str, ...]:
        """The tracers that some lights depend on: those of lines."""
        emitted = [name for light in lights for name, _ in parts_of(light) if self._emits(name)]
        return self.emission.tracers(self.tracers) if emitted and self.emission else ()

    def sources(self, lights: Sequence[str | Blend]) -> dict[str, Profile]:
        """The profiles that some lights are made of, by name."""
        names = [name for light in lights for name, _ in parts_of(light)]
        sources = [self.line_light if self._emits(name) else name for name in names]
        return {name: self.lights[name] for name in sources if name in self.lights}

    def brightness(
        self,
        lights: Sequence[str | Blend],
        plane: tuple[Array, Array],
        tracers: Mapping[str, Array],
    ) -> dict[str | Blend, Array]:
        """The surface brightness of some of its lights, or of sums of lights.

        Parameters
        ----------
        lights
            that it has; `shines` says which.
        plane
            positions (x, y) in the plane in which the light is defined, arcsec.
        tracers
            values there, by name, of what `needs` says.

        Returns
        -------
        brightness
            by light, in the shape of the positions.

        Raises
        ------
        InputError
            for a line that the relation of the emission does not have.
        """
        images = {name: profile(*plane) for name, profile in self.sources(lights).items()}
        # Without emission its lights are all that it has of a sum; with it a line may be missing.
        if self.emission is not None:
            names = dict.fromkeys(name for light in lights for name, _ in parts_of(light))
            images = self._with_lines(images, list(names), tracers)
        return {light: _sum(light, images) for light in lights}

    def _with_lines(
        self, images: dict[str, Array], names: Sequence[str], tracers: Mapping[str, Array]
    ) -> dict[str, Array]:
        """The lights, and beside them the lines that it emits of some names."""
        emitted = [name for name in names if self._emits(name)]
        if self.emission is not None and emitted:
            images = images | self.emission.brightness(images[self.line_light], tracers, emitted)
        absent = [name for name in names if name not in images]
        if absent:
            raise unknown("line", absent[0], self.light_names, "emission")
        return images

    def multiple_of(self, light: str | Blend) -> tuple[str | Blend, Array | float]:
        """The line that a line is a fixed multiple of, wherever it shines, and the factor.

        Parameters
        ----------
        light
            that it has.

        Returns
        -------
        base, factor
            the light itself and 1 where the gas has dust, and for all other lights.
        """
        if isinstance(light, str) and self._emits(light) and REDDENING not in self.tracers:
            assert self.emission is not None
            base, factor = self.emission.multiple_of(light)
            if self._emits(base):
                return base, factor
        return light, 1.0

    def light_at(
        self,
        light: str | Blend,
        plane: tuple[Array, Array],
        tracer_plane: tuple[Array, Array] | None = None,
    ) -> Array:
        """The surface brightness of one of its lights at some positions.

        Parameters
        ----------
        light
            that it has.
        plane
            positions (x, y), arcsec.
        tracer_plane
            those in the plane of the tracers, where it is another.

        Returns
        -------
        brightness
            in the shape of the positions.
        """
        positions = plane if tracer_plane is None else tracer_plane
        values = {name: self.tracers[name](*positions) for name in self.needs([light])}
        return self.brightness([light], plane, values)[light]

    def _emits(self, name: str) -> bool:
        """Whether a light is a line of the gas; the reference line is its light itself."""
        return self.emission is not None and name in self.emission.lines and name not in self.lights

    def __getattr__(self, name: str) -> Profile:
        if name in self.__dict__.get("tracers", ()):
            return self.tracers[name]
        raise AttributeError(f"the component has no tracer {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.tracers]


def _sum(light: str | Blend, images: Mapping[str, Array]) -> Array:
    """A light, or a sum of those that exist."""
    parts = [(images[name], factor) for name, factor in parts_of(light) if name in images]
    scaled = [image if factor == 1 else factor * image for image, factor in parts]
    return reduce(operator.add, scaled)


def _lights_by_name(light: Any) -> dict[str, Any]:
    if not isinstance(light, Mapping):
        return {LIGHT: light}
    invalid = [name for name in light if not isinstance(name, str) or "." in name]
    if not light or invalid:
        expected = "lights by name, such as {'Ha': profile}, with names without a dot"
        value = described(invalid[0] if invalid else light)
        raise InputError(f"Component.light: expected {expected}, got {value}.")
    return dict(light)


def _check_emission(component: Component) -> None:
    """Refuse an emission whose tracers or reference line the component lacks."""
    emission = component.emission
    check_type(emission, Emission, "Component: emission", "write Emission('curti20')")
    assert emission is not None
    for tracer in emission.relation.tracers:
        if tracer not in component.tracers:
            raise unknown("tracer", tracer, component.tracers, "Component: emission needs a")
    if emission.light is not None and emission.light not in component.lights:
        raise unknown("light", emission.light, component.lights, "Component: emission")
    several = len(component.lights) > 1 and emission.reference not in component.lights
    if emission.light is None and several:
        names = ", ".join(component.lights)
        raise InputError(
            f"Component: which of its lights, {names}, is the emission's reference line "
            f"{emission.reference}? Name it so, or write Emission(light=…)."
        )
