"""Point-spread functions, by their Fourier transforms.

Every PSF answers three questions: its transfer function at given frequencies, the radius that holds
most of its light (how far light scatters), and the radius that holds half of it. None of them
includes the pixel: the average over the pixel is taken once, by the instrument.
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
from jaxmetal.instrument.pictures import centre_of_light, enclosing_radius
from jaxmetal.instrument.psf_checks import check_picture
from jaxmetal.profiles.numerics import product
from jaxmetal.profiles.profile import as_array, is_traced
from jaxmetal.quantities import ANY, ARCSEC, PIXELS, Unit, plain

SIGMA_TO_FWHM = 2.354820045030949


class PSF(eqx.Module):
    """What every point-spread function can answer."""

    @abc.abstractmethod
    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        """The Fourier transform at kx, ky cycles per pixel of the grid's axes; 1 at zero frequency."""

    @abc.abstractmethod
    def radius(self, outside: float, pixel_scale: float) -> float:
        """The radius, arcsec, beyond which this fraction of the light falls."""


class NoPSF(PSF):
    """A perfect telescope: every spot of light stays where it is; only the pixels average."""

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        return jnp.ones_like(kx * ky)

    def radius(self, outside: float, pixel_scale: float) -> float:
        return 0.0


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
    """

    fwhm: Float[Array, ""]

    def __init__(self, fwhm: Any):
        self.fwhm = _positive(fwhm, "GaussianPSF.fwhm", ARCSEC)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        sigma = self.fwhm / SIGMA_TO_FWHM
        return jnp.exp(-2 * jnp.pi**2 * sigma**2 * grid.squared_frequency(kx, ky))

    def radius(self, outside: float, pixel_scale: float) -> float:
        return float(self.fwhm) / SIGMA_TO_FWHM * float(np.sqrt(-2 * np.log(outside)))


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
    """

    fwhm: Float[Array, ""]
    beta: Float[Array, ""]

    def __init__(self, fwhm: Any, beta: Any):
        self.fwhm = _positive(fwhm, "MoffatPSF.fwhm", ARCSEC)
        self.beta = _positive(beta, "MoffatPSF.beta")
        if not is_traced(self.beta) and self.beta < 1.3:
            raise InputError(
                f"MoffatPSF.beta: must be at least 1.3 (at 1 the wings hold infinite light), got {beta!r}."
            )

    @property
    def alpha(self) -> Float[Array, ""]:
        """Core radius, arcsec."""
        return self.fwhm / (2 * jnp.sqrt(2 ** (1 / self.beta) - 1))

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
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
        q2 = (jnp.pi * self.alpha) ** 2 * grid.squared_frequency(kx, ky)
        return jnp.sum(weights * jnp.exp(-q2[..., None] / t), axis=-1)

    def radius(self, outside: float, pixel_scale: float) -> float:
        return float(self.alpha) * float(np.sqrt(outside ** (1 / (1 - float(self.beta))) - 1))


class KernelPSF(PSF):
    """A picture of a point source, with its own sampling.

        K(k) = Σ_ij kernel_ij exp[-2 pi i (k_x (j - j0) + k_y (i - i0)) / oversampling]

    The sum is taken at the frequencies that the frame needs, so any oversampling, centre and size
    is exact: an even-sized kernel is not shifted by half a pixel. Frequencies that the picture
    cannot hold are zero.

    Parameters
    ----------
    kernel
        the picture, in the orientation of the data's array, shape (rows, columns), in any unit. It
        is normalised to 1.
    oversampling
        kernel pixels per map pixel, not necessarily whole; (along columns, along rows) where the
        map's pixels are not squares but the kernel's are.
    center
        "centroid" (its centre of light, so that the PSF moves no galaxy), or (column, row) in
        kernel pixels.
    includes_pixel
        True if each value is the light collected in a whole kernel pixel (a star on the detector, a
        drizzled PSF); this average is then divided out, since the instrument takes the pixel
        average itself.

    Raises
    ------
    InputError
        for a kernel that is not a finite picture with a positive sum, or clearly not the picture of
        one star: two stars, a core cut off by the frame, mostly sky, mostly negative rings.

    Warns
    -----
    InputWarning
        when the centre of light lies more than 0.05 kernel pixels from the middle of an odd-sized
        kernel, or the size is even: what centre was used. When it may not be the picture of one
        star (see `psf_checks.problems`): a second peak, a level that does not fall to zero at the
        edge, wings cut off, negative rings, a centre far from the peak.
    """

    kernel: Float[Array, "ky kx"]
    oversampling: Float[Array, ""] | Float[Array, "2"]
    center: Float[Array, "2"]
    includes_pixel: bool = eqx.field(static=True)

    def __init__(
        self,
        kernel: Any,
        oversampling: Any = 1.0,
        center: Any = "centroid",
        includes_pixel: bool = False,
    ):
        kernel = plain(kernel, "KernelPSF.kernel", ANY)
        try:
            picture = np.asarray(kernel, float)
        except (TypeError, ValueError):
            raise InputError(
                f"KernelPSF.kernel: expected a picture of numbers, got {type(kernel).__name__}."
            ) from None
        if picture.ndim != 2 or picture.size == 0:
            raise InputError(
                f"KernelPSF.kernel: expected a picture (rows, columns), got shape {picture.shape}."
            )
        bad = int((~np.isfinite(picture)).sum())
        if bad:
            raise InputError(f"KernelPSF.kernel: {bad} of {picture.size} values are not finite.")
        if picture.sum() <= 0:
            got = f"got {picture.sum():.3g}; was too much sky subtracted?"
            raise InputError(f"KernelPSF.kernel: the sum must be positive, {got}")
        picture = picture / picture.sum()
        self.kernel = as_array(picture, "KernelPSF.kernel")
        self.oversampling = _oversampling(oversampling)
        self.center = _center(picture, center)
        self.includes_pixel = bool(includes_pixel)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        along_x, along_y = jnp.broadcast_to(self.oversampling, (2,))
        x, y = kx.ravel() / along_x, ky.ravel() / along_y
        transfer = _transform(self.kernel, self.center, x, y)
        if self.includes_pixel:
            transfer = transfer / (jnp.sinc(x)[None, :] * jnp.sinc(y)[:, None])
        held = (jnp.abs(x)[None, :] <= 0.5) & (jnp.abs(y)[:, None] <= 0.5)
        return jnp.where(held, transfer, 0.0)

    def radius(self, outside: float, pixel_scale: float) -> float:
        pixels = enclosing_radius(self.kernel, np.asarray(self.center, float), outside)
        return pixels * self.kernel_pixel(pixel_scale)

    def kernel_pixel(self, pixel_scale: float) -> float:
        """The side of a kernel pixel, arcsec, for a map with pixels of this side."""
        return pixel_scale / float(np.sqrt(np.prod(np.broadcast_to(self.oversampling, (2,)))))


class CellPSF(PSF):
    """Weights on the cells of a convolution, as they are: what other codes call a kernel.

        K(k) = Σ_ij kernel_ij exp[-2 pi i (k_x (j - j0) + k_y (i - i0)) / cells],   (j0, i0) the
        middle cell

    Parameters
    ----------
    kernel
        the weights, odd-sized, shape (rows, columns). They are not normalised.
    cells
        cells per map pixel; the Sampling's `convolve`.

    Raises
    ------
    InputError
        for a kernel that is not a finite picture of odd size.
    """

    kernel: Float[Array, "ky kx"]
    cells: int = eqx.field(static=True)

    def __init__(self, kernel: Any, cells: int):
        self.kernel = as_array(kernel, "CellPSF.kernel")
        if self.kernel.ndim != 2 or self.kernel.shape[0] % 2 == 0 or self.kernel.shape[1] % 2 == 0:
            raise InputError(
                f"CellPSF.kernel: expected an odd number of rows and columns, got shape {self.kernel.shape}."
            )
        if not is_traced(self.kernel) and not np.all(np.isfinite(self.kernel)):
            raise InputError("CellPSF.kernel: some values are not finite.")
        self.cells = int(cells)

    @property
    def _middle(self) -> np.ndarray:
        rows, columns = self.kernel.shape
        return np.array([columns // 2, rows // 2], float)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        return _transform(
            self.kernel, self._middle, kx.ravel() / self.cells, ky.ravel() / self.cells
        )

    def radius(self, outside: float, pixel_scale: float) -> float:
        return enclosing_radius(self.kernel, self._middle, outside) * pixel_scale / self.cells


def _transform(kernel: Array, center: Any, x: Array, y: Array) -> Array:
    """The Fourier sum of a picture at x, y cycles per kernel pixel, about its centre (column, row)."""
    rows, columns = kernel.shape
    wave_x = jnp.exp(-2j * jnp.pi * x[None, :] * (jnp.arange(columns)[:, None] - center[0]))
    wave_y = jnp.exp(-2j * jnp.pi * y[:, None] * (jnp.arange(rows)[None, :] - center[1]))
    return product(wave_y, kernel, wave_x)


def _center(picture: np.ndarray, center: Any) -> Float[Array, "2"]:
    """A kernel's centre (column, row), as given or found; the kernel is looked at first."""
    wrong = f'KernelPSF.center: expected "centroid" or (column, row), got {center!r}.'
    if isinstance(center, str):
        if center != "centroid":
            raise InputError(wrong)
        check_picture(picture, "KernelPSF.kernel")
        return as_array(centre_of_light(picture), "KernelPSF.center")
    place = as_array(center, "KernelPSF.center", PIXELS)
    if place.shape != (2,) or not (is_traced(place) or np.all(np.isfinite(place))):
        raise InputError(wrong)
    known = None if is_traced(place) else np.asarray(place, float)
    check_picture(picture, "KernelPSF.kernel", known)
    return place


def _oversampling(value: Any) -> Array:
    """One positive number, or one along columns and one along rows."""
    numbers = as_array(value, "KernelPSF.oversampling")
    if numbers.shape != (2,):
        return _positive(value, "KernelPSF.oversampling")
    if not is_traced(numbers) and not np.all((np.asarray(numbers) > 0) & np.isfinite(numbers)):
        raise InputError(f"KernelPSF.oversampling: must be positive, got {value!r}.")
    return numbers


def _positive(value: Any, where: str, unit: Unit = "") -> Float[Array, ""]:
    number = as_array(value, where, unit)
    if number.shape != ():
        raise InputError(f"{where}: expected one number, got shape {number.shape}.")
    if not is_traced(number) and not 0 < float(number) < np.inf:
        raise InputError(f"{where}: must be a positive number, got {value!r}.")
    return number
