"""Errors to expect of a fit, before there are data: the Fisher information of a model.

    F = Jᵀ C⁻¹ J - ∂² ln prior,   C = sigma² / exposure + scatter² (+ a random field)

One Jacobian at the model's own values. What is measured does not enter, only its errors.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_once
from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.inference import displays
from jaxmetal.inference.exposures import at_exposures, relative_exposures
from jaxmetal.inference.information import standard_errors, value_slope_information
from jaxmetal.inference.laplace import covariance_in_own_units, inverses, outlook
from jaxmetal.inference.model import Model
from jaxmetal.inference.noises import SANDWICH
from jaxmetal.inference.parameter_units import units_of
from jaxmetal.inference.sandwich import corrected, excess
from jaxmetal.inference.tables import Summary, labels
from jaxmetal.shown import as_html

if TYPE_CHECKING:
    from jaxmetal.inference.laplace import Surroundings

# The longest and the shortest exposure, relative to the planned one, of which errors are computed.
EXPOSURES = 1e-3, 1e3
# To this fraction an exposure is found.
PRECISION = 1e-3


@dataclass(frozen=True)
class Forecast:
    """The errors to expect of a fit.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    values
        {path: value} of the free parameters for which the errors hold.
    covariance
        in the units of the parameters, shape (n, n), in the order of `values`.
    exposure
        relative to that of the model's maps: their errors are divided by its root.
    maps
        names of the maps that count; None for all.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> forecast = jm.forecast(jm.examples.model())
    >>> print(f"{forecast.errors['disc.metallicity.gradient']:.3f}")
    0.010
    """

    model: Model
    values: dict[str, np.ndarray]
    covariance: np.ndarray
    exposure: float
    maps: tuple[str, ...] | None = None

    @property
    def errors(self) -> dict[str, np.ndarray]:
        """{path: standard deviation}."""
        return standard_errors(self.values, self.covariance)

    @property
    def labels(self) -> list[str]:
        """One name for each row of the covariance."""
        names = ((name, np.shape(value)) for name, value in self.values.items())
        return [label for name, shape in names for label in labels(name, shape)]

    @property
    def correlation(self) -> np.ndarray:
        """The correlation of each pair of parameters, shape (n, n)."""
        errors = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(errors, errors)

    def exposure_for(self, path: str, error: float) -> float:
        """The exposure that an error asks for.

        Parameters
        ----------
        path
            of a free parameter, one number.
        error
            the standard deviation that is wanted, in the unit of the parameter.

        Returns
        -------
        exposure
            relative to that of the model's maps, to a part in a thousand.

        Raises
        ------
        InputError
            for an unknown parameter, or an error that no exposure gives; see `least_error`.
        """
        if not error > 0:
            raise InputError(f"Forecast.exposure_for: expected a positive error, got {error!r}.")
        short, long = EXPOSURES
        if (least := self.least_error(path)) > error:
            raise InputError(
                f"Forecast.exposure_for: {path} has an error of {least:.3g} or more, however long "
                f"the exposure; {error:g} cannot be reached with this model."
            )
        if self._error_at(short, path) <= error:
            raise InputError(
                f"Forecast.exposure_for: the prior of {path} alone gives it an error of {error:g} "
                "or less; no exposure is needed."
            )
        exposure = self.exposure
        while long / short > 1 + PRECISION:
            ratio = self._error_at(exposure, path) / error
            if abs(ratio - 1) < PRECISION / 2:
                break
            short, long = (exposure, long) if ratio > 1 else (short, exposure)
            # Most errors fall with the root of the exposure.
            exposure = exposure * ratio**2
            if not short < exposure < long:
                exposure = float(np.sqrt(short * long))
        return exposure

    def least_error(self, path: str) -> float:
        """The error that is left after an exposure a thousand times as long.

        Parameters
        ----------
        path
            of a free parameter, one number.

        Returns
        -------
        error
            that scatter, random fields and the other parameters' priors leave.

        Raises
        ------
        InputError
            for an unknown parameter.
        """
        return self._error_at(EXPOSURES[1], path)

    def _error_at(self, exposure: float, path: str) -> float:
        """The error of a parameter for another exposure, the largest of an array."""
        if path not in self.values:
            raise unknown("free parameter", path, self.values, "Forecast")
        return float(np.max(forecast(self.model, self.values, exposure, self.maps).errors[path]))

    def summary(self) -> Summary:
        """A row for each parameter: value, expected error, and the error before any data."""
        values = np.concatenate([np.ravel(v) for v in self.values.values()])
        errors = np.sqrt(np.diag(self.covariance))
        rows = zip(self.labels, values, errors, self._prior_errors, strict=True)
        return Summary(
            {
                label: {"value": float(value), "error": float(error), "prior": prior}
                for label, value, error, prior in rows
            }
        )

    @property
    def _prior_errors(self) -> list[float]:
        """Standard deviations of the priors; infinite for a Linear amplitude, which has none."""
        deviations: list[float] = []
        for name, value in self.values.items():
            prior = self.model.priors.get(name)
            variance = np.inf if prior is None else prior.variance
            deviations += np.sqrt(np.broadcast_to(variance, np.shape(value))).ravel().tolist()
        return deviations

    @property
    def units(self) -> dict[str, str]:
        """{label: unit}, "" where a number has none or it is not known."""
        return units_of(self.model.galaxy, self.model.maps, self.labels)

    to_table = displays.to_table
    _repr_html_ = as_html

    def __repr__(self) -> str:
        return f"Forecast: exposure {self.exposure:g}\n{self.summary()}"


def forecast(
    model: Model,
    values: Mapping[str, Any] | None = None,
    exposure: float = 1.0,
    maps: Iterable[str] | None = None,
) -> Forecast:
    """The errors to expect of a fit, before there are data.

    Parameters
    ----------
    model
        galaxy, maps and priors. Of the maps only errors, masks and instruments matter: values may
        be zero. A correlation of the errors, a scatter and random fields count as in a fit, and set
        the errors below which no exposure leads.
    values
        {path: value} of free parameters that are to differ from the galaxy's own.
    exposure
        relative to that of the maps: the errors are divided by its root. A scatter is not.
    maps
        names of the maps that count, such as those that exist without another instrument; all if
        left out. What only the others show is known by its prior.

    Returns
    -------
    forecast
        errors and covariance of all free parameters by the Fisher information, the Cramér-Rao
        bound; for a posterior that is not Gaussian they are too small.

    Raises
    ------
    InputError
        for an unknown parameter or map, or if data and priors do not constrain the parameters.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> forecast = jm.forecast(jm.examples.model())
    >>> print(f"{forecast.errors['disc.metallicity.gradient']:.4f} dex/arcsec")
    0.0097 dex/arcsec
    >>> print(f"{forecast.exposure_for('disc.metallicity.gradient', 0.003):.0f} times as long")
    10 times as long
    """
    check_type(model, Model, "forecast: model")
    if not exposure > 0:
        raise InputError(f"forecast: expected a positive exposure, got {exposure!r}.")
    counted = None if maps is None else tuple(maps)
    exposures = relative_exposures(model, exposure, counted)
    exposed, point = at_exposures(model, exposures, values or {})
    around, information = _expected(exposed, point)
    covariance = inverses(np.asarray(information)[None])
    if model.errors == SANDWICH:
        covariance = corrected(covariance, np.asarray(excess(exposed, point))[None])
    if np.isnan(covariance).any():
        raise InputError("forecast: data and priors do not constrain the parameters.")
    around = around._replace(
        **{
            name: np.asarray(getattr(around, name))[None]
            for name in ("to_own_units", "linear_information", "linear_scale")
        }
    )
    return Forecast(
        model=model,
        values={name: np.asarray(around.values[name]) for name in model.free},
        covariance=covariance_in_own_units(covariance, around)[0],
        exposure=exposure,
        maps=counted,
    )


@compiled_once
def _expected(model: Model, u: Float[Array, " n"]) -> "tuple[Surroundings, Array]":
    """What lies around a point, and the information of data and priors there."""
    return outlook(model, u), value_slope_information(model, u, 1.0)[2]
