"""Fits with independent errors whose covariance and draws are corrected for correlated ones."""

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.errors import InputError
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map
from jaxmetal.maps.error_terms import errors_of
from jaxmetal.profiles.numerics import product

if TYPE_CHECKING:
    from jaxmetal.inference.fit import Fit
    from jaxmetal.inference.model import Model


@compiled
def excess(model: "Model", u: Float[Array, " n"]) -> Float[Array, "n n"]:
    """What the correlation of the errors adds to the variance of the score.

        X = Jᵀ W (C - W⁻¹) W J,   C - W⁻¹ = S (R - 1) S

    One product of each parameter's derivative with R, which needs no matrix where R depends on
    separation alone. Free parameters of the errors themselves, ln s, have 2 (R ∘ R - 1) in the
    place of R - 1.

    Parameters
    ----------
    model
        whose maps have independent errors in the likelihood, with weights W.
    u
        the maximum, in unconstrained coordinates.
    """

    def roots(u: Array) -> tuple[Any, Any]:
        look = model.look(model.constrain(u))
        pairs = {name: _roots(m, look.predicted[name]) for name, m in look.maps.items()}
        return {n: pair[0] for n, pair in pairs.items()}, {n: pair[1] for n, pair in pairs.items()}

    jacobian, parts = jax.jacfwd(roots, has_aux=True)(u)
    total = jnp.zeros((len(u), len(u)), u.dtype)
    for name, one_map in model.maps.items():
        if one_map.correlation is None:
            continue
        for kind, power in (("mean", 1), ("log_s", 2)):
            rows = jnp.moveaxis(jacobian[name][kind], -1, 0)
            weight = parts[name] ** power
            shared = rows * weight[None]
            grid = one_map.instrument.grid
            change = one_map.correlation.times(grid, shared, power) - shared
            left, right = (image.reshape(len(u), -1) for image in (shared, change))
            total = total + power * product(left, right.T)
    return total


def _roots(one_map: Map, predicted: Array) -> tuple[dict[str, Array], Array]:
    """Roots of the information, and the part of each error that neighbours share."""
    errors = errors_of(one_map, predicted)
    frozen = jax.lax.stop_gradient(errors)
    log_s = jnp.where(one_map.valid, one_map.noise.log_errors(errors), 0.0)
    mean = one_map.noise.whitened(predicted, frozen)
    shared = frozen.shared / jnp.sqrt(frozen.shared**2 + frozen.alone**2)
    return {"mean": mean, "log_s": log_s}, jnp.where(one_map.valid, shared, 0.0)


def corrected(covariance: np.ndarray, excess: np.ndarray | None) -> np.ndarray:
    """The sandwich H⁻¹ + H⁻¹ X H⁻¹ of a covariance H⁻¹, of one galaxy or of many.

    Where the data alone constrain the parameters it is H⁻¹ Jᵀ W C W J H⁻¹; what the prior says
    counts as it is.
    """
    if excess is None:
        return covariance
    return covariance + covariance @ np.asarray(excess, float) @ covariance


def spread(posterior: Posterior, model: "Model", fit: "Fit") -> Posterior:
    """Draws of a posterior with independent errors, spread by an affine map about the mode.

        u' = û + L_sandwich L⁻¹ (u - û)

    Parameters
    ----------
    posterior, model, fit
        the draws, the model with errors="sandwich", and its fit.

    Raises
    ------
    InputError
        if the fit has several maxima.
    """
    if fit.excess is None:
        return posterior
    if fit.others:
        raise InputError(
            f'sample: errors="sandwich" corrects draws about one maximum, the fit has '
            f'{len(fit.modes)}; use errors="full", or a prior that leaves one.'
        )
    naive = np.asarray(fit.unconstrained_covariance, float)
    wide = np.linalg.cholesky(corrected(naive, fit.excess))
    matrix = np.linalg.solve(np.linalg.cholesky(naive).T, wide.T)
    mode = jnp.asarray(fit.unconstrained, model.start.dtype)
    shape = posterior.statistics["diverging"].shape
    flat = {
        name: jnp.asarray(posterior.samples[name].reshape(-1, *posterior.samples[name].shape[2:]))
        for name in model.names
    }
    values, derived = _moved(model, flat, mode, jnp.asarray(matrix, mode.dtype))

    def chains(arrays: dict[str, Array]) -> dict[str, np.ndarray]:
        return {n: np.asarray(a).reshape(*shape, *a.shape[1:]) for n, a in arrays.items()}

    return dataclasses.replace(
        posterior,
        samples=chains({name: values[name] for name in model.free}),
        derived=chains(derived),
        attributes={**posterior.attributes, "errors": "sandwich"},
    )


@compiled_once
def _moved(model: "Model", values: dict[str, Array], mode: Array, matrix: Array) -> tuple[Any, Any]:
    def one(values: dict[str, Array]) -> tuple[Any, Any]:
        u = model.unconstrain(values)
        moved = model.constrain(mode + product(u - mode, matrix))
        return moved, model.derived(moved)

    return jax.lax.map(one, values)
