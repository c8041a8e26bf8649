"""The most probable parameters, and their errors: an ascent, then Laplace."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, unknown
from jaxmetal.inference.ascent import ARRIVED, METHODS
from jaxmetal.inference.model import Model
from jaxmetal.inference.results import Fit

# An ascent that has not arrived goes on from where it is this many times at most.
ROUNDS = 4


def optimise(model: Model, starts: int = 4, method: str = "fisher", steps: int | None = None, seed: int = 0) -> Fit:
    """The maximum of the posterior density (MAP), and the Laplace approximation around it.

        theta_MAP = argmax [log p(data | theta) + log p(theta)],   covariance = [-∂² log posterior]⁻¹ at theta_MAP

    Several starts run at once, and the best is taken. Whatever the method, Fisher scoring brings it to the last digits.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    starts
        how many: the galaxy's own values first, draws from the priors after it.
    method
        "fisher" (scoring: Levenberg-Marquardt for any likelihood), "lbfgs" or "adam" (Optax).
    steps
        the most steps of the method; 40, and 600 for Adam, if left out.
    seed
        of the draws.

    Returns
    -------
    fit
        parameters, covariance, galaxy; `fit.converged` and `fit.message` say whether to trust it.

    Raises
    ------
    InputError
        if nothing is free, or the start has no finite density.
    """
    steps = most_steps(model, starts, method, steps)
    points = first_points(model, starts, seed)
    for _ in range(ROUNDS):
        points, heights = _climb(model, points, method, steps)
        if not bool(jnp.any(jnp.isfinite(heights))):
            raise InputError("optimise: the log density is not finite at any start; check the starting values, priors and data.")
        best = highest(points, heights)
        around = _surroundings(model, best)
        if _gain(around, _inverse(around.hessian)) < ARRIVED:
            break
    return laplace(model, best, around)


def most_steps(model: Model, starts: int, method: str, steps: int | None) -> int:
    """The most steps of an ascent, once it is clear that there can be one."""
    if method not in METHODS:
        raise unknown("method", method, METHODS, "optimise")
    if starts < 1:
        raise InputError(f"optimise: starts must be at least 1, got {starts}.")
    if not model.names:
        raise InputError("optimise: nothing is free; give the model a prior for at least one parameter.")
    return METHODS[method][1] if steps is None else steps


def first_points(model: Model, starts: int, seed: int) -> Float[Array, "starts n"]:
    """The galaxy's own values, and draws from the priors."""
    return jnp.stack([model.start] + [model.unconstrain(model.draw(jax.random.key(seed + i))) for i in range(1, starts)])


def climb(model: Model, starts: Float[Array, "starts n"], method: str, steps: int) -> tuple[Float[Array, "starts n"], Array]:
    """The end of each ascent, and the log posterior there."""

    def ascend(start: Array) -> tuple[Array, Array]:
        end, height = METHODS[method][0](model, start, steps)
        return (end, height) if method == "fisher" else METHODS["fisher"][0](model, end, METHODS["fisher"][1])

    return jax.vmap(ascend)(starts)


def highest(points: Float[Array, "starts n"], heights: Float[Array, " starts"]) -> Float[Array, " n"]:
    """The point of the greatest log posterior."""
    return points[jnp.argmax(jnp.where(jnp.isfinite(heights), heights, -jnp.inf))]


class Surroundings(NamedTuple):
    """The posterior at a point, and what a fit reports of it."""

    log_posterior: Array
    log_prior: Array
    slope: Array
    hessian: Array
    to_own_units: Array
    linear_information: Array
    values: dict[str, Array]
    predicted: dict[str, Array]


def surroundings(model: Model, u: Float[Array, " n"]) -> Surroundings:
    """What is found at a point."""

    def depth(u: Array) -> tuple[Array, Any]:
        values = model.constrain(u)
        seen, log_prior = model.look(values), model.log_prior(values)
        height = log_prior + seen.log_likelihood
        return -height, (height, log_prior, seen)

    def slope(u: Array) -> tuple[Array, Any]:
        # Slope and predictions come along with the curvature, so that the model is compiled here only once.
        slope, extra = jax.grad(depth, has_aux=True)(u)
        return slope, (slope, extra)

    def own_units(u: Array) -> Array:
        values = model.complete(model.constrain(u))
        return jnp.concatenate([values[name].ravel() for name in model.free])

    hessian, (gradient, (height, log_prior, seen)) = jax.jacfwd(slope, has_aux=True)(u)
    linear = jnp.zeros((0, 0)) if seen.solution is None else seen.solution.information
    return Surroundings(height, log_prior, gradient, hessian, jax.jacfwd(own_units)(u), linear, seen.values, seen.predicted)


_climb, _surroundings = eqx.filter_jit(climb), eqx.filter_jit(surroundings)
_information = eqx.filter_jit(lambda model, u: model.information(u))


def laplace(model: Model, u: Float[Array, " n"], around: Surroundings) -> Fit:
    """The Laplace approximation around the end of an ascent, and what to know about it."""
    curvature, complaint = _inverse(around.hessian), ""
    if not np.isfinite(around.log_posterior):
        curvature, complaint = np.full(around.hessian.shape, np.nan), "the log density is not finite at any start"
    elif curvature is None:
        curvature = _inverse(_information(model, u))
        complaint = "no clear maximum (a parameter at its bound, or not constrained by the data): errors from the Fisher matrix"
    if curvature is None:
        curvature, complaint = np.full(around.hessian.shape, np.nan), "the data do not constrain the parameters: no covariance"
    gain = _gain(around, curvature)
    complaints = [complaint] if complaint else []
    units = np.asarray(around.to_own_units, float)
    covariance = units @ curvature @ units.T
    if model.linear:
        # What the data leave uncertain of the amplitudes, given everything else.
        given = _inverse(around.linear_information)
        covariance[-len(around.linear_information) :, -len(around.linear_information) :] += np.inf if given is None else given
    complaints += _bounded(model, around.values, np.sqrt(np.diag(covariance)))
    if not (np.isfinite(gain) and gain < ARRIVED):
        complaints.insert(0, f"not converged: a Newton step would still gain {gain:.2g} in log posterior")
    galaxy, maps = model.scene_at(around.values)
    return Fit(
        # A compiled program gives dictionaries back in alphabetical order; the covariance is in the model's.
        parameters={name: np.asarray(around.values[name]) for name in model.free},
        covariance=covariance,
        galaxy=galaxy,
        maps=maps,
        predicted={name: np.asarray(image) for name, image in around.predicted.items()},
        log_prior=float(around.log_prior),
        converged=not complaints,
        message="; ".join(complaints) or "converged",
        unconstrained=np.asarray(u),
        unconstrained_covariance=curvature,
    )


def _gain(around: Surroundings, curvature: np.ndarray | None) -> float:
    """What a Newton step would still gain in log posterior."""
    slope = np.asarray(around.slope, float)
    return np.inf if curvature is None else 0.5 * float(slope @ curvature @ slope)


def _bounded(model: Model, values: dict[str, Array], errors: np.ndarray) -> list[str]:
    """What to know about parameters with a bounded prior: at its edge, or left to it by the data."""
    notes, at = [], 0
    for name in model.names:
        prior, value = model.priors[name], np.asarray(values[name], float)
        error, at = errors[at : at + value.size].reshape(value.shape), at + value.size
        low, high = (getattr(prior.support, bound, None) for bound in ("lower_bound", "upper_bound"))
        if low is None or high is None:
            continue
        low, width = np.asarray(low, float), np.asarray(high, float) - np.asarray(low, float)
        if np.any(np.abs((value - low) / width - 0.5) > 0.499):
            notes.append(f"{name} at the edge of its prior, its error means little")
        elif np.any(error > 0.3 * width):
            notes.append(f"{name} is not constrained by the data beyond its prior")
    return notes


def _inverse(array: Array) -> np.ndarray | None:
    """The inverse of a positive definite matrix, or None."""
    matrix = np.asarray(array, float)
    diagonal = np.diag(matrix)
    if not (np.all(np.isfinite(matrix)) and np.all(diagonal > 0)):
        return None
    scale = 1 / np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    if values[0] <= 1e-7 * values[-1]:
        return None
    return np.outer(scale, scale) * ((vectors / values) @ vectors.T)
