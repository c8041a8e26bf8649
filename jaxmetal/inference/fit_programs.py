"""The compiled programs of fits, of one galaxy and of many.

All is said of many: arrays have a first axis of galaxies. One galaxy alone has programs of its own,
which are not mapped over it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array

from jaxmetal.compiling import compiled_once, compiled_soon
from jaxmetal.inference.ascent import METHODS, fisher
from jaxmetal.inference.branches import sweep
from jaxmetal.inference.galaxy_axis import over_galaxies
from jaxmetal.inference.laplace import outlook
from jaxmetal.inference.model import Model
from jaxmetal.inference.starts import scaled_to_light, unscaled_points


def _approach(model: Model, start: Array, method: str, steps: int, with_jacobian: Array) -> Array:
    """The point from which Fisher scoring goes on, for other methods."""
    rough = METHODS[method][0]
    assert rough is not None
    return rough(model, start, steps, with_jacobian)


def _slope(model: Model, point: Array, with_jacobian: Array) -> tuple[Array, Array]:
    """The log posterior and its gradient."""
    return jax.value_and_grad(model.log_posterior)(point, with_jacobian)


class Programs(NamedTuple):
    """The compiled programs of a fit; arguments and results have a first axis of galaxies.

    Parameters
    ----------
    climb, approach
        Fisher scoring, whose number of steps is an argument of the program, and what goes before
        it for other methods.
    slope
        the log posterior and its gradient.
    look
        `laplace.outlook`.
    start, scale
        `starts.unscaled_points` and `starts.scaled_to_light`.
    sweep
        `branches.sweep`.
    line
        `Model.unconstrain`.
    """

    climb: Callable
    approach: Callable
    slope: Callable
    look: Callable
    start: Callable
    scale: Callable
    sweep: Callable
    line: Callable


def _alone(program: Callable) -> Callable:
    """A program of one galaxy that is called as one of many."""

    def first(leaf: Any) -> Any:
        # An array also where it is one number, which would be a constant of the program.
        return np.asarray(np.asarray(leaf)[0]) if np.ndim(leaf) else leaf

    def call(model: Model, *arguments: Any) -> Any:
        result = program(model, *jax.tree.map(first, arguments))
        return jax.tree.map(lambda leaf: np.asarray(leaf)[None], result)

    return call


ALONE = Programs(
    _alone(compiled_soon(fisher)),
    _alone(compiled_soon(_approach)),
    _alone(compiled_soon(_slope)),
    _alone(compiled_once(outlook)),
    _alone(compiled_once(unscaled_points)),
    _alone(compiled_once(scaled_to_light)),
    _alone(compiled_once(sweep)),
    _alone(compiled_once(Model.unconstrain)),
)
EACH = Programs(
    over_galaxies(fisher),
    over_galaxies(_approach),
    over_galaxies(_slope, often=False),
    over_galaxies(outlook, often=False),
    over_galaxies(unscaled_points, often=False),
    over_galaxies(scaled_to_light, often=False),
    over_galaxies(sweep, often=False),
    over_galaxies(Model.unconstrain, often=False),
)
