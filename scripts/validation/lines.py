"""Emission lines: bias, scatter and coverage of flux fits, beside the metallicity maps of old.

The first scene has no PSF and three depths: cutting lines at a signal-to-noise ratio, dividing them
and calibrating the ratio turns the gradient over; fitting the fluxes, or one line relative to the
other with the light of each pixel free, does not. In the others, use
case 1 at four widths of the PSF, there is no noise: a metallicity map made of smeared fluxes and
fitted as a mean of 10^Z is biased; the flux fit is not.
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm

FITS = 400
# 61 x 61 pixels of 0.2 arcsec, R_e = 2.5 arcsec, r < 6 arcsec; 12 + log(O/H) = 8.6 - 0.06 r.
CENTRAL_TRUTH, GRADIENT_TRUTH = 8.6, -0.06
# Cramér-Rao bound on the gradient by the signal-to-noise ratio of Ha at the centre, by an
# independent calculation.
BOUNDS = {100: 0.0009, 30: 0.0029, 15: 0.0058}
CUTS = {"S/N > 3": 3.0, "S/N > 5": 5.0, "positive": 0.0}
PRIORS = {
    "disc.light.amp": dist.LogNormal(0.0, 1.0),
    "disc.light.R_sersic": dist.LogNormal(np.log(2.5), 0.5),
    CENTRAL: dist.Uniform(7.0, 10.0),
    GRADIENT: dist.Normal(0.0, 1.0),
}
# Bias of the gradient of a metallicity map made of fluxes, dex per arcsec, by the FWHM: an
# independent calculation.
MAP_BIAS = {0.5: 0.0002, 1.0: 0.0022, 1.5: 0.0079, 2.0: 0.0174}


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each depth and method, and for each width of the PSF."""
    for ratio, bound in BOUNDS.items():
        yield from depth_rows(ratio, bound, count or FITS)
    for fwhm, bias in MAP_BIAS.items():
        yield map_row(fwhm, bias)


def disc(central: float, gradient: float, radius: float = 2.5, amp: float = 1.0) -> jm.Galaxy:
    """An exponential disc of Ha with a metallicity gradient; N2 of Marino et al. (2013)."""
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=amp, R_sersic=radius, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
            emission=jm.Emission("marino13"),
        )
    )


def depth_rows(ratio: float, bound: float, count: int) -> Iterator[dict]:
    """The flux fit of many noise draws at one depth, and the lines through their ratios."""
    instrument = jm.Instrument(jm.Grid.regular((61, 61), 0.2), jm.NoPSF(), (4, 1), 0)
    radius = jm.baselines.radius_map(instrument.grid)
    lines = ("Ha", "NII6584")
    exact = jm.simulate.line_maps(disc(CENTRAL_TRUTH, GRADIENT_TRUTH), instrument, lines, 1.0)
    sigma = float(exact["Ha"].values.max()) / ratio

    def observed(seed: int) -> dict[str, jm.LineMap]:
        return {
            name: jm.simulate.renoise(
                jm.LineMap(one.values, sigma, instrument, name, radius > 6.0, check=False),
                2 * seed + index,
            )
            for index, (name, one) in enumerate(exact.items())
        }

    maps = [observed(seed) for seed in range(count)]
    first = jm.Model(disc(8.3, 0.0), maps[0], PRIORS)
    fits = jm.optimise_batch([first.with_maps(one) for one in maps])
    gradients, errors = (np.asarray(x[GRADIENT], float) for x in (fits.parameters, fits.errors))
    yield _row("fluxes", ratio, bound, gradients, errors, int(np.sum(fits.converged)))
    relative = [{"nii": jm.RelativeLineMap(one["NII6584"], one["Ha"])} for one in maps]
    known = {path: PRIORS[path] for path in (CENTRAL, GRADIENT)}
    first = jm.Model(disc(8.3, 0.0), relative[0], known)
    fits = jm.optimise_batch([first.with_maps(one) for one in relative])
    gradients, errors = (np.asarray(x[GRADIENT], float) for x in (fits.parameters, fits.errors))
    yield _row("relative", ratio, bound, gradients, errors, int(np.sum(fits.converged)))
    for method, snr in CUTS.items():
        straight = [_straight(radius, one, snr) for one in maps]
        gradients, errors = np.array(straight).T
        yield _row(method, ratio, bound, gradients, errors, count)


def _straight(radius: np.ndarray, maps: dict, snr: float) -> tuple[float, float]:
    """The line through a metallicity map made of the fluxes."""
    z, sigma = jm.baselines.metallicity_map(maps, "n2_m13", snr)
    line = jm.baselines.wls(radius, z, sigma)
    return line.gradient, line.gradient_error


def _row(
    method: str,
    ratio: float,
    bound: float,
    gradients: np.ndarray,
    errors: np.ndarray,
    converged: int,
) -> dict:
    inside = np.abs(gradients - GRADIENT_TRUTH) < errors
    return {
        "scene": "cut",
        "setting": ratio,
        "method": method,
        "fits": len(gradients),
        "converged": converged,
        "gradient": float(gradients.mean()),
        "scatter": float(gradients.std(ddof=1)),
        "bias_in_bounds": float((gradients.mean() - GRADIENT_TRUTH) / bound),
        "scatter_over_bound": float(gradients.std(ddof=1) / bound),
        "coverage": float(inside.mean()),
        "map_bias": np.nan,
        "expected": GRADIENT_TRUTH,
    }


def map_row(fwhm: float, expected: float) -> dict:
    """Use case 1: a metallicity map made of noise-free fluxes, and the fluxes, both fitted."""
    truth = disc(8.0, -0.2, 1.0, 16.0)
    instrument = jm.Instrument(jm.Grid.regular((121, 121), 0.066), jm.GaussianPSF(fwhm))
    fluxes = jm.simulate.line_maps(truth, instrument, ("Ha", "NII6584"))
    z, _ = jm.baselines.metallicity_map(fluxes, "n2_m13", 0.0)
    variance = 0.00725 + 0.00091 / jm.simulate.light_map(truth, instrument).data
    priors = {path: PRIORS[path] for path in (CENTRAL, GRADIENT)}
    usable = np.isfinite(z)
    z_map = jm.TracerMap(z, np.sqrt(variance), instrument, mask=~usable, check=False)
    start = disc(8.2, -0.1, 1.0, 16.0)
    of_map = jm.optimise(jm.Model(start, {"z": z_map}, priors), starts=1)
    of_fluxes = jm.optimise(jm.Model(start, fluxes, priors), starts=1)
    bias = of_map.parameters[GRADIENT] + 0.2
    return {
        "scene": "map of fluxes",
        "setting": fwhm,
        "method": "fluxes",
        "fits": 1,
        "converged": int(of_map.converged and of_fluxes.converged),
        "gradient": float(of_fluxes.parameters[GRADIENT]),
        "scatter": float(of_fluxes.errors[GRADIENT]),
        "bias_in_bounds": float(
            (of_fluxes.parameters[GRADIENT] + 0.2) / of_fluxes.errors[GRADIENT]
        ),
        "scatter_over_bound": np.nan,
        "coverage": np.nan,
        "map_bias": float(bias),
        "expected": expected,
    }
