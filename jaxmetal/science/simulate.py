"""Mock observations: what a telescope would measure of a galaxy, with noise; the paper's use cases by name."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.forward import predict_together, resolve
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import GaussianPSF
from jaxmetal.maps import LightMap, Map, TracerMap
from jaxmetal.profiles import light, tracer
from jaxmetal.profiles.profile import Profile
from jaxmetal.science import noise

# The public tutorial of Metha et al. (2024): pixel size in arcsec, and the noise constants of its two use cases.
PIXEL_SCALE = 0.066
NOISE_1 = (0.00725, 0.00091)
NOISE_2 = (0.005, 0.0015)


def light_map(galaxy: Galaxy, instrument: Instrument, sigma: Any = None, seed: int | None = None) -> LightMap:
    """A light map of a galaxy, with Gaussian noise.

    Parameters
    ----------
    galaxy
        what is observed.
    instrument
        grid, PSF and sampling.
    sigma
        standard deviation of the flux per pixel, one number or a map; 1 % of the brightest pixel if left out.
    seed
        of the noise; no noise is added if left out.

    Returns
    -------
    map
        a LightMap, flux per pixel.
    """
    flux = _seen(galaxy, light=LightMap(np.zeros(instrument.grid.shape), 1.0, instrument))["light"]
    return _noisy_light(flux, sigma, instrument, seed)


def _noisy_light(flux: np.ndarray, sigma: Any, instrument: Instrument, seed: int | None) -> LightMap:
    sigma = 0.01 * flux.max() if sigma is None else sigma
    return LightMap(_noisy(flux, sigma, seed), sigma, instrument)


def tracer_map(
    galaxy: Galaxy, instrument: Instrument, tracer: str = "metallicity", scale: Any = "log10",
    variance: Callable[[np.ndarray], Any] | None = None, seed: int | None = None,
) -> TracerMap:  # fmt: skip
    """A map of something that light carries, with noise that depends on the light.

    Parameters
    ----------
    galaxy
        what is observed.
    instrument
        grid, PSF and sampling.
    tracer, scale
        as for a TracerMap.
    variance
        sigma² in the tracer's unit squared as a function of the flux per pixel; the tutorial's c1 + c2/I of use
        case 1 if left out.
    seed
        of the noise; no noise is added if left out.

    Returns
    -------
    map
        a TracerMap.
    """
    blank = np.zeros(instrument.grid.shape)
    seen = _seen(galaxy, light=LightMap(blank, 1.0, instrument), z=TracerMap(blank, 1.0, instrument, tracer, scale))
    return _noisy_tracer(seen["z"], seen["light"], instrument, tracer, scale, variance, seed)


def _seen(galaxy: Galaxy, **maps: Map) -> dict[str, np.ndarray]:
    """What maps on one instrument show without noise; the sampling is chosen once for all of them."""
    return {name: np.asarray(image, float) for name, image in predict_together(galaxy, resolve([(galaxy, maps)]), compiled=True).items()}


def _noisy_tracer(
    values: np.ndarray, flux: np.ndarray, instrument: Instrument, tracer: str, scale: Any, variance: Any, seed: int | None
) -> TracerMap:
    sigma = np.sqrt(noise.variance(flux, *NOISE_1) if variance is None else variance(flux))
    return TracerMap(_noisy(values, sigma, seed), sigma, instrument, tracer, scale)


def renoise(map: Map, seed: int) -> Map:
    """The same noise-free map with new Gaussian noise of its own sigma.

    Parameters
    ----------
    map
        a noise-free map.
    seed
        of the noise.
    """
    values = jnp.asarray(_noisy(np.asarray(map.values, float), np.asarray(map.sigma, float), seed), map.values.dtype)
    return eqx.tree_at(lambda m: m.values, map, jnp.where(map.valid, values, map.values))


def use_case_1(fwhm: float = 1.5, seed: int | None = None, supersampling: Any = "auto") -> tuple[Galaxy, dict[str, Map]]:
    """The paper's use case 1: a disc with a straight metallicity gradient.

        Z = 8.0 - 0.2 R dex (R in arcsec),   Sersic n = 1, R_sersic = 1",   sigma² = 0.00725 + 0.00091/I

    Parameters
    ----------
    fwhm
        of the Gaussian PSF, arcsec.
    seed
        of the noise in both maps; none if left out.
    supersampling
        of the instrument.

    Returns
    -------
    galaxy
        with one component, "disc", carrying "metallicity".
    maps
        {"z": TracerMap, "light": LightMap} of 121 × 121 pixels of 0.066".

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, section 4.1, with the half-light radius and constants of its tutorial.
    """
    disc = Component(
        light=Profile(light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0),
        metallicity=Profile(tracer.gradient, central=8.0, gradient=-0.2),
    )
    return _observed(Galaxy(disc=disc), 121, fwhm, NOISE_1, seed, supersampling)


def use_case_2(fwhm: float = 0.05, seed: int | None = None, supersampling: Any = "auto") -> tuple[Galaxy, dict[str, Map]]:
    """The paper's use case 2: three clumps of constant metallicity that look like a gradient.

        Z = 7.6, 7.8, 7.9 at (0, 0), (0.25, 0) and (-0.25, -0.25)",   Sersic n = 1, R_sersic = 0.25"

    Parameters
    ----------
    fwhm
        of the Gaussian PSF, arcsec; 0.05" stands for NIRISS F150W.
    seed
        of the noise in both maps; none if left out.
    supersampling
        of the instrument.

    Returns
    -------
    galaxy
        with components "clump1", "clump2", "clump3", each carrying "metallicity".
    maps
        {"z": TracerMap, "light": LightMap} of 31 × 31 pixels of 0.066".

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, section 4.2, and its tutorial.
    """
    places = {"clump1": (0.0, 0.0, 7.6), "clump2": (0.25, 0.0, 7.8), "clump3": (-0.25, -0.25, 7.9)}
    galaxy = Galaxy(
        **{
            name: Component(
                light=Profile(light.sersic, amp=16.0, R_sersic=0.25, n_sersic=1.0, center_x=x, center_y=y),
                metallicity=Profile(tracer.uniform, value=z),
            )
            for name, (x, y, z) in places.items()
        }
    )
    return _observed(galaxy, 31, fwhm, NOISE_2, seed, supersampling)


def _observed(galaxy: Galaxy, size: int, fwhm: float, constants: tuple[float, float], seed: int | None, supersampling: Any):
    instrument = Instrument(Grid.regular((size, size), PIXEL_SCALE), GaussianPSF(fwhm), supersampling)
    blank = np.zeros(instrument.grid.shape)
    seen = _seen(galaxy, light=LightMap(blank, 1.0, instrument), z=TracerMap(blank, 1.0, instrument))
    z = _noisy_tracer(seen["z"], seen["light"], instrument, "metallicity", "log10", lambda flux: noise.variance(flux, *constants), seed)
    return galaxy, {"z": z, "light": _noisy_light(seen["light"], None, instrument, None if seed is None else seed + 1)}


def _noisy(values: np.ndarray, sigma: Any, seed: int | None) -> np.ndarray:
    if seed is None:
        return values
    if not isinstance(seed, int | np.integer):
        raise InputError(f"seed: expected a whole number, got {seed!r}.")
    return values + np.asarray(sigma) * np.random.default_rng(seed).standard_normal(values.shape)
