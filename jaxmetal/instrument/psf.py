"""Point-spread functions, by their Fourier transforms: their interface, and the analytic ones.

Every PSF has a transfer function at given frequencies, and the radius beyond which a given fraction
of its light falls. Neither includes the pixel: the average over the pixel is taken once, by the
instrument.
"""

import abc
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.radial import RADII, interpolated
from jaxmetal.profiles.numerics import along_last
from jaxmetal.profiles.profile import as_array, is_traced
from jaxmetal.quantities import ARCSEC, Unit

# 2 sqrt(2 ln 2), the width of a Gaussian of unit sigma.
SIGMA_TO_FWHM = 2.354820045030949
# The cosine of the angle between the sides of pixels that still counts as zero: the transfer
# function of a Gaussian changes by less than 0.4 of it.
MOST_SKEW = 1e-5


class PSF(eqx.Module):
    """The interface of all point-spread functions."""

    @abc.abstractmethod
    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        """The Fourier transform at kx, ky cycles per pixel of the grid's axes.

        It is 1 at zero frequency.
        """

    @abc.abstractmethod
    def radius(self, outside: float, pixel_scale: float) -> float:
        """The radius, arcsec, beyond which this fraction of the light falls."""

    def is_product(self, grid: Grid) -> bool:
        """Whether it is the product of one along each axis of the grid."""
        return False


class NoPSF(PSF):
    """A perfect telescope: every spot of light stays where it is; only the pixels average.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> galaxy, grid = jm.examples.disc(), jm.Grid.regular((15, 15), 0.4)
    >>> sharp = jm.Instrument(grid, jm.NoPSF(), (4, 1))
    >>> sharp.shape
    (15, 15)
    """

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        return jnp.ones_like(kx * ky)

    def radius(self, outside: float, pixel_scale: float) -> float:
        return 0.0

    def is_product(self, grid: Grid) -> bool:
        return True


class GaussianPSF(PSF):
    """A circular Gaussian.

        K(f) = exp(-2 pi² sigma² f²),   sigma = FWHM / 2.3548

    Parameters
    ----------
    fwhm
        full width at half maximum, arcsec, positive; or an astropy Quantity.

    Raises
    ------
    InputError
        if the width is not a positive number, or has a unit that is not that of an angle.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.GaussianPSF(fwhm=1.5).fwhm.item()
    1.5
    """

    fwhm: Float[Array, ""]

    def __init__(self, fwhm: Any):
        self.fwhm = positive_number(fwhm, "GaussianPSF.fwhm", ARCSEC)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        sigma = self.fwhm / SIGMA_TO_FWHM
        return jnp.exp(-2 * jnp.pi**2 * sigma**2 * grid.squared_frequency(kx, ky))

    def radius(self, outside: float, pixel_scale: float) -> float:
        return float(self.fwhm) / SIGMA_TO_FWHM * float(np.sqrt(-2 * np.log(outside)))

    def is_product(self, grid: Grid) -> bool:
        # Of pixels that are rectangles, however they are turned.
        right, up = np.asarray(grid.matrix, float).T
        return bool(abs(right @ up) <= MOST_SKEW * np.linalg.norm(right) * np.linalg.norm(up))


class MoffatPSF(PSF):
    """A circular Moffat profile.

        K(r) ∝ [1 + (r/alpha)²]^(-beta),   alpha = FWHM / (2 sqrt(2^{1/beta} - 1))

    A Moffat profile is a mixture of Gaussians whose inverse variances follow a Gamma law, so its
    transform is

        K(f) = 1/Gamma(beta-1) ∫ t^{beta-2} exp[-t - (pi alpha f)²/t] dt

    and a trapezoidal rule in ln t converges exponentially.

    Parameters
    ----------
    fwhm
        full width at half maximum, arcsec, positive; or an astropy Quantity.
    beta
        slope of the wings, at least 1.3; 2.5 … 4.5 for ground-based seeing.

    Raises
    ------
    InputError
        if fwhm <= 0 or beta < 1.3 (at 1 its light is infinite).

    References
    ----------
    Moffat (1969), A&A 3, 455; Trujillo et al. (2001), MNRAS 328, 977.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.MoffatPSF(fwhm=0.8, beta=2.5).beta.item()
    2.5
    """

    fwhm: Float[Array, ""]
    beta: Float[Array, ""]

    def __init__(self, fwhm: Any, beta: Any):
        self.fwhm = positive_number(fwhm, "MoffatPSF.fwhm", ARCSEC)
        self.beta = positive_number(beta, "MoffatPSF.beta")
        if not is_traced(self.beta) and self.beta < 1.3:
            raise InputError(
                "MoffatPSF.beta: must be at least 1.3 (at 1 the wings hold infinite light), "
                f"got {beta!r}."
            )

    @property
    def alpha(self) -> Float[Array, ""]:
        """Core radius, arcsec."""
        return self.fwhm / (2 * jnp.sqrt(2 ** (1 / self.beta) - 1))

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        squared = grid.squared_frequency(kx, ky)
        if squared.size <= 2 * RADII:
            return self._at(squared)
        return interpolated(self._at, squared)

    def _at(self, squared: Float[Array, "..."]) -> Float[Array, "..."]:
        """K at these |f|², per arcsec²."""
        order = self.beta - 1
        # From where t^order has vanished below the peak at t = order to where e^-t has above it.
        u = jnp.linspace(
            jnp.log(order) - 18.0 / order - 8.0 / jnp.sqrt(order),
            jnp.log(order + 12.0 * jnp.sqrt(order) + 40.0),
            128,
        )
        t = jnp.exp(u)
        weights = jnp.exp(order * u - t - gammaln(order))
        # Dividing by the sum removes what the quadrature leaves out, so that light is conserved to
        # rounding.
        weights = weights / weights.sum()
        q2 = (jnp.pi * self.alpha) ** 2 * squared
        waves = jnp.exp(-q2[..., None] / along_last(t, q2.ndim + 1))
        return jnp.sum(along_last(weights, waves.ndim) * waves, axis=-1)

    def radius(self, outside: float, pixel_scale: float) -> float:
        return float(self.alpha) * float(np.sqrt(outside ** (1 / (1 - float(self.beta))) - 1))


def positive_number(value: Any, where: str, unit: Unit = "") -> Float[Array, ""]:
    """A positive number as an array, converted to the unit; traced values pass unchecked.

    Raises
    ------
    InputError
        with the name `where` in its message.
    """
    number = as_array(value, where, unit)
    if number.shape != ():
        raise InputError(f"{where}: expected one number, got shape {number.shape}.")
    if not is_traced(number) and not 0 < float(number) < np.inf:
        raise InputError(f"{where}: must be a positive number, got {value!r}.")
    return number
