"""Correlated noise as MaNGA's: errors of a gradient and their coverage, by three ways of fitting.

The first rows are the errors by theory: those that a fit with independent errors claims, those that
its gradient really has, and those of a fit that knows the covariance. The others are fits of many
noise draws: with independent errors, with the covariance in the likelihood, and with independent
errors corrected afterwards (errors="sandwich").
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm
from jaxmetal.inference.stack import Batch

FITS = 925
# Fits of one batch: a batch holds the matrix of each of its galaxies.
TOGETHER = 25
PIXEL, FWHM = 0.5, 2.54
CENTRAL_TRUTH, SLOPE = 8.5, -0.1
# (pixels on a side, R_e in arcsec): (real over claimed error of a fit with independent errors, that
# of one with the covariance over the same claim), by an independent calculation whose light and
# depth are not known in every detail.
EXPECTED = {
    (40, 2.5): (3.73, 3.22),
    (40, 4.0): (4.27, 3.89),
    (40, 5.0): (4.41, 4.08),
    (56, 6.0): (4.50, 4.21),
    (70, 8.0): (4.59, 4.19),
}
# The typical error of a spaxel's metallicity in the centre, dex.
ERROR = 0.01
PRIORS = {CENTRAL: dist.Normal(8.5, 10.0), GRADIENT: dist.Normal(0.0, 10.0)}
SIZES = tuple(EXPECTED)


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each size by theory, and for each way of fitting by mocks."""
    for size in SIZES:
        yield theory(*size)
    for method in ("independent", "full", "sandwich"):
        yield mocks(method, count or FITS)


def scene(side: int, radius: float) -> tuple[jm.Galaxy, jm.TracerMap]:
    """A disc, and its metallicity map without noise, of lines that are equally deep everywhere."""
    galaxy = jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=1.0, R_sersic=radius, n_sersic=1.0),
            metallicity=jm.Profile(
                jm.tracer.gradient, central=CENTRAL_TRUTH, gradient=SLOPE / radius
            ),
        )
    )
    grid = jm.Grid.regular((side, side), PIXEL)
    instrument = jm.Instrument(grid, jm.GaussianPSF(FWHM), (3, 1), 10)
    light = np.asarray(jm.simulate.light_map(galaxy, instrument).values, float)
    blank = jm.TracerMap(np.zeros((side, side)), 1.0, instrument, check=False)
    z = np.asarray(jm.predict(galaxy, blank), float)
    # Marino et al. (2013): Z = 8.743 + 0.462 log10([NII]/Ha); both lines have one error.
    ratio = 10 ** ((z - 8.743) / 0.462)
    sigma = np.sqrt(1 + ratio**-2) / light
    sigma *= ERROR / sigma.min()
    return galaxy, jm.TracerMap(z, sigma, instrument, correlation=jm.noise.manga(), check=False)


def theory(side: int, radius: float) -> dict:
    """The errors of the gradient without any noise: independent, sandwich and full."""
    galaxy, z = scene(side, radius)
    plain = jm.TracerMap(z.values, z.sigma, z.instrument, check=False)
    claimed = _error(jm.Model(galaxy, {"z": plain}, PRIORS))
    real = _error(jm.Model(galaxy, {"z": z}, PRIORS, errors="sandwich"))
    full = _error(jm.Model(galaxy, {"z": z}, PRIORS))
    expected = EXPECTED[side, radius]
    return {
        "scene": f"{side} x {side}, R_e {radius:g}",
        "method": "theory",
        "fits": 1,
        "claimed": claimed,
        "real_over_claimed": real / claimed,
        "full_over_claimed": full / claimed,
        "expected_real": expected[0],
        "expected_full": expected[1],
        "bias": np.nan,
        "scatter_over_error": np.nan,
        "coverage_68": np.nan,
        "coverage_95": np.nan,
    }


def _error(model: jm.Model) -> float:
    return float(jm.optimise(model, starts=1).errors[GRADIENT])


def mocks(method: str, count: int) -> dict:
    """Fits of many draws of the noise in the second scene."""
    size = SIZES[1]
    galaxy, exact = scene(*size)
    correlation = None if method == "independent" else exact.correlation
    errors = "sandwich" if method == "sandwich" else "full"

    def observed(seed: int) -> jm.TracerMap:
        noisy = jm.simulate.renoise(exact, seed)
        return jm.TracerMap(
            noisy.values, exact.sigma, exact.instrument, correlation=correlation, check=False
        )

    first = jm.Model(galaxy, {"z": observed(0)}, PRIORS, errors=errors)
    values, sigma = [], []
    for start in range(0, count, TOGETHER):
        seeds = range(start, min(start + TOGETHER, count))
        fits = jm.optimise_batch(Batch([first.with_maps({"z": observed(s)}) for s in seeds]))
        values.append(np.asarray(fits.parameters[GRADIENT], float))
        sigma.append(np.asarray(fits.errors[GRADIENT], float))
    value, error = np.concatenate(values), np.concatenate(sigma)
    covered = np.abs(value - SLOPE / size[1]) / error
    expected = EXPECTED[size]
    return {
        "scene": f"{size[0]} x {size[0]}, R_e {size[1]:g}",
        "method": method,
        "fits": count,
        "claimed": float(np.median(error)),
        "real_over_claimed": np.nan,
        "full_over_claimed": np.nan,
        "expected_real": expected[0],
        "expected_full": expected[1],
        "bias": float((value.mean() - SLOPE / size[1]) / value.std(ddof=1)),
        "scatter_over_error": float(value.std(ddof=1) / np.median(error)),
        "coverage_68": float(np.mean(covered < 1)),
        "coverage_95": float(np.mean(covered < 1.96)),
    }
