"""What a user gives as a map, as plain arrays in one unit: values, errors, masks, a covariance."""

from typing import Any, NamedTuple

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.binned import Gather, added, check_whole
from jaxmetal.maps.covariance import checked
from jaxmetal.maps.flags import axes_of, flags
from jaxmetal.quantities import Contents, as_numbers, contents, converted
from jaxmetal.unit_texts import expected_unit

# The power of the standard deviation that an astropy uncertainty holds.
_POWERS = {"std": 1.0, "var": 2.0, "ivar": -2.0}


class Arrays(NamedTuple):
    """Values and errors as they were given, in one unit.

    Parameters
    ----------
    values, mask
        the numbers, and True where the container of the values says that they are not valid.
    sigma, covariance
        in the unit of the values and its square; None for the one that was not given.
    unit
        an astropy unit, or None.
    """

    values: np.ndarray
    mask: np.ndarray | None
    sigma: np.ndarray | None
    covariance: Any
    unit: Any


class Measurements(NamedTuple):
    """One of each per measurement of the instrument.

    Parameters
    ----------
    values, sigma
        as they were given; sigma is that of the covariance's diagonal if there is one.
    masked
        True where the user leaves a measurement out, by the mask or by the container of the values.
    covariance
        of all measurements, or None.
    pixel_sigma
        of the pixels whose fluxes were added up, or None.
    """

    values: np.ndarray
    sigma: np.ndarray
    masked: np.ndarray
    covariance: np.ndarray | None
    pixel_sigma: np.ndarray | None = None


def in_one_unit(kind: str, values: Any, sigma: Any, covariance: Any, unit: Any) -> Arrays:
    """Values and errors in one unit; an uncertainty of the values is taken if there is no other.

    Parameters
    ----------
    kind
        names the map in messages.
    values, sigma, covariance
        plain arrays, or whatever `quantities.contents` takes apart. What has no unit of its own is
        in that of the values.
    unit
        into which values with a unit are converted, and in which those without are; that of the
        values if None.

    Raises
    ------
    InputError
        for what are no numbers, units that cannot be converted into each other, or without errors.
    """
    data, unit = contents(values), expected_unit(unit, f"{kind}.unit")
    unit = data.unit if unit is None else unit
    if sigma is None and covariance is None and data.uncertainty is not None:
        data_unit = data.unit if data.unit is not None else unit
        sigma = deviations(data.uncertainty, data_unit, f"{kind}.values.uncertainty")
    if (sigma is None) == (covariance is None):
        inputs = "neither" if sigma is None else "both"
        raise InputError(f"{kind}: expected sigma or covariance, got {inputs}.")
    # Errors of a logarithm are in dex or mag, whatever it is the logarithm of.
    spread = getattr(unit, "function_unit", unit)
    numbers = _numbers(data._replace(mask=None), unit, f"{kind}.values")
    if sigma is not None:
        sigma = _numbers(_deviations(sigma, spread, kind), spread, f"{kind}.sigma")
    else:
        squared = None if spread is None else spread**2
        covariance = _bare(contents(_dense(covariance)), squared, f"{kind}.covariance")
    return Arrays(numbers, data.mask, sigma, covariance, unit)


def _dense(covariance: Any) -> Any:
    """The matrix of an astropy Covariance, in its unit; anything else as it is."""
    if not hasattr(covariance, "to_dense"):
        return covariance
    matrix = covariance.to_dense()
    return matrix if covariance.unit is None else matrix * covariance.unit


def _deviations(sigma: Any, unit: Any, kind: str) -> Contents:
    if isinstance(sigma, Contents):
        return sigma
    if hasattr(sigma, "uncertainty_type"):
        return deviations(sigma, unit, f"{kind}.sigma")
    return contents(sigma)


def _numbers(data: Contents, unit: Any, where: str) -> np.ndarray:
    """As `_bare`, in double precision."""
    return as_numbers(_bare(data, unit, where), where)


def _bare(data: Contents, unit: Any, where: str) -> Any:
    """Values as they came, in a unit, NaN where masked; bare numbers are in that unit already."""
    numbers = data.numbers
    if data.unit is not None:
        if unit is None and str(data.unit):
            raise InputError(
                f"{where}: in {data.unit}, but the values have no unit; give both a unit, or none."
            )
        numbers = converted(numbers, data.unit, "" if unit is None else unit, where)
    if data.mask is None:
        return numbers
    return np.where(data.mask, np.nan, np.asarray(numbers, float))


def deviations(uncertainty: Any, unit: Any, where: str) -> Contents:
    """Standard deviations of an astropy NDUncertainty.

        sigma = std, sqrt(var) or 1 / sqrt(ivar)

    Parameters
    ----------
    uncertainty
        StdDevUncertainty, VarianceUncertainty or InverseVariance.
    unit
        of the values that it belongs to, or None; used if the uncertainty has none of its own.
    where
        names the uncertainty in messages.

    Returns
    -------
    contents
        the standard deviations, infinite where the inverse variance is zero, with their mask and
        unit.

    Raises
    ------
    InputError
        for an uncertainty of another type.
    """
    kind = uncertainty.uncertainty_type
    if kind not in _POWERS:
        raise InputError(
            f"{where}: expected a standard deviation, a variance or an inverse variance, got an "
            f"uncertainty of type {kind!r}."
        )
    power = _POWERS[kind]
    errors = contents(uncertainty.array)
    error_unit = uncertainty.unit if uncertainty.unit is not None else errors.unit
    with np.errstate(divide="ignore", invalid="ignore"):
        numbers = np.asarray(errors.numbers, float) ** (1 / power)
    return Contents(numbers, errors.mask, unit if error_unit is None else error_unit ** (1 / power))


def measured(
    kind: str, gather: Gather, arrays: Arrays, instrument: Instrument, mask: Any
) -> Measurements:
    """The measurements of a map: checked shapes, masks combined, pixels gathered into bins.

    Parameters
    ----------
    kind, gather
        names the map in messages, and how pixels make a bin.
    arrays
        the values with their errors.
    instrument
        that measured them.
    mask
        True where one is to be left out, or None.

    Raises
    ------
    InputError
        for shapes that do not match, or a mask that is none.
    """
    values, apertures = arrays.values, instrument.apertures
    shape = _shape(kind, values, instrument)
    sigma = np.ones(()) if arrays.sigma is None else arrays.sigma
    if sigma.shape not in ((), shape):
        raise InputError(
            f"{kind}.sigma: expected one number or shape {shape}, got shape {sigma.shape}."
        )
    masked = flags(f"{kind}.mask", mask, shape, "leave the pixel out")
    sigma = np.broadcast_to(sigma, shape)
    pixel_sigma = None
    if shape == instrument.shape or apertures is None:
        masked = masked if arrays.mask is None else masked | arrays.mask
    else:
        # A pixel without a valid value does not count in its bin, and does not spoil it.
        valid_values = values if arrays.mask is None else np.where(arrays.mask, np.nan, values)
        pixel_sigma = sigma if gather is added else None
        values, sigma, masked = gather(kind, apertures, valid_values, sigma, masked)
    if arrays.covariance is None:
        return Measurements(values, sigma, masked, None, pixel_sigma)
    matrix = checked(arrays.covariance, values.size, f"{kind}.covariance")
    sigma = np.sqrt(np.abs(np.diag(matrix))).reshape(values.shape)
    return Measurements(values, sigma, masked, matrix)


def _shape(kind: str, values: np.ndarray, instrument: Instrument) -> tuple[int, ...]:
    """The shape of the values: that of the instrument, or of its pixels if they make bins."""
    shape, apertures = instrument.shape, instrument.apertures
    if apertures is not None and values.shape == apertures.shape:
        check_whole(kind, apertures)
        return apertures.shape
    if values.shape != shape:
        expected = (
            "the grid's" if apertures is None else f"the grid's {apertures.shape} or the apertures'"
        )
        problem = f"does not match {expected} {shape}{axes_of(shape)}"
        raise InputError(f"{kind}.values: shape {values.shape} {problem}.")
    return shape


def usable(kind: str, values: np.ndarray, sigma: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Where there is a measurement; some must be left.

    Parameters
    ----------
    kind
        names the map in messages.
    values, sigma, masked
        of each measurement.

    Raises
    ------
    InputError
        if none is left, or most standard deviations are negative.
    """
    valid = np.isfinite(values) & ~masked
    negative = valid & (sigma < 0)
    if negative.sum() > 0.5 * max(valid.sum(), 1):
        raise InputError(
            f"{kind}.sigma: standard deviations must be positive; {negative.sum()} of "
            f"{valid.sum()} pixels have a negative one."
        )
    measures = np.isfinite(values) & np.isfinite(sigma) & (sigma > 0)
    if not (measures & ~masked).any():
        exclusions = {
            "are not finite": ~np.isfinite(values),
            "are masked": masked,
            "have no positive sigma": ~(sigma > 0),
        }
        counts = ", ".join(f"{int(np.sum(pixels))} {cause}" for cause, pixels in exclusions.items())
        hint = "mask=True leaves a pixel out"
        if measures.any() and not masked.all():
            count = int(np.sum(measures))
            hint += f"; the {count} that hold a measurement are all masked: is it inverted?"
        raise InputError(f"{kind}: no pixel is left; of {values.size}, {counts} ({hint}).")
    return measures & ~masked
