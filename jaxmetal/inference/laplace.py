"""Laplace's approximation: the local expansion of the posterior at a point, and its covariance."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_once
from jaxmetal.inference.model import Model

# The Hessian in units of the errors by the Fisher matrix is about 1, and less where the posterior
# is wide and lopsided. Outside of this range it is compared with how the posterior falls within
# one error ...
CREDIBLE = 0.05, 2.0
# ... and replaced by that where the two differ by more than this fraction.
AGREEMENT = 0.3


class Surroundings(NamedTuple):
    """The posterior at a point, and what a fit reports of it.

    The predicted maps have the mean of random fields, whose modes are in units of their own
    standard deviations. The derivatives of minus the log density are left out where an ascent knows
    them, and the information is known only there.
    """

    log_posterior: Array
    log_prior: Array
    to_own_units: Array
    linear_information: Array
    linear_scale: Array
    values: dict[str, Array]
    predicted: dict[str, Array]
    field_modes: Array | None = None
    field_volume: Array | None = None
    with_jacobian: Array | None = None
    slope: Array | None = None
    hessian: Array | None = None
    information: Array | None = None


def outlook(model: Model, u: Float[Array, " n"]) -> Surroundings:
    """The posterior at a point, without derivatives of its density.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    u
        the point, in unconstrained coordinates.
    """
    point = model.point(u)
    look = model.look(point.values)

    def own_units(u: Array) -> Array:
        values = model.complete(model.constrain(u))
        return jnp.concatenate([values[name].ravel() for name in model.free])

    solution, integral, predicted = look.solution, look.integral, look.predicted
    if integral is not None and model.fields is not None:
        predicted = model.fields.added(predicted, integral.scale * integral.mean)
    return Surroundings(
        log_posterior=point.log_prior + look.log_likelihood,
        log_prior=point.log_prior,
        to_own_units=jax.jacfwd(own_units)(u),
        linear_information=jnp.zeros((0, 0)) if solution is None else solution.information,
        linear_scale=jnp.zeros(0) if solution is None else solution.scale,
        values=look.values,
        predicted=predicted,
        field_modes=None if integral is None else integral.mean,
        field_volume=None if integral is None else integral.log_volume,
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
    """

    matrices: np.ndarray
    complaints: list[str]


def covariances(models: Sequence[Model], points: np.ndarray, around: Surroundings) -> Covariances:
    """Covariances around each point in unconstrained coordinates.

    The inverse of the Hessian. Where that is far from the Fisher information, the posterior itself
    decides, by how much it falls within one error: second derivatives of light with a cusp do not
    exist in its centre, and those that are computed say nothing of what lies further away.

    Parameters
    ----------
    models
        of one structure.
    points
        in unconstrained coordinates, shape (galaxies, n).
    around
        the local expansions there, with the Fisher information.
    """
    assert around.hessian is not None and around.information is not None
    matrices, complaints = inverses(around.hessian), [""] * len(points)
    by_fisher = inverses(around.information)
    for i, (model, point) in enumerate(zip(models, points, strict=True)):
        if not np.isfinite(around.log_posterior[i]):
            matrices[i], complaints[i] = np.nan, "the log density is not finite at any start"
        elif np.isnan(by_fisher[i]).any():
            if np.isnan(matrices[i]).any():
                complaints[i] = "the data do not constrain the parameters: no covariance"
        else:
            one = jax.tree.map(lambda array, i=i: array[i], around)
            matrices[i], complaints[i] = _covariance_of_one(
                model, point, one, by_fisher[i], matrices[i]
            )
    return Covariances(matrices, complaints)


def _covariance_of_one(
    model: Model,
    point: np.ndarray,
    around: Surroundings,
    by_fisher: np.ndarray,
    by_hessian: np.ndarray,
) -> tuple[np.ndarray, str]:
    """The covariance of one galaxy, and a complaint about it.

    Parameters
    ----------
    model, point, around
        the model, and where its ascent ended.
    by_fisher, by_hessian
        covariances; NaN for a Hessian that is not positive definite.
    """
    assert around.with_jacobian is not None
    saddle = "not converged: no maximum but a saddle or a plateau; errors from the Fisher matrix"
    hessian, root = np.asarray(around.hessian, float), np.linalg.cholesky(by_fisher)
    if not np.isfinite(hessian).all():
        return by_fisher, saddle
    curvature, directions = np.linalg.eigh(root.T @ hessian @ root)
    doubtful = (curvature < CREDIBLE[0]) | (curvature > CREDIBLE[1])
    if not doubtful.any():
        return by_hessian, ""
    # One error as the Hessian has it, or the Fisher information where the Hessian has none.
    length = 1 / np.sqrt(np.where(curvature[doubtful] > 1, curvature[doubtful], 1.0))
    steps = (length * (root @ directions[:, doubtful])).T
    near = np.concatenate([point[None], point + steps, point - steps]).astype(point.dtype)
    heights = np.asarray(_heights(model, jnp.asarray(near), around.with_jacobian), float)
    falls = heights[0] - heights[1:].reshape(2, -1)
    if not np.all(falls > 0):
        return by_fisher, saddle
    fall = 2 * falls.mean(axis=0) / length**2
    agrees = np.abs(fall - curvature[doubtful]) < AGREEMENT * fall
    if agrees.all():
        return by_hessian, ""
    curvature[doubtful] = np.where(agrees, curvature[doubtful], fall)
    axes = root @ directions
    return (axes / curvature) @ axes.T, ""


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
