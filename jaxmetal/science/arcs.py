"""A mock arc of NIRISS: a disc with a metallicity gradient behind an elliptical galaxy."""

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

# Of NIRISS, arcsec per pixel.
PIXEL_SCALE = 0.065
# Core of its PSF near 2 micron, arcsec.
FWHM = 0.07
# Flux below which no metallicity is measured, as a fraction of the brightest pixel's.
DETECTED = 0.03


def galaxy() -> Galaxy:
    """The true lens and source, and the light of the lens.

    The source has R_e = 0.2" and -0.6 dex/arcsec; the lens is an SIE of 1.1" with shear.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> sorted(jm.arcs.galaxy().components)
    ['deflector', 'source']
    """
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

    Examples
    --------
    >>> import jaxmetal as jm
    >>> maps = jm.arcs.observe(seed=1, shape=(21, 21), supersampling=(3, 1))
    >>> sorted(maps)
    ['light', 'z']
    """
    truth = galaxy()
    instrument = Instrument(
        Grid.regular(shape, PIXEL_SCALE), psf or GaussianPSF(FWHM), supersampling
    )
    whole = simulate.light_map(truth, instrument, seed=seed)
    arc = simulate.light_map(Galaxy(lens=truth.lens, source=truth.source), instrument)
    flux = np.asarray(arc.values, float)
    peak = flux.max()
    # sigma² = c1 + c2 / flux: 0.03 dex where the arc is bright, 0.1 dex where it is faint.
    variance = 0.0009 + 0.009 * DETECTED * peak / np.maximum(flux, 1e-6 * peak)
    z_seed = None if seed is None else seed + 1
    z = simulate.tracer_map(truth, instrument, variance=lambda _: variance, seed=z_seed)
    detected = flux > DETECTED * peak
    return {"z": type(z)(z.values, z.sigma, z.instrument, mask=~detected), "light": whole}
