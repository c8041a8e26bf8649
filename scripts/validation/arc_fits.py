"""The arc of `arc` in many more noise draws, by MAP and Laplace: bias, pulls and coverage."""

from collections.abc import Iterator

import numpy as np
from validation.arc import noisy, scene

import jaxmetal as jm
from jaxmetal.galaxy import get

FITS = 300


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each parameter."""
    truth, clean, template = scene()
    count = count or FITS
    fits = [jm.optimise(noisy(template, clean, draw), starts=1) for draw in range(count)]
    for name in fits[0].parameters:
        value, error = (
            np.array([float(getattr(fit, subject)[name]) for fit in fits])
            for subject in ("parameters", "errors")
        )
        pull = (value - float(get(truth, name))) / error
        inside = {
            f"inside_{part}": float(np.mean(np.abs(pull) < k))
            for part, k in ((68, 1.0), (95, 1.959964))
        }
        converged = float(np.mean([fit.converged for fit in fits]))
        yield {
            "parameter": name,
            "fits": count,
            "converged": converged,
            "pull_mean": pull.mean(),
            "pull_sd": pull.std(ddof=1),
        } | inside
