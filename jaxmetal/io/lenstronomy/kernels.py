"""PSF kernels exactly as lenstronomy prepares them, on the host in numpy."""

import numpy as np

from jaxmetal.errors import InputError

Kernel = np.ndarray


def odd_sized(kernel: Kernel) -> Kernel:
    """A kernel of even size resampled between its pixels; one of odd size is unchanged.

    By quadratic splines, with zeros around the kernel.
    """
    if kernel.shape[0] % 2 == 1:
        return kernel
    from scipy import ndimage

    between = np.arange(kernel.shape[0] + 1) + 0.5
    row, column = np.meshgrid(between, between, indexing="ij")
    return ndimage.map_coordinates(np.pad(kernel, 1), [row, column], order=2)


def degraded(kernel: Kernel, factor: int) -> Kernel:
    """The sums of a fine kernel over whole pixels, which share the fine pixels on their borders."""
    if factor == 1:
        return kernel
    even = factor % 2 == 0
    pixels = round(len(kernel) / factor + 0.5 * even)
    pixels += pixels % 2 == 0
    # lenstronomy rounds down, and fails, if the last pixels are less than half covered.
    pixels += 2 * (pixels * factor - even < len(kernel))
    around = pixels * factor - even - len(kernel)
    fine = np.pad(kernel, around // 2)
    if not even:
        return fine.reshape(pixels, factor, pixels, factor).sum(axis=(1, 3))
    shares = _shares(pixels, factor)
    return shares @ fine @ shares.T


def _shares(pixels: int, factor: int) -> Kernel:
    """The part of each fine pixel of a row in each whole pixel, for an even factor."""
    shares = np.zeros((pixels, pixels * factor + 1))
    weights = [0.5] + [1.0] * (factor - 1) + [0.5]
    for pixel in range(pixels):
        shares[pixel, pixel * factor : (pixel + 1) * factor + 1] = weights
    # The fine row begins and ends one pixel inside the outermost borders.
    return shares[:, 1:-1]


def refined(kernel: Kernel, factor: int) -> Kernel:
    """A finer kernel whose averages over pixels are close to the coarse kernel, by iteration."""
    size = len(kernel)
    between = _interpolation(size, size * factor - (size * factor % 2 == 0))
    total = kernel.sum()
    guess = kernel / total
    fine = _unit(between @ guess @ between.T)
    for _ in range(5):
        guess = guess + kernel - _averaged(fine, size, factor)
        fine = _unit(between @ guess @ between.T)
    if factor % 2 == 1:
        missing = _unit(_averaged(fine, size, factor)) - kernel / total
        fine = _unit(fine - np.kron(missing, np.ones((factor, factor))) / factor**2) * total
    return fine


def _averaged(fine: Kernel, size: int, factor: int) -> Kernel:
    """Averages (not sums) over whole pixels."""
    averages = degraded(fine, factor) / factor**2
    margin = (len(averages) - size) // 2
    return averages[margin : margin + size, margin : margin + size]


def _interpolation(size: int, finer: int) -> Kernel:
    """Linear interpolation from the centres of `size` equal parts of a line to those of `finer`."""
    coarse, fine = (np.arange(size) + 0.5) / size, (np.arange(finer) + 0.5) / finer
    return np.stack([np.interp(fine, coarse, unit) for unit in np.eye(size)], axis=1)


def cut(kernel: Kernel, size: int) -> Kernel:
    """The central `size` × `size` pixels, not normalised again.

    Raises
    ------
    InputError
        if the kernel is smaller than that.
    """
    edge = (len(kernel) - size) // 2
    if edge < 0 or (len(kernel) - size) % 2:
        kernel_size = f"{len(kernel)} × {len(kernel)}"
        raise InputError(
            f"convolution_kernel_size: cannot cut {size} × {size} pixels out of a kernel of "
            f"{kernel_size}."
        )
    return kernel[edge : edge + size, edge : edge + size]


def split(kernel: Kernel, core: int, factor: int) -> Kernel:
    """A fine kernel whose values outside the central `core` pixels are summed over whole pixels."""
    size = min(core * factor + (core * factor % 2 == 0), len(kernel))
    edge = (len(kernel) - size) // 2
    inside = np.zeros_like(kernel)
    inside[edge : edge + size, edge : edge + size] = kernel[edge : edge + size, edge : edge + size]
    outside = degraded(kernel - inside, factor)
    # The average over a pixel of a whole-pixel shift is the shift of the average, so that one fine
    # kernel serves for both.
    spread = np.zeros((len(outside) * factor - factor + 1,) * 2)
    spread[::factor, ::factor] = outside
    return _added(inside, spread)


def gaussian(sigma: float, truncation: float) -> Kernel:
    """Samples of a Gaussian of `sigma` cells out to `truncation` sigma, normalised."""
    reach = int(truncation * sigma + 0.5)
    weights = np.exp(-0.5 / sigma**2 * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    return np.outer(weights, weights)


def _added(first: Kernel, second: Kernel) -> Kernel:
    size = max(len(first), len(second))
    return sum(
        (np.pad(kernel, (size - len(kernel)) // 2) for kernel in (first, second)),
        np.zeros((size, size)),
    )


def _unit(kernel: Kernel) -> Kernel:
    return kernel / kernel.sum()
