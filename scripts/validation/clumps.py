"""Clumpy galaxies whose light is not known: the gradient by four models of the light.

The galaxies are those of `realistic_mocks` without a scatter of the metallicity: an inclined disc
with twenty clumps, seen by MaNGA through a PSF of 0.8 effective radii. Light and metallicity maps
are fitted together, but for the picture, which is taken as the light.
"""

from collections.abc import Iterator

import numpyro.distributions as dist
from validation import realistic_mocks as mocks
from validation.realistic import (
    GRID,
    LINE,
    PSFS,
    SERSIC,
    Fitted,
    fits,
    galaxy_of,
    light_map,
    sersic,
    summary_row,
    z_map,
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
        "light": light_map(one, instrument, correlated=True),
        "z": z_map(one, instrument, correlated=True),
    }
    light = sersic()
    if textured:
        light = jm.Product(light, jm.Texture(AMPLITUDE, TEXTURE_LENGTH, EXTENT, WAVES))
    galaxy = galaxy_of(light, Fitted(field=False))
    return jm.Model(galaxy, maps, LINE | SERSIC | (MODES if textured else {}))
