"""The same code on a GPU: map, gradient, fits and posteriors in float32 against stamp and batch size."""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from benchmarks.batches import noisy_models, scene
from benchmarks.posteriors import worst
from benchmarks.timing import alternate

import jaxmetal as jm
from jaxmetal.inference.batch import _stack

SIZES = {"gpu": ((32, 64, 128), (64, 1024, 8192)), "cpu": ((16, 32), (4, 16))}
# Arrays of cells that one map must read or write at least once: two images, forth and back, and their transforms.
PASSES = 8


def device(options):
    """A row for each stamp and batch size; small ones on a CPU, where only the code is exercised."""
    stamps, batches = SIZES[options.device]
    name = jax.devices()[0].device_kind
    for side in stamps:
        galaxy, z = scene(side)
        some = noisy_models(z, galaxy, min(max(batches), 64))
        for count in batches:
            models = [some[i % len(some)] for i in range(count)]
            yield {"case": f"{side} x {side}, batch of {count}", "device": name, "dtype": str(models[0].start.dtype)} | row(models, count)


def row(models: list[jm.Model], count: int) -> dict:
    """Warm times of one batch, per galaxy."""
    stacked = _stack(models)
    points = jnp.stack([model.start for model in models])
    each = eqx.if_array(0)
    predict = eqx.filter_jit(eqx.filter_vmap(lambda m, u: m.predict(m.constrain(u))["z"], in_axes=(each, 0)))
    both = eqx.filter_jit(eqx.filter_vmap(lambda m, u: jax.value_and_grad(m.log_density)(u), in_axes=(each, 0)))
    seconds = alternate({"map": lambda: predict(stacked, points), "gradient": lambda: both(stacked, points)}, rounds=5)
    instrument = models[0].maps["z"].instrument
    bytes_moved = PASSES * count * np.prod(instrument.sampling.cells(instrument.grid.shape)) * points.dtype.itemsize
    fits = jm.optimise_batch(models, chunk=count)
    begin = time.perf_counter()
    jm.optimise_batch(models, chunk=count)
    fitted = time.perf_counter() - begin
    few, found = models[: min(count, 1024)], fits[: min(count, 1024)]
    times = []
    for seed in (0, 1):
        begin = time.perf_counter()
        drawn = jm.sample_batch(few, found, seed, method="importance", chains=2, draws=250, chunk=len(few))
        times.append(time.perf_counter() - begin)
    return {
        "maps_per_second": count / seconds["map"], "gradients_per_second": count / seconds["gradient"],
        "least_gb_per_second": bytes_moved / seconds["map"] / 1e9, "fits_per_second": count / fitted,
        "posteriors_per_second": len(few) / times[1], "ess": float(np.median([worst(p) for p in drawn])),
    }  # fmt: skip
