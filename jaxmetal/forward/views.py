"""Noise-free predictions of maps, and the light that weights them."""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.compiling import compiled, compiled_once
from jaxmetal.forward.faint import FAINTEST, rounding_of
from jaxmetal.forward.observe import observe, predict_together
from jaxmetal.galaxy import Galaxy
from jaxmetal.maps import Map


class View(NamedTuple):
    """What a map would show.

    Parameters
    ----------
    shown
        in the unit of the map.
    light
        that weights it, in any unit.
    resolved
        where there is more light than the rounding of the Fourier transform.
    rounding
        the rounding error of what is shown, per unit of the floating-point precision.
    """

    shown: Float[Array, "*map"]
    light: Float[Array, "*map"]
    resolved: Bool[Array, "*map"]
    rounding: Float[Array, "*map"]


def look(galaxy: Galaxy, maps: Mapping[str, Map]) -> dict[str, View]:
    """What maps of one instrument would show of a galaxy.

    Parameters
    ----------
    galaxy
        lights, tracers and lenses.
    maps
        by name; they share an instrument.
    """
    views = {}
    for name, moments in observe(galaxy, maps).items():
        one_map = maps[name]
        light = moments[0].light * moments[0].unit
        rounding = rounding_of(one_map, moments)
        values = one_map.predicted(*moments)
        views[name] = View(values, light, moments[0].resolved, rounding)
    return views


def largest_rounding(view: View) -> float:
    """The largest rounding error where light is at least 1e-4 of its peak.

    Parameters
    ----------
    view
        in double precision.

    Returns
    -------
    error
        in the unit of the map, for the default floating-point type.
    """
    light, rounding = np.abs(view.light), np.asarray(view.rounding)
    matters = light > FAINTEST * np.nanmax(light)
    eps = float(jnp.finfo(jnp.result_type(float)).eps)
    return eps * float(np.nanmax(rounding[matters], initial=0.0))


look_compiled, look_once = compiled(look), compiled_once(look)
predict_compiled = compiled(predict_together)
