"""Maps of something that light carries."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, described
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.map import Map
from jaxmetal.maps.moments import Moment, SmearedMoment
from jaxmetal.maps.scales import scale_functions

# The error that "auto" sampling may leave: dex, or this part of the range of a map that spans more
# than one unit, such as a velocity field.
TRACER_TOLERANCE = 1e-4


class TracerMap(Map):
    """A map of something that light carries, such as 12 + log(O/H).

        Z_obs = g⁻¹[ A · (K ∗ Σᵢ Iᵢ g(Zᵢ)) / A · (K ∗ Σᵢ Iᵢ) ]

    Parameters
    ----------
    values
        the light-weighted mean in each pixel, shape (rows, columns), or in each aperture of the
        instrument, shape (n,). Where the apertures are bins it may be a map whose pixels repeat the
        measurement of their bin.
    sigma
        its standard deviation, one number or a map of the same shape; None with a covariance.
    instrument
        grid, PSF and apertures.
    tracer
        the name of the tracer in the galaxy's components.
    scale
        how light averages the quantity: "log10" (g = 10^Z: abundances in dex), "linear" (g = Z:
        velocity, age), another name of `jm.scales.table()`, such as "density_sii", or a pair of
        functions (g, inverse of g).
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no
        positive sigma is masked automatically.
    options
        as for `Map`: `light`, the name of the light that weights the tracer; `covariance`;
        `scatter` about the model in the tracer's unit; `likelihood`; `calibration`; `unit`;
        `check`.

    Raises
    ------
    InputError
        for shapes that do not match, pixels of one bin that differ, a covariance that is not
        symmetric and positive definite, an unknown scale, or when no pixel is left; units that
        cannot be converted, or a map that is mostly one value far from all others.

    Warns
    -----
    InputWarning
        for whatever else is strange about the data, a line each, such as bins that are not given,
        values of zero where nothing was measured, an inverted mask, or errors that look like
        variances; see `maps.inspection`.

    Notes
    -----
    Values, errors and covariance may be astropy Quantities (errors are converted to the unit of the
    values), masked arrays, CCDData and the like: their masks count, and their uncertainty is taken
    if sigma is None.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpy as np
    >>> values = np.linspace(8.2, 8.5, 225).reshape(15, 15)
    >>> z = jm.TracerMap(values, 0.05, jm.examples.telescope(), tracer="metallicity")
    >>> z.size
    225
    """

    quantity: ClassVar[str] = "the tracer"
    tracer: str = eqx.field(static=True)  # type: ignore[assignment]
    scale: str | tuple[Callable, Callable] = eqx.field(static=True)

    def __init__(
        self,
        values: Any,
        sigma: Any,
        instrument: Instrument,
        tracer: str = "metallicity",
        scale: Any = "log10",
        mask: Any = None,
        **options: Any,
    ):
        if not isinstance(tracer, str):
            hint = "a mask is given by name, as mask=…"
            description = described(tracer)
            raise InputError(f"TracerMap.tracer: expected a name, got {description}; {hint}.")
        scale_functions(scale)
        self.tracer = tracer
        self.scale = scale if isinstance(scale, str) else tuple(scale)
        super().__init__(values, sigma, instrument, mask, **options)

    @property
    def entry(self) -> dict[str, Any]:
        """What a configuration says of it."""
        named = {"tracer": self.tracer, "scale": self.scale}
        return {"kind": "tracer", "light": self.light, **named}

    def moments(self, galaxy: Galaxy) -> tuple[Moment, ...]:
        """The light-weighted mean of g(Z)."""
        return (Moment((self.tracer,), scale_functions(self.scale)[0], self.light),)

    def observed(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """The inverse of g of the mean."""
        return scale_functions(self.scale)[1](moments[0].mean)

    def tolerance(self, predicted: np.ndarray) -> float:
        """1e-4, or this part of the range of a map that spans more than one unit."""
        return TRACER_TOLERANCE * max(1.0, float(np.ptp(predicted)))
