"""Maximisation of the posterior: Fisher scoring, and Optax's L-BFGS and Adam.

Each is a pure function of (model, start, steps, with_jacobian), to be mapped over starts and over
galaxies. `with_jacobian` says which density is maximised: 0 for that in the parameters' own units,
1 for that in unconstrained coordinates. L-BFGS and Adam give a point, from which Fisher scoring
goes on to the maximum.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from jaxmetal.inference.information import value_slope_information
from jaxmetal.inference.model import Model
from jaxmetal.profiles.numerics import product

# A fit has converged when a Newton step would gain less than this in log posterior: it is 0.045
# sigma away at most.
ARRIVED = 1e-3
# ... or, with more parameters than `MANY`, less than this for each one more: slopes and densities
# that are rounded in float32 leave each up to 0.03 sigma away.
ARRIVED_EACH, MANY = 4e-4, 64
# Learning rate of Adam at the start.
ADAM_RATE = 0.05
# Initial damping, relative to the unit diagonal of the scaled information matrix.
DAMPING = 1e-3
# An ascent ends where no step with this damping increases the density.
MOST_DAMPING = 1e8
# ... or where this many accepted steps in a row have not raised it beyond rounding: at the edge of
# a prior the predicted gain falls slowly, or not below rounding at all.
MOST_IDLE = 3
# No coordinate moves by more in one step; the standard deviation of a prior is about 1 there.
LONGEST_STEP = 1.0

Point = Float[Array, " n"]


class Summit(NamedTuple):
    """Where an ascent ended: the point, and the log posterior with its derivatives there.

    They are its gradient and the Fisher information.
    """

    point: Point
    height: Float[Array, ""]
    slope: Point
    information: Float[Array, "n n"]


class Climb(NamedTuple):
    """The state of an ascent: the last point and its derivatives, and the next trial point.

    With the greatest height so far, and how many accepted steps have not raised it.
    """

    point: Point
    height: Float[Array, ""]
    slope: Point
    information: Float[Array, "n n"]
    trial: Point
    damping: Float[Array, ""]
    gain: Float[Array, ""]
    count: Array
    highest: Float[Array, ""]
    idle: Array


def arrived(count: int) -> float:
    """What a Newton step may still gain in log posterior at the maximum of so many parameters."""
    return ARRIVED + ARRIVED_EACH * max(count - MANY, 0)


def fisher(model: Model, start: Point, steps: int | Array, with_jacobian: Any) -> Summit:
    """Fisher scoring with Marquardt's damping.

    Newton's method with the expected curvature, which is never negative.

        u ← u + [F + damping · diag F]⁻¹ ∂ log posterior

    For Gaussian data of known errors this is the method of Levenberg and Marquardt. A step that
    lowers the density is rejected and repeated with more damping.
    """

    def step(at: Climb) -> Climb:
        height, slope, information = value_slope_information(model, at.trial, with_jacobian)
        better = jnp.isfinite(height) & (height >= at.height - _rounding(at.height))
        damping = at.damping * jnp.where(better, 0.1, 10.0)
        candidate = at._replace(point=at.trial, height=height, slope=slope, information=information)
        raised = height > at.highest + _rounding(height)
        candidate = candidate._replace(
            highest=jnp.maximum(height, at.highest), idle=jnp.where(raised, 0, at.idle + 1)
        )
        state = jax.tree.map(lambda new, old: jnp.where(better, new, old), candidate, at)
        direction, gain = _newton(state.slope, state.information, damping)
        direction = direction * jnp.minimum(1.0, LONGEST_STEP / jnp.max(jnp.abs(direction)))
        return state._replace(
            trial=state.point + direction, damping=damping, gain=gain, count=at.count + 1
        )

    def unfinished(at: Climb) -> Bool[Array, ""]:
        moving = (at.gain > 0.01 * ARRIVED) & (at.damping < MOST_DAMPING)
        return (at.count < steps) & moving & (at.idle < MOST_IDLE)

    n = len(start)
    number = lambda value: jnp.asarray(value, start.dtype)  # noqa: E731
    begin = Climb(
        start,
        number(-jnp.inf),
        jnp.zeros(n),
        jnp.eye(n),
        start,
        number(10 * DAMPING),
        number(jnp.inf),
        jnp.asarray(0),
        number(-jnp.inf),
        jnp.asarray(0),
    )
    end = jax.lax.while_loop(unfinished, step, begin)
    return Summit(end.point, end.height, end.slope, end.information)


def _newton(
    slope: Point, information: Float[Array, "n n"], damping: Float[Array, ""]
) -> tuple[Point, Float[Array, ""]]:
    """The damped step, and what a full one would gain in log posterior."""
    scale, values, vectors = _scaled_axes(information)
    along = product(vectors.T, scale * slope)
    return scale * product(vectors, along / (values + damping)), 0.5 * jnp.sum(along**2 / values)


def inverse_root(information: Float[Array, "n n"]) -> Float[Array, "n n"]:
    """A square root of the inverse of an information matrix: it whitens coordinates."""
    scale, values, vectors = _scaled_axes(information)
    return scale[:, None] * vectors / jnp.sqrt(values)[None, :]


def _scaled_axes(matrix: Float[Array, "n n"]) -> tuple[Point, Point, Float[Array, "n n"]]:
    """Eigenvalues and eigenvectors of a matrix scaled to a unit diagonal, and the scale."""
    # Parameters of very different units would lose digits otherwise.
    scale = 1 / jnp.sqrt(jnp.diag(matrix))
    values, vectors = jnp.linalg.eigh(matrix * scale[:, None] * scale[None, :])
    return (
        scale,
        jnp.maximum(values, jnp.finfo(matrix.dtype).eps * values[-1] * len(scale)),
        vectors,
    )


def _rounding(height: Float[Array, ""]) -> Float[Array, ""]:
    """The rounding error of a log posterior of this size."""
    return jnp.where(jnp.isfinite(height), 8 * jnp.finfo(height.dtype).eps * jnp.abs(height), 0.0)


def lbfgs(model: Model, start: Point, steps: int, with_jacobian: Any) -> Point:
    """Optax's L-BFGS with a zoom line search.

    It climbs in coordinates whitened by the Fisher information at the start.
    """
    solver = optax.lbfgs(
        linesearch=optax.scale_by_zoom_linesearch(
            max_linesearch_steps=12, initial_guess_strategy="one"
        )
    )

    def climb(depth: Callable, w: Point) -> Point:
        def unfinished(carry: Any) -> Array:
            _, _, value, _, count, gain = carry
            # A gain no larger than rounding ends the iteration.
            return (count < steps) & (gain > jnp.maximum(0.01 * ARRIVED, _rounding(value)))

        def step(carry: Any) -> Any:
            w, state, value, slope, count, _ = carry
            update, state = solver.update(slope, state, w, value=value, grad=slope, value_fn=depth)
            # The line search has evaluated value and slope at the end of the step.
            after, slope = optax.tree.get(state, "value"), optax.tree.get(state, "grad")
            return optax.apply_updates(w, update), state, after, slope, count + 1, value - after

        value, slope = jax.value_and_grad(depth)(w)
        w, *_ = jax.lax.while_loop(
            unfinished, step, (w, solver.init(w), value, slope, 0, jnp.asarray(jnp.inf, w.dtype))
        )
        return w

    return _whitened(climb, model, start, with_jacobian)


def adam(model: Model, start: Point, steps: int, with_jacobian: Any) -> Point:
    """Optax's Adam with a cosine decay.

    It climbs in coordinates whitened by the Fisher information at the start.
    """
    solver = optax.adam(optax.cosine_decay_schedule(ADAM_RATE, steps))

    def climb(depth: Callable, w: Point) -> Point:
        def step(carry: Any, _: None) -> tuple[Any, None]:
            w, state = carry
            update, state = solver.update(jax.grad(depth)(w), state)
            return (optax.apply_updates(w, update), state), None

        (w, _), _ = jax.lax.scan(step, (w, solver.init(w)), length=steps)
        return w

    return _whitened(climb, model, start, with_jacobian)


def _whitened(climb: Callable, model: Model, start: Point, with_jacobian: Any) -> Point:
    whiten = inverse_root(model.information(start))

    def depth(w: Point) -> Array:
        return -model.log_posterior(start + product(whiten, w), with_jacobian)

    return start + product(whiten, climb(depth, jnp.zeros_like(start)))


FISHER_STEPS = 40
# What goes before Fisher scoring by name, None for nothing, with its default number of steps.
METHODS: dict[str, tuple[Callable[[Model, Point, int, Any], Point] | None, int]] = {
    "fisher": (None, FISHER_STEPS),
    "lbfgs": (lbfgs, 40),
    "adam": (adam, 600),
}
