"""How probable the data of a map are under a prediction; always with the normalisation."""

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from jaxmetal.maps import LightMap, Map


def _sigma(map: Map) -> Float[Array, "..."]:
    """The standard deviations of the data alone, with a covariance of its independent modes."""
    return map.sigma if map.modes is None else map.modes.sigma


def _inflation(map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """The factor by which the extra scatter makes sigma larger: sqrt(1 + (scatter / sigma)²).

    The scatter is in the tracer's unit, or a fraction of the light.
    """
    extra = map.scatter * predicted if isinstance(map, LightMap) else map.scatter
    # In units of sigma: the square of a flux of 1e-20 does not exist in float32, nor does 1 / sigma².
    ratio = jnp.where(map.valid, extra / _sigma(map), 0.0)
    return jnp.sqrt(1 + ratio**2)


def independent(map: Map, images: Float[Array, "..."]) -> Float[Array, "..."]:
    """One or more images of the map's shape along the directions in which its errors are independent; 0 where nothing takes part."""
    images = jnp.where(map.valid, images, 0.0)
    return images if map.modes is None else map.modes.along(images)


def in_units_of_error(map: Map, images: Float[Array, "..."], predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """One or more images over the total sigma of a prediction, with a covariance along its modes; 0 where nothing takes part."""
    # One factor after the other: the derivative of a quotient by the total sigma has 1 / sigma².
    return independent(map, images) / _sigma(map) / _inflation(map, predicted)


def residuals(map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """(data - model) / total sigma, with a covariance along its modes; 0 where a pixel or aperture takes no part."""
    return in_units_of_error(map, map.values - predicted, predicted)


def log_likelihood(map: Map, predicted: Float[Array, "..."]) -> Float[Array, ""]:
    """The log probability of the data.

    Gaussian:   -1/2 Σ [r² + ln 2 pi s²],   r = (data - model) / s,   s² = sigma² + scatter²
    Student-t:  Σ [ln Gamma((nu+1)/2) - ln Gamma(nu/2) - 1/2 ln(nu pi s²) - (nu+1)/2 ln(1 + r²/nu)]
    """
    squared = residuals(map, predicted) ** 2
    log_variance = 2 * (jnp.log(_sigma(map)) + jnp.log(_inflation(map, predicted)))
    if map.likelihood == "gaussian":
        terms = -0.5 * (squared + log_variance + jnp.log(2 * jnp.pi))
    else:
        nu = map.dof
        peak = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * jnp.log(nu * jnp.pi)
        terms = peak - 0.5 * log_variance - (nu + 1) / 2 * jnp.log1p(squared / nu)
    return jnp.sum(jnp.where(map.valid, terms, 0.0))


def information_roots(map: Map, predicted: Float[Array, "..."]) -> Float[Array, " n"]:
    """Functions whose Jacobian J gives the Fisher information JᵀJ: of the mean, and of the scatter.

    F = Σ (∂mu/s)² + 1/2 Σ (∂ln s²)²,   times (nu+1)/(nu+3) and nu/(nu+3) for Student-t
    """
    inflation = _inflation(map, predicted)
    mean = independent(map, predicted) / _sigma(map) / jax.lax.stop_gradient(inflation)
    spread = jnp.sqrt(2.0) * jnp.log(inflation)
    if map.likelihood == "student-t":
        mean = mean * jnp.sqrt((map.dof + 1) / (map.dof + 3))
        spread = spread * jnp.sqrt(map.dof / (map.dof + 3))
    return jnp.concatenate([jnp.where(map.valid, root, 0.0).ravel() for root in (mean, spread)])
