"""Light too faint for the precision in use: its rounding error, and the mask of such pixels."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError, warn_user
from jaxmetal.instrument.means import DARK
from jaxmetal.maps import Map, SmearedMoment
from jaxmetal.maps.covariance import unprepared

# Light matters down to this fraction of the brightest pixel.
FAINTEST = 1e-4
# Contrasts are moved by this many units of float64's precision, and the effect scaled down again.
STEP = 1e7


def rounding_of(one_map: Map, moments: Sequence[SmearedMoment]) -> Float[Array, "*map"]:
    """The rounding error of what a map shows, per unit of the floating-point precision.

        delta(C / L) = eps (max|C| + |C / L| max L) / L

    A Fourier transform rounds everywhere by as much as at its brightest.

    Parameters
    ----------
    one_map
        says what is shown of the moments.
    moments
        in double precision.

    Returns
    -------
    rounding
        summed over the moments, in the unit of the map; zero for a sum over light, which is as
        uncertain everywhere as its brightest pixel is.
    """
    total = jnp.zeros_like(moments[0].light)
    if one_map.additive:
        return total
    eps = STEP * float(np.finfo(float).eps)
    for index, moment in enumerate(moments):
        if moment.contrast is None:
            continue
        contrast, light = jnp.abs(moment.contrast), jnp.abs(moment.light)
        mean = contrast / jnp.where(moment.resolved, light, 1.0)
        delta = eps * (jnp.max(contrast) + mean * jnp.max(light))
        above, below = (
            one_map.observed(*_moved(moments, index, sign * delta)) for sign in (1.0, -1.0)
        )
        total += jnp.abs(above - below) / (2 * eps)
    return total


def _moved(moments: Sequence[SmearedMoment], index: int, delta: Array) -> list[SmearedMoment]:
    moment = moments[index]
    assert moment.contrast is not None
    replacement = eqx.tree_at(lambda m: m.contrast, moment, moment.contrast + delta)
    return [replacement if i == index else original for i, original in enumerate(moments)]


def without_dark(name: str, one_map: Map, light: Any) -> Map:
    """A map without the pixels whose light is below the rounding error of the precision in use.

    Parameters
    ----------
    name
        of the map, for the warning.
    one_map
        sums over light come back as they are.
    light
        of the galaxy a fit starts from, smeared, in the map's shape.

    Raises
    ------
    InputError
        if no pixel is left.

    Warns
    -----
    InputWarning
        if pixels are masked.
    """
    if one_map.additive:
        return one_map
    dtype = one_map.values.dtype
    brightness = np.abs(np.asarray(light, float))
    shines = brightness > DARK * float(jnp.finfo(dtype).eps) * np.nanmax(brightness)
    dark = ~shines & np.asarray(one_map.valid)
    if not dark.any():
        return one_map
    if dark.sum() == one_map.size:
        raise InputError(f"{name}: no pixel is left: {too_faint(dtype)}")
    warn_user(f"{name}: {dark.sum()} of {one_map.size} pixels are left out: {too_faint(dtype)}")
    rest = eqx.tree_at(lambda m: m.valid, one_map, one_map.valid & jnp.asarray(~dark))
    return rest.with_noise(unprepared(rest))


def too_faint(dtype: Any) -> str:
    """Why a pixel has no prediction."""
    limit = DARK * float(jnp.finfo(dtype).eps)
    remedy = ", or set JAX_ENABLE_X64=1" if dtype == jnp.float32 else ""
    return (
        f"the model's light there is below {limit:.0e} of its peak, which {jnp.dtype(dtype)} "
        f"cannot resolve (give the light a more extended profile{remedy})."
    )
