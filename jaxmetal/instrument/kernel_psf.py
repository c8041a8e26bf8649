"""Point-spread functions given as images: of a point source, or weights on convolution cells."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.point_images import centre_of_light, enclosing_radius
from jaxmetal.instrument.psf import PSF, positive_number
from jaxmetal.instrument.psf_checks import check_image
from jaxmetal.profiles.numerics import product
from jaxmetal.profiles.profile import as_array, is_traced
from jaxmetal.quantities import ANY, PIXELS, plain

# What an effective PSF includes: the average over a pixel of the detector.
DETECTOR = "detector"
# The response of a pixel at frequencies where it is smaller is not divided out; nothing is left.
LEAST_RESPONSE = 0.2


class KernelPSF(PSF):
    """An image of a point source, with its own sampling.

        K(k) = Σ_ij kernel_ij exp[-2 pi i (k_x (j - j0) + k_y (i - i0)) / oversampling]

    The sum is taken at the frequencies that the frame needs, so any oversampling, centre and size
    is exact: an even-sized kernel is not shifted by half a pixel. Frequencies beyond the
    kernel's own Nyquist frequency are zero.

    Parameters
    ----------
    kernel
        the image, in the orientation of the data's array, shape (rows, columns), in any unit. It is
        normalised to 1. Or an ImagePSF of photutils, which brings its oversampling.
    oversampling
        kernel pixels per map pixel, not necessarily whole; (along columns, along rows) where the
        map's pixels are not squares but the kernel's are.
    center
        "centroid" (its centre of light, so that the PSF moves no galaxy), or (column, row) in
        kernel pixels.
    includes_pixel
        True if each value is the light collected in a whole kernel pixel (a star on the detector, a
        drizzled PSF), "detector" if in a whole pixel of the map (an effective PSF, as photutils
        makes them); this average is then divided out, since the instrument takes the pixel average
        itself.

    Raises
    ------
    InputError
        for a kernel that is not a finite image with a positive sum, or clearly not the image of one
        star: two stars, a core cut off by the frame, mostly sky, mostly negative rings.

    Warns
    -----
    InputWarning
        when the centre of light lies more than 0.05 kernel pixels from the middle of an odd-sized
        kernel, or the size is even: what centre was used. When it may not be the image of one star
        (see `psf_checks.problems`): a second peak, a level that does not fall to zero at the
        edge, wings cut off, negative rings, a centre far from the peak.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> star = [[0.0, 1.0, 0.0], [1.0, 4.0, 1.0], [0.0, 1.0, 0.0]]
    >>> psf = jm.KernelPSF(star, oversampling=1)
    >>> psf.kernel.max().item()
    0.5
    """

    kernel: Float[Array, "ky kx"]
    oversampling: Float[Array, ""] | Float[Array, "2"]
    center: Float[Array, "2"]
    includes_pixel: bool | str = eqx.field(static=True)

    def __init__(
        self,
        kernel: Any,
        oversampling: Any = 1.0,
        center: Any = "centroid",
        includes_pixel: bool | str = False,
    ):
        if hasattr(kernel, "oversampling") and hasattr(kernel, "data"):
            oversampling, includes_pixel = np.ravel(kernel.oversampling)[::-1], DETECTOR
            kernel = kernel.data
        if includes_pixel not in (True, False, DETECTOR):
            expected = f"expected True, False or {DETECTOR!r}"
            raise InputError(f"KernelPSF.includes_pixel: {expected}, got {includes_pixel!r}.")
        kernel = plain(kernel, "KernelPSF.kernel", ANY)
        try:
            image = np.asarray(kernel, float)
        except (TypeError, ValueError):
            raise InputError(
                f"KernelPSF.kernel: expected a picture of numbers, got {type(kernel).__name__}."
            ) from None
        if image.ndim != 2 or image.size == 0:
            raise InputError(
                f"KernelPSF.kernel: expected a picture (rows, columns), got shape {image.shape}."
            )
        bad = int((~np.isfinite(image)).sum())
        if bad:
            raise InputError(f"KernelPSF.kernel: {bad} of {image.size} values are not finite.")
        if image.sum() <= 0:
            description = f"got {image.sum():.3g}; was too much sky subtracted?"
            raise InputError(f"KernelPSF.kernel: the sum must be positive, {description}")
        image = image / image.sum()
        self.kernel = as_array(image, "KernelPSF.kernel")
        self.oversampling = _oversampling(oversampling)
        self.center = _center(image, center)
        self.includes_pixel = includes_pixel if includes_pixel == DETECTOR else bool(includes_pixel)

    def transfer(self, grid: Grid, kx: Array, ky: Array) -> Array:
        along_x, along_y = jnp.broadcast_to(self.oversampling, (2,))
        x, y = kx.ravel() / along_x, ky.ravel() / along_y
        transfer = _transform(self.kernel, self.center, x, y)
        if self.includes_pixel:
            u, v = (kx.ravel(), ky.ravel()) if self.includes_pixel == DETECTOR else (x, y)
            response = jnp.sinc(u)[None, :] * jnp.sinc(v)[:, None]
            known = jnp.abs(response) > LEAST_RESPONSE
            transfer = jnp.where(known, transfer / jnp.where(known, response, 1.0), 0.0)
        in_band = (jnp.abs(x)[None, :] <= 0.5) & (jnp.abs(y)[:, None] <= 0.5)
        return jnp.where(in_band, transfer, 0.0)

    def radius(self, outside: float, pixel_scale: float) -> float:
        pixels = enclosing_radius(self.kernel, np.asarray(self.center, float), outside)
        return pixels * self.kernel_pixel(pixel_scale)

    def kernel_pixel(self, pixel_scale: float) -> float:
        """The side of a kernel pixel.

        Parameters
        ----------
        pixel_scale
            side of a pixel of the map, arcsec.

        Returns
        -------
        side
            arcsec; the geometric mean where the axes differ.
        """
        return pixel_scale / float(np.sqrt(np.prod(np.broadcast_to(self.oversampling, (2,)))))


class CellPSF(PSF):
    """Weights on the cells of a convolution, used as they are.

        K(k) = Σ_ij kernel_ij exp[-2 pi i (k_x (j - j0) + k_y (i - i0)) / cells]

    with the middle cell (j0, i0).

    Parameters
    ----------
    kernel
        the weights, odd-sized, shape (rows, columns). They are not normalised.
    cells
        cells per map pixel; the Sampling's `convolve`.

    Raises
    ------
    InputError
        for a kernel that is not a finite image of odd size.
    """

    kernel: Float[Array, "ky kx"]
    cells: int = eqx.field(static=True)

    def __init__(self, kernel: Any, cells: int):
        self.kernel = as_array(kernel, "CellPSF.kernel")
        if self.kernel.ndim != 2 or self.kernel.shape[0] % 2 == 0 or self.kernel.shape[1] % 2 == 0:
            raise InputError(
                "CellPSF.kernel: expected an odd number of rows and columns, "
                f"got shape {self.kernel.shape}."
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
    """The Fourier sum of an image at x, y cycles per kernel pixel, about (column, row)."""
    rows, columns = kernel.shape
    phase_x = jnp.exp(-2j * jnp.pi * x[None, :] * (jnp.arange(columns)[:, None] - center[0]))
    phase_y = jnp.exp(-2j * jnp.pi * y[:, None] * (jnp.arange(rows)[None, :] - center[1]))
    return product(phase_y, kernel, phase_x)


def _center(image: np.ndarray, center: Any) -> Float[Array, "2"]:
    """A kernel's centre (column, row), of light or as given; the kernel is checked first."""
    reason = f'KernelPSF.center: expected "centroid" or (column, row), got {center!r}.'
    if isinstance(center, str):
        if center != "centroid":
            raise InputError(reason)
        check_image(image, "KernelPSF.kernel")
        return as_array(centre_of_light(image), "KernelPSF.center")
    place = as_array(center, "KernelPSF.center", PIXELS)
    if place.shape != (2,) or not (is_traced(place) or np.all(np.isfinite(place))):
        raise InputError(reason)
    position = None if is_traced(place) else np.asarray(place, float)
    check_image(image, "KernelPSF.kernel", position)
    return place


def _oversampling(value: Any) -> Array:
    """One positive number, or one along columns and one along rows."""
    numbers = as_array(value, "KernelPSF.oversampling")
    if numbers.shape != (2,):
        return positive_number(value, "KernelPSF.oversampling")
    if not is_traced(numbers) and not np.all((np.asarray(numbers) > 0) & np.isfinite(numbers)):
        raise InputError(f"KernelPSF.oversampling: must be positive, got {value!r}.")
    return numbers
