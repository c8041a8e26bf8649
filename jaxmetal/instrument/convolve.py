"""The PSF as a transfer function or two matrices, and the convolution of cells with it.

The profiles are averaged over cells and the cells convolved with the PSF. The average over a cell
and then over a pixel's cells is exactly the average over the pixel, so the pixel's response enters
once; for cells larger than a pixel it is applied with the PSF, and the cell's own divided out.

A PSF that is the product of one along x and one along y, as a Gaussian is, needs no Fourier
transform: rows and columns are each multiplied by a matrix that smears them and averages over
pixels at once. Where a cell has one point, the average over it is part of the transfer function or
of these matrices, too; see `middles`.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from jaxmetal.compiling import compiled
from jaxmetal.instrument import middles
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.psf import PSF, NoPSF
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.profiles.numerics import product
from jaxmetal.profiles.profile import is_traced

# Cells along a side of the padded frame up to which matrices are used. On a CPU with two cores
# posteriors by them took 0.85 of the time by Fourier transforms with 230 cells, and 0.9 with 310; a
# second fit 0.9 with 168, as long with 230 and 1.2 with 310.
MOST_BY_MATRICES = 512


class Separable(eqx.Module):
    """The convolution with a PSF that is a product, and the averages over pixels, as matrices.

        pixels = down · cells · along

    Parameters
    ----------
    down, along
        for the columns and the rows of the cells, or of the values in their middles, shapes (ny,
        rows) and (columns, nx).
    """

    down: Float[Array, "*galaxies ny rows"]
    along: Float[Array, "*galaxies columns nx"]


# What the cells are convolved with; None for a perfect telescope.
Transfer = Float[Array, "*psfs rows modes"] | Complex[Array, "*psfs rows modes"] | Separable | None


def transfer_for(grid: Grid, psf: PSF, sampling: Sampling, separable: bool = True) -> Transfer:
    """Matrices where the PSF is a product and they take less time, else a transfer function.

    Parameters
    ----------
    grid, psf, sampling
        as for `transfer_function`; the form does not depend on numbers that are traced.
    separable
        whether it may be matrices.
    """
    small = max(sampling.cells(grid.shape)) <= MOST_BY_MATRICES
    if separable and small and not is_traced((grid, psf)) and psf.is_product(grid):
        return _separated(grid, psf, sampling)
    return _transfer_function(grid, psf, sampling)


def separated(grid: Grid, psf: PSF, sampling: Sampling) -> Separable:
    """The convolution with a PSF that is a product, as matrices.

    Parameters
    ----------
    grid, psf, sampling
        as for `transfer_function`.
    """
    (rows, columns), (ny, nx) = sampling.cells(grid.shape), grid.shape
    zero, dtype = jnp.zeros(1, grid.origin.dtype), grid.origin.dtype
    kx, ky = (
        jnp.asarray(np.fft.rfftfreq(n, 1 / sampling.convolve), dtype) for n in (columns, rows)
    )
    by_middles = _by_middles(psf, sampling)
    return Separable(
        _matrix(psf.transfer(grid, zero, ky), rows, ny, sampling, by_middles),
        _matrix(psf.transfer(grid, kx, zero), columns, nx, sampling, by_middles).T,
    )


def _by_middles(psf: PSF, sampling: Sampling) -> bool:
    """Whether it is given values in the middles of cells: a perfect telescope needs averages."""
    return sampling.by_middles and not isinstance(psf, NoPSF)


def _matrix(
    transfer: Float[Array, " modes"],
    cells: int,
    pixels: int,
    sampling: Sampling,
    by_middles: bool,
) -> Float[Array, "pixels cells"]:
    """The pixels of one row or column that a unit of light in each of its cells gives.

        A_ij = 1/n Σ_k T_k w_k exp[2 pi i k (c_i - j) / n]

    c_i is the centre of pixel i in cells, and w = sinc(c k / n) / sinc(k / n) the average over it
    where that over the cell is divided out. By middles there are values of one in the place of a
    unit of light, and w includes the average over a cell.
    """
    mode = np.arange(cells // 2 + 1) / cells
    phases = np.exp(-2j * np.pi * np.outer(_centers(pixels, sampling), mode))
    phases *= _averages(mode, sampling, by_middles, over_pixels=True)
    dtype = jnp.result_type(transfer.dtype, 1j)
    return jnp.fft.irfft(transfer[None] * jnp.asarray(phases, dtype), n=cells)


def _centers(pixels: int, sampling: Sampling) -> np.ndarray:
    """The centres of the pixels along one side of the frame, in cells of the padded one."""
    return (np.arange(pixels) + sampling.margin + 0.5) * sampling.convolve - 0.5


def transfer_function(grid: Grid, psf: PSF, sampling: Sampling) -> Array:
    """Factors of the padded frame's real Fourier modes, from averages over cells to pixels.

        T(k) = K(k),   and where cells are larger than pixels   T(k) = K(k) · sinc(k) / sinc(k / c)

    For cells larger than pixels the average over a pixel is included, and that over the cell
    divided out. By middles, the average over a cell of the values in them is included.

    Parameters
    ----------
    grid, sampling
        the pixels and how they are divided.
    psf
        gives K.

    Returns
    -------
    transfer
        shape (rows, columns // 2 + 1) of the padded grid of cells; with a first axis of PSFs where
        apertures have PSFs of their own.
    """
    rows, columns = sampling.cells(grid.shape)
    frequencies = np.fft.fftfreq(rows), np.fft.rfftfreq(columns)
    in_pixels = (sampling.convolve * frequency for frequency in frequencies)
    ky, kx = (jnp.asarray(k, grid.origin.dtype) for k in in_pixels)
    transfer = psf.transfer(grid, kx[None, :], ky[:, None])
    by_middles, over_pixels = _by_middles(psf, sampling), sampling.convolve < 1
    factors = (_averages(f, sampling, by_middles, over_pixels) for f in frequencies)
    averages = jnp.asarray(np.outer(*factors), grid.origin.dtype)
    return transfer * averages.reshape((1,) * (transfer.ndim - 2) + averages.shape)


def _averages(
    frequency: Float[np.ndarray, " modes"],
    sampling: Sampling,
    by_middles: bool,
    over_pixels: bool,
) -> Float[np.ndarray, " modes"]:
    """Factors of the modes of a row, cycles per cell: the averages over cells and over pixels."""
    over_cells = middles.transfer(frequency) if by_middles else np.ones_like(frequency)
    if not over_pixels:
        return over_cells
    return over_cells * np.sinc(sampling.convolve * frequency) / np.sinc(frequency)


def smear(
    cells: Float[Array, "images height width"],
    transfer: Transfer,
    grid: Grid,
    sampling: Sampling,
) -> Float[Array, "images ny nx"]:
    """The images convolved with the PSF, averaged over the pixels of the frame.

    The convolution is periodic: what wraps around falls into the margin.

    Parameters
    ----------
    cells
        as `quadrature.cell_means` gives them.
    transfer
        the transfer function or matrices, or None for a perfect telescope and cells no larger than
        pixels.
    grid, sampling
        the pixels and how they are divided.
    """
    if transfer is None:
        return _folded(cells, grid, sampling)
    if isinstance(transfer, Separable):
        return product(transfer.down, cells, transfer.along)
    modes = jnp.fft.rfft2(cells) * transfer[None]
    if sampling.convolve >= 1:
        return _folded(jnp.fft.irfft2(modes, s=cells.shape[-2:]), grid, sampling)
    return _at_pixels(modes, grid, sampling)


def _at_pixels(modes: Array, grid: Grid, sampling: Sampling) -> Float[Array, "images ny nx"]:
    """The sum of the Fourier modes at the centre of each pixel.

    Two small matrix products, since few modes pass a wide PSF.
    """
    (rows, columns), (ny, nx) = sampling.cells(grid.shape), grid.shape
    row, column = (_centers(n, sampling) for n in (ny, nx))
    down = np.exp(2j * np.pi * np.outer(row, np.fft.fftfreq(rows))) / rows
    half = np.arange(columns // 2 + 1)
    # A real image has every mode twice, except the constant one and that at the Nyquist frequency.
    twice = np.where((half == 0) | (half == columns // 2), 1, 2) / columns
    along = twice[:, None] * np.exp(2j * np.pi * np.outer(half, column) / columns)
    # In real numbers: products of complex matrices are slow on a CPU.
    down = np.concatenate(
        [np.concatenate([down.real, down.imag]), np.concatenate([-down.imag, down.real])], axis=1
    )
    parts = product(
        jnp.asarray(down, grid.origin.dtype), jnp.concatenate([modes.real, modes.imag], axis=1)
    )
    along = jnp.asarray(np.concatenate([along.real, -along.imag]), grid.origin.dtype)
    return product(jnp.concatenate([parts[:, :ny], parts[:, ny:]], axis=2), along)


def _folded(
    cells: Float[Array, "images height width"], grid: Grid, sampling: Sampling
) -> Float[Array, "images ny nx"]:
    """The average over each pixel of the frame, the margin cut away."""
    ny, nx = grid.shape
    c, start = int(sampling.convolve), int(sampling.margin * sampling.convolve)
    frame = cells[:, start : start + ny * c, start : start + nx * c]
    return frame.reshape(-1, ny, c, nx, c).mean(axis=(2, 4))


_transfer_function, _separated = compiled(transfer_function), compiled(separated)
