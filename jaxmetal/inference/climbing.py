"""Ascents of one galaxy, and the slopes and second derivatives at any point, by one program.

A program of second derivatives would take as long to compile as that of the ascent.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.inference.ascent import FISHER_STEPS, METHODS, Summit, fisher
from jaxmetal.inference.laplace import inverses
from jaxmetal.inference.model import Model
from jaxmetal.maps import Map

# Second derivatives are differences of slopes across twice this part of an error, to this power of
# the precision: 0.1 in float32, where the slope in units of the errors is rounded by up to 1e-4,
# and 0.006 in float64.
PRECISION_POWER = 1 / 7

# The number of steps is an argument of the program.
_climb = compiled_soon(fisher)


@compiled_soon
def _approach(model: Model, start: Array, method: str, steps: int, with_jacobian: Array) -> Array:
    """The point from which Fisher scoring goes on, for other methods."""
    rough = METHODS[method][0]
    assert rough is not None
    return rough(model, start, steps, with_jacobian)


def climbed(
    model: Model, start: np.ndarray | Array, method: str, steps: int, with_jacobian: float
) -> Summit:
    """The end of an ascent; see `ascent.ascend`.

    Parameters
    ----------
    model, start
        galaxy, maps and priors, and a point in unconstrained coordinates.
    method, steps
        one of `ascent.METHODS`, and the largest number of its steps.
    with_jacobian
        which density is maximised.

    Returns
    -------
    summit
        of NumPy arrays.
    """
    point, weight = jnp.asarray(start), jnp.asarray(with_jacobian, start.dtype)
    if METHODS[method][0] is not None:
        point, steps = _approach(model, point, method, steps, weight), FISHER_STEPS
    return jax.device_get(_climb(model, point, np.asarray(steps), weight))


def slope_at(
    model: Model, point: np.ndarray | Array, with_jacobian: float
) -> Float[np.ndarray, " n"]:
    """The gradient of the log posterior; NaN where the density is not finite.

    Parameters
    ----------
    model, point
        galaxy, maps and priors, and a point in unconstrained coordinates.
    with_jacobian
        of which density.
    """
    # An ascent of one step evaluates the density at its start and nowhere else.
    summit = climbed(model, point, "fisher", 1, with_jacobian)
    return np.where(np.isfinite(summit.height), np.asarray(summit.slope, float), np.nan)


def second_derivatives(
    model: Model, summit: Summit, with_jacobian: float
) -> Float[np.ndarray, "n n"]:
    """-∂² log posterior at the end of an ascent, by differences of slopes along its error axes.

    Parameters
    ----------
    model, summit
        galaxy, maps and priors, and the end of the ascent.
    with_jacobian
        of which density.

    Returns
    -------
    hessian
        NaN where the Fisher information has no inverse, or the density is not finite nearby.
    """
    covariance = inverses(summit.information[None])[0]
    if not np.isfinite(covariance).all():
        return np.full_like(covariance, np.nan)
    root = np.linalg.cholesky(covariance)
    point, half = summit.point, float(np.finfo(summit.point.dtype).eps) ** PRECISION_POWER
    changes = []
    for axis in root.T:
        ends = [(point + sign * half * axis).astype(point.dtype) for sign in (1, -1)]
        above, below = (slope_at(model, end, with_jacobian) for end in ends)
        changes.append((below - above) / (2 * half))
    along_axes = root.T @ np.array(changes).T
    to_axes = np.linalg.inv(root)
    return to_axes.T @ (0.5 * (along_axes + along_axes.T)) @ to_axes


def slope_of_change(
    model: Model, point: np.ndarray | Array, changes: dict[str, np.ndarray]
) -> Float[np.ndarray, " n"]:
    """How much the gradient of the log posterior changes with the data.

    Parameters
    ----------
    model, point
        galaxy, maps and priors, and a point in unconstrained coordinates.
    changes
        what is added to the values of each map.
    """

    def moved(one_map: Map, change: np.ndarray) -> Map:
        values = np.asarray(one_map.values)
        return eqx.tree_at(lambda m: m.values, one_map, values + change.astype(values.dtype))

    maps = {name: moved(one_map, changes[name]) for name, one_map in model.maps.items()}
    changed = eqx.tree_at(lambda m: m.maps, model, maps)
    before, after = (slope_at(one, point, 0.0) for one in (model, changed))
    return after - before
