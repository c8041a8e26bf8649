"""Metallicities that scatter about their line with a correlation length: gradients and fields.

The mocks share no code with the fits: fields by circulant embedding of the covariance itself, on
cells of a third of a pixel, and the PSF by SciPy. Each is fitted by a line alone and by a line with
a random field, whose amplitude and length are free.
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from scipy.ndimage import gaussian_filter
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm

FITS = 300
# Pixels on a side, cells to a pixel, R_e and central value and gradient per R_e.
SIDE, CELLS, RADIUS = 21, 3, 5.0
CENTRAL_TRUTH, SLOPE = 8.5, -0.1
SIGMA, LENGTH, ERROR = 0.08, 1.5, 0.05
AMPLITUDE_PATH, LENGTH_PATH = "disc.metallicity.amplitude", "disc.metallicity.length"
# (scale in which light averages, FWHM in R_e, amplitude of the field).
CASES = (
    ("linear", 0.3, SIGMA),
    ("linear", 0.6, SIGMA),
    ("log10", 0.6, SIGMA),
    ("linear", 0.3, 0.0),
)
LINE = {CENTRAL: dist.Normal(8.5, 1.0), GRADIENT: dist.Normal(0.0, 0.2)}
FIELD = {
    AMPLITUDE_PATH: dist.HalfNormal(0.1),
    LENGTH_PATH: dist.LogNormal(np.log(LENGTH), 0.7),
}
# Cells of the periodic frame on which fields are drawn.
FRAME = 256


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each case and way of fitting."""
    for scale, fwhm, amplitude in CASES:
        yield from case(scale, fwhm, amplitude, count or FITS)


def case(scale: str, fwhm: float, amplitude: float, count: int) -> Iterator[dict]:
    """The fits of many mocks of one kind, without and with a field."""
    rng = np.random.default_rng(0)
    blank = observed(np.full((SIDE, SIDE), CENTRAL_TRUTH), fwhm, scale)
    models = {"line": jm.Model(galaxy(0.0), {"z": blank}, LINE)}
    models["line and field"] = jm.Model(galaxy(0.05), {"z": blank}, LINE | FIELD)
    results: dict[str, list] = {name: [] for name in models}
    for _ in range(count):
        z = mock(scale, fwhm, amplitude, rng) + ERROR * rng.standard_normal((SIDE, SIDE))
        data = jm.TracerMap(z, ERROR, blank.instrument, scale=scale, check=False)
        for name, model in models.items():
            fit = jm.optimise(model.with_maps({"z": data}), starts=1, progress=False)
            results[name].append((fit.parameters, fit.errors, fit.converged))
    for name, fits in results.items():
        yield {"scale": scale, "fwhm": fwhm, "amplitude": amplitude, "fit": name} | _row(fits)


def mock(
    scale: str,
    fwhm: float,
    amplitude: float,
    rng: np.random.Generator,
    *,
    central: float = CENTRAL_TRUTH,
    slope: float = SLOPE,
    length: float = LENGTH,
    side: int = SIDE,
) -> np.ndarray:
    """A metallicity map without noise.

    Parameters
    ----------
    scale
        in which light averages.
    fwhm
        of the PSF, R_e.
    amplitude, length
        of the field, dex and pixels.
    rng
        draws the field.
    central, slope
        of the line, dex and dex per R_e.
    side
        of the map, pixels, an odd number.

    Returns
    -------
    z
        shape (side, side).
    """
    cells = np.arange(FRAME) - FRAME // 2
    radius = np.hypot(*np.meshgrid(cells, cells)) / CELLS
    light = np.exp(-1.6783 * radius / RADIUS)
    z = central + slope / RADIUS * radius + amplitude * _field(rng, length)
    weight, inverse = (np.power, np.log10) if scale == "log10" else (None, None)
    averaged = weight(10.0, z) if weight else z
    width = fwhm * RADIUS * CELLS / 2.3548200450309493
    smeared = [gaussian_filter(image, width, truncate=6) for image in (light * averaged, light)]
    middle = FRAME // 2 + np.arange(-(side * CELLS // 2), side * CELLS // 2 + 1)
    pixels = [
        image[np.ix_(middle, middle)].reshape(side, CELLS, side, CELLS).sum(axis=(1, 3))
        for image in smeared
    ]
    ratio = pixels[0] / pixels[1]
    return inverse(ratio) if inverse else ratio


def _field(rng: np.random.Generator, length: float) -> np.ndarray:
    """A field of unit variance and exponential covariance, periodic in the frame."""
    away = np.minimum(np.arange(FRAME), FRAME - np.arange(FRAME)) / CELLS
    power = np.fft.fft2(np.exp(-np.hypot(away[:, None], away[None, :]) / length)).real
    white = np.fft.fft2(rng.standard_normal((FRAME, FRAME)))
    return np.fft.ifft2(np.sqrt(np.maximum(power, 0)) * white).real


def galaxy(amplitude: float) -> jm.Galaxy:
    """A disc with a line and a field of this amplitude, where fits start."""
    line = jm.Profile(jm.tracer.gradient, central=CENTRAL_TRUTH, gradient=SLOPE / RADIUS)
    field = jm.Field(amplitude, LENGTH, kernel="exponential")
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=RADIUS, n_sersic=1.0)
    return jm.Galaxy(disc=jm.Component(light, metallicity=jm.Sum(line, field)))


def observed(values: np.ndarray, fwhm: float, scale: str) -> jm.TracerMap:
    """A map through a PSF of this FWHM in R_e, with errors of `ERROR`."""
    grid = jm.Grid.regular(values.shape, 1.0)
    instrument = jm.Instrument(grid, jm.GaussianPSF(fwhm * RADIUS), (2, 1), 6)
    return jm.TracerMap(values, ERROR, instrument, scale=scale, check=False)


def _row(fits: list) -> dict:
    """What many fits of the gradient say, in dex per R_e, and of the field."""
    gradients = np.array([RADIUS * float(values[GRADIENT]) for values, _, _ in fits])
    errors = np.array([RADIUS * float(errors[GRADIENT]) for _, errors, _ in fits])
    pulls = (gradients - SLOPE) / errors
    row = {
        "fits": len(fits),
        "converged": sum(bool(converged) for *_, converged in fits),
        "gradient": gradients.mean(),
        "bias_over_scatter": (gradients.mean() - SLOPE) / gradients.std(),
        "scatter": gradients.std(),
        "error": np.median(errors),
        "scatter_over_error": gradients.std() / np.sqrt(np.mean(errors**2)),
        "coverage_68": np.mean(np.abs(pulls) < 1),
        "coverage_95": np.mean(np.abs(pulls) < 1.96),
        "amplitude_fit": np.nan,
        "amplitude_error": np.nan,
        "length_fit": np.nan,
    }
    if AMPLITUDE_PATH in fits[0][0]:
        row |= {
            "amplitude_fit": np.median([float(v[AMPLITUDE_PATH]) for v, *_ in fits]),
            "amplitude_error": np.median([float(e[AMPLITUDE_PATH]) for _, e, _ in fits]),
            "length_fit": np.median([float(v[LENGTH_PATH]) for v, *_ in fits]),
        }
    return row
