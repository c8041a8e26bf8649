"""Correlations of errors by separation: Gaussian, Matern and drizzled."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.maps.correlations import BySeparation
from jaxmetal.profiles.profile import as_array, is_traced


class GaussianCorrelation(BySeparation):
    """k(d) = exp(-d² / 2 length²), and 0 beyond `cut`.

    Parameters
    ----------
    length
        the standard deviation of k, positive.
    cut
        the separation beyond which there is none, positive; infinite by default.
    """

    length: Float[Array, ""] = eqx.field(converter=lambda value: _positive(value, "length"))
    cut: Float[Array, ""] = eqx.field(
        default=np.inf, converter=lambda value: _positive(value, "cut", np.inf)
    )

    def of_separation(self, distance: Float[Array, "..."]) -> Float[Array, "..."]:
        near = distance <= self.cut
        return jnp.where(near, jnp.exp(-0.5 * (distance / self.length) ** 2), 0.0)


class MaternCorrelation(BySeparation):
    """k(d) = exp(-s) Σ_j p! (2p - j)! / [(2p)! j! (p - j)!] (2s)^j,   s = sqrt(2 nu) d / length

    Of half-integer nu = p + 1/2: 1/2 is the exponential.

    Parameters
    ----------
    length
        of the correlation, positive.
    nu
        1/2, 3/2, 5/2 or a larger one; the smoothness.
    """

    length: Float[Array, ""] = eqx.field(converter=lambda value: _positive(value, "length"))
    nu: float = eqx.field(static=True, default=1.5)

    def __check_init__(self) -> None:
        if self.nu not in (0.5, 1.5, 2.5, 3.5, 4.5):
            raise InputError(
                f"noise.matern: nu must be 0.5, 1.5, 2.5, 3.5 or 4.5, got {self.nu!r}."
            )

    def of_separation(self, distance: Float[Array, "..."]) -> Float[Array, "..."]:
        s, order = np.sqrt(2 * self.nu) * distance / self.length, round(self.nu - 0.5)
        term = total = jnp.ones_like(s)
        for j in range(order):
            # The quotient of two coefficients that follow each other.
            term = term * 2 * s * (order - j) / ((2 * order - j) * (j + 1))
            total = total + term
        return jnp.exp(-s) * total


class DrizzleCorrelation(BySeparation):
    """The noise of a drizzled mosaic of many dithers, in pixels along its rows and columns.

        k = (w ⋆ w)(dx) (w ⋆ w)(dy) / (w ⋆ w)(0)²,   w = box(drop) ∗ box(1)

    Parameters
    ----------
    drop
        side of the drop in pixels of the mosaic: pixfrac times the detector's pixel over it,
        positive.
    """

    drop: Float[Array, ""] = eqx.field(converter=lambda value: _positive(value, "drop"))

    def of_separation(self, distance: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.of_offset(distance, jnp.zeros_like(distance))

    def of_offset(self, dx: Float[Array, "..."], dy: Float[Array, "..."]) -> Array:
        return self._along(dx) * self._along(dy)

    def _along(self, offset: Array) -> Array:
        """The autocorrelation along one axis: second differences of |x|³ by the drop and by 1."""

        def cubes(x: Array) -> Array:
            weights = {-1: 1.0, 0: -2.0, 1: 1.0}
            return sum(
                (
                    a * b * jnp.abs(x + i * self.drop + j) ** 3
                    for i, a in weights.items()
                    for j, b in weights.items()
                ),
                jnp.zeros_like(x),
            )

        # Beyond its support only rounding is left.
        inside = jnp.abs(offset) < self.drop + 1
        return jnp.where(inside, cubes(offset) / cubes(jnp.zeros_like(offset)), 0.0)


def _positive(value: Any, name: str, largest: float = float(np.finfo(np.float32).max)) -> Array:
    array = as_array(value, f"noise: {name}")
    if array.shape != () or not (is_traced(array) or 0 < float(array) <= largest):
        raise InputError(f"noise: {name} must be one positive number, got {value!r}.")
    return array
