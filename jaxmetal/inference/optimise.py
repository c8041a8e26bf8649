"""The most probable parameters, and their errors: an ascent, then Laplace."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_once, compiled_soon
from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.inference.ascent import ARRIVED, METHODS
from jaxmetal.inference.checks import MODEL_HINT
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.laplace import Fits, Surroundings, surroundings
from jaxmetal.inference.model import Model
from jaxmetal.inference.progress import bar
from jaxmetal.threads import here

# An ascent that has not arrived goes on from where it is this many times at most.
ROUNDS = 4
# Seconds; a climb that is compiled already takes less, or so long that it does not matter.
COMPILING = 0.1


def optimise(
    model: Model, starts: int = 4, method: str = "fisher", steps: int | None = None, seed: int = 0, *, progress: bool | None = None
) -> Fit:
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
    progress
        whether to say that it is at work; if left out, on a terminal, in a notebook, and every half minute in a log.

    Returns
    -------
    fit
        parameters, covariance, galaxy; `fit.converged` and `fit.message` say whether to trust it.

    Raises
    ------
    InputError
        if nothing is free, or the start has no finite density.
    """
    check_type(model, Model, "optimise: model", MODEL_HINT)
    steps = most_steps(model, starts, method, steps)
    with bar(None, progress, f"fitting {len(model.start)} parameters"):
        return _best(model, starts, method, steps, seed)


def _best(model: Model, starts: int, method: str, steps: int, seed: int) -> Fit:
    """The fit at the end of the highest of several ascents."""
    points = first_points(model, starts, seed)
    for _ in range(ROUNDS):
        with _meanwhile(lambda points=points: _look.prepare(model, points, np.zeros(starts, points.dtype))):
            points, heights = _climb(model, points, method, steps)
        if not np.any(np.isfinite(heights)):
            raise InputError("optimise: the log density is not finite at any start; check the starting values, priors and data.")
        best, around = _look(model, points, heights)
        fits = Fits([model], np.asarray(best)[None], jax.tree.map(lambda found: np.asarray(found)[None], around))
        if fits.gains[0] < ARRIVED:
            break
    return fits[0]


@contextmanager
def _meanwhile(work: Callable[[], Any]) -> Iterator[None]:
    """Have the next program compiled by another thread, as soon as what goes on takes so long that it must be compiling itself."""
    done = threading.Event()

    def ahead() -> None:
        if not done.wait(COMPILING):
            # What comes of it does not count, and what goes wrong will do so again where it does.
            with suppress(Exception):
                work()

    thread = threading.Thread(target=here(ahead), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


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

    # One after the other: ascents side by side wait for the longest, and take twice as long to trace and to compile.
    return jax.lax.map(ascend, starts)


def highest(points: Float[Array, "starts n"], heights: Float[Array, " starts"]) -> Float[Array, " n"]:
    """The point of the greatest log posterior."""
    return points[jnp.argmax(jnp.where(jnp.isfinite(heights), heights, -jnp.inf))]


def look(model: Model, points: Float[Array, "starts n"], heights: Float[Array, " starts"]) -> tuple[Float[Array, " n"], Surroundings]:
    """The highest point, and what is found there."""
    best = highest(points, heights)
    return best, surroundings(model, best)


_climb, _look = compiled_soon(climb), compiled_once(look)
