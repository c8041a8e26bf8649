"""What all maps share: values with their errors, and the instrument that measured them."""

from abc import abstractmethod
from copy import copy
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.emission import WAVELENGTHS, Blend, parts_of
from jaxmetal.errors import InputError, check_type, described
from jaxmetal.galaxy import LIGHT, Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.calibration import Calibration
from jaxmetal.maps.contents import Contents, Kind, contents_of
from jaxmetal.maps.correlations import Correlation
from jaxmetal.maps.covariance import check_correlated, check_definite, unprepared
from jaxmetal.maps.kind import MapKind
from jaxmetal.maps.likelihood import Likelihood, as_likelihood
from jaxmetal.maps.measured import Arrays, in_one_unit
from jaxmetal.maps.moments import Moment, SmearedMoment
from jaxmetal.maps.noise import Noise
from jaxmetal.maps.scatter import as_scatter

# The error that "auto" sampling may leave in light, relative to it.
LIGHT_TOLERANCE = 1e-3


class Map(MapKind):
    """A map: values with errors, which light-weighted sums it needs, and what it shows of them.

        shown = observed(M_1, M_2, …),   M_k = A · (K ∗ Σᵢ Iᵢ w_k(tracersᵢ))

    A new kind of map is a class with two methods, `moments` and `observed`, and the class variables
    below; no other code depends on the kind of a map.

    Parameters
    ----------
    values
        in each pixel, shape (rows, columns), or in each aperture of the instrument, shape (n,).
    sigma
        standard deviation, one number or a map of the same shape; None with a covariance.
    instrument
        grid, PSF and apertures.
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no
        positive sigma is masked automatically.
    light
        the name of the light that the map sees, or that weights what it shows; a line of the
        galaxy's emission has its own name, such as "Ha".
    covariance
        in place of sigma: of all measurements, row by row, shape (N, N).
    correlation
        how neighbours share the errors sigma: one of `jaxmetal.noise` such as `noise.manga()`, a
        function of separation in pixels, or a matrix, shape (N, N). Of pixels: that of bins follows
        from it. By default errors are independent.
    scatter
        extra scatter about the model, added in quadrature, not negative; a parameter
        ("z.scatter").
    likelihood
        "gaussian", "student-t", or a Likelihood such as `StudentT(dof=4.0)`.
    calibration
        a `Calibration`; by default there is nothing to correct.
    unit
        of the values, if they are plain numbers; values with a unit are converted to it.
    check
        whether to look for values that are no measurements.

    Notes
    -----
    What a subclass says of itself is described in `kind.MapKind`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> class MeanMap(jm.Map):
    ...     def moments(self):
    ...         return {"mean": jm.Moment(("age",), lambda age: age)}
    >>> MeanMap.__mro__[1].__name__
    'Map'
    """

    adjustable: ClassVar = ("scatter", "likelihood", "calibration", "instrument", "correlation")
    values: Float[Array, "..."]
    sigma: Float[Array, "..."]
    valid: Bool[Array, "..."]
    correlation: Correlation | None
    noise: Noise
    instrument: Instrument
    scatter: Float[Array, ""]
    likelihood: Likelihood
    calibration: Calibration
    light: str | Blend = eqx.field(static=True)

    def __init__(
        self,
        values: Any,
        sigma: Any,
        instrument: Instrument,
        mask: Any = None,
        *,
        light: str | Blend = LIGHT,
        covariance: Any = None,
        correlation: Any = None,
        scatter: Any = 0.0,
        likelihood: Likelihood | str = "gaussian",
        calibration: Calibration | None = None,
        unit: Any = None,
        check: bool = True,
    ):
        kind = type(self).__name__
        check_type(instrument, Instrument, f"{kind}.instrument")
        if not isinstance(light, str | tuple):
            raise InputError(f"{kind}.light: expected a light's name, got {described(light)}.")
        self.light = light
        self.likelihood = as_likelihood(likelihood, kind)
        self.calibration = Calibration() if calibration is None else calibration
        check_type(self.calibration, Calibration, f"{kind}.calibration")
        check_correlated(kind, self.likelihood, covariance, correlation)
        arrays = in_one_unit(kind, values, sigma, covariance, unit)
        self.instrument = instrument
        data = self._contents(arrays, mask, correlation, check)
        self.values, self.sigma, self.valid, self.correlation = data
        self.scatter = as_scatter(scatter, kind, arrays.unit, self.additive)
        self.noise = unprepared(self)
        check_definite(self, f"{kind}.correlation")

    def _contents(self, arrays: Arrays, mask: Any, correlation: Any, check: bool) -> Contents:
        """Values, errors, validity and correlation from arrays in one unit."""
        is_line = any(name in WAVELENGTHS for name, _ in parts_of(self.light))
        kind = Kind(type(self).__name__, self.additive, self.tracer, self.scale, is_line)
        return contents_of(kind, arrays, self.instrument, mask, correlation, check)

    @abstractmethod
    def moments(self, galaxy: Galaxy) -> tuple[Moment, ...]:
        """The light-weighted sums that the map needs, at least one.

        Parameters
        ----------
        galaxy
            components with their lights and tracers.

        Returns
        -------
        moments
            in the order in which `observed` takes them.
        """

    @abstractmethod
    def observed(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """What the map shows of its moments.

        Parameters
        ----------
        moments
            smeared and summed over pixels or apertures, in the order of `moments`.

        Returns
        -------
        values
            in the unit and shape of the map's values.
        """

    def predicted(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """What the map shows, with the flux scale of its calibration."""
        quantity = self.observed(*moments)
        return self.calibration.flux_scale * quantity if self.additive else quantity

    @property
    def is_flux(self) -> bool:
        """Whether the values are fluxes: a scatter is a fraction, an image that of mean pixels."""
        return self.additive

    def scatter_of(self, predicted: Float[Array, "*map"]) -> Float[Array, "..."]:
        """The extra scatter about a prediction, in the unit of the values: of all, or of each."""
        return self.scatter * predicted if self.is_flux else self.scatter

    def profiled_error(self, predicted: Float[Array, "*map"]) -> Float[Array, "*map"] | None:
        """An error of the prediction itself, from data that it is made of.

        Parameters
        ----------
        predicted
            in the unit of the values.

        Returns
        -------
        error
            added in quadrature in residuals, but not normalised: that of a nuisance parameter at
            its most probable value. None if nothing measured is in the prediction.
        """
        return None

    @property
    def censored(self) -> Bool[Array, "*map"] | None:
        """Where a value is an upper limit, of which only P(< value) counts; None if nowhere."""
        return None

    def tolerance(self, predicted: np.ndarray) -> np.ndarray | float:
        """The error that "auto" sampling may leave where light matters.

        Parameters
        ----------
        predicted
            what the map would show there, shape (n,).

        Returns
        -------
        error
            in the unit of the map's values, one number or shape (n,).
        """
        if self.additive:
            return LIGHT_TOLERANCE * np.abs(predicted)
        return LIGHT_TOLERANCE * max(float(np.ptp(predicted)), 1.0)

    @property
    def shift(self) -> tuple[float, float]:
        """How far the map lies from where its grid says, (x, y) in arcsec, as plain numbers."""
        return float(self.calibration.shift_x), float(self.calibration.shift_y)

    @property
    def pointing(self) -> Instrument:
        """The instrument, its grid moved by the shift of the calibration."""
        shift = jnp.stack([self.calibration.shift_x, self.calibration.shift_y])
        origin = self.instrument.grid.origin
        return eqx.tree_at(lambda i: i.grid.origin, self.instrument, origin + shift)

    def with_instrument(self, instrument: Instrument) -> "Map":
        """A copy with another instrument.

        The copy holds the same object, because shared instruments are recognised by identity.
        """
        return self._with("instrument", instrument)

    def with_noise(self, noise: Noise) -> "Map":
        """A copy whose errors have another form; the instrument is the same object."""
        return self._with("noise", noise)

    def _with(self, name: str, value: Any) -> "Map":
        other = copy(self)
        object.__setattr__(other, name, value)
        return other

    @property
    def data(self) -> np.ndarray:
        """The values with NaN wherever a pixel, or aperture, is masked."""
        return np.where(self.valid, self.values, np.nan)

    @property
    def errors(self) -> np.ndarray:
        """The standard deviations with NaN wherever a pixel, or aperture, is masked."""
        return np.where(self.valid, self.sigma, np.nan)

    @property
    def fluxes(self) -> dict[str | Blend, tuple[np.ndarray, np.ndarray]]:
        """{light: (its flux, the errors)} of the lights that the data hold; NaN where masked."""
        return {self.light: (self.data, self.errors)} if self.additive else {}

    @property
    def size(self) -> int:
        """How many pixels, or apertures, take part in the likelihood."""
        return int(np.sum(self.valid))

    def total_errors(self, predicted: Any = None) -> np.ndarray:
        """The errors times their scale, and the scatter, in quadrature.

        Parameters
        ----------
        predicted
            the model, of which the scatter of a flux is a fraction; others do not need it.

        Returns
        -------
        errors
            in the unit and shape of the map's values; NaN where masked.
        """
        scale = np.asarray(predicted, float) if self.additive else 1.0
        errors = float(self.calibration.error_scale) * self.errors
        return np.hypot(errors, float(self.scatter) * scale)

    def image(self, values: Any) -> Float[np.ndarray, "ny nx"]:
        """Values such as this map's as an image; a flux of an aperture as that of its mean pixel.

        Parameters
        ----------
        values
            of each pixel, shape (rows, columns), or of each aperture, shape (n,).

        Returns
        -------
        image
            shape (rows, columns); NaN where there is no aperture.
        """
        apertures = self.instrument.apertures
        if apertures is not None and self.is_flux:
            values = np.asarray(values, float) / apertures.totals(np.ones(apertures.shape))
        return self.instrument.image(values)
