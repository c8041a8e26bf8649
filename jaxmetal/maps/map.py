"""Light and tracer maps: values with their errors, and the instrument that measured them."""

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.errors import InputError, InputWarning, described, unknown
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.binned import REPEATED, Gather, added, check_whole, common, repeated
from jaxmetal.maps.covariance import Modes, checked, decomposed
from jaxmetal.maps.scales import scale_functions
from jaxmetal.profiles.profile import as_array, as_numbers, is_traced

LIKELIHOODS = ("gaussian", "student-t")


class Map(eqx.Module):
    """What light and tracer maps share: values with errors in the pixels or apertures of an instrument."""

    adjustable: ClassVar = ("scatter", "dof", "instrument")
    values: Float[Array, "..."]
    sigma: Float[Array, "..."]
    valid: Bool[Array, "..."]
    modes: Modes | None
    instrument: Instrument
    scatter: Float[Array, ""]
    dof: Float[Array, ""]
    likelihood: str = eqx.field(static=True)

    @property
    def data(self) -> np.ndarray:
        """The values with NaN wherever a pixel, or aperture, takes no part in the likelihood."""
        return np.where(self.valid, self.values, np.nan)

    @property
    def errors(self) -> np.ndarray:
        """The standard deviations with NaN wherever a pixel, or aperture, takes no part in the likelihood."""
        return np.where(self.valid, self.sigma, np.nan)

    @property
    def size(self) -> int:
        """How many pixels, or apertures, take part in the likelihood."""
        return int(np.sum(self.valid))

    def total_errors(self, predicted: Any = None) -> np.ndarray:
        """The errors and the extra scatter in quadrature; the scatter of light is a fraction of what is predicted, which it alone needs."""
        scale = np.asarray(predicted, float) if isinstance(self, LightMap) else 1.0
        return np.hypot(self.errors, float(self.scatter) * scale)

    def image(self, values: Any) -> Float[np.ndarray, "ny nx"]:
        """Values such as this map's as an image of the grid's shape; the flux of an aperture as that of its mean pixel."""
        apertures = self.instrument.apertures
        if apertures is not None and isinstance(self, LightMap):
            values = np.asarray(values, float) / apertures.totals(np.ones(apertures.shape))
        return self.instrument.image(values)

    def _fill(
        self, gather: Gather, values: Any, sigma: Any, instrument: Any, mask: Any, covariance: Any, scatter: Any, likelihood: str, dof: Any
    ):  # fmt: skip
        kind = type(self).__name__
        if not isinstance(instrument, Instrument):
            raise InputError(f"{kind}.instrument: expected an Instrument, got {type(instrument).__name__}.")
        if likelihood not in LIKELIHOODS:
            raise unknown("likelihood", likelihood, LIKELIHOODS, kind)
        if (sigma is None) == (covariance is None):
            raise InputError(f"{kind}: expected sigma or covariance, got {'neither' if sigma is None else 'both'}.")
        if covariance is not None and likelihood != "gaussian":
            raise InputError(f"{kind}.covariance: goes with the Gaussian likelihood alone, got {likelihood!r}.")
        values, sigma, masked = _measured(kind, gather, values, 1.0 if sigma is None else sigma, instrument, mask)
        matrix = None if covariance is None else checked(covariance, values.size, f"{kind}.covariance")
        if matrix is not None:
            sigma = np.sqrt(np.abs(np.diag(matrix))).reshape(values.shape)
        usable = _usable(kind, values, sigma, masked)
        if gather is common and instrument.apertures is None and matrix is None:
            _warn_of_bins(values, sigma, usable)
        # Finite stand-ins before any arithmetic: 0 × NaN is NaN, in the value and in the gradient.
        self.values = as_array(np.where(usable, values, 0.0), f"{kind}.values")
        self.sigma = as_array(np.where(usable, sigma, 1.0), f"{kind}.sigma")
        self.valid = jnp.asarray(usable)
        self.modes = None if matrix is None else decomposed(matrix, usable, f"{kind}.covariance")
        self.instrument = instrument
        self.scatter = as_array(scatter, f"{kind}.scatter")
        self.dof = as_array(dof, f"{kind}.dof")
        single = self.scatter.shape == self.dof.shape == ()
        traced = is_traced((self.scatter, self.dof))
        if not single or not (traced or (0 <= float(self.scatter) < np.inf and float(self.dof) > 0)):
            raise InputError(f"{kind}: scatter must be zero or positive and dof positive, got scatter={scatter!r}, dof={dof!r}.")
        self.likelihood = likelihood


class LightMap(Map):
    """A map of flux per pixel, or per aperture.

    Parameters
    ----------
    values
        flux in each pixel (surface brightness per arcsec² integrated over the pixel), shape (rows, columns), or in each aperture of
        the instrument, shape (n,). Flux per pixel is summed where the apertures are bins; a bin with a pixel without flux is
        left out.
    sigma
        its standard deviation, one number or a map of the same shape, summed in quadrature where the values are summed;
        None with a covariance.
    instrument
        grid, PSF and apertures.
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no positive sigma leaves by itself.
    covariance
        in place of sigma: of all measurements, row by row, shape (N, N). Not together with a scatter.
    scatter
        extra scatter of real galaxies about a smooth model, as a fraction of the model's flux, added in quadrature;
        a parameter ("light.scatter") that may have a prior.
    likelihood
        "gaussian", or "student-t" with `dof` degrees of freedom, whose scale is sigma.
    dof
        degrees of freedom of the Student-t.

    Raises
    ------
    InputError
        for shapes that do not match, a covariance that is not symmetric and positive definite, values per pixel that repeat in
        bins (the flux of the bin, or the mean of its pixels?), or when no pixel is left.
    """

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, mask: Any = None, *, covariance: Any = None,
        scatter: Any = 0.0, likelihood: str = "gaussian", dof: Any = 4.0,
    ):  # fmt: skip
        self._fill(added, values, sigma, instrument, mask, covariance, scatter, likelihood, dof)
        if self.modes is not None and not is_traced(self.scatter) and float(self.scatter) > 0:
            raise InputError("LightMap.covariance: does not go with a scatter, which is a fraction of the model's flux.")


class TracerMap(Map):
    """A map of something that light carries, such as 12 + log(O/H).

    Parameters
    ----------
    values
        the light-weighted mean in each pixel, shape (rows, columns), or in each aperture of the instrument, shape (n,). Where the
        apertures are bins it may be a map whose pixels repeat the measurement of their bin.
    sigma
        its standard deviation, one number or a map of the same shape; None with a covariance.
    instrument
        grid, PSF and apertures.
    tracer
        the name of the tracer in the galaxy's components.
    scale
        how light averages the quantity: "log10" (g = 10^Z: abundances in dex), "linear" (g = Z: velocity, age), or a
        pair of functions (g, inverse of g).
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no positive sigma leaves by itself.
    covariance
        in place of sigma: of all measurements, row by row, shape (N, N).
    scatter
        extra scatter about the model in the tracer's unit, added in quadrature; a parameter ("z.scatter") that may
        have a prior.
    likelihood
        "gaussian", or "student-t" with `dof` degrees of freedom, whose scale is sigma.
    dof
        degrees of freedom of the Student-t.

    Raises
    ------
    InputError
        for shapes that do not match, pixels of one bin that differ, a covariance that is not symmetric and positive definite, an
        unknown scale, or when no pixel is left.

    Warns
    -----
    InputWarning
        if most pixels repeat a neighbour's value and error, as maps measured in bins do, and no bins are given.
    """

    tracer: str = eqx.field(static=True)
    scale: str | tuple[Callable, Callable] = eqx.field(static=True)

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, tracer: str = "metallicity", scale: Any = "log10", mask: Any = None, *,
        covariance: Any = None, scatter: Any = 0.0, likelihood: str = "gaussian", dof: Any = 4.0,
    ):  # fmt: skip
        if not isinstance(tracer, str):
            hint = "a mask is given by name, as mask=…"
            raise InputError(f"TracerMap.tracer: expected a name, got {described(tracer)}; {hint}.")
        self._fill(common, values, sigma, instrument, mask, covariance, scatter, likelihood, dof)
        scale_functions(scale)
        self.tracer = tracer
        self.scale = scale if isinstance(scale, str) else tuple(scale)


def _measured(kind: str, gather: Gather, values: Any, sigma: Any, instrument: Instrument, mask: Any) -> tuple[np.ndarray, ...]:
    """(values, sigma, masked), one of each per measurement of the instrument."""
    shape, apertures = instrument.shape, instrument.apertures
    values = as_numbers(values, f"{kind}.values")
    if apertures is not None and values.shape == apertures.shape:
        check_whole(kind, apertures)
        shape = apertures.shape
    if values.shape != shape:
        wanted = "the grid's" if apertures is None else f"the grid's {apertures.shape} or the apertures'"
        raise InputError(f"{kind}.values: shape {values.shape} does not match {wanted} {shape}{_axes(shape)}.")
    sigma = as_numbers(sigma, f"{kind}.sigma")
    if sigma.shape not in ((), shape):
        raise InputError(f"{kind}.sigma: expected one number or shape {shape}, got shape {sigma.shape}.")
    masked = np.zeros(shape, bool) if mask is None else np.asarray(mask)
    if masked.shape != shape:
        wanted = "the grid's" if len(shape) == 2 else "the values'"
        raise InputError(f"{kind}.mask: shape {masked.shape} does not match {wanted} {shape}{_axes(shape)}.")
    if masked.dtype.kind not in "bui" or not np.isin(masked, (0, 1)).all():
        raise InputError(f"{kind}.mask: expected True (leave the pixel out) or False, got values of type {masked.dtype}.")
    found = values, np.broadcast_to(sigma, shape), masked.astype(bool)
    return found if shape == instrument.shape or apertures is None else gather(kind, apertures, *found)


def _axes(shape: tuple[int, ...]) -> str:
    return " (rows, columns)" if len(shape) == 2 else ""


def _usable(kind: str, values: np.ndarray, sigma: np.ndarray, masked: np.ndarray) -> np.ndarray:
    """Where there is a measurement; some must be left."""
    valid = np.isfinite(values) & ~masked
    negative = valid & (sigma < 0)
    if negative.sum() > 0.5 * max(valid.sum(), 1):
        raise InputError(
            f"{kind}.sigma: standard deviations must be positive; {negative.sum()} of {valid.sum()} pixels have a negative one."
        )
    usable = valid & np.isfinite(sigma) & (sigma > 0)
    if not usable.any():
        lost = {"are not finite": ~np.isfinite(values), "are masked": masked, "have no positive sigma": ~(sigma > 0)}
        counts = ", ".join(f"{int(np.sum(pixels))} {why}" for why, pixels in lost.items())
        raise InputError(f"{kind}: no pixel is left; of {values.size}, {counts} (mask=True leaves a pixel out).")
    return usable


def _warn_of_bins(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray) -> None:
    if (part := repeated(values, sigma, usable)) > REPEATED:
        warnings.warn(
            f"TracerMap: {100 * part:.0f} % of the pixels repeat the value and error of a neighbour, as maps measured in bins do; each bin "
            "would count as often as it has pixels. Give the bins: Instrument(..., apertures=Apertures.bins(ids)).",
            InputWarning,
            stacklevel=4,
        )
