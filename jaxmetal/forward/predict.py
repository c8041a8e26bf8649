"""Predictions for the maps of a galaxy."""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import check_type, warn_user
from jaxmetal.forward.faint import too_faint
from jaxmetal.forward.observe import observe, observe_compiled
from jaxmetal.forward.resolve import resolve
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.means import resolved_light
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.maps import Map, TracerMap
from jaxmetal.profiles.profile import is_traced

# (evaluate, convolve) where nothing is convolved: two Gauss-Legendre points a cell, three cells a pixel.
INTRINSIC_SAMPLING = (6, 3)


def predict(galaxy: Galaxy, map: Map) -> Float[Array, "..."]:
    """What this map would show of this galaxy, without noise.

        LightMap: flux per pixel or aperture;   TracerMap: Z_obs = g⁻¹[ K∗Σ I g(Z) / K∗Σ I ]

    Parameters
    ----------
    galaxy
        light and tracers.
    map
        a LightMap or TracerMap; its instrument, tracer and scale count, its values do not.

    Returns
    -------
    values
        same shape as map.values. Of a tracer, NaN where the light is too faint for the precision in use,
        below 1.5e-5 of its peak in float32; inside jit, grad and vmap one finite number there.

    Raises
    ------
    InputError
        if no component carries the map's tracer.

    Warns
    -----
    InputWarning
        if pixels are NaN for that reason.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, eq. 1-3.
    """
    check_type(galaxy, Galaxy, "predict: galaxy", "write predict(galaxy, map)")
    check_type(map, Map, "predict: map", "write predict(galaxy, map), with one map at a time")
    if is_traced((galaxy, map)):
        return predict_together(galaxy, {"map": map})["map"]
    map = resolve([(galaxy, {"map": map})])["map"]
    if not isinstance(map, TracerMap):
        return predict_together(galaxy, {"map": map}, compiled=True)["map"]
    average = (map.tracer, map.scale)
    light, means = observe_compiled(galaxy, map.instrument, (average,), True)
    return _without_dark(means[average], light, map.instrument)


def _without_dark(mean: Array, light: Array, instrument: Instrument) -> Array:
    """The mean with NaN where the light is lost in the rounding of the Fourier transform."""
    if isinstance(instrument.psf, NoPSF):
        return mean
    dark = ~np.asarray(resolved_light(light))
    if not dark.any():
        return mean
    warn_user(f"predict: {dark.sum()} of {dark.size} values are NaN: {too_faint(light.dtype)}")
    return jnp.where(dark, jnp.nan, mean)


def predict_together(galaxy: Galaxy, maps: Mapping[str, Map], compiled: bool = False) -> dict[str, Float[Array, "..."]]:
    """Predictions for maps that share the first one's instrument: its light is convolved once for all of them.

    Parameters
    ----------
    galaxy
        light and tracers.
    maps
        by name.
    compiled
        whether to run a cached compiled program; leave it False inside jit.
    """
    instrument = next(iter(maps.values())).instrument
    wanted = {name: (map.tracer, map.scale) for name, map in maps.items() if isinstance(map, TracerMap)}
    averages = tuple(dict.fromkeys(wanted.values()))
    function = observe_compiled if compiled else observe
    light, means = function(galaxy, instrument, averages, len(wanted) < len(maps))
    seen = {name: means[average] for name, average in wanted.items()}
    if light is not None:
        seen |= {name: light * instrument.grid.pixel_area for name in maps if name not in wanted}
    return seen


def intrinsic(galaxy: Galaxy, map: Map) -> Float[Array, "..."]:
    """What this map would show if the telescope did not blur: only the pixels, or the apertures, average.

    Parameters
    ----------
    galaxy
        light and tracers.
    map
        whose grid, tracer and scale to use.

    Returns
    -------
    values
        same shape as map.values.
    """
    check_type(map, Map, "intrinsic: map", "write intrinsic(galaxy, map)")
    sharp = Instrument(map.instrument.grid, NoPSF(), INTRINSIC_SAMPLING, apertures=map.instrument.apertures)
    return predict(galaxy, eqx.tree_at(lambda m: m.instrument, map, sharp))
