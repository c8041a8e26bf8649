"""supersampling="auto" against the converged map of 25 × 25 points a pixel or more, in float64."""

from itertools import product

import jax
import numpy as np

import jaxmetal as jm
from jaxmetal.forward import resolve
from jaxmetal.forward.views import predict_compiled
from jaxmetal.instrument.sampling import Sampling

SHAPE = (41, 41)
# arcsec
PIXEL_SCALE = 0.066


def rows(count: int | None = None):
    """A row for each PSF width, radius and Sersic index."""
    cases = list(product((0.1, 0.3, 0.5, 1.0, 2.0), (0.25, 0.5, 1.0), (0.5, 1.0, 2.0, 4.0)))
    with jax.enable_x64(True):
        for fwhm, radius, index in cases[:count]:
            yield row(fwhm, radius, index)


def row(fwhm: float, radius: float, index: float) -> dict:
    """The automatic choice, the error measured for it, and the true one where there is light."""
    center = {"center_x": 0.013, "center_y": 0.021}
    disc = jm.Component(
        light=jm.Profile(jm.light.sersic, amp=16.0, R_sersic=radius, n_sersic=index, **center),
        metallicity=jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2, **center),
    )
    galaxy = jm.Galaxy(disc=disc)
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, PIXEL_SCALE), jm.GaussianPSF(fwhm))
    blank = jm.TracerMap(np.zeros(SHAPE), 1.0, instrument)
    chosen = resolve(galaxy, {"z": blank})["z"].instrument
    margin = min(2 * chosen.sampling.margin, 41) + 2
    fine = Sampling(9, 3, margin) if fwhm < 1 else Sampling(5, 5, margin)
    (light, z), (true_light, true_z) = (
        _light_and_metallicity(galaxy, instrument, sampling) for sampling in (chosen.sampling, fine)
    )
    matters = true_light > 1e-4 * true_light.max()
    return {
        "fwhm": fwhm,
        "R_sersic": radius,
        "n_sersic": index,
        "evaluate": chosen.sampling.evaluate,
        "convolve": chosen.sampling.convolve,
        "margin": chosen.sampling.margin,
        "claimed_dex": float(chosen.error["the tracer"]),
        "claimed_light": float(chosen.error["light"]),
        "error_dex": float(np.abs(z - true_z)[matters].max()),
        "error_light": float(np.abs(light / true_light - 1)[matters].max()),
    }


def _light_and_metallicity(
    galaxy: jm.Galaxy, instrument: jm.Instrument, sampling: Sampling
) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free maps at a sampling."""
    blank, sampled = np.zeros(SHAPE), instrument.with_sampling(sampling)
    maps = {"light": jm.LightMap(blank, 1.0, sampled), "z": jm.TracerMap(blank, 1.0, sampled)}
    images = predict_compiled(galaxy, maps)
    return np.asarray(images["light"]), np.asarray(images["z"])
