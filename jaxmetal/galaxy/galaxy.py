"""A galaxy: components of light, and lenses in front of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike

from jaxmetal.errors import InputError, described
from jaxmetal.galaxy.component import Component
from jaxmetal.profiles.profile import Profile
from jaxmetal.quantities import ARCSEC, plain
from jaxmetal.shown import as_html

LENS = "lens"


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

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.components]

    @property
    def tracers(self) -> list[str]:
        """The names of all tracers that any component carries."""
        return sorted(
            {name for component in self.components.values() for name in component.tracers}
        )

    @property
    def lights(self) -> list[str]:
        """The names of all lights that any component has, lines among them."""
        parts = self.components.values()
        return sorted({name for component in parts for name in component.light_names})

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

    _repr_html_ = as_html

    def deflection(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """alpha = (alpha_x, alpha_y) of all lenses together at a position on the sky, arcsec."""
        x, y = plain(x, "Galaxy.deflection.x", ARCSEC), plain(y, "Galaxy.deflection.y", ARCSEC)
        along = across = jnp.zeros(jnp.broadcast_shapes(jnp.shape(x), jnp.shape(y)))
        for profile in self.lens.values():
            alpha_x, alpha_y = profile(x, y)
            along, across = along + alpha_x, across + alpha_y
        return along, across

    def source_planes(
        self, names: Sequence[str], x: Array, y: Array
    ) -> dict[str, tuple[Array, Array]]:
        """Where in the plane of each component the light at a position on the sky comes from.

            beta = theta - distance_ratio · alpha(theta);   theta itself in front of the lenses

        Parameters
        ----------
        names
            of components.
        x, y
            position on the sky, arcsec.

        Returns
        -------
        planes
            {name: position (x, y), arcsec}.
        """
        planes = dict.fromkeys(names, (x, y))
        lensed = [name for name in names if self.is_lensed(name)]
        if lensed:
            alpha_x, alpha_y = self.deflection(x, y)
        for name in lensed:
            ratio = self.components[name].distance_ratio
            if ratio is None:
                planes[name] = x - alpha_x, y - alpha_y
            else:
                planes[name] = x - ratio * alpha_x, y - ratio * alpha_y
        return planes

    def is_lensed(self, name: str) -> bool:
        """Whether a component lies behind a lens."""
        return bool(self.lens) and not self.components[name].foreground


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
