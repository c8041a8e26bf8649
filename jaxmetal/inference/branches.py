"""Starts on the other branches of line ratios, which have one value at several metallicities."""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxmetal.galaxy import Component, get, put
from jaxmetal.inference.coordinates import Values
from jaxmetal.inference.emission_notes import light_and_tracer
from jaxmetal.inference.laplace import Surroundings
from jaxmetal.inference.model import Model
from jaxmetal.inference.transforms import coordinate_of

# How many metallicities are looked at, across the middle 99 % of the prior.
LOOKS = 41
REACH = 2.5
# A gradient of the other branch is at most this many times as steep.
STEEPEST = 3.0
# The change in a parameter that tells how the metallicity depends on it, and what it may deviate.
TRIAL, ROUNDING = 0.25, 1e-3

Point = Float[np.ndarray, " n"]
# The model at a point; `laplace.outlook` as a compiled program of many galaxies.
Look = Callable[[Model, Point], Surroundings]


def mirrored(model: Model, point: Point, look: Look) -> list[Point]:
    """Where the lines of a fit are nearly the same at another metallicity.

    For each component with emission whose metallicity has a free level: the local minima, over its
    prior, of

        D(Z) = Σ [(m(Z) - m(Z_fit)) / sigma]²

    with m(Z) the maps of a uniform metallicity. Differences from the mean metallicity are scaled by
    the ratio k of the slopes of the lines at both, so that a gradient changes its sign where the
    lines do.

    Parameters
    ----------
    model, point
        and the end of an ascent, in unconstrained coordinates.
    look
        the model at a point.

    Returns
    -------
    starts
        in unconstrained coordinates; none where a line tells all metallicities apart.
    """
    starts = []
    for name, component in model.galaxy.components.items():
        if component.emission is not None:
            starts += _of_component(model, point, look, name, component)
    return starts


def _of_component(
    model: Model, point: Point, look: Look, name: str, component: Component
) -> Iterator[Point]:
    assert component.emission is not None
    tracer = f"{name}.{component.emission.relation.tracers[0]}"
    values = model.constrain(jnp.asarray(point))
    galaxy, maps = model.scene_at(values)
    x, y = next(iter(maps.values())).instrument.grid.coordinates
    level, linear = _parameters(model, tracer, get(galaxy, tracer), (x.ravel(), y.ravel()))
    if level is None:
        return
    flat = {**values, **{path: jnp.zeros_like(values[path]) for path in linear}}
    # The mean metallicity of the light, as it is and without its gradients.
    here, plain = (_mean(model, tracer, at) for at in (values, flat))

    def seen(metallicity: float) -> np.ndarray:
        at = {**flat, level: values[level] + (metallicity - plain)}
        shown = look(model, np.asarray(model.unconstrain(at))[None]).predicted
        return np.concatenate(
            [np.where(m.valid, shown[n][0] / m.sigma, 0.0).ravel() for n, m in maps.items()]
        )

    grid = here + _prior_range(model, level) - float(values[level])
    images = np.stack([seen(metallicity) for metallicity in grid])
    step = 0.5 * (grid[1] - grid[0])
    slope = (seen(here + step) - seen(here - step)) / (2 * step)
    distance = np.sum((images - seen(here)) ** 2, axis=1)
    for i in _minima(distance):
        there = (images[i + 1] - images[i - 1]) / (4 * step)
        if abs(grid[i] - here) < 4 * step or not np.any(there):
            continue
        k = np.clip(np.sum(slope * there) / np.sum(there**2), -STEEPEST, STEEPEST)
        moved = {path: k * values[path] for path in linear}
        moved[level] = grid[i] + k * (here - plain) + (values[level] - here)
        yield np.asarray(model.unconstrain({**values, **moved}))


def _minima(heights: np.ndarray) -> list[int]:
    """Indices of local minima, the ends left out."""
    inner = (heights[1:-1] < heights[:-2]) & (heights[1:-1] <= heights[2:])
    return (1 + np.flatnonzero(inner)).tolist()


def _mean(model: Model, path: str, values: Values) -> float:
    """The light-weighted mean of the metallicity of a component."""
    name, tracer = path.split(".")
    galaxy, maps = model.scene_at(values)
    light, metallicity = light_and_tracer(galaxy, name, tracer, maps)
    light = np.maximum(light, 0.0)
    return float(np.sum(light * metallicity) / np.sum(light)) if np.any(light) else np.nan


def _prior_range(model: Model, path: str) -> np.ndarray:
    """Values of a parameter, evenly spaced across its prior."""
    value = coordinate_of(model.priors[path]).value
    low, high = (float(value(jnp.asarray(end))) for end in (-REACH, REACH))
    return np.linspace(low, high, LOOKS)


def _parameters(
    model: Model, tracer: str, profile: Any, positions: tuple[Any, Any]
) -> tuple[str | None, list[str]]:
    """The free parameter that a metallicity rises with everywhere, and those it is linear in."""
    every = max(positions[0].size // 8, 1)
    sparse = positions[0][::every], positions[1][::every]
    level, linear = None, []
    for path in (path for path in model.names if path.startswith(f"{tracer}.")):
        inner = path.removeprefix(f"{tracer}.")
        value = get(profile, inner)

        def shown(value: Any, inner: str = inner) -> np.ndarray:
            return np.asarray(put(profile, inner, value)(*sparse), float)

        middle = shown(value)
        rise = shown(value + TRIAL) - middle
        if value.shape == () and np.all(np.abs(rise - TRIAL) < ROUNDING):
            level = path
        elif np.allclose(shown(value - TRIAL), middle - rise, atol=ROUNDING):
            linear.append(path)
    return level, linear
