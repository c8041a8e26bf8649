"""Predictions for one map of a galaxy."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import check_type, warn_user
from jaxmetal.forward.faint import too_faint
from jaxmetal.forward.observe import predict_together
from jaxmetal.forward.resolve import resolve
from jaxmetal.forward.views import look_compiled, predict_compiled
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.maps import Map
from jaxmetal.profiles.profile import is_traced

# (evaluate, convolve) where nothing is convolved: two Gauss-Legendre points a cell, three cells a
# pixel.
INTRINSIC_SAMPLING = (6, 3)


def predict(galaxy: Galaxy, map: Map) -> Float[Array, "*map"]:
    """What this map would show of this galaxy, without noise.

        LightMap: flux per pixel or aperture;   TracerMap: Z_obs = g⁻¹[ K∗Σ I g(Z) / K∗Σ I ]

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    map
        a LightMap, TracerMap or another Map; its values do not count.

    Returns
    -------
    values
        same shape as map.values. Of a mean, NaN where the light is too faint for the precision in
        use, below 1.5e-5 of its peak in float32; inside jit, grad and vmap one finite number there.

    Raises
    ------
    InputError
        if no component has the map's light, or carries its tracer.

    Warns
    -----
    InputWarning
        if pixels are NaN for that reason.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, eq. 1-3.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> z = jm.simulate.tracer_map(jm.examples.disc(), jm.examples.telescope())
    >>> image = jm.predict(jm.examples.disc(), z)
    >>> print(f"{image[7, 7]:.3f}")  # in the centre, where the galaxy has 8.5
    8.455
    """
    check_type(galaxy, Galaxy, "predict: galaxy", "write predict(galaxy, map)")
    check_type(map, Map, "predict: map", "write predict(galaxy, map), with one map at a time")
    if is_traced((galaxy, map)):
        return predict_together(galaxy, {"map": map})["map"]
    maps = resolve(galaxy, {"map": map})
    if map.additive or isinstance(map.instrument.psf, NoPSF):
        return predict_compiled(galaxy, maps)["map"]
    view = look_compiled(galaxy, maps)["map"]
    dark = ~np.asarray(view.resolved)
    if not dark.any():
        return view.shown
    reason = too_faint(view.shown.dtype)
    warn_user(f"predict: {dark.sum()} of {dark.size} values are NaN: {reason}")
    return jnp.where(dark, jnp.nan, view.shown)


def intrinsic(galaxy: Galaxy, map: Map) -> Float[Array, "*map"]:
    """What this map would show without a PSF: averages over pixels or apertures only.

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    map
        whose grid, tracer and scale to use.

    Returns
    -------
    values
        same shape as map.values.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> z = jm.simulate.tracer_map(jm.examples.disc(), jm.examples.telescope())
    >>> image = jm.intrinsic(jm.examples.disc(), z)
    >>> print(f"{image[7, 7]:.3f}")  # only the pixel averages
    8.485
    """
    check_type(map, Map, "intrinsic: map", "write intrinsic(galaxy, map)")
    grid, apertures = map.instrument.grid, map.instrument.apertures
    sharp = Instrument(grid, NoPSF(), INTRINSIC_SAMPLING, apertures=apertures)
    return predict(galaxy, map.with_instrument(sharp))
