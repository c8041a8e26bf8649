"""The scenes of Metha et al. (2024): use cases 1 and 2, and the small galaxies of figure 4."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import GaussianPSF
from jaxmetal.maps import LightMap, Map, TracerMap
from jaxmetal.profiles import light, tracer
from jaxmetal.profiles.profile import Profile
from jaxmetal.quantities import PIXELS, as_number
from jaxmetal.science import noise
from jaxmetal.science.simulate.mocks import NOISE_1, noise_free, noisy_light, noisy_tracer

# The public tutorial of Metha et al. (2024): arcsec per pixel.
PIXEL_SCALE = 0.066
# Its constants of the noise in use case 2.
NOISE_2 = (0.005, 0.0015)
# Its surface brightness at R_e, and what the paper may mean by R_e: it says exp(-r/R_e) in one
# place, "effective radius" in another.
AMP = 16.0
READINGS = ("half-light", "scale-length")


def use_case_1(
    fwhm: float = 1.5,
    seed: int | None = None,
    supersampling: Any = "auto",
    reading: str = "half-light",
    scale: Any = "log10",
    margin: int | None = None,
) -> tuple[Galaxy, dict[str, Map]]:
    """The paper's use case 1: a disc with a straight metallicity gradient.

        Z = 8.0 - 0.2 R dex (R in arcsec),   exponential disc with R_e = 1",   sigma² = c1 + c2/I

    Parameters
    ----------
    fwhm
        of the Gaussian PSF, arcsec.
    seed
        of the noise in both maps; none if left out.
    supersampling
        of the instrument.
    reading
        what R_e is, one of READINGS: "half-light" with the constants of the tutorial, 0.00725 +
        0.00091/I, or "scale-length" with those that give 0.01 dex² at the centre and 0.02 at R_e
        before the PSF.
    scale
        in which light averages the metallicity, as for a TracerMap.
    margin
        of the instrument.

    Returns
    -------
    galaxy
        with one component, "disc", carrying "metallicity".
    maps
        {"z": TracerMap, "light": LightMap} of 121 × 121 pixels of 0.066".

    Raises
    ------
    InputError
        for an unknown reading.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, section 4.1, with the half-light radius and constants of
    its tutorial.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> galaxy, maps = jm.simulate.use_case_1(seed=1, supersampling=(4, 1))
    >>> maps["z"].values.shape
    (121, 121)
    """
    instrument = Instrument(
        Grid.regular((121, 121), PIXEL_SCALE), GaussianPSF(fwhm), supersampling, margin
    )
    galaxy = _gradient_disc(reading)
    constants = NOISE_1 if reading == "half-light" else _constants(galaxy, PIXEL_SCALE)
    return _observed(galaxy, instrument, constants, seed, scale)


def size_case(
    pixels: float,
    seed: int | None = None,
    supersampling: Any = (6, 3),
    reading: str = "half-light",
    scale: Any = "log10",
) -> tuple[Galaxy, dict[str, Map]]:
    """The galaxy of use case 1 in ever fewer pixels, two of them to the FWHM of the PSF (figure 4).

        R_e = 1" = n pixels,   FWHM = 2 pixels,   N = 2 round(4 n) + 1 pixels a side, about ±4 R_e

    Parameters
    ----------
    pixels
        n, R_e in pixels; the paper has 1, 1.4, 2, 3, 5 and 8.
    seed, supersampling, reading, scale
        as for `use_case_1`; the variance is 0.01 dex² at the centre and 0.02 at R_e before the PSF,
        for pixels of any size.

    Returns
    -------
    galaxy
        with one component, "disc", carrying "metallicity".
    maps
        {"z": TracerMap, "light": LightMap}.

    Raises
    ------
    InputError
        for an unknown reading, or a size that is not positive.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, figure 4; its gradient is taken to be -0.2 dex per R_e.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> galaxy, maps = jm.simulate.size_case(pixels=2, seed=1)
    >>> maps["z"].values.shape
    (17, 17)
    """
    pixels = as_number(pixels, "size_case.pixels", PIXELS)
    if not (np.isfinite(pixels) and pixels > 0):
        raise InputError(f"size_case.pixels: expected a positive number of pixels, got {pixels!r}.")
    side = 2 * round(4 * pixels) + 1
    instrument = Instrument(
        Grid.regular((side, side), 1 / pixels), GaussianPSF(2 / pixels), supersampling
    )
    galaxy = _gradient_disc(reading)
    return _observed(galaxy, instrument, _constants(galaxy, 1 / pixels), seed, scale)


def use_case_2(
    fwhm: float = 0.05,
    seed: int | None = None,
    supersampling: Any = "auto",
    reading: str = "half-light",
    scale: Any = "log10",
    third: tuple[float, float] = (-0.25, -0.25),
    constants: tuple[float, float] = NOISE_2,
) -> tuple[Galaxy, dict[str, Map]]:
    """The paper's use case 2: three clumps of constant metallicity that look like a gradient.

        Z = 7.6, 7.8, 7.9 at (0, 0), (0.25, 0) and (-0.25, -0.25)"
        exponential light with R_e = 0.25"

    Parameters
    ----------
    fwhm
        of the Gaussian PSF, arcsec; 0.05" stands for NIRISS F150W.
    seed
        of the noise in both maps; none if left out.
    supersampling
        of the instrument.
    reading
        what R_e is, one of READINGS.
    scale
        in which light averages the metallicity, as for a TracerMap.
    third
        where the third clump lies, arcsec: the tutorial's place; the paper's words, "above", put it
        at (-0.25, 0.25).
    constants
        (c1, c2) of the noise, sigma² = c1 + c2/I; the tutorial's if left out.

    Returns
    -------
    galaxy
        with components "clump1", "clump2", "clump3", each carrying "metallicity".
    maps
        {"z": TracerMap, "light": LightMap} of 31 × 31 pixels of 0.066".

    Raises
    ------
    InputError
        for an unknown reading.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, section 4.2, and its tutorial.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> galaxy, maps = jm.simulate.use_case_2(seed=1, supersampling=(6, 3))
    >>> sorted(galaxy.components)
    ['clump1', 'clump2', 'clump3']
    """
    places = {"clump1": (0.0, 0.0, 7.6), "clump2": (0.25, 0.0, 7.8), "clump3": (*third, 7.9)}
    clumps: dict[str, Any] = {
        name: Component(
            light=_light(reading, 0.25, center_x=x, center_y=y),
            metallicity=Profile(tracer.uniform, value=z),
        )
        for name, (x, y, z) in places.items()
    }
    galaxy = Galaxy(**clumps)
    instrument = Instrument(Grid.regular((31, 31), PIXEL_SCALE), GaussianPSF(fwhm), supersampling)
    return _observed(galaxy, instrument, constants, seed, scale)


def _light(reading: str, radius: float, **center: float) -> Profile:
    """An exponential disc of the tutorial: 16 per arcsec² at the effective radius `radius`."""
    if reading not in READINGS:
        raise unknown("reading", reading, READINGS)
    if reading == "half-light":
        return Profile(light.sersic, amp=AMP, R_sersic=radius, n_sersic=1.0, **center)
    return Profile(light.exponential, amp=AMP * np.e, scale_length=radius, **center)


def _gradient_disc(reading: str) -> Galaxy:
    return Galaxy(
        disc=Component(
            light=_light(reading, 1.0),
            metallicity=Profile(tracer.gradient, central=8.0, gradient=-0.2),
        )
    )


def _constants(galaxy: Galaxy, pixel_scale: float) -> tuple[float, float]:
    """(c1, c2) that give 0.01 dex² at the centre and 0.02 at R_e = 1", before PSF and pixels."""
    center, edge = (
        float(galaxy.disc.light(jnp.asarray(r), jnp.asarray(0.0))) * pixel_scale**2
        for r in (0.0, 1.0)
    )
    return noise.constants(center, edge, 0.01, 0.02)


def _observed(
    galaxy: Galaxy,
    instrument: Instrument,
    constants: tuple[float, float],
    seed: int | None,
    scale: Any,
) -> tuple[Galaxy, dict[str, Map]]:
    """The galaxy, and its noisy maps "z" and "light"."""
    blank = np.zeros(instrument.shape)
    images = noise_free(
        galaxy,
        light=LightMap(blank, 1.0, instrument),
        z=TracerMap(blank, 1.0, instrument, scale=scale),
    )
    flux = images["light"]

    def variance(flux: Any) -> Any:
        return noise.variance(flux, *constants)

    z = noisy_tracer(images["z"], flux, instrument, "metallicity", scale, variance, seed)
    light_seed = None if seed is None else seed + 1
    return galaxy, {"z": z, "light": noisy_light(flux, None, instrument, light_seed)}
