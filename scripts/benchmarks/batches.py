"""Many galaxies: figure 4's fits, how cost grows, and the memory of a thousand."""

import resource
import subprocess
import sys
import time

import numpy as np
from benchmarks.posteriors import worst
from benchmarks.scenes import PRIORS
from benchmarks.timing import alternate, once

import jaxmetal as jm

SIZES = (1, 1.4, 2, 3, 5, 8)
MEMORY = "from benchmarks.batches import thousand; thousand({count})"


def noisy_models(z: jm.TracerMap, galaxy: jm.Galaxy, count: int) -> list[jm.Model]:
    """The same galaxy with so many draws of noise."""
    start = jm.Component(
        galaxy.disc.light, metallicity=jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1)
    )
    model = jm.Model(jm.Galaxy(disc=start), {"z": z}, PRIORS)
    return [model.with_maps({"z": jm.simulate.renoise(z, seed)}) for seed in range(count)]


def figure4(options):
    """Fits and posteriors of a hundred noise draws of six sizes each, compilation included."""
    for pixels in SIZES:
        galaxy, maps = jm.simulate.size_case(pixels, supersampling=(4, 2))
        models = noisy_models(maps["z"], galaxy, options.count or 100)
        begin = time.perf_counter()
        fits = jm.optimise_batch(models, chunk=50)
        fit_seconds = time.perf_counter() - begin
        good = [
            i for i, fit in enumerate(fits) if np.all(np.isfinite(fit.unconstrained_covariance))
        ]
        begin = time.perf_counter()
        posteriors = jm.sample_batch(
            [models[i] for i in good],
            [fits[i] for i in good],
            chains=2,
            warmup=100,
            draws=300,
            chunk=50,
            allow_unconverged=True,
        )
        yield {
            "case": f"figure 4, {pixels} pixels",
            "fits": len(fits),
            "converged": sum(fit.converged for fit in fits),
            "fit_seconds": fit_seconds,
            "posterior_seconds": time.perf_counter() - begin,
            "ess": float(np.median([worst(p) for p in posteriors])),
            "by_importance": sum(p.attributes["method"] == "importance" for p in posteriors),
        }


def scene(side: int, components: int = 1) -> tuple[jm.Galaxy, jm.TracerMap]:
    """Some discs in a square frame, sampled alike whatever its size."""
    parts = {}
    for i in range(components):
        center = {"center_x": 0.3 * i, "center_y": -0.2 * i}
        light = jm.Profile(jm.light.sersic, amp=16.0, R_sersic=1.0, n_sersic=1.0, **center)
        name = "disc" if i == 0 else f"clump{i}"
        parts[name] = jm.Component(
            light, metallicity=jm.Profile(jm.tracer.gradient, central=8.0, gradient=-0.2, **center)
        )
    galaxy = jm.Galaxy(**parts)
    instrument = jm.Instrument(jm.Grid.regular((side, side), 0.1), jm.GaussianPSF(0.5), (2, 1), 6)
    return galaxy, jm.simulate.tracer_map(galaxy, instrument)


def scaling(options):
    """The map against pixels and components, and fits against galaxies in a batch."""
    from benchmarks.scenes import our_map

    sides = {
        f"{side} pixels a side": our_map(*scene(side))[1]["map"] for side in (32, 64, 128, 256)
    }
    sides |= {f"{n} components": our_map(*scene(64, n))[1]["map"] for n in (2, 5, 10)}
    for name, seconds in alternate(sides, rounds=options.rounds).items():
        yield {"case": name, "ms": 1e3 * seconds}
    galaxy, z = scene(32)
    for count in (1, 8, 64):
        models = noisy_models(z, galaxy, count)
        jm.optimise_batch(models, chunk=8)
        seconds = min(
            once(lambda models=models: jm.optimise_batch(models, chunk=8)) for _ in range(3)
        )
        yield {
            "case": f"{count} galaxies",
            "ms": 1e3 * seconds,
            "ms_per_galaxy": 1e3 * seconds / count,
        }


def thousand(count: int) -> None:
    """Fit `count` stamps of 64 × 64 pixels, and print the seconds and the peak memory in MiB."""
    galaxy, z = scene(64)
    models = noisy_models(z, galaxy, count)
    begin = time.perf_counter()
    jm.optimise_batch(models)
    print(time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory(options):
    """Peak memory of a process that fits a thousand stamps."""
    count = options.count or 1000
    process = subprocess.run(
        [sys.executable, "-c", MEMORY.format(count=count)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, peak = map(float, process.stdout.split())
    yield {"case": f"{count} stamps of 64 x 64", "seconds": seconds, "peak_mib": peak}
