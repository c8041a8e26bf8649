"""What a fit says of its priors: edges that are near, and parameters that data do not constrain."""

from typing import Any

import numpy as np

from jaxmetal.inference.model import Model

# A value lies at the edge of its prior within this fraction of its error ...
NEAR = 0.05
# ... or within this fraction of the prior's width.
NEAR_WIDTH = 0.001
# A posterior is cut off by a bound of the prior that is nearer than this many errors.
NEAR_ERRORS = 2.0
# Standard deviation in unconstrained coordinates above which only the prior constrains a parameter.
PRIOR_ALONE = 0.9


def prior_notes(
    model: Model, values: dict[str, Any], errors: np.ndarray, unconstrained_errors: np.ndarray
) -> list[str]:
    """A line for each parameter at the edge of its prior, or that the data do not constrain."""
    notes, start = [], 0
    for name in model.names:
        value, prior = np.asarray(values[name], float), model.priors[name]
        entries = slice(start, start + value.size)
        error, on_the_line = (
            e[entries].reshape(value.shape) for e in (errors, unconstrained_errors)
        )
        start += value.size
        edge = _edge(prior, value, error)
        if edge is not None:
            notes.append(f"{name} at the edge of its prior, {edge:g}: its error is one-sided")
        # Of the modes of a texture there are always more than the data can see.
        elif np.any(on_the_line > PRIOR_ALONE) and not name.endswith(".modes"):
            notes.append(f"{name} is not constrained by the data beyond its prior")
        else:
            notes += _near_edge(name, prior, value, error)
    return notes


def _near_edge(name: str, prior: Any, value: np.ndarray, error: np.ndarray) -> list[str]:
    """A line for a parameter whose posterior the bounds of its prior cut off, if it has two."""
    low, high = (getattr(prior.support, bound, np.inf) for bound in ("lower_bound", "upper_bound"))
    low, high = (np.broadcast_to(np.asarray(b, float), value.shape).ravel() for b in (low, high))
    value, error = value.ravel(), error.ravel()
    worst = int(np.argmax(error - np.minimum(value - low, high - value) / NEAR_ERRORS))
    bounds = low[worst], high[worst]
    distance = min(value[worst] - low[worst], high[worst] - value[worst])
    if not (np.isfinite(bounds).all() and distance <= NEAR_ERRORS * error[worst]):
        return []
    return [
        f"{name}, {value[worst]:.3g} ± {error[worst]:.2g}, lies near the edge of its prior, "
        f"{bounds[0]:g} to {bounds[1]:g}"
    ]


def _edge(prior: Any, value: np.ndarray, error: np.ndarray) -> float | None:
    """The bound of a prior's support at which a value lies, or None."""
    bounds = [getattr(prior.support, bound, None) for bound in ("lower_bound", "upper_bound")]
    width = (
        np.inf if None in bounds else np.abs(np.subtract(*(np.asarray(b, float) for b in bounds)))
    )
    close = np.maximum(NEAR * error, np.where(np.isfinite(width), NEAR_WIDTH * width, 0.0))
    for bound in bounds:
        if bound is not None and np.any(np.abs(value - np.asarray(bound, float)) <= close):
            return float(np.ravel(np.asarray(bound, float))[0])
    return None
