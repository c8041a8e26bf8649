"""Posteriors of single galaxies: use case 1, warm and from a cold process, and use case 2 with everything free."""

import subprocess
import sys
import time

import numpy as np
from benchmarks.scenes import LENSTRONOMY, clumps_model, gradient_model

import jaxmetal as jm

COLD = """
import jaxmetal as jm
from benchmarks.scenes import gradient_model
model = gradient_model()
posterior = jm.sample(model, jm.optimise(model, starts=1), method="{method}", draws={draws})
print(min(row["ess"] for row in posterior.summary().values()))
"""


def worst(posterior: jm.Posterior) -> float:
    """Effective samples of the parameter that has the fewest."""
    return min(row["ess"] for row in posterior.summary().values())


def posterior(options):
    """Use case 1 through 1.5 arcsec: fit, NUTS and importance sampling, compiled already; the methods take turns."""
    model = gradient_model()
    fit = jm.optimise(model, starts=1)
    methods = ("nuts", "importance")
    draws = {"nuts": 500, "importance": 500}
    for method in methods:
        jm.sample(model, fit, method=method, draws=draws[method])
    seconds, found = {m: [] for m in methods}, {m: [] for m in methods}
    fits = []
    for turn in range(max(1, options.rounds // 5)):
        begin = time.perf_counter()
        fit = jm.optimise(model, starts=1)
        fits.append(time.perf_counter() - begin)
        for method in methods:
            begin = time.perf_counter()
            drawn = jm.sample(model, fit, seed=turn, method=method, draws=draws[method])
            seconds[method].append(time.perf_counter() - begin)
            found[method].append(worst(drawn))
    yield {"case": "use case 1, warm fit", "seconds": float(np.median(fits))}
    for method in methods:
        rate = float(np.median(np.array(found[method]) / np.array(seconds[method])))
        yield {
            "case": f"use case 1, {method}", "seconds": float(np.median(seconds[method])), "ess": float(np.median(found[method])),
            "ess_per_second": rate, "times_emcee_quoted": rate / LENSTRONOMY["ess_per_second"],
        }  # fmt: skip


def cold(options):
    """From starting Python to a posterior of use case 1, with nothing compiled before."""
    for method, draws in (("auto", 500), ("nuts", 500)):
        begin = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", COLD.format(method=method, draws=draws)], capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - begin
        yield {
            "case": f"cold process, {method}",
            "seconds": seconds,
            "ess": float(done.stdout),
            "lenstronomy_seconds_quoted": LENSTRONOMY["seconds"],
        }


def clumps(options):
    """Use case 2, light and metallicity of three clumps: all 24 parameters."""
    model = clumps_model()
    begin = time.perf_counter()
    fit = jm.optimise(model, starts=1)
    fitted = time.perf_counter() - begin
    for method, settings in (("importance", {"draws": 500}), ("nuts", {"warmup": 200, "draws": 250})):
        begin = time.perf_counter()
        drawn = jm.sample(model, fit, method=method, **settings)
        seconds = time.perf_counter() - begin
        yield {
            "case": f"use case 2, {method}", "parameters": len(model.start), "fit": fit.message, "fit_seconds": fitted,
            "seconds_with_compilation": seconds, "ess": worst(drawn), "r_hat": max(r["r_hat"] for r in drawn.summary().values()),
            "k_hat": drawn.attributes.get("k_hat"), "message": drawn.message,
        }  # fmt: skip
