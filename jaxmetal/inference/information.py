"""The posterior density, its gradient, and the Fisher information of data and priors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import unknown
from jaxmetal.inference import coordinates, likelihood
from jaxmetal.inference.look import Look
from jaxmetal.profiles.numerics import product

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model

# The least information of a prior, for one whose log density is flat or convex.
LEAST_CURVATURE = 1e-6


def value_slope_information(
    model: "Model", u: Float[Array, " n"], with_jacobian: Any = 0.0
) -> tuple[Float[Array, ""], Float[Array, " n"], Float[Array, "n n"]]:
    """The log posterior density, its gradient and the information, from one pass.

        F = Jᵀ J - ∂² (log prior + log |d theta / du|)

    Parameters
    ----------
    model
        galaxy, maps and priors.
    u
        the point, in unconstrained coordinates.
    with_jacobian
        0 for the density in the parameters' own units, 1 for that in unconstrained coordinates.

    Returns
    -------
    value, slope, information
        of shapes (), (n,) and (n, n).
    """

    def forward(u: Array) -> tuple[Array, Array]:
        point = model.point(u)
        look = model.look(point.values)
        roots = _roots(look)
        log_prior = point.log_prior + with_jacobian * point.log_jacobian
        return look.log_likelihood + log_prior, jnp.concatenate(roots)

    directions = jnp.eye(len(u), dtype=u.dtype)
    push = jax.vmap(lambda along: jax.jvp(forward, (u,), (along,)), out_axes=(None, 0))
    (value, _), (slope, jacobian) = push(directions)
    return value, slope, product(jacobian, jacobian.T) + prior_curvature(model, u)


def _roots(look: Look) -> list[Array]:
    """Functions whose Jacobian J gives the Fisher information JᵀJ of the data.

    With a random field the means of its maps are not independent: the modes, too, follow them.
    """
    roots = {
        name: likelihood.information_roots(one_map, look.predicted[name])
        for name, one_map in look.maps.items()
    }
    if look.integral is None:
        return list(roots.values())
    # Of Gaussian errors the first roots are those of the mean of each measurement.
    names = look.integral.names
    sizes = [look.maps[name].values.size for name in names]
    means = jnp.concatenate([roots[n][:size] for n, size in zip(names, sizes, strict=True)])
    rest = [roots[n][size:] for n, size in zip(names, sizes, strict=True)]
    others = [root for name, root in roots.items() if name not in names]
    return [*look.integral.roots(means), *rest, *others]


def prior_curvature(model: "Model", u: Float[Array, " n"]) -> Float[Array, "n n"]:
    """-∂² (log prior + log |d theta / du|): about the unit matrix, also at the edge of a prior."""
    curvature = -jax.jacfwd(jax.grad(lambda u: coordinates.log_density(model.priors, u)))(u)
    diagonal = jnp.diag(curvature)
    return curvature + jnp.diag(jnp.maximum(diagonal, LEAST_CURVATURE) - diagonal)


def standard_errors(values: dict[str, Any], covariance: np.ndarray) -> dict[str, np.ndarray]:
    """Standard deviations by path, each in the shape of its value.

    Of one galaxy, or with a first axis of galaxies everywhere.
    """
    sigma, at, errors = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1)), 0, {}
    for name, value in values.items():
        size = int(np.prod(np.shape(value)[sigma.ndim - 1 :]))
        errors[name] = sigma[..., at : at + size].reshape(np.shape(value))
        at += size
    return errors


def errors_given(
    values: dict[str, Any], covariance: np.ndarray, paths: Sequence[str]
) -> dict[str, np.ndarray]:
    """Standard deviations of all parameters but those at some paths, for any values of these.

        C_oo - C_op C_pp⁻¹ C_po

    Parameters
    ----------
    values
        by path, in the order of the covariance.
    covariance
        of all of them, shape (n, n).
    paths
        of those that are given.

    Raises
    ------
    InputError
        for a path that is none of the parameters.
    """
    for path in paths:
        if path not in values:
            raise unknown("parameter", path, values)
    is_given = np.concatenate([np.full(np.size(v), path in paths) for path, v in values.items()])
    others = covariance[np.ix_(~is_given, ~is_given)]
    both, given = covariance[np.ix_(~is_given, is_given)], covariance[np.ix_(is_given, is_given)]
    left = others - both @ np.linalg.solve(given, both.T)
    return standard_errors({path: v for path, v in values.items() if path not in paths}, left)
