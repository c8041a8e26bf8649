"""The results of a shard as datasets with a dimension of galaxies."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxmetal.survey.outcome import Outcome
from jaxmetal.survey.pictures import naive, pictures

# Types of the variables with one value for each galaxy that are no floating-point numbers.
_TYPES = {
    "row": int,
    "id": str,
    "message": str,
    "note": str,
    "method": str,
    "sampling": str,
    "inputs": str,
    "converged": np.int8,
    "unread": np.int8,
}
STATISTICS = ("mean", "sd", "16%", "50%", "84%", "ess", "r_hat")


def datasets(outcomes: Sequence[Outcome], with_maps: bool) -> dict[str, Any]:
    """The results of a shard: "galaxies", "posterior", "maps/NAME" and "profile".

    Parameters
    ----------
    outcomes
        of the shard's galaxies.
    with_maps
        whether to keep the images and the radial profiles.
    """
    import xarray

    columns = _columns_of_galaxies(outcomes)
    first = next((outcome for outcome in outcomes if outcome.fit), None)
    if first is None or first.fit is None:
        return {"galaxies": xarray.Dataset(columns)}
    labels = first.fit.labels
    columns |= _columns_of_parameters(outcomes, len(labels))
    coordinates = {"parameter": _texts(labels), "unit": ("parameter", _texts(first.units))}
    groups = {"galaxies": xarray.Dataset(columns, coordinates)}
    if any(outcome.posterior for outcome in outcomes):
        groups["posterior"] = _draws(outcomes)
    return groups | (pictures(outcomes) if with_maps else {})


def _columns_of_galaxies(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The variables with one value for each galaxy."""
    entries = [_entry(outcome) for outcome in outcomes]
    columns: dict[str, Any] = {}
    for name in entries[0]:
        values, kind = [entry[name] for entry in entries], _TYPES.get(name, float)
        columns[name] = ("galaxy", _texts(values) if kind is str else np.array(values, kind))
    return columns


def _entry(outcome: Outcome) -> dict[str, Any]:
    """The values of one galaxy, by variable."""
    fit = outcome.fit
    gradient, gradient_error = naive(outcome)
    return {
        "row": outcome.row,
        "id": outcome.id,
        "message": outcome.message,
        "note": outcome.note,
        "method": _method(outcome),
        "sampling": _sampling(outcome),
        "inputs": outcome.inputs,
        "converged": outcome.answered,
        "unread": outcome.unread,
        "reduced_chi_square": np.nan if fit is None else fit.reduced_chi_square,
        "log_likelihood": np.nan if fit is None else fit.log_likelihood,
        "pixels": np.nan if fit is None else fit.size,
        "k_hat": _k_hat(outcome),
        "naive_gradient": gradient,
        "naive_gradient_error": gradient_error,
    }


def _columns_of_parameters(outcomes: Sequence[Outcome], count: int) -> dict[str, Any]:
    """The variables with one value for each parameter of each galaxy, and the covariance."""
    columns: dict[str, Any] = {}
    rows = np.stack([_numbers(outcome, count) for outcome in outcomes])
    for i, name in enumerate(("value", "error", *STATISTICS)):
        columns[name.replace("16%", "q16").replace("50%", "q50").replace("84%", "q84")] = (
            ("galaxy", "parameter"),
            rows[:, i],
        )
    blank = np.full((count, count), np.nan)
    columns["covariance"] = (
        ("galaxy", "parameter", "other"),
        np.stack([o.fit.covariance if o.fit else blank for o in outcomes]),
    )
    return columns


def _texts(values: Any) -> np.ndarray:
    # A string in HDF5 ends at its first null character.
    return np.array([str(value).replace("\0", "") for value in values], dtype=object)


def _method(outcome: Outcome) -> str:
    """The method of the posterior; empty where there is none."""
    if outcome.posterior:
        return str(outcome.posterior.attributes["method"])
    return "laplace" if outcome.fit is not None and outcome.fit.converged else ""


def _sampling(outcome: Outcome) -> str:
    """Points and cells per pixel side, and the margin, of each map; empty without a fit."""
    maps = {} if outcome.fit is None else outcome.fit.maps
    samplings = {name: one_map.instrument.sampling for name, one_map in maps.items()}
    return "; ".join(
        f"{name} {s.evaluate:g}/{s.convolve:g}, margin {s.margin}"
        for name, s in samplings.items()
        if s is not None
    )


def _k_hat(outcome: Outcome) -> float:
    attributes = outcome.posterior.attributes if outcome.posterior else {}
    return attributes.get("k_hat", attributes.get("refused_k_hat", np.nan))


def _numbers(outcome: Outcome, count: int) -> np.ndarray:
    """Value, error and statistics of each parameter, shape (2 + statistics, parameters).

    Without draws the statistics are those of the Laplace approximation, and NaN where the fit has
    not converged.
    """
    if outcome.fit is None:
        return np.full((2 + len(STATISTICS), count), np.nan)
    value, error = (
        np.concatenate([np.ravel(v) for v in part.values()])
        for part in (outcome.fit.parameters, outcome.fit.errors)
    )
    if outcome.posterior is None:
        blank = np.full(count, np.nan)
        if not outcome.fit.converged:
            return np.stack([value, error, *([blank] * len(STATISTICS))])
        return np.stack(
            [value, error, value, error, value - error, value, value + error, blank, blank]
        )
    rows = outcome.posterior.summary().values()
    return np.stack([value, error, *([row[key] for row in rows] for key in STATISTICS)])


def _draws(outcomes: Sequence[Outcome]) -> Any:
    """The draws of all galaxies, (galaxy, chain, draw, ...); NaN where there are none."""
    import xarray

    like = next(outcome.posterior for outcome in outcomes if outcome.posterior)
    variables: dict[str, Any] = {}
    for name, samples in {**like.samples, **like.derived}.items():
        blank = np.full_like(samples, np.nan)
        parts = [
            {**o.posterior.samples, **o.posterior.derived}[name] if o.posterior else blank
            for o in outcomes
        ]
        variables[name] = (
            ("galaxy", "chain", "draw", *(f"{name}_dim_{i}" for i in range(samples.ndim - 2))),
            np.stack(parts),
        )
    return xarray.Dataset(variables)
