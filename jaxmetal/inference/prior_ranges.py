"""Priors that reach beyond what their parameters may be: cut off where that is clear, or refused.

A prior with ends of its own, such as Uniform, is refused if one of them lies outside: whoever wrote
it meant something else. One without ends, such as Normal, is cut off, and the user is told.
"""

from typing import Any, NamedTuple

import numpy as np
import numpyro.distributions as dist

from jaxmetal.errors import InputError, warn_user
from jaxmetal.profiles.ranges import Range

# Standard deviations between a normal prior and the end of a range beyond which it is not cut off:
# 3e-5 of it lies further away.
REACH = 4.0
# The part of a prior such as LogNormal that may lie outside of a range.
MOST_OUTSIDE = 0.05
# Standard deviations by which the middle of a normal prior may lie outside.
FARTHEST = 2.0
# Families without ends that can be cut off.
_ENDLESS = (dist.Normal, dist.StudentT, dist.Cauchy, dist.Laplace)
_TRUNCATED = (dist.LeftTruncatedDistribution, dist.RightTruncatedDistribution)


class _Cut(NamedTuple):
    """A distribution without ends, and where it is cut off already."""

    whole: Any
    low: Any = None
    high: Any = None


def within(path: str, prior: dist.Distribution, allowed: Range | None) -> dist.Distribution:
    """A prior that gives its parameter no value which it may not have.

    Parameters
    ----------
    path
        of the parameter, for messages.
    prior
        as the user wrote it.
    allowed
        what the parameter may be; None for any number.

    Returns
    -------
    prior
        the same, or cut off at the ends of the range.

    Raises
    ------
    InputError
        if an end of its own lies outside, or more than 1/20 of it and it cannot be cut off.

    Warns
    -----
    InputWarning
        if it is cut off.
    """
    if allowed is None:
        return prior
    ends = [_end(prior, end) for end in ("lower_bound", "upper_bound")]
    # In the precision of the prior, in which an end may be just beside the number that was meant.
    low, high = ends[0].dtype.type(allowed.low), ends[1].dtype.type(allowed.high)
    outside = [np.any(ends[0] < low), np.any(ends[1] > high)]
    if not any(outside):
        return prior
    # That a LogNormal ends at zero is no choice of whoever wrote it.
    chosen = np.all(np.isfinite(ends[0])) and np.all(np.isfinite(ends[1]))
    for end, beyond in zip(ends, outside, strict=True):
        if beyond and np.all(np.isfinite(end)) and (chosen or isinstance(prior, _TRUNCATED)):
            raise InputError(
                f"priors[{path!r}]: reaches {_worst(end):g}, but {_demand(path, allowed)}"
            )
    cut = _taken_apart(prior)
    if cut is not None:
        return _cut_off(path, prior, cut, allowed, outside)
    if not _part_outside(prior, allowed) <= MOST_OUTSIDE:
        raise _mostly_outside(path, allowed)
    return prior


def _mostly_outside(path: str, allowed: Range) -> InputError:
    remedy = "give one with ends, such as uniform or truncated normal"
    demand = _demand(path, allowed).removesuffix(".")
    return InputError(f"priors[{path!r}]: too much of it lies outside: {demand}; {remedy}.")


def _demand(path: str, allowed: Range) -> str:
    return f"{path.rpartition('.')[2]} must be {allowed.words}."


def _end(prior: dist.Distribution, end: str) -> np.ndarray:
    """The lower or upper end of a prior's support; infinite without one."""
    default = -np.inf if end == "lower_bound" else np.inf
    number = np.asarray(getattr(prior.support, end, default))
    return number if number.dtype.kind == "f" else number.astype(float)


def _worst(end: np.ndarray) -> float:
    return float(end.flat[int(np.argmax(np.abs(end)))])


def _taken_apart(prior: Any) -> _Cut | None:
    """A prior that can be cut off; None for other families."""
    while isinstance(prior, dist.ExpandedDistribution):
        prior = prior.base_dist
    if isinstance(prior, _ENDLESS):
        return _Cut(prior)
    if isinstance(prior, dist.HalfNormal):
        return _Cut(dist.Normal(0.0, prior.scale), low=0.0)
    if isinstance(prior, dist.LeftTruncatedDistribution):
        return _Cut(prior.base_dist, low=prior.low)
    if isinstance(prior, dist.RightTruncatedDistribution):
        return _Cut(prior.base_dist, high=prior.high)
    return None


def _cut_off(
    path: str, prior: dist.Distribution, cut: _Cut, allowed: Range, outside: list[Any]
) -> dist.Distribution:
    """A prior cut off at those ends of the range that it reaches."""
    distances = _distances(cut.whole, allowed)
    if min(distances) < -FARTHEST:
        raise _mostly_outside(path, allowed)
    low = allowed.low if outside[0] and distances[0] < REACH else cut.low
    high = allowed.high if outside[1] and distances[1] < REACH else cut.high
    if low is cut.low and high is cut.high:
        return prior
    warn_user(
        f"priors[{path!r}]: reaches beyond what the parameter may be and is cut off there; "
        f"{_demand(path, allowed)}"
    )
    result: Any = dist.TruncatedDistribution(cut.whole, low=low, high=high)
    return result if result.shape() == prior.shape() else result.expand(prior.shape())


def _distances(whole: Any, allowed: Range) -> tuple[float, float]:
    """How far inside of both ends of a range the middle of a prior lies, in its own scale.

    Tails that are not normal have weight at any distance.
    """
    loc, scale = np.asarray(whole.loc, float), np.asarray(whole.scale, float)
    low, high = ((loc - allowed.low) / scale).min(), ((allowed.high - loc) / scale).min()
    farthest = np.inf if isinstance(whole, dist.Normal) else 0.0
    return min(float(low), farthest), min(float(high), farthest)


def _part_outside(prior: Any, allowed: Range) -> float:
    """The part of a prior outside of a range; NaN if it is not known."""
    try:
        below = np.max(np.asarray(prior.cdf(allowed.low), float)) if allowed.low > -np.inf else 0.0
        above = 1 - np.min(np.asarray(prior.cdf(allowed.high), float))
        return float(below + (above if allowed.high < np.inf else 0.0))
    except (NotImplementedError, AttributeError, TypeError):
        return np.nan
