"""Models of other exposures than those of their maps, for forecasts."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.errors import unknown
from jaxmetal.inference import field_modes
from jaxmetal.inference.model import Model
from jaxmetal.maps import Map

# The exposure of a map that does not count: errors a million times as large.
UNSEEN = 1e-12


def relative_exposures(
    model: Model, exposure: float, counted: tuple[str, ...] | None
) -> dict[str, float]:
    """The exposure of each map; next to none for those that do not count.

    Parameters
    ----------
    model, exposure, counted
        as for `forecast`, `counted` its maps.

    Raises
    ------
    InputError
        for an unknown map.
    """
    if odd := [name for name in counted or () if name not in model.maps]:
        raise unknown("map", odd[0], model.maps, "forecast")
    return {name: exposure if counted is None or name in counted else UNSEEN for name in model.maps}


def at_exposures(
    model: Model, exposures: Mapping[str, float], values: Mapping[str, Any]
) -> tuple[Model, Float[Array, " n"]]:
    """The model of other exposures, its random fields near these values, and the values.

    Parameters
    ----------
    model, values
        as for `forecast`.
    exposures
        of each map.

    Returns
    -------
    model, point
        the point in unconstrained coordinates.

    Raises
    ------
    InputError
        for an unknown parameter.
    """
    if odd := [name for name in values if name not in model.free]:
        raise unknown("free parameter", odd[0], model.free, "forecast")
    start = model.constrain(model.start)
    changed = {name: jnp.asarray(values.get(name, start[name]), float) for name in start}
    point = model.unconstrain(changed)
    if any(exposure != 1 for exposure in exposures.values()):
        model = model.with_maps({n: _exposed(m, exposures[n]) for n, m in model.maps.items()})
    return model if model.fields is None else _with_fields(model, changed), point


def _with_fields(model: Model, values: dict[str, Any]) -> Model:
    """The model with its random fields anew: longer exposures see more of their modes."""
    galaxy, maps = model.scene_at(values)
    parts = field_modes.choose_modes(galaxy, maps, model.priors)
    paths = (*model.free, *(path for path, _ in model.ties))
    fields = field_modes.respond(galaxy, maps, model.groups, parts, paths) if parts else None
    return eqx.tree_at(lambda m: m.fields, model, fields)


def _exposed(one_map: Map, exposure: float) -> Map:
    """A map whose errors are those of another exposure."""
    sigma = one_map.sigma / jnp.sqrt(exposure).astype(one_map.sigma.dtype)
    # The same instrument object, because shared instruments are recognised by identity.
    return eqx.tree_at(lambda m: m.sigma, one_map, sigma).with_instrument(one_map.instrument)
