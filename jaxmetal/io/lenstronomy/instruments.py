"""Grid, PSF and sampling of lenstronomy's kwargs_data, kwargs_psf and kwargs_numerics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.kernel_psf import CellPSF, KernelPSF
from jaxmetal.instrument.psf import PSF, SIGMA_TO_FWHM, GaussianPSF, NoPSF
from jaxmetal.instrument.sampling import Sampling
from jaxmetal.io.lenstronomy import kernels
from jaxmetal.io.lenstronomy.checks import checked, warn

Kwargs = Mapping[str, Any]
PSF_TYPES = ("PIXEL", "GAUSSIAN", "NONE")


def instrument(
    data: Kwargs, psf: Kwargs, numerics: Kwargs | None, rule: str, where: str
) -> Instrument:
    """The instrument of one band.

    Parameters
    ----------
    data, psf, numerics
        lenstronomy's three dictionaries of a band.
    rule
        "jaxmetal": kernels, sampling and light outside of the frame as in jaxmetal; "lenstronomy":
        as in lenstronomy.
    where
        the name of the band in messages.

    Raises
    ------
    InputError
        naming the key that is missing, wrong or not carried over.
    """
    pixels = grid(data, f"{where}[0]")
    psf = checked("kwargs_psf", psf, f"{where}[1]")
    numerics = checked("kwargs_numerics", numerics, f"{where}[2]")
    kind = psf.get("psf_type", "NONE")
    if kind not in PSF_TYPES:
        raise unknown("psf_type", str(kind), PSF_TYPES, f"{where}[1]")
    keyword = {"PIXEL": "kernel_point_source", "GAUSSIAN": "fwhm"}.get(kind)
    if keyword and psf.get(keyword) is None:
        raise InputError(f"{where}[1][{keyword!r}]: is missing; a {kind} psf needs it.")
    if kind == "GAUSSIAN":
        _check_fwhm(psf["fwhm"], f"{where}[1]['fwhm']")
    _check_numerics(numerics, rule, f"{where}[2]")
    if rule == "jaxmetal":
        return Instrument(pixels, _own_psf(kind, psf, where))
    return _as_lenstronomy(kind, psf, numerics, pixels, f"{where}[2]")


def grid(data: Kwargs, where: str) -> Grid:
    """The pixels of kwargs_data.

        (ra, dec) = (ra, dec)_at_xy_0 + shift + transform_pix2angle · R(phi_rot) · (x, y)

    Raises
    ------
    InputError
        for a key that is missing, wrong or not carried over.
    """
    data = checked("kwargs_data", data, where)
    shape = np.shape(data.get("image_data", ()))
    if len(shape) != 2:
        raise InputError(
            f"{where}['image_data']: expected a picture (rows, columns), got shape {shape}."
        )
    phi = data.get("phi_rot", 0.0)
    rotation = np.array([[np.cos(phi), -np.sin(phi)], [np.sin(phi), np.cos(phi)]])
    transform = data.get("transform_pix2angle")
    matrix = np.eye(2) if transform is None else np.asarray(transform, float)
    if matrix.shape != (2, 2):
        raise InputError(
            f"{where}['transform_pix2angle']: expected shape (2, 2), got {matrix.shape}."
        )
    origin = [
        data.get(f"{axis}_at_xy_0", 0.0) + data.get(f"{axis}_shift", 0.0) for axis in ("ra", "dec")
    ]
    return Grid(origin, matrix @ rotation, shape)


def _check_fwhm(fwhm: Any, where: str) -> None:
    if not (np.ndim(fwhm) == 0 and np.isfinite(fwhm) and fwhm > 0):
        raise InputError(f"{where}: expected a positive number (arcsec), got {fwhm!r}.")


def _check_numerics(numerics: Kwargs, rule: str, where: str) -> None:
    factor = numerics.get("supersampling_factor", 1)
    if isinstance(factor, bool) or not isinstance(factor, int) or factor < 1:
        raise InputError(
            f"{where}['supersampling_factor']: expected a positive whole number, got {factor!r}."
        )
    mode = numerics.get("compute_mode", "regular")
    if mode not in ("regular", "adaptive"):
        raise unknown("compute_mode", str(mode), ("regular", "adaptive"), where)
    if mode == "adaptive" and rule == "lenstronomy":
        reason = "every pixel is supersampled, not only those of supersampled_indexes"
        warn(f"{where}['compute_mode']: {reason}")
    indexes = numerics.get("flux_evaluate_indexes")
    if indexes is not None and not np.all(indexes):
        if rule == "lenstronomy":
            reason = "cannot be carried over; every pixel is evaluated"
            raise InputError(f"{where}['flux_evaluate_indexes']: {reason}.")
        warn(f"{where}['flux_evaluate_indexes']: every pixel is evaluated")


def _kernel(psf: Kwargs, where: str) -> tuple[np.ndarray, int]:
    """The kernel of kwargs_psf, unchanged, and its supersampling factor."""
    try:
        kernel = np.asarray(psf["kernel_point_source"], float)
    except (TypeError, ValueError):
        raise InputError(
            f"{where}[1]['kernel_point_source']: expected a picture of numbers."
        ) from None
    square = kernel.ndim == 2 and kernel.shape[0] == kernel.shape[1]
    if not square or not np.all(np.isfinite(kernel)) or kernel.sum() <= 0:
        expected = "expected a square, finite picture with a positive sum"
        raise InputError(f"{where}[1]['kernel_point_source']: {expected}, got {kernel.shape}.")
    key = "point_source_supersampling_factor"
    factor = psf.get(key, 1)
    if not isinstance(factor, int | np.integer) or factor < 1:
        expected = "expected a positive whole number"
        raise InputError(f"{where}[1][{key!r}]: {expected}, got {factor!r}.")
    return kernel, int(factor)


def _own_psf(kind: str, psf: Kwargs, where: str) -> PSF:
    """jaxmetal's PSF for a kwargs_psf."""
    if kind == "NONE":
        return NoPSF()
    if kind == "GAUSSIAN":
        return GaussianPSF(psf["fwhm"])
    kernel, factor = _kernel(psf, where)
    if not psf.get("kernel_point_source_normalisation", True) and abs(kernel.sum() - 1) > 1e-6:
        reason = f"the kernel is normalised; its sum was {kernel.sum():.4g}"
        warn(f"{where}[1]['kernel_point_source_normalisation']: {reason}")
    if factor == 1:
        # A star on the detector is averaged over the pixels; a supersampled kernel is a PSF sampled
        # at points.
        warn(
            f"{where}[1]: the pixel is counted once; lenstronomy averages the light over it and "
            "convolves with a star that has been too"
        )
    middle = ((kernel.shape[1] - 1) / 2, (kernel.shape[0] - 1) / 2)
    return KernelPSF(kernel, factor, center=middle, includes_pixel=factor == 1)


def _as_lenstronomy(
    kind: str, psf: Kwargs, numerics: Kwargs, pixels: Grid, where: str
) -> Instrument:
    """An instrument whose maps are lenstronomy's to rounding."""
    factor = numerics.get("supersampling_factor", 1)
    fine = bool(numerics.get("supersampling_convolution", False)) and factor > 1
    cells = factor if fine else 1
    if kind == "NONE":
        return Instrument(pixels, NoPSF(), Sampling(1, factor, 0, rule="midpoint", outside="dark"))
    if kind == "GAUSSIAN":
        truncation = numerics.get("truncation_conv")
        truncation = psf.get("truncation", 5) if truncation is None else truncation
        kernel = kernels.gaussian(
            psf["fwhm"] / SIGMA_TO_FWHM / float(pixels.pixel_scale) * cells, truncation
        )
    else:
        kernel = _pixel_kernel(psf, numerics, cells, where)
    margin = -(-(len(kernel) // 2) // cells)
    outside = "edge" if kind == "GAUSSIAN" else "dark"
    return Instrument(
        pixels,
        CellPSF(kernel, cells),
        Sampling(cells, factor // cells, margin, rule="midpoint", outside=outside),
    )


def _pixel_kernel(psf: Kwargs, numerics: Kwargs, cells: int, where: str) -> np.ndarray:
    """The kernel on the cells, cut and split, as lenstronomy makes it from that of kwargs_psf."""
    kernel = _on_cells(psf, cells, where)
    size = numerics.get("convolution_kernel_size")
    if size is not None:
        kernel = kernels.cut(kernel, size * cells + (size * cells % 2 == 0))
    core = numerics.get("supersampling_kernel_size", 5)
    if cells == 1 or core is None:
        return kernel
    if core % 2 == 0:
        expected = "expected an odd number or None"
        raise InputError(f"{where}['supersampling_kernel_size']: {expected}, got {core!r}.")
    return kernels.split(kernel, core, cells)


def _on_cells(psf: Kwargs, cells: int, where: str) -> np.ndarray:
    """The whole kernel of kwargs_psf, degraded or refined to the cells."""
    kernel, factor = _kernel(psf, where.removesuffix("[2]"))
    normalise = psf.get("kernel_point_source_normalisation", True)
    norm = 1.0 if normalise else kernel.sum()
    kernel = kernels.odd_sized(kernel)
    if normalise:
        kernel = kernel / kernel.sum()
    coarse = kernels.degraded(kernel, factor)
    if factor > 1 and not normalise:
        coarse = coarse * (norm / coarse.sum())
    if cells == 1:
        return coarse
    if cells == factor:
        return kernel
    if factor > 1:
        steps = f"a kernel of factor {factor} is degraded and refined to factor {cells}"
        warn(f"{where}: {steps}, as in lenstronomy; it gets broader")
    kernel = kernels.refined(coarse, cells)
    return kernel * (norm / kernel.sum())
