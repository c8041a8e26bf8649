"""The most probable parameters, and their errors: Optax, then Levenberg-Marquardt, then Laplace."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax
import optimistix
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, unknown
from jaxmetal.inference import likelihood
from jaxmetal.inference.model import Model
from jaxmetal.inference.results import Fit
from jaxmetal.maps import LightMap

METHODS = ("lbfgs", "adam")
# A fit has arrived when a Newton step would gain less than this in log posterior: 0.045 sigma away at most.
ARRIVED = 1e-3
ADAM_RATE = 0.05
# An ascent that has not arrived goes on from where it is, whitened anew, this many times at most.
ROUNDS = 4


def optimise(model: Model, starts: int = 4, method: str = "lbfgs", steps: int | None = None, seed: int = 0) -> Fit:
    """The maximum of the posterior density (MAP), and the Laplace approximation around it.

        theta_MAP = argmax [log p(data | theta) + log p(theta)],   covariance = [-∂² log posterior]⁻¹ at theta_MAP

    Several starts run at once, each in coordinates whitened by its Fisher information; the best is finished by
    Levenberg-Marquardt where the problem is one of least squares.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    starts
        how many: the galaxy's own values first, draws from the priors after it.
    method
        "lbfgs" or "adam".
    steps
        the most steps before the finish; 40 for L-BFGS and 600 for Adam if left out.
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
    if method not in METHODS:
        raise unknown("method", method, METHODS, "optimise")
    if starts < 1:
        raise InputError(f"optimise: starts must be at least 1, got {starts}.")
    if not model.names:
        raise InputError("optimise: nothing is free; give the model a prior for at least one parameter.")
    origin = model.start
    first = [origin] + [model.unconstrain(model.draw(jax.random.key(seed + i))) for i in range(1, starts)]
    steps = steps or {"lbfgs": 40, "adam": 600}[method]
    points = jnp.stack(first)
    for _ in range(ROUNDS):
        # Each is whitened where it begins, so that its first step is a Newton step.
        whiten = jnp.stack([_inverse_root(_information(model, u)) for u in points])
        points, heights = _climb(model, points, whiten, method, steps)
        if not bool(jnp.any(jnp.isfinite(heights))):
            raise InputError("optimise: the log density is not finite at any start; check the starting values, priors and data.")
        best = points[jnp.argmax(jnp.where(jnp.isfinite(heights), heights, -jnp.inf))]
        around = _surroundings(model, best)
        if _gain(around, _inverse(around.hessian)) < ARRIVED:
            break
    if _is_least_squares(model):
        end = _finish(model, best, _inverse_root(_information(model, best)))
        around_end = _surroundings(model, end)
        if around_end.log_posterior >= around.log_posterior:
            best, around = end, around_end
    return _laplace(model, best, around)


def _inverse_root(matrix: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """The matrix that turns a unit sphere into the ellipsoid of this information matrix."""
    # Scaled to a unit diagonal first: parameters of very different units would lose digits otherwise.
    scale = 1 / jnp.sqrt(jnp.diag(matrix))
    values, vectors = jnp.linalg.eigh(matrix * scale[:, None] * scale)
    floor = jnp.finfo(matrix.dtype).eps * values[-1] * len(scale)
    return scale[:, None] * vectors / jnp.sqrt(jnp.maximum(values, floor))


@eqx.filter_jit
def _climb(model: Model, first: Float[Array, "starts n"], whiten: Float[Array, "starts n n"], method: str, steps: int):
    """The end of each ascent, and the log posterior there."""

    def ascend(start: Array, whiten: Array) -> tuple[Array, Array]:
        def depth(w: Array) -> Array:
            return -model.log_posterior(start + whiten @ w)

        w, value = (_lbfgs if method == "lbfgs" else _adam)(depth, jnp.zeros_like(start), steps)
        return start + whiten @ w, -value

    return jax.vmap(ascend)(first, whiten)


def _lbfgs(function, w: Array, steps: int) -> tuple[Array, Array]:
    solver = optax.lbfgs(linesearch=optax.scale_by_zoom_linesearch(max_linesearch_steps=12, initial_guess_strategy="one"))
    rounding = 8 * jnp.finfo(w.dtype).eps

    def unfinished(carry: Any) -> Array:
        _, _, value, _, count, gained = carry
        # A gain no larger than rounding: further steps would only wander.
        return (count < steps) & (gained > jnp.maximum(0.01 * ARRIVED, rounding * jnp.abs(value)))

    def step(carry: Any) -> Any:
        w, state, value, slope, count, _ = carry
        update, state = solver.update(slope, state, w, value=value, grad=slope, value_fn=function)
        # The line search has been where the step ends, and remembers value and slope there.
        after, slope = optax.tree.get(state, "value"), optax.tree.get(state, "grad")
        return optax.apply_updates(w, update), state, after, slope, count + 1, value - after

    value, slope = jax.value_and_grad(function)(w)
    w, _, value, *_ = jax.lax.while_loop(unfinished, step, (w, solver.init(w), value, slope, 0, jnp.asarray(jnp.inf, w.dtype)))
    return w, value


def _adam(function, w: Array, steps: int) -> tuple[Array, Array]:
    solver = optax.adam(optax.cosine_decay_schedule(ADAM_RATE, steps))

    def step(carry: Any, _: None) -> tuple[Any, None]:
        w, state = carry
        update, state = solver.update(jax.grad(function)(w), state)
        return (optax.apply_updates(w, update), state), None

    (w, _), _ = jax.lax.scan(step, (w, solver.init(w)), length=steps)
    return w, function(w)


def _is_least_squares(model: Model) -> bool:
    """Whether the log posterior is minus half a sum of squares: Gaussian data of known scatter, flat or normal priors."""
    known = not any(name.endswith(".scatter") for name in (*model.names, *dict(model.ties)))
    gaussian = all(m.likelihood == "gaussian" for m in model.maps.values())
    relative = any(isinstance(m, LightMap) and float(m.scatter) > 0 for m in model.maps.values())
    return known and gaussian and not relative and all(_base(p) in (dist.Normal, dist.Uniform) for p in model.priors.values())


def _base(prior: dist.Distribution) -> type:
    return type(prior.base_dist) if isinstance(prior, dist.ExpandedDistribution) else type(prior)


@eqx.filter_jit
def _finish(model: Model, start: Float[Array, " n"], whiten: Float[Array, "n n"]) -> Float[Array, " n"]:
    """The last digits, by Levenberg-Marquardt on the residuals of the data and of the normal priors."""

    def residuals(w: Array, args: None) -> Array:
        values = model.constrain(start + whiten @ w)
        galaxy, maps = model.scene_at(values)
        predicted = model.predict_scene(galaxy, maps)
        parts = [likelihood.residuals(maps[name], predicted[name]).ravel() for name in maps]
        for name, prior in model.priors.items():
            if _base(prior) is dist.Normal:
                parts.append(((values[name] - prior.mean) / jnp.sqrt(prior.variance)).ravel())
        return jnp.concatenate(parts)

    tolerance = 0.1 * float(np.sqrt(jnp.finfo(start.dtype).eps))
    solver = optimistix.LevenbergMarquardt(rtol=tolerance, atol=tolerance)
    solution = optimistix.least_squares(residuals, solver, jnp.zeros_like(start), max_steps=30, throw=False)
    return start + whiten @ solution.value


class Surroundings(NamedTuple):
    """The posterior at a point, and what a fit reports of it."""

    log_posterior: Array
    log_prior: Array
    slope: Array
    hessian: Array
    to_own_units: Array
    values: dict[str, Array]
    predicted: dict[str, Array]


@eqx.filter_jit
def _surroundings(model: Model, u: Float[Array, " n"]) -> Surroundings:
    def depth(u: Array) -> tuple[Array, Any]:
        values = model.constrain(u)
        galaxy, maps = model.scene_at(values)
        predicted = model.predict_scene(galaxy, maps)
        log_prior = model.log_prior(values)
        depth = -log_prior - model.log_likelihood_of(maps, predicted)
        return depth, (-depth, log_prior, values, predicted)

    def slope(u: Array) -> tuple[Array, Any]:
        # Slope and predictions come along with the curvature, so that the model is compiled here only once.
        slope, extra = jax.grad(depth, has_aux=True)(u)
        return slope, (slope, extra)

    hessian, (gradient, (height, log_prior, values, predicted)) = jax.jacfwd(slope, has_aux=True)(u)
    to_own_units = jax.jacfwd(lambda u: jnp.concatenate([v.ravel() for v in model.constrain(u).values()]))(u)
    return Surroundings(height, log_prior, gradient, hessian, to_own_units, values, predicted)


_information = eqx.filter_jit(lambda model, u: model.information(u))


def _laplace(model: Model, u: Float[Array, " n"], around: Surroundings) -> Fit:
    curvature, complaint = _inverse(around.hessian), ""
    if curvature is None:
        curvature = _inverse(_information(model, u))
        complaint = "no clear maximum (a parameter at its bound, or not constrained by the data): errors from the Fisher matrix"
    if curvature is None:
        curvature, complaint = np.full(around.hessian.shape, np.nan), "the data do not constrain the parameters: no covariance"
    gain = _gain(around, curvature)
    complaints = [complaint] if complaint else []
    units = np.asarray(around.to_own_units, float)
    covariance = units @ curvature @ units.T
    complaints += _bounded(model, around.values, np.sqrt(np.diag(covariance)))
    if not (np.isfinite(gain) and gain < ARRIVED):
        complaints.insert(0, f"not converged: a Newton step would still gain {gain:.2g} in log posterior")
    galaxy, maps = model.scene_at(around.values)
    return Fit(
        # A compiled program gives dictionaries back in alphabetical order; the covariance is in the model's.
        parameters={name: np.asarray(around.values[name]) for name in model.names},
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
