"""The points where ascents begin."""

import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.inference.model import Model

# Fraction of the way from the start to draws from the priors. Draws from a wide prior lie where the
# density is flat, such as axis ratios near zero.
PART_OF_THE_WAY = 0.5


def unscaled_points(model: Model, starts: int, seed: int) -> Float[Array, "starts n"]:
    """The galaxy's own values, and points half-way from there to draws from the priors.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    starts
        how many points.
    seed
        of the draws.
    """
    start = model.start[None]
    if starts == 1:
        return start
    # Mapped, so that the priors are compiled here only once.
    keys = jnp.stack([jax.random.key(seed + i) for i in range(1, starts)])
    draws = jax.vmap(lambda key: model.unconstrain(model.draw(key)))(keys)
    return jnp.concatenate([start, start + PART_OF_THE_WAY * (draws - start)])


def _amplitudes(model: Model) -> list[str]:
    """The paths of the free amplitudes of light."""
    return [n for n in model.names if re.fullmatch(r"\w+\.light\.(\w+\.)?amp\w*", n)]


def can_be_scaled(model: Model) -> bool:
    """Whether amplitudes of light are free, and maps of it given."""
    return bool(_amplitudes(model)) and any(m.additive for m in model.maps.values())


def scaled_to_light(
    model: Model, values: Mapping[str, Array], predicted: Mapping[str, Array]
) -> Float[Array, " n"]:
    """A point with its amplitudes of light scaled by the factor that fits the light maps.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    values, predicted
        of the point by path, and at least the light maps of it by name.
    """
    lights = {name: one_map for name, one_map in model.maps.items() if one_map.additive}
    data, light = (
        jnp.concatenate([jnp.where(m.valid, flux / m.sigma, 0.0).ravel() for m, flux in pairs])
        for pairs in (
            [(m, m.values) for m in lights.values()],
            [(m, predicted[name]) for name, m in lights.items()],
        )
    )
    # Of order one before they are squared: a start may be many orders of magnitude off.
    size = jnp.maximum(jnp.max(jnp.abs(light)), jnp.finfo(light.dtype).tiny)
    factor = jnp.sum(data * (light / size)) / jnp.sum((light / size) ** 2) / size
    usable = jnp.isfinite(factor) & (factor != 0)
    scaled = {n: jnp.where(usable, factor, 1.0) * values[n] for n in _amplitudes(model)}
    return model.unconstrain({**values, **scaled})
