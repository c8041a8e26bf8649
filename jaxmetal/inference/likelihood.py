"""How probable the data of a map are under a prediction; always with the normalisation."""

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from jaxmetal.maps import LightMap, Map


def total_sigma(map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """sigma and the extra scatter in quadrature: scatter in the tracer's unit, or as a fraction of the light.

    With a covariance, of its independent modes.
    """
    sigma = map.sigma if map.modes is None else map.modes.sigma
    extra = map.scatter * predicted if isinstance(map, LightMap) else map.scatter
    # In units of sigma: the square of a flux of 1e-20 does not exist in float32.
    return sigma * jnp.sqrt(1 + (extra / sigma) ** 2)


def independent(map: Map, images: Float[Array, "..."]) -> Float[Array, "..."]:
    """One or more images of the map's shape along the directions in which its errors are independent; 0 where nothing takes part."""
    images = jnp.where(map.valid, images, 0.0)
    return images if map.modes is None else map.modes.along(images)


def residuals(map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """(data - model) / total sigma, with a covariance along its modes; 0 where a pixel or aperture takes no part."""
    return independent(map, map.values - predicted) / total_sigma(map, predicted)


def log_likelihood(map: Map, predicted: Float[Array, "..."]) -> Float[Array, ""]:
    """The log probability of the data.

    Gaussian:   -1/2 Σ [r² + ln 2 pi s²],   r = (data - model) / s,   s² = sigma² + scatter²
    Student-t:  Σ [ln Gamma((nu+1)/2) - ln Gamma(nu/2) - 1/2 ln(nu pi s²) - (nu+1)/2 ln(1 + r²/nu)]
    """
    squared = residuals(map, predicted) ** 2
    log_variance = 2 * jnp.log(total_sigma(map, predicted))
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
    total = total_sigma(map, predicted)
    mean = independent(map, predicted) / jax.lax.stop_gradient(total)
    spread = jnp.sqrt(2.0) * jnp.log(total)
    if map.likelihood == "student-t":
        mean = mean * jnp.sqrt((map.dof + 1) / (map.dof + 3))
        spread = spread * jnp.sqrt(map.dof / (map.dof + 3))
    return jnp.concatenate([jnp.where(map.valid, root, 0.0).ravel() for root in (mean, spread)])
