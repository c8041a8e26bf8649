"""A population of galaxies: mean and scatter of a parameter, from the posteriors of each."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.inference.pareto import smooth
from jaxmetal.inference.proposals import resample, student_t

# Draws of a galaxy that are used.
MOST = 2000
# Proposals in each of the first rounds, which locate the region of high probability.
TRIED = 500
# Proposals in the last round, which are kept.
DRAWS = 4000
# Rounds, the last one included.
ROUNDS = 6
# Of each draw, in standard deviations of its galaxy.
SMOOTHING = 0.5
# Of the Student-t that populations are proposed from.
DOF = 6.0


@dataclasses.dataclass(frozen=True)
class Population:
    """What describes a population.

    Parameters
    ----------
    samples
        {"mean", "scatter"}, and "slope" if it depends on something; shape (draws,).
    galaxies
        how many took part.
    pivot
        where "mean" holds, of what it depends on; 0 if it depends on nothing.
    effective
        draws that count of the galaxy that has the fewest: below about 20 its posterior lies too
        far from the population, or is too much wider, for the answer to be trusted.
    k_hat
        of the populations that were proposed; below 0.7 their weights can be trusted.
    """

    samples: dict[str, Float[np.ndarray, " draws"]]
    galaxies: int
    pivot: float
    effective: float
    k_hat: float

    def summary(self) -> dict[str, dict[str, float]]:
        """A row for each number: mean, sd, 16th, 50th and 84th percentiles."""
        rows = {}
        for name, draws in self.samples.items():
            low, middle, high = (float(p) for p in np.percentile(draws, [16, 50, 84]))
            rows[name] = {
                "mean": float(np.mean(draws)),
                "sd": float(np.std(draws, ddof=1)),
                "q16": low,
                "q50": middle,
                "q84": high,
            }
        return rows


def infer(
    draws: Sequence[Any], log_priors: Sequence[Any], against: Any = None, seed: int = 0
) -> Population:
    """Mean and scatter of a population from the draws of each galaxy's own posterior.

        p(mu, s, b | data) ∝ Π_g Σ_k  w_gk N(t_gk; mu + b (x_g - <x>), s² + h_g²)

        w_gk ∝ 1 / p_g(theta_gk)

        t_gk = m_g + sqrt(1 - h_g²/v_g) (theta_gk - m_g),   h_g² = v_g / 4

    Every galaxy was fitted with a prior p_g of its own; it is divided out and replaced by the
    population. The priors of mu, b and s > 0 are uniform. Each draw is smoothed by h_g, and all are
    drawn together so that the weighted mean m_g and variance v_g stay what they are: a population
    narrower than the galaxies' errors would otherwise depend on few draws.

    Parameters
    ----------
    draws, log_priors
        theta_gk of each galaxy g, shape (K,), and the logarithm of p_g there.
    against
        x_g, if the mean may depend linearly on it, shape (galaxies,).
    seed
        of all that is drawn.

    Returns
    -------
    population
        `summary()` has mean, scatter and slope.

    Raises
    ------
    InputError
        for fewer than three galaxies, numbers that are not finite, or an x that is the same for
        all.

    References
    ----------
    Hogg, Myers & Bovy (2010), ApJ 725, 2166; West (1993), J. R. Statist. Soc. B 55, 409, for the
    smoothing.
    """
    theta, weight, smear = _smoothed(draws, log_priors)
    x, pivot = _centred(against, len(theta))
    rng = np.random.default_rng(seed)
    center, covariance = _first_guess(theta, x)
    for last in (*[False] * (ROUNDS - 1), True):
        points, proposal = student_t(center, covariance, DOF, DRAWS if last else TRIED, rng)
        importance = smooth(
            np.asarray(_log_posteriors(points, theta, weight, smear, x), float) - proposal
        )
        center = importance.weights @ points
        covariance = (points - center).T @ (
            (points - center) * importance.weights[:, None]
        ) + 1e-12 * covariance
    resample_points = points[resample(importance.weights, DRAWS, rng)]
    samples = {"mean": resample_points[:, 0], "scatter": np.exp(resample_points[:, 1])} | (
        {} if x is None else {"slope": resample_points[:, 2]}
    )
    return Population(
        samples, len(theta), pivot, _fewest(center, theta, weight, smear, x), importance.shape
    )


def _smoothed(
    draws: Sequence[Any], log_priors: Sequence[Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """t_gk and ln w_gk, as many of each galaxy, shape (galaxies, K), and h_g."""
    if len(draws) < 3 or len(draws) != len(log_priors):
        raise InputError(
            "population: expected the draws of at least three galaxies and their priors, got "
            f"{len(draws)}."
        )
    count = min(MOST, *(len(draws_of_one) for draws_of_one in draws))

    def thinned(columns: Sequence[Any]) -> np.ndarray:
        return np.stack(
            [
                np.asarray(column, float)[np.linspace(0, len(column) - 1, count).astype(int)]
                for column in columns
            ]
        )

    theta, log_prior = thinned(draws), thinned(log_priors)
    if not (
        np.all(np.isfinite(theta))
        and np.all(np.isfinite(log_prior))
        and np.all(np.ptp(theta, axis=1) > 0)
    ):
        raise InputError(
            "population: expected draws that are finite and differ, and priors that allow them."
        )
    weight = np.exp(log_prior.min(axis=1, keepdims=True) - log_prior)
    weight /= weight.sum(axis=1, keepdims=True)
    mean = np.sum(weight * theta, axis=1, keepdims=True)
    sd = np.sqrt(np.sum(weight * (theta - mean) ** 2, axis=1))
    return mean + np.sqrt(1 - SMOOTHING**2) * (theta - mean), np.log(weight), SMOOTHING * sd


def _centred(against: Any, count: int) -> tuple[np.ndarray | None, float]:
    if against is None:
        return None, 0.0
    x = np.asarray(against, float)
    if x.shape != (count,) or not np.all(np.isfinite(x)) or not np.ptp(x) > 0:
        raise InputError(
            "population: expected one finite number for each galaxy, and not the same for all."
        )
    return x - x.mean(), float(x.mean())


def _first_guess(theta: np.ndarray, x: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """From the galaxies' means alone, in (mean, ln scatter, slope); wide enough to be improved."""
    means, errors = theta.mean(axis=1), theta.std(axis=1)
    terms = np.stack([np.ones(len(means))] + ([] if x is None else [x]), axis=1)
    solution = np.linalg.lstsq(terms, means, rcond=None)[0]
    spread = max(np.var(means - terms @ solution), 1e-12)
    scatter = np.sqrt(max(spread - np.mean(errors**2), 0.05 * spread))
    center = np.array([solution[0], np.log(scatter), *solution[1:]])
    widths = [spread / len(means), 0.3**2] + ([] if x is None else [spread / np.sum(x**2)])
    return center, np.diag(4 * np.asarray(widths))


def _terms(point: Array, theta: Array, weight: Array, smear: Array, x: Array | None) -> Array:
    """The logarithm of what each draw of each galaxy adds, shape (galaxies, K)."""
    mean = point[0] + (0.0 if x is None else point[2] * x[:, None])
    variance = jnp.exp(2 * point[1]) + smear[:, None] ** 2
    return weight - 0.5 * ((theta - mean) ** 2 / variance + jnp.log(variance))


@jax.jit
def _log_posteriors(
    points: Array, theta: Array, weight: Array, smear: Array, x: Array | None
) -> Array:
    def one(point: Array) -> Array:
        # Uniform in the scatter, whose logarithm is the coordinate.
        return jnp.sum(jax.nn.logsumexp(_terms(point, theta, weight, smear, x), axis=1)) + point[1]

    return jax.lax.map(one, points)


def _fewest(
    point: np.ndarray,
    theta: np.ndarray,
    weight: np.ndarray,
    smear: np.ndarray,
    x: np.ndarray | None,
) -> float:
    arrays = [jnp.asarray(a) for a in (theta, weight, smear)]
    terms = np.asarray(
        _terms(jnp.asarray(point), *arrays, x=None if x is None else jnp.asarray(x)), float
    )
    shares = np.exp(terms - terms.max(axis=1, keepdims=True))
    return float(np.min(shares.sum(axis=1) ** 2 / np.sum(shares**2, axis=1)))
