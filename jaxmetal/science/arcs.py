"""A mock arc: a disc with a metallicity gradient behind an elliptical galaxy, as NIRISS would see it."""

from typing import Any

import numpy as np

from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import PSF, GaussianPSF
from jaxmetal.maps import Map
from jaxmetal.profiles import lens, light, tracer
from jaxmetal.profiles.profile import Profile
from jaxmetal.science import simulate

# NIRISS: arcsec per pixel, and the core of its PSF near 2 micron.
PIXEL_SCALE, FWHM = 0.065, 0.07
# Fainter than this part of the brightest pixel no line is measured well enough for a metallicity.
DETECTED = 0.03


def galaxy() -> Galaxy:
    """The truth: a source of R_e = 0.2" with -0.6 dex/arcsec, an SIE of 1.1" with shear, and the light of the lens itself."""
    source = {"center_x": 0.18, "center_y": -0.1}
    return Galaxy(
        lens={
            "halo": Profile(lens.sie, theta_E=1.1, e1=0.08, e2=-0.05, center_x=0.0, center_y=0.0),
            "shear": Profile(lens.shear, gamma1=0.03, gamma2=-0.02),
        },
        source=Component(
            light=Profile(
                light.sersic, amp=40.0, R_sersic=0.2, n_sersic=1.0, e1=0.1, e2=0.15, **source
            ),
            metallicity=Profile(tracer.gradient, central=8.5, gradient=-0.6, **source),
        ),
        deflector=Component(
            light=Profile(
                light.sersic,
                amp=20.0,
                R_sersic=0.5,
                n_sersic=2.0,
                e1=0.06,
                e2=-0.03,
                center_x=0.0,
                center_y=0.0,
            ),
            foreground=True,
        ),
    )


def observe(
    psf: PSF | None = None,
    seed: int | None = None,
    shape: tuple[int, int] = (61, 61),
    supersampling: Any = "auto",
) -> dict[str, Map]:
    """Maps of `galaxy`: its light, and the metallicity where the arc is bright enough.

    Parameters
    ----------
    psf
        a Gaussian of 0.07" if left out.
    seed
        of the noise in both maps; none if left out.
    shape
        (rows, columns) of pixels of 0.065".
    supersampling
        of the instrument.

    Returns
    -------
    maps
        {"z": TracerMap, "light": LightMap}.
    """
    truth = galaxy()
    instrument = Instrument(
        Grid.regular(shape, PIXEL_SCALE), psf or GaussianPSF(FWHM), supersampling
    )
    whole = simulate.light_map(truth, instrument, seed=seed)
    arc = simulate.light_map(Galaxy(lens=truth.lens, source=truth.source), instrument)
    flux = np.asarray(arc.values, float)
    # sigma² = c1 + c2 / flux: 0.03 dex where the arc is bright, 0.1 dex where it is hardly seen.
    noise = lambda _: 0.0009 + 0.009 * DETECTED * flux.max() / np.maximum(flux, 1e-6 * flux.max())  # noqa: E731
    z = simulate.tracer_map(
        truth, instrument, variance=noise, seed=None if seed is None else seed + 1
    )
    seen = flux > DETECTED * flux.max()
    return {"z": type(z)(z.values, z.sigma, z.instrument, mask=~seen), "light": whole}
