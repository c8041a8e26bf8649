"""Answers that are as probable as a fit because the model is the same there, found by trying."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Float

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

Points = Float[np.ndarray, "galaxies n"]
Heights = Float[np.ndarray, " galaxies"]


class Maxima(NamedTuple):
    """Where fits ended, with a first axis of galaxies.

    Parameters
    ----------
    points, covariances
        in unconstrained coordinates, with Laplace's covariance.
    values
        by path, in their own units.
    heights
        the log posterior.
    converged
        whether each is a maximum.
    """

    points: Points
    covariances: Float[np.ndarray, "galaxies n n"]
    values: Mapping[str, np.ndarray | Array]
    heights: Heights | Array
    converged: Bool[np.ndarray, " galaxies"]


# New values by path.
Changes = Mapping[str, np.ndarray]


def symmetries(
    models: Sequence[Model],
    maxima: Maxima,
    line_at: Callable[[Mapping[str, np.ndarray]], Points],
    heights_at: Callable[[Points], Heights],
) -> list[tuple[str, ...]]:
    """What may be done to each fit without making it less probable.

    Components that may change places, angles that may turn, and numbers whose sign may change: each
    is done to the fit, and the log posterior there is compared with that of the fit. What moves a
    fit by a few errors only is no symmetry: the data do not constrain it.

    Parameters
    ----------
    models, maxima
        of one structure, and where their fits ended.
    line_at
        gives points in unconstrained coordinates from the values of all galaxies by path.
    heights_at
        the log posterior of each model at a point of its own.

    Returns
    -------
    caveats
        of each fit: one that names them, or none.
    """
    tried = [
        _changes(model, _of_galaxy(maxima, model, i)) if converged else {}
        for i, (model, converged) in enumerate(zip(models, maxima.converged, strict=True))
    ]
    texts = list(dict.fromkeys(text for one in tried for text in one))
    allowed = _rounding(maxima)
    # The fits, by number, for which each makes no difference.
    alike: list[set[int]] = []
    for text in texts:
        points = _changed(models, maxima, [one.get(text, {}) for one in tried], line_at)
        steps = zip(points - maxima.points, maxima.covariances, strict=True)
        far = np.array([is_far(*step) for step in steps])
        if not far.any():
            alike.append(set())
            continue
        # Of a galaxy that could not be fitted, both may be infinite.
        with np.errstate(invalid="ignore"):
            same = far & (np.abs(heights_at(points) - maxima.heights) < allowed)
        alike.append({int(i) for i in np.flatnonzero(same)})
    return [_caveats(texts, alike, i) for i in range(len(tried))]


def _of_galaxy(maxima: Maxima, model: Model, index: int) -> Changes:
    """The values of one galaxy by path."""
    return {path: np.asarray(maxima.values[path][index]) for path in model.names}


def _rounding(maxima: Maxima) -> Heights:
    """The difference up to which two log posteriors count as the same."""
    eps = np.finfo(maxima.points.dtype).eps
    return np.maximum(ALIKE, ROUNDING * eps * np.abs(maxima.heights))


def _changed(
    models: Sequence[Model],
    maxima: Maxima,
    changes: Sequence[Changes],
    line_at: Callable[[Mapping[str, np.ndarray]], Points],
) -> Points:
    """The maxima with some values of each galaxy changed."""
    values = {path: np.array(maxima.values[path]) for path in models[0].names}
    columns = np.zeros(maxima.points.shape, bool)
    parts = _parts(models[0])
    for i, own in enumerate(changes):
        for path, value in own.items():
            values[path][i], columns[i, parts[path]] = value, True
    # A value at the edge of its prior has no place on the line; the others stay where they are.
    return np.where(columns, line_at(values), maxima.points)


def _caveats(texts: Sequence[str], alike: Sequence[set[int]], index: int) -> tuple[str, ...]:
    """The caveat of one fit, with the smallest of the turns of each angle; none without any."""
    own: dict[str, str] = {}
    for text, members in zip(texts, alike, strict=True):
        if index in members:
            own.setdefault(text.partition(" may turn")[0], text)
    return (f"one of several equal answers: {', '.join(own.values())}",) if own else ()


def _changes(model: Model, values: Changes) -> dict[str, Changes]:
    """What the priors allow to be done to some values, by what it is."""
    every = (*_exchanges(model, values), *_turns(model, values), *_signs(values))
    allowed: dict[str, Changes] = {}
    for text, changed in every:
        if all(_allows(model.priors[path], value) for path, value in changed.items()):
            allowed.setdefault(text, changed)
    return allowed


def _parts(model: Model) -> dict[str, slice]:
    """The place of each free parameter in the vector."""
    parts, start = {}, 0
    for path in model.names:
        prior = model.priors[path]
        size = math.prod(coordinate_of(prior).line_shape(prior))
        parts[path] = slice(start, start + size)
        start += size
    return parts


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
