"""Light and tracer maps: values with their errors, and the instrument that measured them."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.errors import InputError, described, unknown
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.binned import Gather, added, common
from jaxmetal.maps.covariance import Modes, decomposed
from jaxmetal.maps.findings import Inspected
from jaxmetal.maps.inspection import inspect_map, report
from jaxmetal.maps.measured import in_one_unit, measured, usable
from jaxmetal.maps.scales import scale_functions
from jaxmetal.profiles.profile import as_array, is_traced

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
        self, gather: Gather, values: Any, sigma: Any, instrument: Any, mask: Any, covariance: Any, scatter: Any, likelihood: str,
        dof: Any, unit: Any, check: bool, scale: Any = "linear",
    ):  # fmt: skip
        kind = type(self).__name__
        if not isinstance(instrument, Instrument):
            raise InputError(f"{kind}.instrument: expected an Instrument, got {type(instrument).__name__}.")
        if likelihood not in LIKELIHOODS:
            raise unknown("likelihood", likelihood, LIKELIHOODS, kind)
        if covariance is not None and likelihood != "gaussian":
            raise InputError(f"{kind}.covariance: goes with the Gaussian likelihood alone, got {likelihood!r}.")
        given = in_one_unit(kind, values, sigma, covariance, unit)
        values, sigma, masked, matrix = measured(kind, gather, given, instrument, mask)
        valid = usable(kind, values, sigma, masked)
        if check:
            error_map = given.sigma is not None and given.sigma.ndim > 0
            data = Inspected(kind, values, sigma, masked, valid, error_map, instrument.apertures, given.unit, scale)
            report(kind, inspect_map(data))
        # Finite stand-ins before any arithmetic: 0 × NaN is NaN, in the value and in the gradient.
        self.values = as_array(np.where(valid, values, 0.0), f"{kind}.values")
        self.sigma = as_array(np.where(valid, sigma, 1.0), f"{kind}.sigma")
        self.valid = jnp.asarray(valid)
        self.modes = None if matrix is None else decomposed(matrix, valid, f"{kind}.covariance")
        self.instrument = instrument
        relative = isinstance(self, LightMap)
        self.scatter = as_array(scatter, f"{kind}.scatter", "" if relative else getattr(given.unit, "function_unit", given.unit))
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
    unit
        of the values, as an astropy unit or its name, if they are plain numbers; values with a unit are converted to it.
    check
        whether to look for values that are no measurements and for statements that contradict each other.

    Raises
    ------
    InputError
        for shapes that do not match, a covariance that is not symmetric and positive definite, values per pixel that repeat in
        bins (the flux of the bin, or the mean of its pixels?), or when no pixel is left; units that cannot be converted, a
        unit of magnitudes, or a map that is mostly one value far from all others.

    Warns
    -----
    InputWarning
        for whatever else is strange about the data, a line each; see `maps.inspection`.

    Notes
    -----
    Values, errors and covariance may be astropy Quantities (errors are converted to the unit of the values), masked arrays,
    CCDData and the like: their masks count, and their uncertainty is taken if sigma is None.
    """

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, mask: Any = None, *, covariance: Any = None,
        scatter: Any = 0.0, likelihood: str = "gaussian", dof: Any = 4.0, unit: Any = None, check: bool = True,
    ):  # fmt: skip
        self._fill(added, values, sigma, instrument, mask, covariance, scatter, likelihood, dof, unit, check)
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
    unit
        of the values, as an astropy unit or its name, if they are plain numbers; values with a unit are converted to it.
    check
        whether to look for values that are no measurements and for statements that contradict each other.

    Raises
    ------
    InputError
        for shapes that do not match, pixels of one bin that differ, a covariance that is not symmetric and positive definite, an
        unknown scale, or when no pixel is left; units that cannot be converted, or a map that is mostly one value far from
        all others.

    Warns
    -----
    InputWarning
        for whatever else is strange about the data, a line each, such as bins that are not given, values of zero where nothing
        was measured, an inverted mask, or errors that look like variances; see `maps.inspection`.

    Notes
    -----
    Values, errors and covariance may be astropy Quantities (errors are converted to the unit of the values), masked arrays,
    CCDData and the like: their masks count, and their uncertainty is taken if sigma is None.
    """

    tracer: str = eqx.field(static=True)
    scale: str | tuple[Callable, Callable] = eqx.field(static=True)

    def __init__(
        self, values: Any, sigma: Any, instrument: Instrument, tracer: str = "metallicity", scale: Any = "log10", mask: Any = None, *,
        covariance: Any = None, scatter: Any = 0.0, likelihood: str = "gaussian", dof: Any = 4.0, unit: Any = None,
        check: bool = True,
    ):  # fmt: skip
        if not isinstance(tracer, str):
            hint = "a mask is given by name, as mask=…"
            raise InputError(f"TracerMap.tracer: expected a name, got {described(tracer)}; {hint}.")
        scale_functions(scale)
        self._fill(common, values, sigma, instrument, mask, covariance, scatter, likelihood, dof, unit, check, scale)
        self.tracer = tracer
        self.scale = scale if isinstance(scale, str) else tuple(scale)
