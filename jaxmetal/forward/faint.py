"""Light too faint for the precision in use: how far rounding goes, and pixels that are left out for it."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, warn_user
from jaxmetal.instrument.means import DARK
from jaxmetal.maps import Map, TracerMap, scale_functions

# Light matters down to this fraction of the brightest pixel.
FAINTEST = 1e-4
# Step, in the tracer's unit, of the derivative of its scale.
STEP = 1e-3


def rounding_error(view: Sequence[np.ndarray], scales: Sequence[Any]) -> float:
    """How far rounding may carry a light-weighted mean where light is at least 1e-4 of its peak.

        delta(C / L) = eps (max|C| + |C / L| max L) / L,   C = L (g - reference)

    A Fourier transform rounds everywhere by as much as at its brightest.

    Parameters
    ----------
    view
        in double precision: the light, then the mean of each tracer, in the map's shape.
    scales
        of each tracer.

    Returns
    -------
    error
        the largest of all tracers, in the tracer's unit, for the default floating-point type.
    """
    light, *means = (np.asarray(image, float) for image in view)
    matters = np.abs(light) > FAINTEST * np.nanmax(np.abs(light))
    light = light[matters]
    eps, worst = float(jnp.finfo(jnp.result_type(float)).eps), 0.0
    for mean, scale in zip(means, scales, strict=True):
        forward = scale_functions(scale)[0]
        g, above, below = (np.asarray(forward(mean[matters] + step), float) for step in (0.0, STEP, -STEP))
        reference = np.sum(light * g) / np.sum(light)
        contrast = light * (g - reference)
        error = eps * (np.abs(contrast).max() + np.abs(contrast / light) * light.max()) / light
        slope = np.abs(above - below) / (2 * STEP)
        worst = max(worst, float(np.nanmax(error / slope, initial=0.0)))
    return worst


def without_dark(name: str, observed: Map, light: Any) -> Map:
    """A tracer map without the pixels in which the precision in use cannot tell the light from none.

    Parameters
    ----------
    name
        of the map, for the warning.
    observed
        the map; light maps, and maps with a covariance, come back as they are.
    light
        of the galaxy a fit starts from, smeared, in the map's shape.

    Raises
    ------
    InputError
        if no pixel is left.

    Warns
    -----
    InputWarning
        if pixels are left out.
    """
    if not isinstance(observed, TracerMap) or observed.modes is not None:
        return observed
    dtype = observed.values.dtype
    brightness = np.abs(np.asarray(light, float))
    shines = brightness > DARK * float(jnp.finfo(dtype).eps) * np.nanmax(brightness)
    dark = ~shines & np.asarray(observed.valid)
    if not dark.any():
        return observed
    if dark.sum() == observed.size:
        raise InputError(f"{name}: no pixel is left: {too_faint(dtype)}")
    warn_user(f"{name}: {dark.sum()} of {observed.size} pixels are left out: {too_faint(dtype)}")
    return eqx.tree_at(lambda m: m.valid, observed, observed.valid & jnp.asarray(~dark))


def too_faint(dtype: Any) -> str:
    """Why a pixel has no prediction."""
    limit = DARK * float(jnp.finfo(dtype).eps)
    remedy = ", or set JAX_ENABLE_X64=1" if dtype == jnp.float32 else ""
    return (
        f"the model's light there is below {limit:.0e} of its peak, which {jnp.dtype(dtype)} cannot "
        f"resolve (give the light a more extended profile{remedy})."
    )
