"""Proposals of importance sampling: draws from a multivariate Student-t, and resampling."""

from math import lgamma, log, pi
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Proposed(NamedTuple):
    """Points drawn around a fit, and how probable they were to be drawn.

    Parameters
    ----------
    points
        in unconstrained coordinates, shape (draws, n).
    log_density
        of the proposal, shape (draws,).
    """

    points: Float[np.ndarray, "draws n"]
    log_density: Float[np.ndarray, " draws"]


def student_t(
    center: np.ndarray, covariance: np.ndarray, dof: float, count: int, rng: np.random.Generator
) -> Proposed:
    """Draws from a multivariate Student-t.

    q(u) = Γ((nu + n)/2) / [Γ(nu/2) (nu pi)^(n/2) |C|^(1/2)] · D^(-(nu + n) / 2)

    D = 1 + (u - m)ᵀ C⁻¹ (u - m) / nu
    """
    n, root = len(center), np.linalg.cholesky(covariance)
    away = rng.standard_normal((count, n)) / np.sqrt(rng.chisquare(dof, (count, 1)) / dof)
    height = (
        lgamma((dof + n) / 2)
        - lgamma(dof / 2)
        - n / 2 * log(dof * pi)
        - np.sum(np.log(np.diag(root)))
    )
    return Proposed(
        center + away @ root.T, height - 0.5 * (dof + n) * np.log1p(np.sum(away**2, axis=1) / dof)
    )


def resample(
    weights: Float[np.ndarray, " draws"], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Which draws to keep, so that each counts alike: systematic resampling, in random order.

        draw i is kept floor or ceil(count · w_i) times

    References
    ----------
    Kitagawa (1996), J. Comput. Graph. Stat. 5, 1; Douc, Cappé & Moulines (2005), ISPA, 64.
    """
    edges = np.cumsum(weights)
    places = (np.arange(count) + rng.random()) / count * edges[-1]
    return rng.permutation(
        np.minimum(np.searchsorted(edges, places, side="right"), len(weights) - 1)
    )
