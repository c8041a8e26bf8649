"""The normalised log likelihood of the data of a map given a prediction."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from jaxmetal.maps import Likelihood, Map
from jaxmetal.maps.error_terms import errors_of
from jaxmetal.profiles.numerics import product


def in_units_of_error(
    one_map: Map, image: Float[Array, "..."], predicted: Float[Array, "..."]
) -> Float[Array, "..."]:
    """An image whitened by the errors of a prediction; 0 where it is masked."""
    return one_map.noise.whitened(image, errors_of(one_map, predicted))


def residuals(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """data - model, whitened: independent, of unit variance; 0 where it is masked."""
    return in_units_of_error(one_map, one_map.values - predicted, predicted)


def log_likelihood(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, ""]:
    """The log probability of the data.

    ln L = Σ ln p(r) - ln |C| / 2,   r = C^(-1/2) (data - model),   C = S R S + scatter²

    S are the quoted errors times their scale. The error of a prediction that is made of other data
    adds to S in r alone.
    """
    log_s = one_map.noise.log_errors(errors_of(one_map, predicted))
    terms = one_map.likelihood.log_density(residuals(one_map, predicted)) - log_s
    return jnp.sum(jnp.where(one_map.valid, terms, 0.0))


def information_roots(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, " n"]:
    """Functions whose Jacobian J gives the Fisher information JᵀJ.

        F = Σ ∂hᵀ A ∂h,   h = (C^(-1/2) model, ln s, parameters of the likelihood)

    of the mean, the error and the likelihood's own parameters, where A is the Fisher information of
    one measurement on h, and JᵀJ its Cholesky factorisation; s is the error of a whitened number.

    Parameters
    ----------
    one_map, predicted
        the map and what is predicted for it.
    """
    errors = errors_of(one_map, predicted)
    mean = one_map.noise.whitened(predicted, jax.lax.stop_gradient(errors))
    coordinates = [mean, one_map.noise.log_errors(errors)]
    parameters = ravel_pytree(eqx.filter(one_map.likelihood, eqx.is_inexact_array))[0]
    coordinates += [jnp.broadcast_to(number, mean.shape) for number in parameters]
    root = _information_root(one_map.likelihood)
    h = jnp.stack([jnp.where(one_map.valid, c, 0.0).ravel() for c in coordinates])
    return jnp.concatenate([product(root, h).ravel(), one_map.noise.further_roots(errors)])


def _information_root(likelihood: Likelihood) -> Float[Array, "k k"]:
    """R with Rᵀ R = A; no gradient flows through it."""
    information = jax.lax.stop_gradient(likelihood.score_information())
    scale = jnp.sqrt(jnp.diag(information))
    # Of unit diagonal, and regularised: the data do not determine a large number of degrees of
    # freedom.
    scale = jnp.where(scale > 0, scale, 1.0)
    padding = 8 * jnp.finfo(information.dtype).eps * jnp.eye(len(scale), dtype=information.dtype)
    unit = information / scale[:, None] / scale[None, :]
    return jnp.linalg.cholesky(unit + padding).T * scale[None, :]
