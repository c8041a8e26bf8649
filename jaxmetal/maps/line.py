"""Maps of the flux of emission lines, and of ratios of lines."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.emission import Blend, blend, label_of, parts_of
from jaxmetal.errors import InputError, check_type
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.contents import Contents
from jaxmetal.maps.flags import flags
from jaxmetal.maps.light import LightMap
from jaxmetal.maps.map import Map
from jaxmetal.maps.measured import Arrays
from jaxmetal.maps.moments import Moment, SmearedMoment
from jaxmetal.maps.tracer import TRACER_TOLERANCE


class LineMap(LightMap):
    """A map of the flux in one line, or in a weighted sum of lines, per pixel or aperture.

        F = A · (K ∗ Σᵢ Σ_l w_l I_il) · pixel area

    A line is one more light of the components that emit it (see `Emission`), so that bins,
    slitlets, lenses and a PSF of its own are as for a LightMap. Negative fluxes are data too: do
    not cut them.

    Parameters
    ----------
    values
        flux in each pixel, shape (rows, columns), or in each aperture of the instrument, shape
        (n,); corrected for the foreground of the Milky Way, but not for dust in the galaxy. Flux
        per pixel is summed where the apertures are bins.
    sigma
        its standard deviation, one number or a map of the same shape, summed in quadrature where
        the values are summed; None with a covariance.
    instrument
        grid, PSF and apertures.
    line
        "Ha", "NII6584" or another of `emission.WAVELENGTHS`; or the factors of a sum, such as
        {"OIII4959": 1, "OIII5007": 1}.
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no
        positive sigma is masked automatically.
    limits
        True where the value is an upper limit L of which nothing else is known; sigma is then
        e = L / k of a limit of k sigma, and the likelihood is that of all fluxes below it,
        P(< L) = Phi((L - F) / e). A flux that was measured, however faint, says more.
    options
        as for `Map`, but for `light`: `covariance`, `scatter` (a fraction of the model's flux),
        `likelihood`, `calibration`, `unit`, `check`.

    Raises
    ------
    InputError
        as for a LightMap, for a name that is no line, and for limits with a covariance, a
        likelihood that is not Gaussian, or bins of pixels that are added up.

    Warns
    -----
    InputWarning
        as for a LightMap.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpy as np
    >>> flux = np.random.default_rng(0).normal(5.0, 0.1, (15, 15))
    >>> line = jm.LineMap(flux, 0.1, jm.examples.telescope(), line="NII6584")
    >>> line.size
    225
    """

    quantity: ClassVar[str] = "the line flux"
    limits: Bool[Array, "*map"] | None

    def __init__(
        self,
        values: Any,
        sigma: Any,
        instrument: Instrument,
        line: str | Mapping[str, Any],
        mask: Any = None,
        *,
        limits: Any = None,
        **options: Any,
    ):
        light = blend(line, "LineMap.line")
        self.limits = None
        if limits is not None:
            check_type(instrument, Instrument, "LineMap.instrument")
            places = flags("LineMap.limits", limits, instrument.shape, "an upper limit")
            self.limits = jnp.asarray(places)
        super().__init__(values, sigma, instrument, mask, light=light, **options)
        dependent = self.correlation is not None or not self.likelihood.gaussian
        if self.limits is not None and dependent:
            raise InputError("LineMap.limits: need independent Gaussian errors.")

    def _contents(self, arrays: Arrays, mask: Any, correlation: Any, check: bool) -> Contents:
        """As for any map; limits, which may all be one number, are not looked at."""
        if self.limits is not None:
            if arrays.values.shape != self.limits.shape:
                raise InputError("LineMap.limits: give values and limits per aperture.")
            places = np.asarray(self.limits)
            if check and not places.all():
                without = places if mask is None else places | np.asarray(mask, bool)
                super()._contents(arrays, without, correlation, check)
            check = False
        return super()._contents(arrays, mask, correlation, check)

    @property
    def censored(self) -> Bool[Array, "*map"] | None:
        """Where a value is an upper limit."""
        return self.limits

    @property
    def planes(self) -> dict[str, Array]:
        """Where a value is an upper limit."""
        return {} if self.limits is None else {"limits": self.limits}

    @property
    def line(self) -> str | Blend:
        """The line, or (name, factor) of each."""
        return self.light

    @property
    def entry(self) -> dict[str, Any]:
        """What a configuration says of it."""
        return {"kind": "line", "line": dict(parts_of(self.line))}

    @property
    def label(self) -> str:
        """What axes and colour bars say of it."""
        return f"{label_of(self.light)} per pixel"


class RatioMap(Map):
    """A map of the log10 of one line over another, both summed over pixel or aperture.

        R = log10[ A · (K ∗ Σᵢ I_i,numerator) / A · (K ∗ Σᵢ I_i,denominator) ]

    For those who have only the ratio. Where there are fluxes, fit `LineMap`: a ratio of noisy
    fluxes is biased, and ratios that share a line have correlated errors.

    Parameters
    ----------
    values
        log10 of the ratio in each pixel, shape (rows, columns), or in each aperture, shape (n,).
    sigma
        its standard deviation, dex, one number or a map of the same shape; None with a covariance.
    instrument
        grid, PSF and apertures, the same for both lines.
    numerator, denominator
        lines, or factors of sums of lines, as for a LineMap.
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no
        positive sigma is masked automatically.
    options
        as for `Map`, but for `light`: `covariance`, `scatter`, `likelihood`, `calibration`, `unit`,
        `check`.

    Raises
    ------
    InputError
        as for a TracerMap, and for a name that is no line.

    Warns
    -----
    InputWarning
        as for a TracerMap.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpy as np
    >>> ratio = np.linspace(-0.6, -0.4, 225).reshape(15, 15)
    >>> n2 = jm.RatioMap(ratio, 0.05, jm.examples.telescope(), "NII6584", "Ha")
    >>> n2.size
    225
    """

    quantity: ClassVar[str] = "the ratio"
    numerator: str | Blend = eqx.field(static=True)

    def __init__(
        self,
        values: Any,
        sigma: Any,
        instrument: Instrument,
        numerator: str | Mapping[str, Any],
        denominator: str | Mapping[str, Any],
        mask: Any = None,
        **options: Any,
    ):
        self.numerator = blend(numerator, "RatioMap.numerator")
        light = blend(denominator, "RatioMap.denominator")
        super().__init__(values, sigma, instrument, mask, light=light, **options)

    @property
    def label(self) -> str:
        """What axes and colour bars say of it."""
        return f"log ({label_of(self.numerator)}) / ({label_of(self.light)})"

    def moments(self, galaxy: Galaxy) -> tuple[Moment, ...]:
        """The mean of one line over the other."""
        return (Moment(light=self.light, numerator=self.numerator),)

    def observed(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """The log10 of the mean."""
        return jnp.log10(moments[0].mean)

    def tolerance(self, predicted: np.ndarray) -> float:
        """1e-4 dex, or this part of the range of a map that spans more than one dex."""
        return TRACER_TOLERANCE * max(1.0, float(np.ptp(predicted)))
