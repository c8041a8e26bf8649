"""What the errors of a map depend on, for one prediction."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxmetal.instrument.grid import Grid
from jaxmetal.maps.correlations import Correlation


class Errors(NamedTuple):
    """All that the errors of a map depend on, for one prediction.

        C = S R S + scatter²,   S² = (scale · sigma)² + profiled²

    Parameters
    ----------
    sigma, valid
        the quoted standard deviations, and where there is a measurement, in the map's shape.
    scale
        factor on the quoted errors.
    scatter
        extra independent scatter, in the unit of the map: one number, or in the map's shape.
    profiled
        the error of a prediction that is made of other data, which adds to residuals but is not
        normalised; None if it is not.
    correlation
        R, or None for independent errors.
    grid
        of the map.
    """

    sigma: Float[Array, "*map"]
    valid: Bool[Array, "*map"]
    scale: Float[Array, ""]
    scatter: Float[Array, "..."]
    profiled: Float[Array, "*map"] | None
    correlation: Correlation | None
    grid: Grid

    def in_sigma(self, image: Float[Array, "*map"]) -> Float[Array, "*map"]:
        """An image in units of the quoted errors; 0 where it is masked."""
        # In units of sigma: in float32 the square of a flux of 1e-20 underflows, and 1 / sigma²
        # overflows.
        return jnp.where(self.valid, image, 0.0) / self.sigma

    @property
    def shared(self) -> Float[Array, "*map"]:
        """S over sigma: the part that neighbours share."""
        if self.profiled is None:
            return jnp.broadcast_to(self.scale, self.sigma.shape)
        return jnp.sqrt(self.scale**2 + self.in_sigma(self.profiled) ** 2)

    @property
    def alone(self) -> Float[Array, "*map"]:
        """The scatter over sigma."""
        return self.in_sigma(jnp.broadcast_to(self.scatter, self.sigma.shape))

    @property
    def normalised(self) -> "Errors":
        """The same without the error that is not normalised."""
        return self._replace(profiled=None)


def errors_of(one_map: Any, predicted: Float[Array, "*map"]) -> Errors:
    """The errors of a map for what is predicted.

    Parameters
    ----------
    one_map
        a Map.
    predicted
        in the unit of its values.

    Returns
    -------
    errors
        for the methods of its noise.
    """
    return Errors(
        sigma=one_map.sigma,
        valid=one_map.valid,
        scale=one_map.calibration.error_scale,
        scatter=one_map.scatter_of(predicted),
        profiled=one_map.profiled_error(predicted),
        correlation=one_map.correlation,
        grid=one_map.instrument.grid,
    )
