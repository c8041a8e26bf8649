"""A scatter that the data do not need: maps without any, fitted with and without a free one.

The intrinsic scatter of the mock maps is 0, the edge of its prior, and the quoted errors are right
or 15 % too large.
"""

import time
from collections.abc import Iterator
from itertools import product

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm

# Mocks for each method: chains take a hundred times as long as importance sampling.
MOCKS = {"auto": 200, "hmc": 50}
SHAPE, SIGMA = (25, 25), 0.03
TRUTH = {CENTRAL: 8.0, GRADIENT: -0.2}
PRIORS = {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Normal(0.0, 0.5)}
SCATTERS = {"half-normal(0.1)": dist.HalfNormal(0.1), "uniform(0, 1)": dist.Uniform(0.0, 1.0)}


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each prior of the scatter, size of the quoted errors and method of sampling."""
    light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
    metallicity = jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2)
    galaxy = jm.Galaxy(disc=jm.Component(light=light, metallicity=metallicity))
    grid = jm.Grid.regular(SHAPE, 0.2)
    instrument = jm.Instrument(grid, jm.GaussianPSF(1.0), supersampling=(2, 1))
    clean = np.asarray(
        jm.predict(galaxy, jm.TracerMap(np.full(SHAPE, 8.0), 1.0, instrument, check=False))
    )
    for method, inflation in product(MOCKS, (1.0, 1.15)):
        mocks = count or MOCKS[method]
        maps = [
            jm.TracerMap(clean + SIGMA * noise, inflation * SIGMA, instrument)
            for noise in np.random.default_rng(1).normal(size=(mocks, *SHAPE))
        ]
        alone = _sampled(galaxy, maps, {}, method)
        for name, prior in SCATTERS.items():
            free = _sampled(galaxy, maps, {"z.scatter": prior}, method)
            yield _row(name, inflation, method, free, alone)


def _sampled(galaxy: jm.Galaxy, maps: list, scatter: dict, method: str) -> dict:
    template = jm.Model(galaxy, {"z": maps[0]}, {**PRIORS, **scatter})
    models = [template.with_maps({"z": one_map}) for one_map in maps]
    # Once to compile, the chains that "auto" may fall back on too.
    fits = jm.optimise_batch(models[:8], chunk=8)
    for one_method in dict.fromkeys((method, "hmc")):
        jm.sample_batch(models[:8], fits, method=one_method, chunk=8)
    begin = time.perf_counter()
    fits = jm.optimise_batch(models, chunk=8)
    posteriors = jm.sample_batch(models, fits, method=method, chunk=8)
    return {"fits": fits, "posteriors": posteriors, "seconds": time.perf_counter() - begin}


def _row(prior: str, inflation: float, method: str, free: dict, alone: dict) -> dict:
    posteriors = free["posteriors"]
    row = {
        "scatter": prior,
        "quoted_error": inflation,
        "method": method,
        "mocks": len(posteriors),
        "converged": sum(fit.converged for fit in free["fits"]),
        "divergent_draws": sum(p.divergences for p in posteriors),
        "by_chains": sum(p.attributes["method"] != "importance" for p in posteriors),
        "largest_k_hat": max(
            (p.attributes.get("k_hat", np.nan) for p in posteriors), default=np.nan
        ),
        "seconds": free["seconds"],
        "seconds_without": alone["seconds"],
    }
    for name in (GRADIENT, CENTRAL):
        short = name.rpartition(".")[2]
        inside = [_covers(p.samples[name], TRUTH[name]) for p in posteriors]
        widths = [
            np.std(p.samples[name]) / np.std(q.samples[name])
            for p, q in zip(posteriors, alone["posteriors"], strict=True)
        ]
        row |= {
            f"{short}_inside_68": float(np.mean(inside)),
            f"{short}_sd_over_sd_without": float(np.mean(widths)),
        }
    return row


def _covers(draws: np.ndarray, truth: float) -> bool:
    low, high = np.percentile(draws, [16, 84])
    return bool(low < truth < high)
