"""Bias, efficiency and coverage of many noise draws: use case 1 at eight PSF widths, and figure 4's six sizes."""

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT, SIZES, TRUTH, WIDTHS

import jaxmetal as jm

FITS = 1000
PRIORS = {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Uniform(-2.0, 2.0)}


def rows(count: int | None = None):
    """A row for each PSF width and each size."""
    for pixels in SIZES:
        yield row({"case": "figure 4", "pixels": float(pixels), "fwhm": 2.0 / pixels}, *_size(pixels), SIZES[pixels], count or FITS)
    for fwhm in WIDTHS:
        # Sharp PSFs share one sampling and wide ones another, so that they share a compiled program.
        sampling = (4, 2) if fwhm < 0.4 else (2, 1)
        galaxy, maps = jm.simulate.use_case_1(fwhm, supersampling=sampling)
        yield row({"case": "use case 1", "pixels": 1 / 0.066, "fwhm": fwhm}, galaxy, maps["z"], WIDTHS[fwhm], count or FITS)


def _size(pixels: float) -> tuple[jm.Galaxy, jm.TracerMap]:
    galaxy, maps = jm.simulate.size_case(pixels, supersampling=(4, 2))
    return galaxy, maps["z"]


def row(case: dict, galaxy: jm.Galaxy, z: jm.TracerMap, bound: tuple[float, float, float], count: int) -> dict:
    """Many fits of one scene, beside what can be found at best."""
    start = jm.Component(galaxy.disc.light, metallicity=jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1))
    model = jm.Model(jm.Galaxy(disc=start), {"z": z}, PRIORS)
    noisy = [jm.simulate.renoise(z, seed) for seed in range(count)]
    fits = jm.optimise_batch([model.with_maps({"z": m}) for m in noisy], chunk=50 if z.values.size < 5000 else 10)
    found, error = (np.array([float(getattr(fit, what)[GRADIENT]) for fit in fits]) for what in ("parameters", "errors"))
    radius = jm.baselines.radius_map(z.instrument.grid)
    naive = np.array([jm.baselines.wls(radius, m.data, m.errors).gradient for m in noisy])
    pull = (found - TRUTH) / error
    return case | {
        "fits": count, "converged": float(np.mean([fit.converged for fit in fits])),
        "bias": (found.mean() - TRUTH) / bound[0], "median_bias": (np.median(found) - TRUTH) / bound[0],
        "bias_error": found.std(ddof=1) / bound[0] / np.sqrt(count), "sd": found.std(ddof=1) / bound[0],
        "pull_mean": pull.mean(), "pull_sd": pull.std(ddof=1), "inside_68": float(np.mean(np.abs(pull) < 1.0)),
        "inside_95": float(np.mean(np.abs(pull) < 1.959964)), "naive_bias": (naive.mean() - TRUTH) / bound[0],
        "naive": naive.mean(), "naive_expected": bound[2],
    }  # fmt: skip
