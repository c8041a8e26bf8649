"""Laplace's approximation: what is found around the end of an ascent, and what to know about it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled
from jaxmetal.inference.ascent import ARRIVED
from jaxmetal.inference.fit import Fit, standard_errors
from jaxmetal.inference.model import Model


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


@compiled
def _information(model: Model, u: Array) -> Array:
    return model.information(u)


class Fits(Sequence[Fit]):
    """The fits of many galaxies: as columns, and each as a `Fit` when it is asked for.

    Parameters
    ----------
    models
        of one structure.
    points
        where their ascents ended, unconstrained, shape (galaxies, n).
    around
        what is found there, every array with a first axis of galaxies.
    """

    def __init__(self, models: Sequence[Model], points: Any, around: Surroundings):
        self.models = models
        self._around = jax.tree.map(np.asarray, around)
        self.unconstrained = np.asarray(points)
        self.unconstrained_covariance, self._complaints = _curvatures(models, self.unconstrained, self._around)
        slope = self._around.slope.astype(float)
        # What a Newton step would still gain in log posterior.
        self.gains = 0.5 * np.einsum("gi,gij,gj->g", slope, self.unconstrained_covariance, slope)
        # Of the parameters in their order and own units, shape (galaxies, n, n); NaN where there is none.
        self.covariance = _in_own_units(self.unconstrained_covariance, self._around)
        self._made: dict[int, Fit] = {}

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """{path: values of all galaxies, shape (galaxies, …)}."""
        # A compiled program gives dictionaries back in alphabetical order; the covariance is in the model's.
        return {name: self._around.values[name] for name in self.models[0].free}

    @property
    def errors(self) -> dict[str, np.ndarray]:
        """{path: standard deviations of all galaxies, shape (galaxies, …)}."""
        return standard_errors(self.parameters, self.covariance)

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = range(len(self))[index]
        if i not in self._made:
            self._made[i] = self._one(i)
        return self._made[i]

    def _one(self, i: int) -> Fit:
        model, around, covariance = self.models[i], jax.tree.map(lambda found: found[i], self._around), self.covariance[i]
        complaints = [self._complaints[i]] if self._complaints[i] else []
        complaints += _bounded(model, around.values, np.sqrt(np.diag(covariance)))
        if not self.gains[i] < ARRIVED:
            complaints.insert(0, f"not converged: a Newton step would still gain {self.gains[i]:.2g} in log posterior")
        galaxy, maps = model.scene_at(around.values)
        return Fit(
            parameters={name: around.values[name] for name in model.free},
            covariance=covariance,
            galaxy=galaxy,
            maps=maps,
            predicted=around.predicted,
            log_prior=float(around.log_prior),
            converged=not complaints,
            message="; ".join(complaints) or "converged",
            unconstrained=self.unconstrained[i],
            unconstrained_covariance=self.unconstrained_covariance[i],
        )


def _in_own_units(covariance: np.ndarray, around: Surroundings) -> np.ndarray:
    units = np.asarray(around.to_own_units, float)
    covariance = units @ covariance @ np.swapaxes(units, 1, 2)
    if linear := around.linear_information.shape[-1]:
        # What the data leave uncertain of the amplitudes, given everything else.
        given = _inverses(around.linear_information)
        covariance[:, -linear:, -linear:] += np.where(np.isnan(given), np.inf, given)
    return covariance


def _curvatures(models: Sequence[Model], points: np.ndarray, around: Surroundings) -> tuple[np.ndarray, list[str]]:
    """The covariance around each point in unconstrained coordinates, and what is wrong with it, if anything."""
    found, complaints = _inverses(around.hessian), [""] * len(points)
    nowhere = ~np.isfinite(around.log_posterior)
    found[nowhere] = np.nan
    for i in np.flatnonzero(np.isnan(found).any(axis=(1, 2))).tolist():
        if nowhere[i]:
            complaints[i] = "the log density is not finite at any start"
            continue
        found[i] = _inverses(_information(models[i], points[i])[None])[0]
        complaints[i] = "no clear maximum (a parameter at its bound, or not constrained by the data): errors from the Fisher matrix"
        if np.isnan(found[i]).any():
            complaints[i] = "the data do not constrain the parameters: no covariance"
    return found, complaints


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


def _inverses(given: Any) -> np.ndarray:
    """The inverses of positive definite matrices, shape (many, n, n); NaN in place of those that are not."""
    matrices = np.asarray(given, float)
    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    good: Any = np.isfinite(matrices).all(axis=(1, 2)) & (diagonals > 0).all(axis=1)
    matrices = np.where(good[:, None, None], matrices, np.eye(matrices.shape[1]))
    scale = 1 / np.sqrt(np.where(good[:, None], diagonals, 1.0))
    both = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(matrices * both)
    good &= values[:, 0] > 1e-7 * values[:, -1]
    values = np.where(good[:, None], values, np.nan)
    return both * ((vectors / values[:, None, :]) @ np.swapaxes(vectors, 1, 2))
