"""Clumpy galaxies whose light is not known: the gradient by four models of the light.

The galaxies are those of `realistic_mocks` without a scatter of the metallicity: an inclined disc
with twenty clumps, seen by MaNGA through a PSF of 0.8 effective radii. Light and metallicity maps
are fitted together, but for the picture, which is taken as the light.
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from validation import realistic_mocks as mocks
from validation.realistic import (
    GRID,
    LINE,
    PSFS,
    Fitted,
    fits,
    summary_row,
)
from validation.yardsticks import GRADIENT

import jaxmetal as jm

FITS = 60
# The first seed: amplitude and length of the texture were chosen with others.
SEED = 3000
# Of the logarithm of the light, and of the size of clumps, arcsec.
AMPLITUDE, TEXTURE_LENGTH = 0.8, 0.25 * mocks.RADIUS
# Period of the texture, arcsec, and the waves in it that the PSF leaves.
EXTENT, WAVES = 24.0, 10
DISC = {"inclination": mocks.INCLINATION, "position_angle": mocks.POSITION_ANGLE}
SERSIC = {
    "disc.light.amp": dist.LogNormal(np.log(0.02), 2.0),
    "disc.light.R_sersic": dist.LogNormal(np.log(2.5), 0.5),
    "disc.light.n_sersic": dist.Uniform(0.3, 8.0),
}
MODES = {"disc.light.modes": dist.Normal(0.0, 1.0)}


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each model of the light."""
    galaxies = [mocks.mock(SEED + number, scatter=0.0) for number in range(count or FITS)]
    for name, light in (("picture as light", "picture"), ("true light", "truth")):
        case = Fitted(light, field=False)
        yield {"light": name} | summary_row(list(fits(case, galaxies)))
    for name, textured in (("Sersic", False), ("Sersic with a texture", True)):
        yield {"light": name} | summary_row([fitted(one, textured) for one in galaxies])


def fitted(one: mocks.Mock, textured: bool) -> tuple:
    """Parameters, errors and convergence of a fit of light and metallicity together."""
    model = model_of(one, textured)
    fit = jm.optimise(model, starts=1, progress=False)
    values = {GRADIENT: fit.parameters[GRADIENT]}, {GRADIENT: fit.errors[GRADIENT]}
    return *values, fit.converged


def model_of(one: mocks.Mock, textured: bool) -> jm.Model:
    """The model of both maps of a mock."""
    instrument = jm.Instrument(GRID, PSFS["moffat"], (2, 1), 16)
    maps = {
        "light": jm.LightMap(
            one.light * mocks.PIXEL**2,
            one.light_error * mocks.PIXEL**2,
            instrument,
            correlation=jm.noise.manga(),
            check=False,
        ),
        "z": jm.TracerMap(
            one.values,
            one.errors,
            instrument,
            mask=one.mask,
            correlation=jm.noise.manga(),
            check=False,
        ),
    }
    q = np.cos(np.deg2rad(mocks.INCLINATION))
    angle = 2 * np.deg2rad(90 - mocks.POSITION_ANGLE)
    e1, e2 = (float((1 - q) / (1 + q) * turn(angle)) for turn in (np.cos, np.sin))
    light = jm.Profile(jm.light.sersic, amp=0.02, R_sersic=2.5, n_sersic=1.0, e1=e1, e2=e2)
    if textured:
        light = jm.Product(light, jm.Texture(AMPLITUDE, TEXTURE_LENGTH, EXTENT, WAVES))
    z = jm.Profile(jm.tracer.disc_gradient, central=8.5, gradient=-0.02, **DISC)
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=z))
    return jm.Model(galaxy, maps, LINE | SERSIC | (MODES if textured else {}))
