"""Starts on the other branches of line ratios, which have one value at several metallicities."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.emission import Blend, Emission, parts_of
from jaxmetal.galaxy import get, put
from jaxmetal.inference.coordinates import Values
from jaxmetal.inference.emission_notes import light_and_tracer
from jaxmetal.inference.model import Model
from jaxmetal.inference.transforms import coordinate_of

# How many metallicities are looked at, across the middle 99 % of the prior.
LOOKS = 41
REACH = 2.5
# A gradient of the other branch is at most this many times as steep.
STEEPEST = 3.0
# The change in a parameter that tells how the metallicity depends on it, and what it may deviate.
TRIAL, ROUNDING = 0.25, 1e-3
# Changes of a line between two metallicities that are rounding, over its largest value.
ROUNDING_OF_STEPS = 1e-6

Point = Float[np.ndarray, " n"]
# Metallicities between which a line ratio must rise or fall throughout to have no other branch.
TURNS = np.linspace(6.5, 9.5, 121)


class Form(NamedTuple):
    """How the metallicity of a component with emission depends on free parameters.

    Parameters
    ----------
    component, tracer
        by name.
    level
        the path of the parameter that the metallicity rises with everywhere.
    linear
        the paths of those that it is linear in.
    """

    component: str
    tracer: str
    level: str
    linear: tuple[str, ...]


class Sweep(NamedTuple):
    """The maps of a fit compared with those of other metallicities; see `mirrored`.

    Parameters
    ----------
    here
        the mean metallicity of the light.
    metallicities, distances
        those looked at, and D of each.
    starts
        the point on a branch there, in unconstrained coordinates, of all but the first and last.
    sloped
        whether the maps depend on the metallicity there.
    """

    here: Array
    metallicities: Float[Array, " looks"]
    distances: Float[Array, " looks"]
    starts: Float[Array, "inner n"]
    sloped: Bool[Array, " inner"]


def mirrored(
    models: Sequence[Model], points: Float[np.ndarray, "galaxies n"], look: Callable[[Form], Any]
) -> list[list[Point]]:
    """Where the lines of fits are nearly the same at another metallicity.

    For each component with emission whose metallicity has a free level: the local minima, over its
    prior, of

        D(Z) = Σ [(m(Z) - m(Z_fit)) / sigma]²

    with m(Z) the maps of a uniform metallicity. Differences from the mean metallicity are scaled by
    the ratio k of the slopes of the lines at both, so that a gradient changes its sign where the
    lines do. Nothing is computed where every line rises or falls throughout.

    Parameters
    ----------
    models, points
        of one structure, and the ends of their ascents, in unconstrained coordinates.
    look
        `sweep` of these models, each at its point, as a function of the form.

    Returns
    -------
    starts
        of each galaxy, in unconstrained coordinates; none where a line tells all metallicities
        apart.
    """
    starts: list[list[Point]] = [[] for _ in models]
    for form in _forms(models[0], points[0]):
        results = jax.device_get(look(form))
        for i, own in enumerate(starts):
            own += _chosen(jax.tree.map(lambda array, i=i: np.asarray(array)[i], results))
    return starts


def _chosen(results: Sweep) -> list[Point]:
    """The starts at the local minima away from the fit."""
    metallicities, distances, starts = (
        np.asarray(array) for array in (results.metallicities, results.distances, results.starts)
    )
    away = np.abs(metallicities - results.here) >= 2 * (metallicities[1] - metallicities[0])
    return [
        starts[i - 1]
        for i in _minima(distances)
        if away[i] and results.sloped[i - 1] and np.isfinite(starts[i - 1]).all()
    ]


def sweep(model: Model, point: Array, form: Form) -> Sweep:
    """Compare the maps of a fit with those of other metallicities of one component.

    Parameters
    ----------
    model, point
        and the end of its ascent, in unconstrained coordinates.
    form
        of the component's metallicity.
    """
    values = model.constrain(point)
    flat = {**values, **{path: jnp.zeros_like(values[path]) for path in form.linear}}
    # The mean metallicity of the light, as it is and without its gradients.
    here, plain = (_mean(model, form, at) for at in (values, flat))

    def seen(metallicity: Array) -> Array:
        look = model.look({**flat, form.level: values[form.level] + (metallicity - plain)})
        errors = [
            jnp.where(m.valid, look.predicted[name] / m.sigma, 0.0).ravel()
            for name, m in look.maps.items()
        ]
        return jnp.concatenate(errors)

    grid = here + _prior_range(model, form.level) - values[form.level]
    step = 0.5 * (grid[1] - grid[0])
    near = here + step * jnp.array([-1.0, 0.0, 1.0], grid.dtype)
    images = jax.lax.map(seen, jnp.concatenate([grid, near]))
    below, middle, above = images[LOOKS:]
    slope = (above - below) / (2 * step)
    there = (images[2:LOOKS] - images[: LOOKS - 2]) / (4 * step)
    power = jnp.sum(there**2, axis=1)
    sloped = power > 0
    ratio = jnp.where(sloped, there @ slope, 0.0) / jnp.where(sloped, power, 1.0)
    ratio = jnp.clip(ratio, -STEEPEST, STEEPEST)

    def start(pair: tuple[Array, Array]) -> Array:
        metallicity, k = pair
        moved = {path: k * values[path] for path in form.linear}
        moved[form.level] = metallicity + k * (here - plain) + (values[form.level] - here)
        return model.unconstrain({**values, **moved})

    starts = jax.lax.map(start, (grid[1:-1], ratio))
    distances = jnp.sum((images[:LOOKS] - middle[None]) ** 2, axis=1)
    return Sweep(here, grid, distances, starts, sloped)


def _minima(heights: np.ndarray) -> list[int]:
    """Indices of local minima, the ends left out."""
    inner = (heights[1:-1] < heights[:-2]) & (heights[1:-1] <= heights[2:])
    return (1 + np.flatnonzero(inner)).tolist()


def _mean(model: Model, form: Form, values: Values) -> Array:
    """The light-weighted mean of the metallicity of a component."""
    galaxy, maps = model.scene_at(values)
    light, metallicity = light_and_tracer(galaxy, form.component, form.tracer, maps)
    light = jnp.maximum(light, 0.0)
    return jnp.sum(light * metallicity) / jnp.sum(light)


def _prior_range(model: Model, path: str) -> Array:
    """Values of a parameter, evenly spaced across its prior."""
    value = coordinate_of(model.priors[path]).value
    low, high = (value(jnp.asarray(end)) for end in (-REACH, REACH))
    return jnp.linspace(low, high, LOOKS)


def _forms(model: Model, point: Point) -> Iterator[Form]:
    """The components whose lines may have another branch, and whose metallicity is free."""
    for name, component in model.galaxy.components.items():
        if component.emission is None or not _turns(model, component.emission):
            continue
        tracer = component.emission.relation.tracers[0]
        galaxy, maps = model.scene_at(model.constrain(jnp.asarray(point)))
        x, y = next(iter(maps.values())).instrument.grid.coordinates
        path = f"{name}.{tracer}"
        level, linear = _parameters(model, path, get(galaxy, path), (x.ravel(), y.ravel()))
        if level is not None:
            yield Form(name, tracer, level, tuple(linear))


def _turns(model: Model, emission: Emission) -> bool:
    """Whether any of the lines, or ratios, of the maps has one value at two metallicities."""
    if len(emission.relation.tracers) > 1:
        return True
    logs = emission.log_ratios({emission.relation.tracers[0]: jnp.asarray(TURNS, float)})
    lines = {
        n: np.broadcast_to(10 ** np.asarray(log, float), TURNS.shape) for n, log in logs.items()
    }

    def total(light: str | Blend | None) -> np.ndarray:
        parts = [factor * lines[name] for name, factor in parts_of(light or ()) if name in lines]
        return np.sum(parts, axis=0) if parts else np.ones_like(TURNS)

    for one_map in model.maps.values():
        for moment in one_map.moments(model.galaxy):
            below = total(moment.light)
            shown = below if moment.numerator is None else total(moment.numerator) / below
            steps = np.diff(shown) / np.max(np.abs(shown))
            if np.any(steps > ROUNDING_OF_STEPS) and np.any(steps < -ROUNDING_OF_STEPS):
                return True
    return False


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
