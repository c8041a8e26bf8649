"""The normalised log likelihood of the data of a map given a prediction."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.scipy.special import log_ndtr
from jaxtyping import Array, Float

from jaxmetal.maps import Likelihood, Map
from jaxmetal.maps.error_terms import errors_of
from jaxmetal.profiles.numerics import product

LOG_ROOT_2_PI = 0.9189385332046727
# Beyond this many errors the curvature of an upper limit does not change any more.
FAR = 10.0


def in_units_of_error(
    one_map: Map, image: Float[Array, "..."], predicted: Float[Array, "..."]
) -> Float[Array, "..."]:
    """An image whitened by the errors of a prediction; 0 where it is masked."""
    return one_map.noise.whitened(image, errors_of(one_map, predicted))


def residuals(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """data - model, whitened: independent, of unit variance; 0 where it is masked."""
    return in_units_of_error(one_map, one_map.values - predicted, predicted)


def deviances(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """Residuals whose squares add up to chi-square: of an upper limit -sqrt(-2 ln Phi(r))."""
    r = residuals(one_map, predicted)
    if one_map.censored is None:
        return r
    return jnp.where(
        one_map.censored & one_map.valid, -jnp.sqrt(jnp.maximum(-2 * log_ndtr(r), 0.0)), r
    )


def log_likelihood(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, ""]:
    """The log probability of the data: the sum of `terms`."""
    return jnp.sum(terms(one_map, predicted))


def terms(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, "..."]:
    """The log probability of each whitened number; 0 where it is masked.

    ln L = Σ ln p(r) - ln |C| / 2,   r = C^(-1/2) (data - model),   C = S R S + scatter²

    S are the quoted errors times their scale. The error of a prediction that is made of other data
    adds to S in r alone. An upper limit has ln Phi(r).
    """
    log_s = one_map.noise.log_errors(errors_of(one_map, predicted))
    r = residuals(one_map, predicted)
    each = one_map.likelihood.log_density(r) - log_s
    if one_map.censored is not None:
        each = jnp.where(one_map.censored, log_ndtr(r), each)
    return jnp.where(one_map.valid, each, 0.0)


def information_roots(one_map: Map, predicted: Float[Array, "..."]) -> Float[Array, " n"]:
    """Functions whose Jacobian J gives the Fisher information JᵀJ.

        F = Σ ∂hᵀ A ∂h,   h = (C^(-1/2) model, ln s, parameters of the likelihood)

    of the mean, the error and the likelihood's own parameters, where A is the Fisher information of
    one measurement on h, and JᵀJ its Cholesky factorisation; s is the error of a whitened number.
    An upper limit, which is no draw from a distribution, has the curvature of -ln Phi(r),
    λ(λ + r) with λ = phi(r) / Phi(r).

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
    roots = product(root, h)
    if one_map.censored is not None:
        of_limits = _root_of_limits(residuals(one_map, predicted)).ravel()
        below = one_map.censored.ravel()
        roots = jnp.where(below, 0.0, roots).at[0].add(jnp.where(below, of_limits, 0.0))
    return jnp.concatenate([roots.ravel(), one_map.noise.further_roots(errors)])


def _root_of_limits(r: Float[Array, "*map"]) -> Float[Array, "*map"]:
    """A function of r = (L - model) / s whose slope squared is the curvature of -ln Phi(r)."""
    # Far below, where the two terms of the curvature cancel, it is that of a Gaussian.
    bounded = jnp.clip(jax.lax.stop_gradient(r), -FAR, FAR)
    hazard = jnp.exp(-0.5 * bounded**2 - LOG_ROOT_2_PI - log_ndtr(bounded))
    return r * jnp.sqrt(jnp.clip(hazard * (hazard + bounded), 0.0, 1.0))


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
