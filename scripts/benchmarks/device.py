"""Maps, gradients, fits and posteriors on a GPU in float32, by stamp and batch size."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from benchmarks.batches import noisy_models, scene
from benchmarks.posteriors import worst
from benchmarks.timing import alternate, once
from jax._src.test_util import count_jit_compilation_cache_miss

import jaxmetal as jm
from jaxmetal.inference.galaxy_axis import over_galaxies
from jaxmetal.inference.instruments import cells

# (pixels a side, galaxies), what the targets are about first.
CASES = {
    "gpu": [(64, 1024), (64, 8192), (64, 64), (32, 1024), (32, 8192), (128, 64), (128, 1024)],
    "cpu": [(16, 16), (32, 4)],
}
# Arrays of cells that one map must read or write at least once: two images, forth and back, and
# their transforms.
PASSES = 8
# Galaxies of which posteriors are drawn, and how.
DRAWN, DRAWS = 1024, {"chains": 2, "draws": 250}


def device(options):
    """The card's bandwidth; stamps and batch sizes; single precision beside double; and chains."""
    cases = CASES[options.device]
    name = jax.devices()[0].device_kind
    increment = jax.jit(lambda array: array + 1)
    buffer = jnp.ones((2**28 if options.device == "gpu" else 2**22,), jnp.float32)
    seconds = alternate({"copy": lambda: increment(buffer)}, rounds=5)["copy"]
    yield {
        "case": "copy of one array",
        "device": name,
        "jax": jax.__version__,
        "gb_per_second": 2 * buffer.nbytes / seconds / 1e9,
    }
    for side, count in cases:
        galaxy, z = scene(side)
        models = jm.Batch(some_of(noisy_models(z, galaxy, min(count, 64)), count))
        yield {
            "case": f"{side} x {side}, batch of {count}",
            "dtype": str(models[0].start.dtype),
        } | row(models)
        if (side, count) == cases[0]:
            yield precision(models[: min(count, 64)])
            yield chains(jm.Batch(models[: min(count, 256)]))


def some_of(models: list[jm.Model], count: int) -> list[jm.Model]:
    """As many models as asked for, each of a few as often as it takes."""
    return [models[i % len(models)] for i in range(count)]


def row(models: jm.Batch) -> dict:
    """Warm rates of one batch: maps and gradients in one program, fits and posteriors as in use."""
    count = len(models)
    predict = over_galaxies(lambda model, u: model.predict(model.constrain(u))["z"])
    value_and_gradient = over_galaxies(lambda model, u: jax.value_and_grad(model.log_density)(u))
    stack = next(models.parts(count))[1]
    points = jax.block_until_ready(over_galaxies(lambda model: model.start)(stack))
    seconds = alternate(
        {
            "map": lambda: predict(stack, points),
            "gradient": lambda: value_and_gradient(stack, points),
        },
        rounds=5,
    )
    size = cells(models[0].maps)
    bytes_moved = PASSES * count * size * points.dtype.itemsize
    first = once(lambda: jm.optimise_batch(models).covariance)
    with count_jit_compilation_cache_miss() as compiled:
        fit_seconds = min(once(lambda: jm.optimise_batch(models).covariance) for _ in range(3))
        again = compiled()
    subset = jm.Batch(models[:DRAWN])
    fits = list(jm.optimise_batch(subset))
    jm.sample_batch(subset, fits, method="importance", **DRAWS)
    begin = time.perf_counter()
    posteriors = jm.sample_batch(subset, fits, 1, method="importance", **DRAWS)
    return {
        "cells": size,
        "maps_per_second": count / seconds["map"],
        "gradients_per_second": count / seconds["gradient"],
        "least_gb_per_second": bytes_moved / seconds["map"] / 1e9,
        "fits_per_second": count / fit_seconds,
        "first_fit_seconds": first,
        "compilations_when_warm": again,
        "posteriors_per_second": len(subset) / (time.perf_counter() - begin),
        "ess": float(np.median([worst(p) for p in posteriors])),
        "peak_gib": peak(),
    }


def peak() -> float:
    """The peak memory of the device in GiB; NaN where the device does not report it."""
    return (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use", np.nan) / 2**30


def precision(models: list[jm.Model]) -> dict:
    """How far fits in single precision lie from those in double, in standard deviations."""
    single = jm.optimise_batch(models)
    with jax.enable_x64(True):
        wide = [
            jax.tree.map(lambda a: a.astype(float) if eqx.is_inexact_array(a) else a, model)
            for model in models
        ]
        double = jm.optimise_batch(wide)
    errors = np.sqrt(np.diagonal(double.covariance, axis1=1, axis2=2)).T
    away = [
        np.abs(single.parameters[name] - value) / error
        for (name, value), error in zip(double.parameters.items(), errors, strict=True)
    ]
    ratio = np.sqrt(np.diagonal(single.covariance, axis1=1, axis2=2)).T / errors
    return {
        "case": f"single against double precision, {len(models)} fits",
        "dtypes": f"{single.unconstrained.dtype}, {double.unconstrained.dtype}",
        "largest_difference_sigma": float(np.max(away)),
        "largest_error_ratio_minus_1": float(np.max(np.abs(ratio - 1))),
    }


def chains(models: jm.Batch) -> dict:
    """Posteriors by chains of HMC, all galaxies in step."""
    fits = list(jm.optimise_batch(models))
    settings = {"method": "hmc", "chains": 2, "warmup": 100, "draws": 300}
    jm.sample_batch(models, fits, **settings)
    begin = time.perf_counter()
    posteriors = jm.sample_batch(models, fits, 1, **settings)
    seconds = time.perf_counter() - begin
    return {
        "case": f"HMC, batch of {len(models)}",
        "posteriors_per_second": len(models) / seconds,
        "ess": float(np.median([worst(p) for p in posteriors])),
        "largest_r_hat": max(r["r_hat"] for p in posteriors for r in p.summary().values()),
        "divergences": sum(p.divergences for p in posteriors),
    }
