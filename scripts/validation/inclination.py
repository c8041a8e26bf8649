"""Rotation and dispersion of a disc whose inclination is free: V sin i, turnover and dispersion.

The disc, the maps and the noise are those of `kinematics`. The light keeps its true shape.
"""

from collections.abc import Iterator

import numpy as np
import numpyro.distributions as dist
from validation.kinematics import (
    INCLINATION,
    PRIORS,
    START,
    TRUTH,
    WIDTHS,
    against_bound,
    cramer_rao,
    disc,
    exact_maps,
    fit_many,
)

import jaxmetal as jm

FITS = 300
V_MAX, TILT = "disc.velocity.v_max", "disc.velocity.inclination"
FREE = PRIORS | {TILT: dist.Uniform(5.0, 85.0)}
ALL = TRUTH | {TILT: INCLINATION}
# The name of the product of both.
PROJECTED = "v_max sin i"


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each width and parameter, and for V sin i."""
    for width in WIDTHS:
        yield from width_rows(width, count or FITS)


def width_rows(width: float, count: int) -> Iterator[dict]:
    """Many fits of the disc through one PSF, against the bounds."""
    maps = exact_maps(width)
    least = cramer_rao(maps, ALL)
    fits = fit_many(jm.Model(disc(START | {TILT: 50.0}), maps, FREE), count)
    values = np.stack([np.asarray(fits.parameters[path], float) for path in ALL], axis=1)
    # The covariances of the fits in the order of the truth.
    order = [list(fits.parameters).index(path) for path in ALL]
    covariances = np.asarray(fits.covariance, float)[:, order][:, :, order]
    truth = np.array(list(ALL.values()))
    for name in (PROJECTED, *ALL):
        value, slope = measured(name, values)
        true_value, true_slope = measured(name, truth)
        error = np.sqrt(np.einsum("ni,nij,nj->n", slope, covariances, slope))
        bound = float(np.sqrt(true_slope @ least @ true_slope))
        yield {
            "width": width,
            "parameter": name,
            "fits": count,
            "converged": int(np.sum(fits.converged)),
            **against_bound(value, error, float(true_value), bound),
        }


def measured(name: str, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A parameter, or V sin i, and its slopes by all parameters.

    Parameters
    ----------
    name
        a path, or `PROJECTED`.
    values
        of all parameters, along the last axis.
    """
    slopes, paths = np.zeros_like(values), list(ALL)
    if name != PROJECTED:
        slopes[..., paths.index(name)] = 1.0
        return values[..., paths.index(name)], slopes
    v_max, tilt = values[..., paths.index(V_MAX)], np.deg2rad(values[..., paths.index(TILT)])
    slopes[..., paths.index(V_MAX)] = np.sin(tilt)
    slopes[..., paths.index(TILT)] = v_max * np.deg2rad(np.cos(tilt))
    return v_max * np.sin(tilt), slopes
