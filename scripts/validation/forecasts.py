"""Forecasts against independent Cramér-Rao bounds, and against fits of mocks.

Use case 1 by the width of the PSF, the galaxies of figure 4 by their size, a galaxy in Ha and
[NII] by pixels, seeing, metallicity, gradient, inclination and field of view, amplitude and length
of a random field by seeing and noise, and the scatter of many fits of one galaxy in Ha and [NII].
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import (
    CENTRAL,
    FIELD_FORECASTS,
    GRADIENT,
    LINE_FORECASTS,
    SIZES,
    WIDTHS,
)

import jaxmetal as jm
from jaxmetal.instrument.sampling import Sampling

MOCKS = 200
FREE = {CENTRAL: dist.Uniform(5.0, 11.0), GRADIENT: dist.Uniform(-3.0, 3.0)}
LIGHT = {
    "disc.light.amp": dist.LogNormal(0.0, 3.0),
    "disc.light.R_sersic": dist.LogNormal(0.0, 3.0),
}
# Of the flux of Ha within the half-light radius.
SIGNAL_TO_NOISE = 200.0
# A random field: its amplitude, dex, and length, R_e, and how wide their priors are, by logarithm.
FIELD = {"disc.metallicity.amplitude": 0.08, "disc.metallicity.length": 0.15}
WIDTH = 0.2


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
    for fwhm, noise, *bounds in FIELD_FORECASTS:
        for path, error, bound in zip(FIELD, field_errors(fwhm, noise), bounds, strict=True):
            yield {
                "scene": f"random field, {path.split('.')[-1]}",
                "setting": f"FWHM {fwhm:g}, noise {noise:g} dex",
                "bound": bound,
                "forecast_over_bound": error / bound,
                "central_over_bound": np.nan,
            }
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


def field_errors(fwhm: float, noise: float) -> np.ndarray:
    """Errors of the logarithms of amplitude and length of a random field, by the data alone.

    Parameters
    ----------
    fwhm
        of the PSF, in units of R_e.
    noise
        error of a pixel at R_e, dex; with the root of the light it falls inwards.
    """
    model = field_model(fwhm, noise)
    at = [model.free.index(path) for path in FIELD]
    values = np.array(list(FIELD.values()))
    information = np.linalg.inv(jm.forecast(model).covariance)[np.ix_(at, at)]
    # What the priors add, which only choose the waves of the field.
    information = information * np.outer(values, values) - np.eye(2) / WIDTH**2
    return np.sqrt(np.diag(np.linalg.inv(information)))


def field_model(fwhm: float, noise: float) -> jm.Model:
    """An exponential disc of R_e = 1 with a random field, in pixels of 0.1 within two R_e.

    Parameters
    ----------
    fwhm, noise
        as for `field_errors`.
    """
    side, pixel, margin = 41, 0.1, 8 if fwhm else 0
    grid = jm.Grid.regular((side, side), pixel)
    psf = jm.GaussianPSF(fwhm) if fwhm else jm.NoPSF()
    # The field counts at the centres of the pixels, as in the independent calculation.
    instrument = jm.Instrument(grid, psf).with_sampling(Sampling(1, 1, margin, "midpoint"))
    radius = np.hypot(*(np.asarray(place) for place in grid.coordinates))
    errors = np.where(radius < 1.999, noise * np.exp((radius - 1) / 2), np.inf)
    z = jm.TracerMap(np.zeros((side, side)), errors, instrument, scale="linear", check=False)
    amplitude, length = FIELD.values()
    line = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1)
    disc = jm.Component(
        # R_e is here the scale length of the disc.
        light=jm.Profile(jm.light.sersic, amp=1.0, R_sersic=1.678, n_sersic=1.0),
        metallicity=jm.Sum(line, jm.Field(amplitude, length, kernel="exponential")),
    )
    priors = {CENTRAL: dist.Normal(8.5, 10.0), GRADIENT: dist.Normal(0.0, 10.0)}
    priors |= {path: dist.LogNormal(np.log(value), WIDTH) for path, value in FIELD.items()}
    return jm.Model(jm.Galaxy(disc=disc), {"z": z}, priors)


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
