"""The arrays of a map, from what a user gives: measurements, errors, and their correlation."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.errors import InputError
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.binned import gather_of
from jaxmetal.maps.correlations import BySeparation, Correlation
from jaxmetal.maps.covariance import as_correlation, by_matrix
from jaxmetal.maps.findings import Inspected
from jaxmetal.maps.inspection import inspect_map, report
from jaxmetal.maps.measured import Arrays, Measurements, measured, usable
from jaxmetal.profiles.profile import as_array

# How many bins are smeared by a correlation at once.
TOGETHER = 64


class Contents(NamedTuple):
    """The arrays of a map.

    Parameters
    ----------
    values, sigma
        finite everywhere, in the shape of the instrument's measurements.
    valid
        where there is a measurement.
    correlation
        of the errors; None if they are independent.
    """

    values: Float[Array, "..."]
    sigma: Float[Array, "..."]
    valid: Bool[Array, "..."]
    correlation: Correlation | None


class Kind(NamedTuple):
    """What the arrays of a map depend on: its class, what it averages and how, whether a line."""

    name: str
    additive: bool
    tracer: str | None
    scale: Any
    line: bool


def contents_of(
    kind: Kind, arrays: Arrays, instrument: Instrument, mask: Any, correlation: Any, check: bool
) -> Contents:
    """The checked arrays of a map.

    Parameters
    ----------
    kind
        of the map.
    arrays
        in one unit.
    instrument, mask, correlation
        as for a Map.
    check
        whether to look for values that are no measurements.
    """
    name = kind.name
    data = measured(name, gather_of(kind.additive), arrays, instrument, mask)
    valid = usable(name, data.values, data.sigma, data.masked)
    if check:
        error_map = arrays.sigma is not None and arrays.sigma.ndim > 0
        numbers = (data.values, data.sigma, data.masked, valid, error_map)
        rest = (instrument.apertures, arrays.unit, kind.tracer, kind.scale, kind.line)
        report(name, inspect_map(Inspected(name, kind.additive, *numbers, *rest)))
    sigma = np.where(valid, data.sigma, 1.0)
    if data.covariance is not None:
        shared = by_matrix(data.covariance, valid, f"{name}.covariance")
    else:
        where = f"{name}.correlation"
        shared = as_correlation(correlation, data.values.size, valid, where)
        sigma, shared = _of_bins(shared, sigma, valid, data, instrument, where)
    # Finite stand-ins before any arithmetic: 0 × NaN is NaN, in the value and in the gradient.
    return Contents(
        as_array(np.where(valid, data.values, 0.0), f"{name}.values"),
        as_array(sigma, f"{name}.sigma"),
        jnp.asarray(valid),
        shared,
    )


def _of_bins(
    correlation: Correlation | None,
    sigma: np.ndarray,
    valid: np.ndarray,
    data: Measurements,
    instrument: Instrument,
    where: str,
) -> tuple[np.ndarray, Correlation | None]:
    """Errors and correlation of apertures, from the correlation of their pixels.

        C_ij = Σ_p Σ_q w_ip w_jq sigma_p sigma_q rho(d_pq)

    Where fluxes of pixels were added up, their errors give those of the sums; otherwise the errors
    are those of the apertures already, and only their correlation is needed.
    """
    apertures = instrument.apertures
    if apertures is None or not isinstance(correlation, BySeparation):
        return sigma, correlation
    grid, pixels = instrument.grid, apertures.shape[0] * apertures.shape[1]
    weights = np.zeros((apertures.count, pixels))
    np.add.at(weights, (apertures.aperture, apertures.pixel), apertures.shares)
    if data.pixel_sigma is not None:
        weights = weights * np.where(np.isfinite(data.pixel_sigma), data.pixel_sigma, 0.0).ravel()
    images = weights.reshape(-1, *apertures.shape)
    # In units of the largest: in float32 squares of fluxes underflow.
    unit = weights.max() or 1.0
    rows = [
        np.asarray(correlation.times(grid, jnp.asarray(images[i : i + TOGETHER] / unit)), float)
        for i in range(0, len(images), TOGETHER)
    ]
    matrix = unit * weights @ np.concatenate(rows).reshape(len(images), -1).T
    variance = np.diag(matrix)
    if not np.all(variance[valid] > 0):
        raise InputError(f"{where}: not positive definite among the pixels of a bin.")
    if data.pixel_sigma is not None:
        sigma = np.where(valid, np.sqrt(np.where(valid, variance, 1.0)), sigma)
    size = np.sqrt(np.where(valid, variance, 1.0))
    return sigma, by_matrix(matrix / size[:, None] / size, valid, where)
