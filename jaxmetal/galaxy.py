"""A galaxy: components of light with the tracers that it carries, and lenses in front of them."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from jaxmetal.errors import InputError, described, unknown
from jaxmetal.profiles.profile import Profile, as_array
from jaxmetal.quantities import ARCSEC, plain

LENS = "lens"
# The name of a component's light, and of the light that a map sees, where there is only one.
LIGHT = "light"


class Component(eqx.Module):
    """A light profile, or several by name, and any number of named tracers that its light carries.

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
    foreground
        whether it lies in front of the galaxy's lenses, such as their own light, and is not lensed.
    distance_ratio
        factor on the deflection for a component at a redshift of its own: its D_LS/D_S over that
        for which the lenses are given; 1 if left out, and then no parameter.
    lensed_light
        False if `light` is the surface brightness in the image plane, such as an image of an arc;
        lensing conserves it. The tracers are defined in the source plane in either case.

    Raises
    ------
    InputError
        if anything but a Profile is given, or a lens.
    """

    # A Profile, or lights by name; see `lights`.
    light: Any
    tracers: dict[str, Profile]
    distance_ratio: Array | None
    foreground: bool = eqx.field(static=True)
    lensed_light: bool = eqx.field(static=True)

    def __init__(
        self,
        light: Profile | Mapping[str, Profile],
        *unnamed: Any,
        foreground: bool = False,
        distance_ratio: Any = None,
        lensed_light: bool = True,
        **tracers: Profile,
    ):
        if unnamed:
            expected = "tracers by name, such as metallicity=profile"
            raise InputError(
                f"Component: expected {expected}, got {described(unnamed[0])} without a name."
            )
        lights = dict(sorted(_lights_by_name(light).items()))
        for name, profile in {**lights, **tracers}.items():
            _check_profile(name, profile)
        for name, choice in {"foreground": foreground, "lensed_light": lensed_light}.items():
            if not isinstance(choice, bool):
                raise InputError(f"Component: {name} must be True or False, got {choice!r}.")
        if foreground and distance_ratio is not None:
            raise InputError(
                "Component: foreground light is not deflected, so it has no distance_ratio."
            )
        self.light = lights if isinstance(light, Mapping) else light
        self.tracers = dict(sorted(tracers.items()))
        self.foreground, self.lensed_light = foreground, lensed_light
        if distance_ratio is not None:
            distance_ratio = as_array(distance_ratio, "Component: distance_ratio")
        self.distance_ratio = distance_ratio

    @property
    def lights(self) -> dict[str, Profile]:
        """The lights by name; "light" is the name of one without."""
        return self.light if isinstance(self.light, dict) else {LIGHT: self.light}

    def __getattr__(self, name: str) -> Profile:
        if name in self.__dict__.get("tracers", ()):
            return self.tracers[name]
        raise AttributeError(f"the component has no tracer {name!r}")


class Galaxy(eqx.Module):
    """Any number of named components, behind any number of lenses; their light adds up.

        I(theta) = Σᵢ Iᵢ(theta - alpha(theta)),   alpha = Σ of the lenses

    Parameters
    ----------
    lens
        lenses by name, such as {"halo": Profile(lens.sie, ...), "shear": Profile(lens.shear, ...)};
        their parameters have the paths "lens.halo.theta_E" and so on.
    components
        by name, such as disc=Component(...), bulge=Component(...); in the source plane if there is
        a lens.

    Raises
    ------
    InputError
        without a component, or if anything but a Component is given, or anything but lenses by name
        for lens.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> profile = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    >>> galaxy = jm.Galaxy(disc=jm.Component(light=profile))
    >>> float(galaxy.disc.light.R_sersic)
    1.0
    """

    components: dict[str, Component]
    lens: dict[str, Profile]

    def __init__(
        self, *unnamed: Any, lens: Mapping[str, Profile] | None = None, **components: Component
    ):
        if unnamed:
            expected = "components by name, such as disc=component"
            raise InputError(
                f"Galaxy: expected {expected}, got {described(unnamed[0])} without a name."
            )
        if not components:
            raise InputError("Galaxy: at least one component is needed.")
        for name, component in components.items():
            if not isinstance(component, Component):
                is_profile = isinstance(component, Profile)
                hint = f"; write {name}=Component(light=profile)" if is_profile else ""
                value = f"{described(component)}{hint}"
                raise InputError(f"Galaxy: {name} must be a Component, got {value}.")
        self.components = dict(sorted(components.items()))
        self.lens = _checked_lens(lens)

    def __getattr__(self, name: str) -> Component:
        if name in self.__dict__.get("components", ()):
            return self.components[name]
        raise AttributeError(f"the galaxy has no component {name!r}")

    @property
    def tracers(self) -> list[str]:
        """The names of all tracers that any component carries."""
        return sorted(
            {name for component in self.components.values() for name in component.tracers}
        )

    @property
    def lights(self) -> list[str]:
        """The names of all lights that any component has."""
        return sorted({name for component in self.components.values() for name in component.lights})

    @property
    def named(self) -> dict[str, Any]:
        """The first parts of dotted paths: the components by name, and the lenses, if any."""
        return {**self.components, **({LENS: self.lens} if self.lens else {})}

    def with_named(self, parts: Mapping[str, Any]) -> "Galaxy":
        """A copy with its components and lenses replaced, given by the names of `named`."""
        names = list(self.named)
        return eqx.tree_at(
            lambda galaxy: [galaxy.named[name] for name in names],
            self,
            [parts[name] for name in names],
        )

    def deflection(self, x: Array, y: Array) -> tuple[Array, Array]:
        """alpha = (alpha_x, alpha_y) of all lenses together at a position on the sky, arcsec."""
        x, y = plain(x, "Galaxy.deflection.x", ARCSEC), plain(y, "Galaxy.deflection.y", ARCSEC)
        along = across = jnp.zeros(jnp.broadcast_shapes(jnp.shape(x), jnp.shape(y)))
        for profile in self.lens.values():
            alpha_x, alpha_y = profile(x, y)
            along, across = along + alpha_x, across + alpha_y
        return along, across

    def is_lensed(self, name: str) -> bool:
        """Whether a component lies behind a lens."""
        return bool(self.lens) and not self.components[name].foreground


def _lights_by_name(light: Any) -> dict[str, Any]:
    if not isinstance(light, Mapping):
        return {LIGHT: light}
    invalid = [name for name in light if not isinstance(name, str) or "." in name]
    if not light or invalid:
        expected = "lights by name, such as {'Ha': profile}, with names without a dot"
        value = described(invalid[0] if invalid else light)
        raise InputError(f"Component.light: expected {expected}, got {value}.")
    return dict(light)


def _check_profile(name: str, profile: Any) -> None:
    """Refuse what is not the Profile of a light or a tracer."""
    if not isinstance(profile, Profile):
        value = f"{described(profile)}{_profile_hint(profile)}"
        raise InputError(f"Component: {name} must be a Profile, got {value}.")
    if profile.deflects:
        raise InputError(
            f"Component: {name} must have one value at each position, got the lens {profile.name}."
        )


def _profile_hint(value: Any) -> str:
    """How a profile is written, for an error about a value that is none."""
    if callable(value) and hasattr(value, "__name__"):
        return f"; write Profile({value.__name__}, …) with the values of its parameters"
    return "; write Profile(function, …) with the values of its parameters"


def _checked_lens(lens: Any) -> dict[str, Profile]:
    if lens is None:
        return {}
    if not isinstance(lens, Mapping):
        hint = "; a component needs another name" if isinstance(lens, Component) else ""
        expected = "lenses by name, such as {'halo': Profile(...)}"
        raise InputError(f"Galaxy.lens: expected {expected}, got {type(lens).__name__}{hint}.")
    for name, profile in lens.items():
        if not isinstance(profile, Profile):
            raise InputError(
                f"Galaxy.lens[{name!r}]: expected a Profile, got {type(profile).__name__}."
            )
        if not profile.deflects:
            raise InputError(
                f"Galaxy.lens[{name!r}]: {profile.name} is no lens: "
                "it gives no pair (alpha_x, alpha_y)."
            )
    return dict(sorted(lens.items()))


def children(node: Any) -> dict[str, Any]:
    """The values below a node by the next part of a dotted path."""
    parts = _named(node)
    if parts is not None:
        return parts
    if isinstance(node, eqx.Module):
        # A class may list its fields that can be parameters of a fit; the others are data.
        names = getattr(node, "adjustable", None) or node.__dataclass_fields__
        values = {name: getattr(node, name) for name in names}
        return {
            name: value
            for name, value in values.items()
            if isinstance(value, eqx.Module | dict) or eqx.is_inexact_array(value)
        }
    return {}


def _named(node: Any) -> dict[str, Any] | None:
    """The parts of a node by the names that users gave them; None for other objects."""
    if isinstance(node, Galaxy):
        return node.named
    if isinstance(node, Component):
        ratio = {} if node.distance_ratio is None else {"distance_ratio": node.distance_ratio}
        return {"light": node.light, **ratio, **node.tracers}
    if isinstance(node, Profile):
        return node.parameters
    return node if isinstance(node, dict) else None


def get(node: Any, path: str) -> Any:
    """The value at a dotted path such as "disc.light.R_sersic".

    Raises
    ------
    InputError
        with the part of the path that does not exist, and the names that do.
    """

    def step(node: Any, name: str) -> Any:
        below = children(node)
        if name not in below:
            raise unknown("name", name, below, f"path {path!r}")
        return below[name]

    return reduce(step, path.split("."), node)


def put(node: Any, path: str, value: Any) -> Any:
    """A copy of `node` with the value at a dotted path replaced."""
    get(node, path)

    def step(node: Any, name: str) -> Any:
        parts = _named(node)
        return getattr(node, name) if parts is None else parts[name]

    return eqx.tree_at(lambda tree: reduce(step, path.split("."), tree), node, value)
