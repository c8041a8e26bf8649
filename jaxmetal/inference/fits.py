"""The fits of one or many galaxies: maxima, modes, errors and the messages of each."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.inference.ascent import ARRIVED, arrived
from jaxmetal.inference.emission_notes import emission_notes
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.information import standard_errors
from jaxmetal.inference.laplace import (
    Covariances,
    Surroundings,
    covariance_in_own_units,
    covariances,
    inverses,
)
from jaxmetal.inference.model import Model
from jaxmetal.inference.noises import SANDWICH
from jaxmetal.inference.prior_notes import prior_notes
from jaxmetal.inference.residuals import impossible_chi_squares, residual_notes
from jaxmetal.inference.sandwich import corrected, excess
from jaxmetal.inference.stack import Batch

# A parameter whose standard deviation in unconstrained coordinates, where that of its prior is
# about 1, is larger than this depends on the prior's shape or edge as much as on the data.
PRIOR_MATTERS = 0.5


class Fits(Sequence[Fit]):
    """The fits of many galaxies: as columns, and each as a `Fit` when it is asked for.

    Parameters
    ----------
    models
        of one structure; their samplings may differ.
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
        self.points, self.around = np.asarray(points), jax.tree.map(np.asarray, around)
        self.unconstrained, self._modes = self.points, self.around
        if modes is not None:
            self.unconstrained = np.asarray(modes[0])
            self._modes = jax.tree.map(np.asarray, modes[1])
        self.kept: dict[int, Fit] = {}

    @cached_property
    def _covariances(self) -> Covariances:
        return covariances(self.models, self.unconstrained, self._modes)

    @property
    def unconstrained_covariance(self) -> np.ndarray:
        """Around the modes in unconstrained coordinates, shape (galaxies, n, n); NaN if none."""
        return self._covariances.matrices

    @cached_property
    def covariance(self) -> np.ndarray:
        """Of the parameters in their order and own units, shape (galaxies, n, n); NaN if none."""
        whole = corrected(self.unconstrained_covariance, self.excess)
        return covariance_in_own_units(whole, self._modes)

    @cached_property
    def excess(self) -> np.ndarray | None:
        """What correlated errors add to the score, shape (galaxies, n, n); None if they do not."""
        if self.models[0].errors != SANDWICH:
            return None
        pairs = zip(self.models, self.unconstrained, strict=True)
        return np.stack([np.asarray(excess(model, jnp.asarray(point))) for model, point in pairs])

    @cached_property
    def gains(self) -> np.ndarray:
        """What a Newton step would still gain in log posterior, shape (galaxies,)."""
        slope = self.around.slope.astype(float)
        return 0.5 * np.einsum("gi,gij,gj->g", slope, self.unconstrained_covariance, slope)

    @property
    def prior_matters(self) -> np.ndarray:
        """Which galaxies have a parameter that the prior constrains, shape (galaxies,).

        It lies at the edge of its prior, or the data hardly constrain it.
        """
        covariance = inverses(self.around.hessian)
        variances = np.diagonal(covariance, axis1=1, axis2=2)
        data_dominate = (variances < PRIOR_MATTERS**2).all(axis=1)
        return np.isfinite(self.around.log_posterior) & ~data_dominate

    def with_modes(self, indices: np.ndarray, points: Any, around: Surroundings) -> "Fits":
        """The same with the maxima in unconstrained coordinates of some of the galaxies.

        Parameters
        ----------
        indices
            their numbers.
        points, around
            the maxima of the density in unconstrained coordinates, and the local expansions there.

        Returns
        -------
        fits
            a copy.
        """
        modes = _with_rows(self.mode, indices, (points, around))
        return Fits(self.models, self.points, self.around, modes)

    def with_maxima(self, indices: np.ndarray, points: Any, around: Surroundings) -> "Fits":
        """The same with other maxima of some of the galaxies.

        Parameters
        ----------
        indices, points, around
            as for `with_modes`; they replace the modes of these galaxies too.

        Returns
        -------
        fits
            a copy.
        """
        maxima = _with_rows((self.points, self.around), indices, (points, around))
        modes = _with_rows(self.mode, indices, (points, around))
        return Fits(self.models, maxima[0], maxima[1], modes)

    @property
    def mode(self) -> tuple[np.ndarray, Surroundings]:
        """The maxima in unconstrained coordinates, and the local expansions there."""
        return self.unconstrained, self._modes

    @property
    def heights(self) -> np.ndarray:
        """The log posterior of each maximum, in the parameters' own units, shape (galaxies,)."""
        return self.around.log_posterior

    def replaced(self, indices: np.ndarray, others: "Fits", rows: np.ndarray) -> "Fits":
        """The same with some of the galaxies from other fits of them.

        Parameters
        ----------
        indices
            their numbers.
        others, rows
            the other fits, and their numbers there.

        Returns
        -------
        fits
            a copy.
        """
        maxima, modes = (
            jax.tree.map(lambda array: array[rows], pair)
            for pair in ((others.points, others.around), others.mode)
        )
        points, around = _with_rows((self.points, self.around), indices, maxima)
        return Fits(self.models, points, around, _with_rows(self.mode, indices, modes))

    def some(self, rows: np.ndarray) -> "Fits":
        """The fits of some galaxies of one sampling."""
        points, around, mode = jax.tree.map(
            lambda array: array[rows], (self.points, self.around, self.mode)
        )
        return Fits(Batch([self.models[i] for i in rows]), points, around, mode)

    def keep(self, index: int, fit: Fit) -> None:
        """Give the fit of a galaxy that was completed, such as by other maxima, from now on."""
        self.kept[index] = fit

    @property
    def predictions(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The values by path, and the predicted maps by name, of the modes of all galaxies."""
        return self._modes.values, self._modes.predicted

    @property
    def has_mode(self) -> np.ndarray:
        """Which galaxies have a mode elsewhere than their maximum, shape (galaxies,)."""
        return (self.unconstrained != self.points).any(axis=1)

    @property
    def trapped(self) -> np.ndarray:
        """Which galaxies have a mode that is more probable than their maximum, shape (galaxies,).

        At the edge of a prior the coordinates are flat: an ascent that arrives there from far away
        stops, although the posterior increases inwards.
        """
        return self._modes.log_posterior > self.around.log_posterior + ARRIVED

    @property
    def converged(self) -> np.ndarray:
        """Which galaxies have a maximum that was reached, and a covariance, shape (galaxies,)."""
        doubtful = np.array([bool(text) for text in self._covariances.complaints])
        return (self.gains < arrived(self.points.shape[1])) & ~doubtful

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """{path: values of all galaxies, shape (galaxies, …)}."""
        # A compiled program gives dictionaries back in alphabetical order; the covariance is in the
        # model's.
        return {name: self.around.values[name] for name in self.models[0].free}

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
        if i not in self.kept:
            self.kept[i] = self._one(i)
        return self.kept[i]

    def _one(self, i: int) -> Fit:
        model, around, covariance = (
            self.models[i],
            jax.tree.map(lambda array: array[i], self.around),
            self.covariance[i],
        )
        complaints = [text for text in (self._covariances.complaints[i],) if text]
        if not self.gains[i] < arrived(self.points.shape[1]):
            complaints.insert(
                0,
                f"not converged: a Newton step would still gain {self.gains[i]:.2g} "
                "in log posterior",
            )
        free = np.sqrt(np.diag(self.unconstrained_covariance[i]))
        notes = prior_notes(model, around.values, np.sqrt(np.diag(covariance)), free)
        galaxy, maps = model.scene_at(around.values)
        notes += emission_notes(galaxy, maps, model.names)
        notes += residual_notes(maps, around.predicted)
        poor = impossible_chi_squares(maps, around.predicted)
        caveats = (f"the model does not fit: reduced chi-square {poor}",) if poor else ()
        verdict = complaints or [", but ".join(["converged", *caveats])]
        notes += caveats if complaints else ()
        if model.fields is not None:
            galaxy = model.fields.placed(galaxy, jnp.asarray(around.field_modes))
        return Fit(
            parameters={name: around.values[name] for name in model.free},
            covariance=covariance,
            galaxy=galaxy,
            maps=maps,
            predicted=around.predicted,
            log_prior=float(around.log_prior),
            converged=bool(self.converged[i]),
            message="; ".join([*verdict, *notes]),
            unconstrained=self.unconstrained[i],
            unconstrained_covariance=self.unconstrained_covariance[i],
            excess=None if self.excess is None else self.excess[i],
            field_volume=0.0 if around.field_volume is None else float(around.field_volume),
            caveats=caveats,
        )


def _with_rows(old: Any, indices: np.ndarray, new: Any) -> Any:
    """Arrays of all galaxies with the rows of the chosen ones replaced."""

    def replace(array: Any, rows: Any) -> np.ndarray:
        result = np.array(array)
        result[indices] = np.asarray(rows)
        return result

    return jax.tree.map(replace, old, new)
