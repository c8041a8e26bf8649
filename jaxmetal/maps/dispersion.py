"""Maps of velocity dispersion: the second moment of the velocities in the beam."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, warn_user
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.contents import Contents
from jaxmetal.maps.map import Map
from jaxmetal.maps.measured import Arrays
from jaxmetal.maps.moments import Moment, SmearedMoment
from jaxmetal.profiles import numerics
from jaxmetal.profiles.profile import as_array
from jaxmetal.quantities import as_numbers

# The error that "auto" sampling may leave, relative to the dispersion.
DISPERSION_TOLERANCE = 1e-3
# Below this fraction of the largest value a dispersion need not be any more exact.
SMALL = 0.01
# More dispersions below that of the instrument, beyond their errors, are no chance.
BELOW_PART = 0.05


class Offset(eqx.Module):
    """The weight v - v0 of a first moment, of velocities about one near them."""

    reference: Float[Array, ""]

    def __call__(self, velocity: Array) -> Array:
        return velocity - self.reference


class SquaredOffset(eqx.Module):
    """The weight sigma² + (v - v0)² of a second moment about the same velocity."""

    reference: Float[Array, ""]

    def __call__(self, velocity: Array, dispersion: Array) -> Array:
        return dispersion**2 + (velocity - self.reference) ** 2


class DispersionMap(Map):
    """A map of velocity dispersion, which the velocities in the beam add to.

        sigma² = <sigma0² + v²> - <v>² + instrumental²,   <w> = A · (K ∗ Σᵢ Iᵢ wᵢ) / A · (K ∗ Σᵢ Iᵢ)

    The means are over all light in a pixel or aperture, after the PSF: beam smearing, bins and
    blended components are in the model. Where Gaussians were fitted to the lines the map shows
    these moments as far as the lines are Gaussian; near the centre of a disc that the PSF hardly
    resolves they are not.

    Parameters
    ----------
    values
        the dispersion in each pixel, shape (rows, columns), or in each aperture of the instrument,
        shape (n,); its square if `squared`. Not corrected for the instrument's.
    sigma
        its standard deviation, one number or a map of the same shape; None with a covariance.
    instrument
        grid, PSF and apertures.
    velocity, dispersion
        names of the tracers in the galaxy's components, v and sigma0.
    instrumental
        dispersion of the instrument's line profile in the unit of the values (its root, if they are
        squares): a number, which may be a parameter ("s.instrumental"), or a map in the shape of
        the values. What is not finite there is masked. It is added to the model, and never
        subtracted from the data, whose noise would become a bias.
    mask
        True where a pixel, or aperture, is to be left out. What is NaN, infinite, or has no
        positive sigma is masked automatically.
    squared
        whether the values are sigma², as it is best where the dispersion is close to that of the
        instrument: sigma² may be negative, and its errors stay Gaussian.
    options
        as for `Map`: `light`, the name of the light that weights the velocities; `covariance`;
        `scatter` about the model; `likelihood`; `calibration`; `unit`; `check`.

    Raises
    ------
    InputError
        as for a TracerMap, and for an instrumental dispersion that is negative or of another shape.

    Warns
    -----
    InputWarning
        as for a TracerMap, and where many dispersions lie below the instrument's.

    References
    ----------
    Law et al. (2016), AJ 152, 83; Varidel et al. (2019), MNRAS 485, 4024.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpy as np
    >>> sigma = np.linspace(60.0, 40.0, 225).reshape(15, 15)
    >>> gas = jm.DispersionMap(sigma, 2.0, jm.examples.telescope(), instrumental=30.0)
    >>> gas.instrumental.item()
    30.0
    """

    adjustable: ClassVar = (*Map.adjustable, "instrumental")
    quantity: ClassVar[str] = "the dispersion"
    instrumental: Float[Array, "..."]
    velocity: str = eqx.field(static=True)
    dispersion: str = eqx.field(static=True)
    squared: bool = eqx.field(static=True)

    def __init__(
        self,
        values: Any,
        sigma: Any,
        instrument: Instrument,
        velocity: str = "velocity",
        dispersion: str = "dispersion",
        instrumental: Any = 0.0,
        mask: Any = None,
        *,
        squared: bool = False,
        **options: Any,
    ):
        self.velocity, self.dispersion, self.squared = velocity, dispersion, bool(squared)
        # As an array in the unit of the values, when that is known; see `_contents`.
        self.instrumental = instrumental
        super().__init__(values, sigma, instrument, mask, **options)

    def _contents(self, arrays: Arrays, mask: Any, correlation: Any, check: bool) -> Contents:
        """As for any map; where there is no instrumental dispersion there is no measurement."""
        spread, arrays = _instrumental(self.instrumental, arrays, self.instrument, self.squared)
        data = super()._contents(arrays, mask, correlation, check)
        self.instrumental = as_array(spread, "DispersionMap.instrumental")
        if check:
            _warn_below(data, np.asarray(spread**2) if self.squared else spread)
        return data

    @property
    def label(self) -> str:
        """What axes and colour bars say of it."""
        return "velocity dispersion squared" if self.squared else "velocity dispersion"

    @property
    def tracers(self) -> dict[str, str]:
        """Those of velocity and dispersion."""
        return {"velocity": self.velocity, "dispersion": self.dispersion}

    @property
    def tracers_in_its_unit(self) -> tuple[str, ...]:
        """Both, or none if the values are squares."""
        return () if self.squared else (self.velocity, self.dispersion)

    @property
    def planes(self) -> dict[str, Array]:
        """The dispersion of the instrument, if it is a map."""
        return {"instrumental": self.instrumental} if self.instrumental.ndim else {}

    @property
    def entry(self) -> dict[str, Any]:
        """What a configuration says of it; `planes` has the map of the instrument's dispersion."""
        spread = float(jnp.mean(self.instrumental))
        numbers = {"squared": self.squared, "instrumental": spread}
        return {"kind": "dispersion", "light": self.light, **self.tracers, **numbers}

    def moments(self, galaxy: Galaxy) -> tuple[Moment, ...]:
        """The first and the second moment of velocities relative to one near them.

        About zero, the square of a systemic velocity would leave float32 no digit for a dispersion.
        """
        reference = self._reference(galaxy)
        first = Moment((self.velocity,), Offset(reference), self.light)
        pair = (self.velocity, self.dispersion)
        return first, Moment(pair, SquaredOffset(reference), self.light)

    def _reference(self, galaxy: Galaxy) -> Float[Array, ""]:
        """A velocity of the galaxy, in the middle of the frame; nothing depends on it."""
        rows, columns = self.instrument.grid.shape
        x, y = self.instrument.grid.position((columns - 1) / 2, (rows - 1) / 2)
        carriers = (c for c in galaxy.components.values() if self.velocity in c.tracers)
        # Without such a component the moments say so.
        velocity = next((c.tracers[self.velocity](x, y) for c in carriers), jnp.zeros(()))
        return jax.lax.stop_gradient(velocity)

    def observed(self, *moments: SmearedMoment) -> Float[Array, "*map"]:
        """The variance and that of the instrument, or the root of their sum."""
        first, second = moments
        variance = second.mean - first.mean**2 + self.instrumental**2
        return variance if self.squared else numerics.sqrt(variance)

    def tolerance(self, predicted: np.ndarray) -> np.ndarray:
        """1e-3 of the dispersion."""
        size = np.abs(predicted)
        part = 2 * DISPERSION_TOLERANCE if self.squared else DISPERSION_TOLERANCE
        return part * np.maximum(size, SMALL * np.max(size, initial=1e-30))


def _instrumental(
    instrumental: Any, arrays: Arrays, instrument: Instrument, squared: bool
) -> tuple[np.ndarray, Arrays]:
    """The dispersion of the instrument as finite numbers, and the values that have one."""
    where, unit = "DispersionMap.instrumental", arrays.unit
    unit = unit**0.5 if squared and unit is not None else unit
    spread = as_numbers(instrumental, where, unit)
    shape, finite = arrays.values.shape, np.isfinite(spread)
    if spread.shape not in ((), shape):
        raise InputError(f"{where}: expected one number or shape {shape}, got {spread.shape}.")
    if np.any(spread < 0) or not finite.any():
        raise InputError(f"{where}: expected zero or positive numbers.")
    arrays = arrays._replace(values=np.where(finite, arrays.values, np.nan))
    spread = np.where(finite, spread, 0.0)
    apertures = instrument.apertures
    if spread.ndim and shape != instrument.shape and apertures is not None:
        count = apertures.totals(finite.astype(float))
        spread = np.sqrt(apertures.totals(spread**2) / np.maximum(count, 1.0))
    return spread, arrays


def _warn_below(data: Contents, spread: np.ndarray) -> None:
    """Tell of dispersions from which that of the instrument may have been subtracted already."""
    values, sigma, valid = (np.asarray(a) for a in (data.values, data.sigma, data.valid))
    below = int(np.sum(valid & (values + 3 * sigma < spread)))
    if below > BELOW_PART * valid.sum():
        warn_user(
            f"DispersionMap: {below} of {valid.sum()} dispersions lie below that of the instrument "
            "by more than three errors; if they are corrected for it, give instrumental=0."
        )
