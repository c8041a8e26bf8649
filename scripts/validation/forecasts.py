"""Forecasts against independent Cramér-Rao bounds, and against fits of mocks.

Use case 1 by the width of the PSF, the galaxies of figure 4 by their size, a galaxy in Ha and
[NII] by pixels, seeing, metallicity, gradient, inclination and field of view, and the scatter of
many fits of one such galaxy.
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT, LINE_FORECASTS, SIZES, WIDTHS

import jaxmetal as jm

MOCKS = 200
FREE = {CENTRAL: dist.Uniform(5.0, 11.0), GRADIENT: dist.Uniform(-3.0, 3.0)}
LIGHT = {
    "disc.light.amp": dist.LogNormal(0.0, 3.0),
    "disc.light.R_sersic": dist.LogNormal(0.0, 3.0),
}
# Of the flux of Ha within the half-light radius.
SIGNAL_TO_NOISE = 200.0


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each bound, then one of mocks; `count` is the number of these."""
    for fwhm, (gradient, central, _) in WIDTHS.items():
        galaxy, maps = jm.simulate.use_case_1(fwhm)
        model = jm.Model(galaxy, {"z": maps["z"]}, FREE)
        yield _row("use case 1", f"FWHM {fwhm} arcsec", model, gradient, central)
    for pixels, (gradient, central, _) in SIZES.items():
        galaxy, maps = jm.simulate.size_case(pixels)
        model = jm.Model(galaxy, {"z": maps["z"]}, FREE)
        yield _row("figure 4", f"R_e of {pixels} pixels", model, gradient, central)
    for settings, gradient in LINE_FORECASTS:
        what = ", ".join(f"{name} {value:g}" for name, value in settings.items())
        yield _row("Ha and [NII]", what, line_model(**settings), gradient)
    yield mock_row(count or MOCKS)


def line_model(
    fwhm: float = 1.0,
    pixel: float = 0.05,
    central: float = 8.5,
    gradient: float = -0.1,
    view: float = 4.0,
    inclination: float = 0.0,
    seed: int | None = None,
) -> jm.Model:
    """A disc of R_e = 1 in Ha and [NII], with S/N(Ha) = 200 within R_e where it is face-on.

    Parameters
    ----------
    fwhm, pixel, view
        of the PSF and the pixels, and half the side of the frame, in units of R_e.
    central, gradient
        of 12 + log(O/H) and in dex per R_e.
    inclination
        of the disc, degrees.
    seed
        of the noise, if there is any.
    """
    side = 2 * round(view / pixel)
    instrument = jm.Instrument(jm.Grid.regular((side, side), pixel), jm.GaussianPSF(fwhm))
    q = np.cos(np.deg2rad(inclination))
    disc = jm.Component(
        light=jm.Profile(
            jm.light.sersic, amp=1.0, R_sersic=np.sqrt(q), n_sersic=1.0, e1=(1 - q) / (1 + q)
        ),
        metallicity=jm.Profile(
            jm.tracer.disc_gradient,
            central=central,
            gradient=gradient,
            inclination=inclination,
            position_angle=90.0,
        ),
        emission=jm.Emission("marino13"),
    )
    galaxy = jm.Galaxy(disc=disc)
    # The noise of a pixel that gives the wanted ratio for a face-on disc: half of its flux, and the
    # area, inside R_e.
    flux = 0.5 * float(np.pi * 2 * np.exp(1.678) / 1.678**2)
    sigma = flux / SIGNAL_TO_NOISE / np.sqrt(np.pi) * pixel
    maps = jm.simulate.line_maps(galaxy, instrument, ("Ha", "NII6584"), sigma, seed)
    return jm.Model(galaxy, maps, FREE | LIGHT)


def mock_row(count: int) -> dict:
    """The scatter of many fits of one galaxy in lines over its forecast."""
    models = [line_model(fwhm=0.5, pixel=0.25, seed=seed) for seed in range(count)]
    expected = float(jm.forecast(models[0]).errors[GRADIENT])
    fits = jm.optimise_batch(models)
    gradients = np.asarray(fits.parameters[GRADIENT], float)
    converged = f"{int(np.sum(fits.converged))} of {count} converged"
    return {
        "scene": "mocks in Ha and [NII]",
        "setting": f"FWHM 0.5, pixel 0.25; {converged}",
        "bound": float(gradients.std(ddof=1)),
        "forecast_over_bound": expected / float(gradients.std(ddof=1)),
        "central_over_bound": np.nan,
    }


def _row(
    scene: str, setting: str, model: jm.Model, gradient: float, central: float = np.nan
) -> dict:
    errors = jm.forecast(model).errors
    return {
        "scene": scene,
        "setting": setting,
        "bound": gradient,
        "forecast_over_bound": float(errors[GRADIENT]) / gradient,
        "central_over_bound": float(errors[CENTRAL]) / central,
    }
