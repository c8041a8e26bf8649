"""Laplace's approximation: the local expansion of the posterior at a point, and its covariance."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled
from jaxmetal.inference.model import Model


class Surroundings(NamedTuple):
    """The posterior at a point, and what a fit reports of it."""

    log_posterior: Array
    log_prior: Array
    slope: Array
    hessian: Array
    to_own_units: Array
    linear_information: Array
    linear_scale: Array
    values: dict[str, Array]
    predicted: dict[str, Array]


def surroundings(model: Model, u: Float[Array, " n"], with_jacobian: Any = 0.0) -> Surroundings:
    """The local expansion of the posterior at a point.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    u
        the point, in unconstrained coordinates.
    with_jacobian
        0 for the slope and Hessian of the density in the parameters' own units, 1 for those of the
        density in unconstrained coordinates.
    """

    def depth(u: Array) -> tuple[Array, Any]:
        point = model.point(u)
        look = model.look(point.values)
        height = point.log_prior + look.log_likelihood
        return -height - with_jacobian * point.log_jacobian, (height, point.log_prior, look)

    def slope(u: Array) -> tuple[Array, Any]:
        # Slope, predictions and curvature in one pass, so that the model is compiled only once.
        slope, extra = jax.grad(depth, has_aux=True)(u)
        return slope, (slope, extra)

    def own_units(u: Array) -> Array:
        values = model.complete(model.constrain(u))
        return jnp.concatenate([values[name].ravel() for name in model.free])

    hessian, (gradient, (height, log_prior, look)) = jax.jacfwd(slope, has_aux=True)(u)
    solution = look.solution
    information = jnp.zeros((0, 0)) if solution is None else solution.information
    scale = jnp.zeros(0) if solution is None else solution.scale
    to_own_units = jax.jacfwd(own_units)(u)
    return Surroundings(
        height,
        log_prior,
        gradient,
        hessian,
        to_own_units,
        information,
        scale,
        look.values,
        look.predicted,
    )


@compiled
def _information(model: Model, u: Array) -> Array:
    return model.information(u)


def covariances(
    models: Sequence[Model], points: np.ndarray, around: Surroundings
) -> tuple[np.ndarray, list[str]]:
    """Covariances around each point in unconstrained coordinates, and a complaint about each.

    Parameters
    ----------
    models
        of one structure.
    points
        in unconstrained coordinates, shape (galaxies, n).
    around
        the local expansions there.

    Returns
    -------
    matrices
        shape (galaxies, n, n); NaN where there is none.
    complaints
        why a covariance is missing or doubtful; empty if it is good.
    """
    matrices, complaints = inverses(around.hessian), [""] * len(points)
    nowhere = ~np.isfinite(around.log_posterior)
    matrices[nowhere] = np.nan
    for i in np.flatnonzero(np.isnan(matrices).any(axis=(1, 2))).tolist():
        if nowhere[i]:
            complaints[i] = "the log density is not finite at any start"
            continue
        matrices[i] = inverses(_information(models[i], points[i])[None])[0]
        complaints[i] = (
            "not converged: no maximum but a saddle or a plateau; errors from the Fisher matrix"
        )
        if np.isnan(matrices[i]).any():
            complaints[i] = "the data do not constrain the parameters: no covariance"
    return matrices, complaints


def covariance_in_own_units(covariance: np.ndarray, around: Surroundings) -> np.ndarray:
    """Covariances in the units of the parameters, the Linear amplitudes last.

    Parameters
    ----------
    covariance
        in unconstrained coordinates, shape (galaxies, n, n).
    around
        the local expansions, every array with a first axis of galaxies.
    """
    units = np.asarray(around.to_own_units, float)
    covariance = units @ covariance @ np.swapaxes(units, 1, 2)
    if linear := around.linear_information.shape[-1]:
        # The covariance of the amplitudes conditional on all other parameters.
        scale = np.asarray(around.linear_scale, float)
        conditional = inverses(around.linear_information) * scale[:, :, None] * scale[:, None, :]
        covariance[:, -linear:, -linear:] += np.where(np.isnan(conditional), np.inf, conditional)
    return covariance


def inverses(array: Any) -> np.ndarray:
    """Inverses of positive definite matrices, shape (many, n, n); NaN where one is not so."""
    matrices = np.asarray(array, float)
    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    good: Any = np.isfinite(matrices).all(axis=(1, 2)) & (diagonals > 0).all(axis=1)
    matrices = np.where(good[:, None, None], matrices, np.eye(matrices.shape[1]))
    scale = 1 / np.sqrt(np.where(good[:, None], diagonals, 1.0))
    scales = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(matrices * scales)
    good &= values[:, 0] > 1e-7 * values[:, -1]
    values = np.where(good[:, None], values, np.nan)
    return scales * ((vectors / values[:, None, :]) @ np.swapaxes(vectors, 1, 2))
