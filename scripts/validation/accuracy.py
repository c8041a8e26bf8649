"""supersampling="auto" by the data: how far it moves the parameters of a user's first map.

Deeper data, and random variants of the map in PSF, galaxy and depth; each fit is compared with one
of the same data at a far finer sampling, in units of the parameters' errors.
"""

import time

import jax
import numpy as np
from benchmarks.first_map import FIRST, model, variants

import jaxmetal as jm
from jaxmetal.inference.resampling import sampled_as
from jaxmetal.inference.sampling_cost import cost_of_sampling

# Random variants beside the map itself and the same with deep data.
VARIANTS = 12
DEEP = FIRST | {"signal_to_noise": 500.0}


def rows(count: int | None = None):
    """A row for the map itself, one for deep data, and one for each variant."""
    with jax.enable_x64(True):
        for number, values in enumerate([FIRST, DEEP, *variants(VARIANTS)][:count]):
            yield {"variant": number} | row(values, number)


def row(values: dict[str, float], seed: int) -> dict:
    """The sampling at start and end, the shift that was measured, and the true one."""
    begin = time.perf_counter()
    automatic = model(values, seed)
    fit = jm.optimise(automatic)
    seconds = time.perf_counter() - begin
    start, end = (maps["z"].instrument.sampling for maps in (automatic.maps, fit.maps))
    cells = int(min(max(2 * end.convolve, 4), 9))
    margin = min(2 * end.margin + 4, 120)
    fine = model(values, seed, supersampling=(2 * cells, cells), margin=margin)
    converged = jm.optimise(jm.Model(fit.galaxy, fine.maps, dict(fine.priors)), starts=1)
    shifts = {
        path: float(np.abs(value - converged.parameters[path]) / converged.errors[path])
        for path, value in fit.parameters.items()
    }
    worst = max(shifts, key=shifts.__getitem__)
    return values | {
        "start": f"{start.evaluate:g}/{start.convolve:g}, margin {start.margin}",
        "end": f"{end.evaluate:g}/{end.convolve:g}, margin {end.margin}",
        "measured_shift": cost_of_sampling(sampled_as(automatic, fit.maps), fit).shift,
        "true_shift": shifts[worst],
        "worst": worst,
        "fit": fit.message,
        "seconds": seconds,
    }
