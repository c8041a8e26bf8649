"""Simulation-based calibration: where truths drawn from the prior rank among the draws of their posterior.

For an exact posterior the ranks are uniform. The largest deviation of their distribution from a straight line is compared
with the band that holds 95 % of all such curves (Säilynoja, Bürkner & Vehtari 2022), found by simulation.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm

SIMULATIONS, RANKS, PIXELS = 500, 99, 2
PRIORS = {CENTRAL: dist.Normal(8.0, 0.3), GRADIENT: dist.Normal(-0.2, 0.2)}


def rows(count: int | None = None):
    """A row for each parameter and method: HMC, and the draws of the Laplace approximation."""
    count = count or SIMULATIONS
    galaxy, maps = jm.simulate.size_case(PIXELS, supersampling=(4, 2))
    z = maps["z"]
    template = jm.Model(galaxy, {"z": z}, PRIORS)
    truths = [template.draw(jax.random.key(i)) for i in range(count)]
    predict = jax.jit(jax.vmap(lambda values: template.predict(values)["z"]))
    images = np.asarray(predict({name: jnp.stack([t[name] for t in truths]) for name in PRIORS}))
    noisy = [jm.simulate.renoise(_with(z, image), seed) for seed, image in enumerate(images)]
    models = [template.with_maps({"z": m}) for m in noisy]
    fits = jm.optimise_batch(models, chunk=50)
    posteriors = jm.sample_batch(models, fits, chains=2, warmup=100, draws=200, chunk=50)
    rng = np.random.default_rng(0)
    for name in PRIORS:
        truth = np.array([float(t[name]) for t in truths])
        for method in ("hmc", "laplace"):
            hmc = method == "hmc"
            drawn = [_thinned(p.samples[name]) for p in posteriors] if hmc else [_laplace(fit, name, rng) for fit in fits]
            ranks = np.array([int(np.sum(draws < value)) for draws, value in zip(drawn, truth, strict=True)])
            ess = min(p.summary()[name]["ess"] for p in posteriors) if hmc else np.nan
            deviation, band = _deviation(ranks), _band(count)
            yield {
                "parameter": name, "method": method, "simulations": count, "ranks": RANKS + 1, "least_ess": float(ess),
                "largest_deviation": deviation, "band_95": band, "inside": bool(deviation < band), "mean_rank": ranks.mean() / RANKS,
            }  # fmt: skip


def _with(z: jm.TracerMap, image: np.ndarray) -> jm.TracerMap:
    return jm.TracerMap(image, z.errors, z.instrument)


def _thinned(draws: np.ndarray) -> np.ndarray:
    flat = np.asarray(draws).ravel()
    return flat[np.linspace(0, len(flat) - 1, RANKS).astype(int)]


def _laplace(fit: jm.Fit, name: str, rng: np.random.Generator) -> np.ndarray:
    return float(fit.parameters[name]) + float(fit.errors[name]) * rng.standard_normal(RANKS)


def _deviation(ranks: np.ndarray) -> float:
    """The largest difference between the distribution of the ranks and a uniform one, in standard errors of the point."""
    at = np.arange(1, RANKS + 1) / (RANKS + 1)
    below = np.mean(ranks[:, None] < np.arange(1, RANKS + 1)[None, :], axis=0)
    return float(np.max(np.abs(below - at) / np.sqrt(at * (1 - at) / len(ranks))))


def _band(count: int, trials: int = 2000) -> float:
    """What 95 % of sets of truly uniform ranks stay below."""
    rng = np.random.default_rng(1)
    return float(np.percentile([_deviation(rng.integers(0, RANKS + 1, count)) for _ in range(trials)], 95))
