"""Pareto-smoothed importance sampling: smoothed weights, and the k-hat that judges them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# The tail is the 3 √S largest weights of S.
TAIL = 3.0
# The largest tail, as a fraction of all weights.
LARGEST_TAIL = 0.2
# The fewest weights that determine the shape of a tail.
LEAST_TAIL = 5
# The shape's weak prior acts like this many further points.
PRIOR_POINTS = 10
# The shape of these points.
PRIOR_SHAPE = 0.5

Log = Float[np.ndarray, " draws"]


class Smoothed(NamedTuple):
    """Weights of draws from a proposal.

    Parameters
    ----------
    weights
        adding up to one.
    shape
        k̂ of the generalised Pareto distribution of the largest: below 0.7 averages over the draws
        can be trusted.
    log_mean
        ln of the mean weight before they were made to add up to one: where p is no density but a
        density times Z, and q is one, this is ln Z.
    """

    weights: Float[np.ndarray, " draws"]
    shape: float
    log_mean: float

    @property
    def effective(self) -> float:
        """Effective sample size, 1 / Σ w²."""
        return float(1 / np.sum(self.weights**2))


def smooth(log_ratios: Log) -> Smoothed:
    """Normalised importance weights, Pareto-smoothed.

    The largest are replaced by the quantiles of a Pareto distribution fitted to them.

        w = p / q;   the z-th of the M largest becomes  u + F⁻¹((z - 1/2) / M)

    with F the generalised Pareto distribution.

    Parameters
    ----------
    log_ratios
        ln p - ln q up to a constant; a draw whose ratio is not finite counts for nothing.

    Returns
    -------
    smoothed
        weights and k̂; k̂ is infinite where too few draws have any weight.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25, 72.
    """
    logs = np.where(np.isfinite(log_ratios), np.asarray(log_ratios, float), -np.inf)
    count = len(logs)
    if not np.isfinite(logs).any():
        return Smoothed(np.full(count, 1 / count), np.inf, -np.inf)
    raw = np.exp(logs - logs.max())
    length = int(np.ceil(min(LARGEST_TAIL * count, TAIL * np.sqrt(count))))
    order = np.argsort(raw)
    tail, threshold = order[-length:], raw[order[-length - 1]] if length < count else 0.0
    above = raw[tail] - threshold
    if length < LEAST_TAIL or np.sum(above > 0) < LEAST_TAIL:
        # Equal weights need no smoothing; too few large ones do not allow it.
        even = raw.min() > (1 - 1e-6)
        return _normalised(raw, -np.inf if even else np.inf, logs.max())
    shape, scale = fit_pareto(above)
    if np.isfinite(shape):
        level = -np.log1p(-(np.arange(length) + 0.5) / length)
        excess = scale * (level if abs(shape) < 1e-12 else np.expm1(shape * level) / shape)
        raw[tail] = np.minimum(threshold + excess, 1.0)
    return _normalised(raw, shape, logs.max())


def _normalised(raw: Log, shape: float, largest: float) -> Smoothed:
    return Smoothed(raw / raw.sum(), shape, float(largest + np.log(raw.mean())))


def fit_pareto(above: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution fitted to draws.

    The draws are in excess of the threshold, in ascending order.

        p(x) = (1 + k x / sigma)^(-1/k - 1) / sigma

    The posterior mean over a grid of theta = -k/sigma, with k the most probable at each; k̂ is
    drawn to 1/2 by a weak prior.

    Parameters
    ----------
    above
        positive numbers, ascending.

    Returns
    -------
    shape, scale
        k̂ and sigma.

    References
    ----------
    Zhang & Stephens (2009), Technometrics 51, 316; the weak prior is that of Vehtari et al. (2024),
    appendix G.
    """
    n = len(above)
    points = 30 + int(np.sqrt(n))
    quarter = above[int(n / 4 + 0.5) - 1]
    quarter = quarter if quarter > 0 else above[above > 0][0]
    theta = 1 / above[-1] + (1 - np.sqrt(points / (np.arange(points) + 0.5))) / (3 * quarter)
    shapes = np.mean(np.log1p(-theta[:, None] * above), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        profile = n * (np.log(-theta / shapes) - shapes - 1)
    profile = np.where(np.isfinite(profile), profile, -np.inf)
    chances = np.exp(profile - profile.max())
    best = float(np.sum(theta * chances) / np.sum(chances))
    shape = float(np.mean(np.log1p(-best * above)))
    scale = -shape / best
    return (n * shape + PRIOR_POINTS * PRIOR_SHAPE) / (n + PRIOR_POINTS), scale
