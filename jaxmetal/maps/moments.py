"""Light-weighted sums: what a map needs of a galaxy, and what the telescope makes of it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxmetal.emission import Blend
from jaxmetal.galaxy import LIGHT


class Moment(eqx.Module):
    """One light-weighted sum over the beam.

        M = A · (K ∗ Σᵢ Iᵢ w(tracersᵢ)),   or of another light: M = A · (K ∗ Σᵢ Jᵢ)

    Parameters
    ----------
    tracers
        the names of the tracers that the weight depends on. A component takes part if it carries
        all of them.
    weight
        a function of their values at a point, in this order; or an `equinox.Module` that is
        called so, whose arrays may be free parameters. None is a weight of 1: the light itself.
    light
        the name of the light that is weighted, or (name, factor) of each in a sum of lights. A
        component takes part if it has it.
    numerator
        in place of a weight: another light J, whose sum over that of `light` is the moment's mean,
        such as one line over another.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> velocity = jm.Moment(("velocity",), lambda v: v)
    >>> velocity.light
    'light'
    """

    tracers: tuple[str, ...] = eqx.field(static=True)
    weight: Callable[..., Array] | None
    light: str | Blend = eqx.field(static=True)
    numerator: str | Blend | None = eqx.field(static=True)

    def __init__(
        self,
        tracers: tuple[str, ...] = (),
        weight: Callable[..., Array] | None = None,
        light: str | Blend = LIGHT,
        numerator: str | Blend | None = None,
    ):
        self.tracers, self.weight = tuple(tracers), weight
        self.light, self.numerator = light, numerator

    @property
    def is_light(self) -> bool:
        """Whether it is the light itself, without a weight or another light."""
        return self.weight is None and self.numerator is None

    def same(self, other: "Moment") -> bool:
        """Whether both are one sum: equal but for arrays, which must be the same objects."""
        leaves, structure = jax.tree.flatten(self)
        other_leaves, other_structure = jax.tree.flatten(other)
        return structure == other_structure and all(map(_same_leaf, leaves, other_leaves))


def _same_leaf(a: Any, b: Any) -> bool:
    return a is b or (not eqx.is_array_like(a) and a == b)


class SmearedMoment(eqx.Module):
    """A moment as a map sees it: smeared by the PSF and summed over its pixels or apertures.

    A weight that is the same everywhere stays the same to rounding, because only its contrast
    against a reference goes through the Fourier transform.

        M = unit · (C + reference · L),   C = A · (K ∗ Σ I (w - reference)) / unit

    Parameters
    ----------
    light
        L, the light that is weighted, in `unit`.
    contrast
        C; None for the light itself.
    reference
        a number near the mean weight; nothing depends on it but rounding.
    unit
        the surface brightness of the brightest cell.
    resolved
        where there is more light than the rounding of the Fourier transform.
    """

    light: Float[Array, "*map"]
    contrast: Float[Array, "*map"] | None
    reference: Float[Array, ""] | float
    unit: Float[Array, ""] | float
    resolved: Bool[Array, "*map"]

    @property
    def mean(self) -> Float[Array, "*map"]:
        """The light-weighted mean of the weight; the reference where no light is resolved."""
        if self.contrast is None:
            return jnp.ones_like(self.light)
        light = jnp.where(self.resolved, self.light, 1.0)
        return self.reference + jnp.where(self.resolved, self.contrast / light, 0.0)

    def times(self, factor: Float[Array, ""] | float) -> "SmearedMoment":
        """A moment that is a multiple of this one.

        Parameters
        ----------
        factor
            one number.

        Returns
        -------
        moment
            with the same mean.
        """
        unit = self.unit * factor
        return SmearedMoment(self.light, self.contrast, self.reference, unit, self.resolved)

    @property
    def total(self) -> Float[Array, "*map"]:
        """The sum itself, surface brightness times weight; also where there is no light."""
        if self.contrast is None:
            return self.light * self.unit
        return (self.contrast + self.reference * self.light) * self.unit
