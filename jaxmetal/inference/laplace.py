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

# A parameter whose standard deviation in unconstrained coordinates, where that of its prior is
# about 1, is larger than this depends on the prior's shape or edge as much as on the data.
PRIOR_MATTERS = 0.5
# A value lies at the edge of its prior within this part of its error, or of the prior's width.
NEAR, NEAR_WIDTH = 0.05, 0.001
# From here on the data say nothing of it.
PRIOR_ALONE = 0.9


class Surroundings(NamedTuple):
    """The posterior at a point, and what a fit reports of it."""

    log_posterior: Array
    log_prior: Array
    slope: Array
    hessian: Array
    to_own_units: Array
    linear_information: Array
    linear_scale: Array
    values: dict[str, Array]
    predicted: dict[str, Array]


def surroundings(model: Model, u: Float[Array, " n"], with_jacobian: Any = 0.0) -> Surroundings:
    """The local expansion of the posterior at a point.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    u
        the point, in unconstrained coordinates.
    with_jacobian
        0 for the slope and Hessian of the density in the parameters' own units, 1 for those of the
        density in unconstrained coordinates.
    """

    def depth(u: Array) -> tuple[Array, Any]:
        point = model.point(u)
        seen = model.look(point.values)
        height = point.log_prior + seen.log_likelihood
        return -height - with_jacobian * point.log_jacobian, (height, point.log_prior, seen)

    def slope(u: Array) -> tuple[Array, Any]:
        # Slope and predictions come along with the curvature, so that the model is compiled here
        # only once.
        slope, extra = jax.grad(depth, has_aux=True)(u)
        return slope, (slope, extra)

    def own_units(u: Array) -> Array:
        values = model.complete(model.constrain(u))
        return jnp.concatenate([values[name].ravel() for name in model.free])

    hessian, (gradient, (height, log_prior, seen)) = jax.jacfwd(slope, has_aux=True)(u)
    solution = seen.solution
    information = jnp.zeros((0, 0)) if solution is None else solution.information
    scale = jnp.zeros(0) if solution is None else solution.scale
    to_own_units = jax.jacfwd(own_units)(u)
    return Surroundings(
        height,
        log_prior,
        gradient,
        hessian,
        to_own_units,
        information,
        scale,
        seen.values,
        seen.predicted,
    )


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
        the maxima in the parameters' own units, as unconstrained points, shape (galaxies, n).
    around
        the local expansions there, every array with a first axis of galaxies.
    modes
        (points, expansions) of the maxima in unconstrained coordinates, from which errors are taken
        and samplers start; the same as `points` and `around` if left out.
    """

    def __init__(
        self,
        models: Sequence[Model],
        points: Any,
        around: Surroundings,
        modes: tuple[Any, Surroundings] | None = None,
    ):
        self.models = models
        self.points, self._around = np.asarray(points), jax.tree.map(np.asarray, around)
        self.unconstrained, self._modes = self.points, self._around
        if modes is not None:
            self.unconstrained = np.asarray(modes[0])
            self._modes = jax.tree.map(np.asarray, modes[1])
        self.unconstrained_covariance, self._complaints = _curvatures(
            models, self.unconstrained, self._modes
        )
        # Of the parameters in their order and own units, shape (galaxies, n, n); NaN where there is
        # none.
        self.covariance = _in_own_units(self.unconstrained_covariance, self._modes)
        slope = self._around.slope.astype(float)
        # What a Newton step would still gain in log posterior.
        self.gains = 0.5 * np.einsum("gi,gij,gj->g", slope, self.unconstrained_covariance, slope)
        self._made: dict[int, Fit] = {}

    @property
    def prior_matters(self) -> np.ndarray:
        """Which galaxies have a parameter at the edge of its prior, or that the data hardly constrain, shape (galaxies,)."""
        covariance = _inverses(self._around.hessian)
        variances = np.diagonal(covariance, axis1=1, axis2=2)
        informed = (variances < PRIOR_MATTERS**2).all(axis=1)
        return np.isfinite(self._around.log_posterior) & ~informed

    def with_modes(self, chosen: np.ndarray, points: Any, around: Surroundings) -> "Fits":
        """The same with the maxima in unconstrained coordinates of some of the galaxies.

        Parameters
        ----------
        chosen
            their numbers.
        points, around
            the maxima of the density in unconstrained coordinates, and the local expansions there.
        """
        modes = _with_rows(self._mode, chosen, (points, around))
        return Fits(self.models, self.points, self._around, modes)

    def with_maxima(self, chosen: np.ndarray, points: Any, around: Surroundings) -> "Fits":
        """The same with other maxima of some of the galaxies.

        Parameters
        ----------
        chosen, points, around
            as for `with_modes`; what stands for the modes of these galaxies too.
        """
        maxima = _with_rows((self.points, self._around), chosen, (points, around))
        modes = _with_rows(self._mode, chosen, (points, around))
        return Fits(self.models, maxima[0], maxima[1], modes)

    @property
    def _mode(self) -> tuple[np.ndarray, Surroundings]:
        return self.unconstrained, self._modes

    @property
    def has_mode(self) -> np.ndarray:
        """Which galaxies have a mode elsewhere than their maximum, shape (galaxies,)."""
        return (self.unconstrained != self.points).any(axis=1)

    @property
    def trapped(self) -> np.ndarray:
        """Which galaxies have a mode that is more probable than their maximum, shape (galaxies,).

        At the edge of a prior the coordinates are flat: an ascent that came there from afar stays,
        although the posterior rises inwards.
        """
        return self._modes.log_posterior > self._around.log_posterior + ARRIVED

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """{path: values of all galaxies, shape (galaxies, …)}."""
        # A compiled program gives dictionaries back in alphabetical order; the covariance is in the
        # model's.
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
        model, around, covariance = (
            self.models[i],
            jax.tree.map(lambda found: found[i], self._around),
            self.covariance[i],
        )
        complaints = [self._complaints[i]] if self._complaints[i] else []
        if not self.gains[i] < ARRIVED:
            complaints.insert(
                0,
                f"not converged: a Newton step would still gain {self.gains[i]:.2g} in log posterior",
            )
        free = np.sqrt(np.diag(self.unconstrained_covariance[i]))
        notes = _prior_notes(model, around.values, np.sqrt(np.diag(covariance)), free)
        galaxy, maps = model.scene_at(around.values)
        return Fit(
            parameters={name: around.values[name] for name in model.free},
            covariance=covariance,
            galaxy=galaxy,
            maps=maps,
            predicted=around.predicted,
            log_prior=float(around.log_prior),
            converged=not complaints,
            message="; ".join([*(complaints or ["converged"]), *notes]),
            unconstrained=self.unconstrained[i],
            unconstrained_covariance=self.unconstrained_covariance[i],
        )


def _in_own_units(covariance: np.ndarray, around: Surroundings) -> np.ndarray:
    units = np.asarray(around.to_own_units, float)
    covariance = units @ covariance @ np.swapaxes(units, 1, 2)
    if linear := around.linear_information.shape[-1]:
        # What the data leave uncertain of the amplitudes, given everything else.
        scale = np.asarray(around.linear_scale, float)
        given = _inverses(around.linear_information) * scale[:, :, None] * scale[:, None, :]
        covariance[:, -linear:, -linear:] += np.where(np.isnan(given), np.inf, given)
    return covariance


def _with_rows(old: Any, chosen: np.ndarray, new: Any) -> Any:
    """Arrays of all galaxies with those of some in their places."""

    def replace(array: Any, rows: Any) -> np.ndarray:
        result = np.array(array)
        result[chosen] = np.asarray(rows)
        return result

    return jax.tree.map(replace, old, new)


def _curvatures(
    models: Sequence[Model], points: np.ndarray, around: Surroundings
) -> tuple[np.ndarray, list[str]]:
    """The covariance around each point in unconstrained coordinates, and what is wrong with it, if anything."""
    found, complaints = _inverses(around.hessian), [""] * len(points)
    nowhere = ~np.isfinite(around.log_posterior)
    found[nowhere] = np.nan
    for i in np.flatnonzero(np.isnan(found).any(axis=(1, 2))).tolist():
        if nowhere[i]:
            complaints[i] = "the log density is not finite at any start"
            continue
        found[i] = _inverses(_information(models[i], points[i])[None])[0]
        complaints[i] = (
            "not converged: no maximum but a saddle or a plateau; errors from the Fisher matrix"
        )
        if np.isnan(found[i]).any():
            complaints[i] = "the data do not constrain the parameters: no covariance"
    return found, complaints


def _prior_notes(
    model: Model, values: dict[str, Array], errors: np.ndarray, unconstrained_errors: np.ndarray
) -> list[str]:
    """A line for each parameter at the edge of its prior, or that the data do not constrain."""
    notes, start = [], 0
    for name in model.names:
        value, prior = np.asarray(values[name], float), model.priors[name]
        own = slice(start, start + value.size)
        error, on_the_line = (e[own].reshape(value.shape) for e in (errors, unconstrained_errors))
        start += value.size
        edge = _edge(prior, value, error)
        if edge is not None:
            notes.append(f"{name} at the edge of its prior, {edge:g}: its error is one-sided")
        elif np.any(on_the_line > PRIOR_ALONE):
            notes.append(f"{name} is not constrained by the data beyond its prior")
    return notes


def _edge(prior: Any, value: np.ndarray, error: np.ndarray) -> float | None:
    """The bound of a prior's support at which a value lies, or None."""
    bounds = [getattr(prior.support, bound, None) for bound in ("lower_bound", "upper_bound")]
    width = (
        np.inf if None in bounds else np.abs(np.subtract(*(np.asarray(b, float) for b in bounds)))
    )
    close = np.maximum(NEAR * error, np.where(np.isfinite(width), NEAR_WIDTH * width, 0.0))
    for bound in bounds:
        if bound is not None and np.any(np.abs(value - np.asarray(bound, float)) <= close):
            return float(np.ravel(np.asarray(bound, float))[0])
    return None


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
