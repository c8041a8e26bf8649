"""Simulation-based calibration: ranks of truths from the prior among their posterior draws.

For an exact posterior the ranks are uniform. The largest deviation of their distribution from a
straight line is compared with the band that holds 95 % of all such curves (Säilynoja, Bürkner &
Vehtari 2022), found by simulation.
"""

from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from validation.fits import DRAWS, Case, cases
from validation.yardsticks import CENTRAL, CLUMPS, GRADIENT

import jaxmetal as jm

SIMULATIONS, RANKS = 500, 99
PRIORS = {
    CENTRAL: dist.Normal(8.0, 0.3),
    GRADIENT: dist.Normal(-0.2, 0.2),
    **{path: dist.Normal(7.8, 0.3) for path in CLUMPS},
}
# Sizes of figure 4 in pixels, and PSF widths of use case 1 in arcsec.
SIZES, WIDTHS = (1.4, 2, 8), (0.3, 1.5)


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each parameter and method of some of the scenes of `fits`."""
    for case in cases():
        if case.pixels in SIZES or case.fwhm in WIDTHS or case.name == "use case 2":
            yield from calibrated(case, count or SIMULATIONS)


def calibrated(case: Case, count: int) -> Iterator[dict]:
    """The ranks of one scene by importance sampling, Laplace, and NUTS where the scene has it.

    Importance sampling falls back to chains where k-hat is too large.
    """
    template = jm.Model(case.galaxy, {"z": case.z}, {path: PRIORS[path] for path in case.priors})
    truths = [template.draw(jax.random.key(i)) for i in range(count)]
    predict = jax.jit(
        lambda points: jax.lax.map(lambda values: template.predict(values)["z"], points)
    )
    images = np.asarray(
        predict({name: jnp.stack([t[name] for t in truths]) for name in template.free})
    )
    models = [
        template.with_maps({"z": jm.simulate.renoise(_with(case.z, image), seed)})
        for seed, image in enumerate(images)
    ]
    fits = jm.optimise_batch(models)
    rng, samples = np.random.default_rng(0), {}
    for method in case.methods:
        # Ranks are uniform only over all draws of the prior, so none of them is left out.
        posteriors = jm.sample_batch(
            models, fits, method=method, allow_unconverged=True, **DRAWS[method]
        )
        samples[method] = {
            name: [thinned(p.samples[name]) for p in posteriors] for name in template.free
        }
    samples["laplace"] = {
        name: [laplace_draws(fit, name, rng) for fit in fits] for name in template.free
    }
    for method, by_name in samples.items():
        for name, draws in by_name.items():
            truth = np.array([float(t[name]) for t in truths])
            yield row(
                {"case": case.name, "pixels": float(case.pixels), "fwhm": case.fwhm}
                | {"parameter": name, "method": method},
                truth,
                draws,
            )


def row(labels: dict, truth: np.ndarray, samples: Sequence[np.ndarray]) -> dict:
    """The ranks of truths among draws, against the band of uniform ones.

    Parameters
    ----------
    labels
        of the scene, the parameter and the method.
    truth
        of each simulation.
    samples
        `RANKS` draws of each posterior.
    """
    ranks = np.array(
        [int(np.sum(draws < value)) for draws, value in zip(samples, truth, strict=True)]
    )
    deviation, band = _deviation(ranks), _band(len(ranks))
    return labels | {
        "simulations": len(ranks),
        "ranks": RANKS + 1,
        "largest_deviation": deviation,
        "band_95": band,
        "inside": bool(deviation < band),
        "mean_rank": ranks.mean() / RANKS,
        "counts": np.bincount(ranks // 5, minlength=(RANKS + 1) // 5),
    }


def _with(z: jm.TracerMap, image: np.ndarray) -> jm.TracerMap:
    return jm.TracerMap(image, z.errors, z.instrument)


def thinned(draws: np.ndarray) -> np.ndarray:
    """`RANKS` of the draws of a posterior, evenly spread over them."""
    flat = np.asarray(draws).ravel()
    return flat[np.linspace(0, len(flat) - 1, RANKS).astype(int)]


def laplace_draws(fit: jm.Fit, name: str, rng: np.random.Generator) -> np.ndarray:
    """`RANKS` draws of a parameter by Laplace's approximation."""
    return float(fit.parameters[name]) + float(fit.errors[name]) * rng.standard_normal(RANKS)


def _deviation(ranks: np.ndarray) -> float:
    """The largest difference of the ranks' distribution from a uniform one, in standard errors."""
    at = np.arange(1, RANKS + 1) / (RANKS + 1)
    below = np.mean(ranks[:, None] < np.arange(1, RANKS + 1)[None, :], axis=0)
    return float(np.max(np.abs(below - at) / np.sqrt(at * (1 - at) / len(ranks))))


def _band(count: int, trials: int = 2000) -> float:
    """What 95 % of sets of truly uniform ranks stay below."""
    rng = np.random.default_rng(1)
    return float(
        np.percentile([_deviation(rng.integers(0, RANKS + 1, count)) for _ in range(trials)], 95)
    )
