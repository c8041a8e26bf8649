"""Posteriors of use case 1, warm and from a cold process, and of use case 2, all free."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from benchmarks.scenes import LENSTRONOMY, case, clumps_model, gradient_model

import jaxmetal as jm

# What a user's script does with a map from a file; the seconds to the fit count from the imports'
# end.
COLD = """
import json
import time
import jax
import numpy as np
import numpyro.distributions as dist
import jaxmetal as jm
from jaxmetal import Model, optimise, sample
programs = []
def listen(event, seconds, fun_name="", **_):
    if event == "/jax/core/compile/backend_compile_duration":
        programs.append((fun_name, seconds))
jax.monitoring.register_event_duration_secs_listener(listen)
begin = time.perf_counter()
with np.load({data!r}) as data:
    instrument = jm.Instrument(jm.Grid.regular(data["values"].shape, 0.066), jm.GaussianPSF(1.5))
    z = jm.TracerMap(data["values"], data["sigma"], instrument)
light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0)
metallicity = jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1)
galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=metallicity))
priors = {{
    "disc.metallicity.central": dist.Uniform(6.0, 10.0),
    "disc.metallicity.gradient": dist.Uniform(-2.0, 2.0),
}}
model = Model(galaxy, {{"z": z}}, priors)
fit = optimise(model, starts=1)
fitted = time.perf_counter() - begin
of_the_fit = list(programs)
posterior = sample(model, fit, method={method!r}, draws=500)
print(json.dumps({{
    "fit_after_import": fitted,
    "posterior_after_import": time.perf_counter() - begin,
    "ess": min(row["ess"] for row in posterior.summary().values()),
    "programs_of_the_fit": len(of_the_fit),
    "their_compilation_seconds": sum(seconds for _, seconds in of_the_fit),
    "the_largest": sorted(of_the_fit, key=lambda program: -program[1])[:6],
}}))
"""


def worst(posterior: jm.Posterior) -> float:
    """Effective samples of the parameter that has the fewest."""
    return min(row["ess"] for row in posterior.summary().values())


def sampled_twice(
    model: jm.Model, fit: jm.Fit, clock: Callable[[], float]
) -> Iterator[tuple[str, jm.Posterior, list[float]]]:
    """(method, posterior, seconds with and without compilation) of both samplers."""
    for method, settings in (
        ("importance", {"draws": 1000}),
        ("nuts", {"warmup": 200, "draws": 250}),
    ):
        seconds = []
        for _ in range(2):
            begin = clock()
            result = jm.sample(model, fit, method=method, **settings)
            seconds.append(clock() - begin)
        yield method, result, seconds


def posterior(options):
    """Warm fit, NUTS and importance sampling of use case 1 through 1.5 arcsec, in turns."""
    model = gradient_model()
    fit = jm.optimise(model, starts=1)
    methods = ("nuts", "importance")
    draws = {"nuts": 500, "importance": 500}
    for method in methods:
        jm.sample(model, fit, method=method, draws=draws[method])
    seconds, independent = {m: [] for m in methods}, {m: [] for m in methods}
    fits = []
    for turn in range(max(1, options.rounds // 5)):
        begin = time.perf_counter()
        fit = jm.optimise(model, starts=1)
        fits.append(time.perf_counter() - begin)
        for method in methods:
            begin = time.perf_counter()
            draws_of_method = jm.sample(model, fit, seed=turn, method=method, draws=draws[method])
            seconds[method].append(time.perf_counter() - begin)
            independent[method].append(worst(draws_of_method))
    yield {"case": "use case 1, warm fit", "seconds": float(np.median(fits))}
    for method in methods:
        rate = float(np.median(np.array(independent[method]) / np.array(seconds[method])))
        yield {
            "case": f"use case 1, {method}",
            "seconds": float(np.median(seconds[method])),
            "ess": float(np.median(independent[method])),
            "ess_per_second": rate,
            "times_emcee_quoted": rate / LENSTRONOMY["ess_per_second"],
        }


def cold(options):
    """From starting Python to a posterior of use case 1, without and with JAX's cache."""
    z = case("use case 1", 1.5, seed=1)[1]["z"]
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "map.npz")
        np.savez(data, values=z.data, sigma=z.errors)
        variables = {
            "JAX_COMPILATION_CACHE_DIR": folder,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        runs = {
            "auto": {},
            "nuts": {},
            "auto, JAX cache empty": variables,
            "auto, JAX cache": variables,
        }
        for name, environment in runs.items():
            code = COLD.format(data=data, method=name.split(",")[0])
            begin = time.perf_counter()
            process = subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | environment,
            )
            seconds = time.perf_counter() - begin
            figures = json.loads(process.stdout.splitlines()[-1])
            row = {"case": f"cold process, {name}", "seconds": seconds} | figures
            yield row | {"lenstronomy_seconds_quoted": LENSTRONOMY["seconds"]}


def clumps(options):
    """All 24 parameters of use case 2; and emcee on lenstronomy's likelihood of it."""
    model = clumps_model()
    begin = time.perf_counter()
    fit = jm.optimise(model, starts=1)
    fit_seconds = time.perf_counter() - begin
    rates = {}
    for method, result, (first, seconds) in sampled_twice(model, fit, time.perf_counter):
        rates[method] = worst(result) / seconds
        yield {
            "case": f"use case 2, {method}",
            "parameters": len(model.start),
            "fit": fit.message,
            "fit_seconds": fit_seconds,
            "seconds_with_compilation": first,
            "seconds": seconds,
            "ess": worst(result),
            "ess_per_second": rates[method],
            "r_hat": max(r["r_hat"] for r in result.summary().values()),
            "k_hat": result.attributes.get("k_hat"),
            "message": result.message,
        }
    if options.compare and find_spec("emcee"):
        from benchmarks.ensemble import emcee_rate

        theirs = emcee_rate(model.galaxy, model.maps, 0.05, options.seconds)
        ratios = {
            f"{method}_over_emcee": rate / theirs["ess_per_second"]
            for method, rate in rates.items()
        }
        yield {"case": "use case 2, emcee on lenstronomy's likelihood"} | theirs | ratios
