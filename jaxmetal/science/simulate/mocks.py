"""Mock maps of a galaxy with Gaussian noise."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, check_type
from jaxmetal.forward import resolve
from jaxmetal.forward.views import predict_compiled
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps import LightMap, LineMap, Map, TracerMap
from jaxmetal.quantities import as_numbers
from jaxmetal.science import noise

# Constants (c1, c2) of the noise in use case 1 of the public tutorial of Metha et al. (2024).
NOISE_1 = (0.00725, 0.00091)
# The error of a flux that is not given, over that of the brightest pixel.
FAINT = 0.01


def light_map(
    galaxy: Galaxy, instrument: Instrument, sigma: Any = None, seed: int | None = None
) -> LightMap:
    """A light map of a galaxy, with Gaussian noise.

    Parameters
    ----------
    galaxy
        what is observed.
    instrument
        grid, PSF and sampling.
    sigma
        standard deviation of the flux per pixel, one number or a map; 1 % of the brightest pixel if
        left out.
    seed
        of the noise; no noise is added if left out.

    Returns
    -------
    map
        a LightMap, flux per pixel.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> image = jm.simulate.light_map(jm.examples.disc(), jm.examples.telescope(), seed=1)
    >>> image.values.shape
    (15, 15)
    """
    _check("light_map", galaxy, instrument)
    blank = LightMap(np.zeros(instrument.shape), 1.0, instrument)
    flux = noise_free(galaxy, light=blank)["light"]
    return noisy_light(flux, sigma, instrument, seed)


def line_maps(
    galaxy: Galaxy,
    instrument: Instrument,
    lines: Sequence[Any],
    sigma: Any = None,
    seed: int | None = None,
) -> dict[str, LineMap]:
    """Maps of the flux in some emission lines, with Gaussian noise of one size for all of them.

    Parameters
    ----------
    galaxy
        what is observed; its gas emits the lines.
    instrument
        grid, PSF and sampling of all lines.
    lines
        names of lines, such as ["Ha", "NII6584"].
    sigma
        standard deviation of the flux per pixel, one number or a map; 1 % of the brightest pixel of
        the first line if left out.
    seed
        of the noise; no noise is added if left out.

    Returns
    -------
    maps
        a LineMap for each line, flux per pixel.

    Raises
    ------
    InputError
        for an unknown line, or one that the galaxy does not emit.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> maps = jm.simulate.line_maps(jm.examples.gas_disc(), jm.examples.telescope(), ["Ha", "Hb"])
    >>> print(f"{maps['Ha'].values.sum() / maps['Hb'].values.sum():.2f}")  # 2.86 and dust
    3.49
    """
    _check("line_maps", galaxy, instrument)
    zeros = np.zeros(instrument.shape)
    blank = {name: LineMap(zeros, 1.0, instrument, name, check=False) for name in lines}
    fluxes = noise_free(galaxy, **blank)
    if sigma is None:
        sigma = FAINT * np.abs(fluxes[next(iter(blank))]).max()
    error = as_numbers(sigma, "simulate.line_maps: sigma")
    _check_seed(seed)
    # The noise of one line is independent of that of another.
    seeds = (None if seed is None else 1000 * seed + index for index in range(len(blank)))
    return {
        name: LineMap(_noisy(fluxes[name], error, one_seed), error, instrument, name)
        for name, one_seed in zip(blank, seeds, strict=True)
    }


def tracer_map(
    galaxy: Galaxy,
    instrument: Instrument,
    tracer: str = "metallicity",
    scale: Any = "log10",
    variance: Callable[[np.ndarray], Any] | None = None,
    seed: int | None = None,
) -> TracerMap:
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
        sigma² in the tracer's unit squared as a function of the flux per pixel; the tutorial's c1 +
        c2/I of use case 1 if left out.
    seed
        of the noise; no noise is added if left out.

    Returns
    -------
    map
        a TracerMap.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> z = jm.simulate.tracer_map(jm.examples.disc(), jm.examples.telescope(), seed=1)
    >>> z.values.shape
    (15, 15)
    """
    _check("tracer_map", galaxy, instrument)
    blank = np.zeros(instrument.shape)
    images = noise_free(
        galaxy,
        light=LightMap(blank, 1.0, instrument),
        z=TracerMap(blank, 1.0, instrument, tracer, scale),
    )
    return noisy_tracer(images["z"], images["light"], instrument, tracer, scale, variance, seed)


def renoise(map: Map, seed: int) -> Map:
    """The same noise-free map with new Gaussian noise of its own errors, correlated as they are.

    Parameters
    ----------
    map
        a noise-free map.
    seed
        of the noise.

    Returns
    -------
    map
        a copy with noise added to the values that are not masked.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> image = jm.simulate.light_map(jm.examples.disc(), jm.examples.telescope())
    >>> noisy = jm.simulate.renoise(image, seed=1)
    >>> print(f"{abs((noisy.values - image.values) / image.sigma).mean():.1f}")
    0.7
    """
    if map.correlation is None:
        errors = _noisy(np.zeros(map.values.shape), np.asarray(map.sigma, float), seed)
    else:
        _check_seed(seed)
        noise = map.correlation.drawn(map.instrument.grid, np.random.default_rng(seed))
        errors = np.asarray(map.sigma, float) * noise.reshape(map.values.shape)
    errors = jnp.asarray(errors, map.values.dtype)
    values = jnp.where(map.valid, map.values + errors, map.values)
    # The same instrument object, because shared instruments are recognised by identity.
    return eqx.tree_at(lambda m: m.values, map, values).with_instrument(map.instrument)


def noise_free(galaxy: Galaxy, **maps: Map) -> dict[str, np.ndarray]:
    """The noise-free images of maps on one instrument, whose sampling is chosen for all of them.

    Parameters
    ----------
    galaxy
        what is observed.
    maps
        by name; they share an instrument.

    Returns
    -------
    images
        by name, in the units of the maps.
    """
    images = predict_compiled(galaxy, resolve(galaxy, maps))
    return {name: np.asarray(image, float) for name, image in images.items()}


def noisy_light(flux: np.ndarray, sigma: Any, instrument: Instrument, seed: int | None) -> LightMap:
    """A light map from its noise-free flux; see `light_map`.

    Parameters
    ----------
    flux
        per pixel, without noise.
    sigma, instrument, seed
        as for `light_map`.

    Returns
    -------
    map
        a LightMap, flux per pixel.
    """
    sigma = FAINT * flux.max() if sigma is None else as_numbers(sigma, "light_map.sigma")
    return LightMap(_noisy(flux, sigma, seed), sigma, instrument)


def noisy_tracer(
    values: np.ndarray,
    flux: np.ndarray,
    instrument: Instrument,
    tracer: str,
    scale: Any,
    variance: Any,
    seed: int | None,
) -> TracerMap:
    """A tracer map from its noise-free values; see `tracer_map`.

    Parameters
    ----------
    values, flux
        of the tracer and of the light, per pixel, without noise.
    instrument, tracer, scale, variance, seed
        as for `tracer_map`.

    Returns
    -------
    map
        a TracerMap, in the unit of the values.
    """
    sigma = np.sqrt(noise.variance(flux, *NOISE_1) if variance is None else variance(flux))
    # Far from the galaxy errors may be many times the values; they are not exchanged.
    data = _noisy(values, sigma, seed)
    return TracerMap(data, sigma, instrument, tracer, scale, check=False)


def _check(where: str, galaxy: Any, instrument: Any) -> None:
    """Check that a galaxy and an instrument are given, in this order."""
    hint = f"write {where}(galaxy, instrument)"
    check_type(galaxy, Galaxy, f"{where}: galaxy", hint)
    check_type(instrument, Instrument, f"{where}: instrument", hint)


def _noisy(values: np.ndarray, sigma: Any, seed: int | None) -> np.ndarray:
    if seed is None:
        return values
    _check_seed(seed)
    return values + np.asarray(sigma) * np.random.default_rng(seed).standard_normal(values.shape)


def _check_seed(seed: Any) -> None:
    if seed is not None and not isinstance(seed, int | np.integer):
        raise InputError(f"seed: expected a whole number, got {seed!r}.")
