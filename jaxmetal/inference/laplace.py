"""Laplace's approximation: the local expansion of the posterior at a point, and its covariance."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_once
from jaxmetal.inference.model import Model

# The Hessian in units of the errors by the Fisher matrix is about 1; below this it has no maximum.
LEAST_CURVATURE = 0.05


class Surroundings(NamedTuple):
    """The posterior at a point, and what a fit reports of it."""

    log_posterior: Array
    log_prior: Array
    slope: Array
    hessian: Array
    to_own_units: Array
    linear_information: Array
    linear_scale: Array
    with_jacobian: Array
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
        jnp.asarray(with_jacobian, u.dtype),
        look.values,
        look.predicted,
    )


@compiled_once
def _heights(model: Model, points: Float[Array, "many n"], with_jacobian: Array) -> Array:
    """The log posterior at each point."""
    return jax.lax.map(lambda point: model.log_posterior(point, with_jacobian), points)


class Covariances(NamedTuple):
    """Covariances around maxima in unconstrained coordinates.

    Parameters
    ----------
    matrices
        shape (galaxies, n, n); NaN where there is none.
    complaints
        why a covariance is missing or doubtful, of each galaxy; empty if it is good.
    notes
        what to know about a good one; empty if there is nothing.
    """

    matrices: np.ndarray
    complaints: list[str]
    notes: list[str]


def covariances(models: Sequence[Model], points: np.ndarray, around: Surroundings) -> Covariances:
    """Covariances around each point in unconstrained coordinates.

    The inverse of the Hessian; where that is not positive definite, of the Fisher information.

    Parameters
    ----------
    models
        of one structure.
    points
        in unconstrained coordinates, shape (galaxies, n).
    around
        the local expansions there.
    """
    matrices = inverses(around.hessian)
    complaints, notes = [""] * len(points), [""] * len(points)
    nowhere = ~np.isfinite(around.log_posterior)
    matrices[nowhere] = np.nan
    of_each = [jax.tree.map(lambda array, i=i: array[i], around) for i in range(len(points))]
    for i in np.flatnonzero(np.isnan(matrices).any(axis=(1, 2))).tolist():
        if nowhere[i]:
            complaints[i] = "the log density is not finite at any start"
            continue
        matrices[i] = inverses(models[i].information(points[i])[None])[0]
        if np.isnan(matrices[i]).any():
            complaints[i] = "the data do not constrain the parameters: no covariance"
        elif _is_maximum(models[i], points[i], matrices[i], of_each[i]):
            notes[i] = "errors from the Fisher matrix, because the model is not smooth there"
        else:
            complaints[i] = (
                "not converged: no maximum but a saddle or a plateau; errors from the Fisher matrix"
            )
    return Covariances(matrices, complaints, notes)


def _is_maximum(
    model: Model, point: np.ndarray, covariance: np.ndarray, around: Surroundings
) -> bool:
    """Whether the posterior falls within one error in every direction of negative curvature.

    Second derivatives of light with a cusp in its centre do not exist, and those that are computed
    say nothing of what lies further away.
    """
    root = np.linalg.cholesky(covariance)
    curvature, directions = np.linalg.eigh(root.T @ np.asarray(around.hessian, float) @ root)
    steps = (root @ directions[:, curvature < LEAST_CURVATURE]).T
    points = np.concatenate([point[None], point + steps, point - steps]).astype(point.dtype)
    height, *others = np.asarray(_heights(model, jnp.asarray(points), around.with_jacobian))
    return all(other < height for other in others)


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
