"""Answers that are as probable as a fit because the model is the same there, found by trying."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.galaxy import get
from jaxmetal.inference.maxima import is_far
from jaxmetal.inference.model import Model
from jaxmetal.inference.transforms import coordinate_of
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.units import known_unit

# Turns after which a scene may be the same, degrees: of two, three and four arms, and of any.
TURNS = (90.0, 120.0, 180.0, 360.0)
# Two answers are as probable to within this in log posterior, or to so many times its rounding.
ALIKE, ROUNDING = 0.05, 32

Point = Float[np.ndarray, " n"]


class Maxima(NamedTuple):
    """Where fits ended, in unconstrained coordinates, with a first axis of galaxies.

    Parameters
    ----------
    points, covariances
        with Laplace's covariance.
    converged
        whether each is a maximum.
    """

    points: Float[np.ndarray, "galaxies n"]
    covariances: Float[np.ndarray, "galaxies n n"]
    converged: Bool[np.ndarray, " galaxies"]


# New values by path.
Changes = Mapping[str, np.ndarray]


def symmetries(
    models: Sequence[Model],
    maxima: Maxima,
    heights_at: Callable[[Float[np.ndarray, "galaxies n"]], Float[np.ndarray, " galaxies"]],
) -> list[tuple[str, ...]]:
    """What may be done to each fit without making it less probable.

    Components that may change places, angles that may turn, and numbers whose sign may change: each
    is done to the fit, and the log posterior there is compared with that of the fit. What moves a
    fit by a few errors only is no symmetry: the data do not constrain it.

    Parameters
    ----------
    models, maxima
        of one structure, and where their fits ended.
    heights_at
        the log posterior of each model at a point of its own, in unconstrained coordinates.

    Returns
    -------
    caveats
        of each fit: one that names them, or none.
    """
    tried = [
        _candidates(model, point, covariance) if converged else {}
        for model, point, covariance, converged in zip(models, *maxima, strict=True)
    ]
    if not any(tried):
        return [()] * len(tried)
    own = maxima.points
    before = heights_at(own)
    allowed = np.maximum(ALIKE, ROUNDING * np.finfo(own.dtype).eps * np.abs(before))
    texts = list(dict.fromkeys(text for one in tried for text in one))
    # The fits, by number, for which each makes no difference.
    alike: list[set[int]] = []
    for text in texts:
        points = np.stack([own[i] if text not in one else one[text] for i, one in enumerate(tried)])
        heights = heights_at(points.astype(own.dtype))
        # Of a galaxy that could not be fitted, both may be infinite.
        with np.errstate(invalid="ignore"):
            same = np.abs(heights - before) < allowed
        alike.append({int(i) for i in np.flatnonzero(same) if text in tried[i]})
    return [_caveats(texts, alike, i) for i in range(len(tried))]


def _caveats(texts: Sequence[str], alike: Sequence[set[int]], index: int) -> tuple[str, ...]:
    """The caveat of one fit, with the smallest of the turns of each angle; none without any."""
    own: dict[str, str] = {}
    for text, members in zip(texts, alike, strict=True):
        if index in members:
            own.setdefault(text.partition(" may turn")[0], text)
    return (f"one of several equal answers: {', '.join(own.values())}",) if own else ()


def _candidates(model: Model, mode: Point, covariance: np.ndarray) -> dict[str, Point]:
    """Points far from a mode that may be as probable, by what was done to get there."""
    points: dict[str, Point] = {}
    parts = _parts(model)
    values = {path: np.asarray(v) for path, v in jax.device_get(_values(model, mode)).items()}
    for text, changed in (*_exchanges(model, values), *_turns(model, values), *_signs(values)):
        if text not in points and all(_allows(model.priors[p], v) for p, v in changed.items()):
            point = np.array(mode)
            changed_point = np.asarray(_line(model, {**values, **changed}))
            for path in changed:
                point[parts[path]] = changed_point[parts[path]]
            if is_far(point - mode, covariance):
                points[text] = point
    return points


def _parts(model: Model) -> dict[str, slice]:
    """The place of each free parameter in the vector."""
    parts, start = {}, 0
    for path in model.names:
        prior = model.priors[path]
        size = math.prod(coordinate_of(prior).line_shape(prior))
        parts[path] = slice(start, start + size)
        start += size
    return parts


# Compiled once for each kind of model; step by step they would be a program for every operation.
@compiled_soon
def _values(model: Model, point: Array) -> dict[str, Array]:
    return model.constrain(point)


@compiled_soon
def _line(model: Model, values: dict[str, Array]) -> Array:
    return model.unconstrain(values)


def _allows(prior: Any, value: np.ndarray) -> bool:
    """Whether a value lies between the ends of a prior."""
    low, high = (getattr(prior.support, f"{end}_bound", np.nan) for end in ("lower", "upper"))
    return not (np.any(value <= np.asarray(low, float)) or np.any(value >= np.asarray(high, float)))


def _exchanges(model: Model, values: Changes) -> Iterator[tuple[str, Changes]]:
    """Components with the same free parameters, exchanged."""
    names = list(model.galaxy.components)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            pairs = _alike(values, one, other)
            if pairs:
                changed = {a: values[b] for a, b in pairs} | {b: values[a] for a, b in pairs}
                yield f"{one} and {other} may change places", changed


def _alike(values: Changes, one: str, other: str) -> list[tuple[str, str]]:
    """The paths of parameters of one component with those of another; none if they differ."""
    first, second = (
        {path.partition(".")[2]: path for path in values if path.startswith(f"{name}.")}
        for name in (one, other)
    )
    if set(first) != set(second):
        return []
    pairs = [(first[inner], second[inner]) for inner in first]
    return pairs if all(values[a].shape == values[b].shape for a, b in pairs) else []


def _turns(model: Model, values: Changes) -> Iterator[tuple[str, Changes]]:
    """Angles turned by a part of a circle, in both directions."""
    for path, value in values.items():
        home, _, name = path.rpartition(".")
        if path.split(".")[0] not in model.galaxy.named:
            continue
        profile = get(model.galaxy.named, home)
        if isinstance(profile, Profile) and known_unit(profile.function, name) == "deg":
            for turn in TURNS:
                for angle in (turn, -turn):
                    yield f"{path} may turn by {turn:g} deg", {path: np.asarray(value + angle)}


def _signs(values: Changes) -> Iterator[tuple[str, Changes]]:
    """Numbers with the other sign."""
    for path, value in values.items():
        yield f"{path} may change its sign", {path: np.asarray(-value)}
