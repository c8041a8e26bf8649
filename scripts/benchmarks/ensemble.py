"""emcee on lenstronomy's likelihood of use case 2, for a given time."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import jaxmetal as jm

WALKERS = 64
# Free of each clump's light, with bounds around the truth; lenstronomy's tracer is light-weighted
# in its own units.
BOUNDS = {
    "amp": (1.0, 100.0),
    "R_sersic": (0.05, 1.0),
    "n_sersic": (0.4, 4.0),
    "e1": (-0.5, 0.5),
    "e2": (-0.5, 0.5),
}


def emcee_rate(galaxy: jm.Galaxy, maps: dict, fwhm: float, seconds: float) -> dict:
    """Effective samples per second of the worst parameter; the first fifth is discarded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import emcee

        _, start, log_density = their_density(script(galaxy, maps, fwhm))
        sampler = emcee.EnsembleSampler(WALKERS, len(start), log_density)
        place = start + 1e-3 * np.random.default_rng(0).standard_normal((WALKERS, len(start)))
        return run_for(sampler, place, seconds)


def run_for(sampler: Any, place: Any, seconds: float) -> dict:
    """Effective samples per second of an emcee sampler that is run for so many CPU seconds.

    Where the chain is shorter than some fifty times the autocorrelation time, that is a lower limit
    and the rate an upper one.
    """
    # CPU seconds of this process, whatever else the machine does.
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        place = sampler.run_mcmc(place, 20, skip_initial_state_check=True)
    elapsed = time.process_time() - begin
    steps = sampler.iteration
    time_scale = float(np.max(sampler.get_autocorr_time(discard=steps // 5, tol=0)))
    ess = 0.8 * steps * sampler.nwalkers / time_scale
    return {
        "parameters": sampler.ndim,
        "seconds": elapsed,
        "steps": steps,
        "autocorrelation_steps": time_scale,
        "ess": ess,
        "ess_per_second": ess / elapsed,
    }


def their_density(arguments: dict) -> tuple[list[str], np.ndarray, Callable]:
    """Names, start and lenstronomy's log likelihood of a FittingSequence's free parameters."""
    from lenstronomy.Sampling.likelihood import Likelihood
    from lenstronomy.Sampling.parameters import Param

    params = arguments["kwargs_params"]
    keys = {"source": "source_model", "tracer_source": "tracer_source_model"}
    bounds = {
        f"kwargs_{s}_{k}": params[key][n]
        for s, n in (("fixed", 2), ("lower", 3), ("upper", 4))
        for k, key in keys.items()
    }
    param = Param(arguments["kwargs_model"], **bounds, **arguments["kwargs_constraints"])
    likelihood = Likelihood(
        arguments["kwargs_data_joint"],
        arguments["kwargs_model"],
        param,
        **arguments["kwargs_likelihood"],
    )
    start = param.kwargs2args(
        kwargs_source=params["source_model"][0],
        kwargs_tracer_source=params["tracer_source_model"][0],
    )
    return param.num_param()[1], np.array(start), likelihood.logL


def script(galaxy: jm.Galaxy, maps: dict, fwhm: float) -> dict:
    """lenstronomy's arguments for elliptical Sersic clumps, each with one metallicity."""
    z, light = maps["z"], maps["light"]
    ny, nx = z.values.shape
    scale = float(z.instrument.grid.pixel_scale)
    where = {
        "ra_at_xy_0": -scale * (nx - 1) / 2,
        "dec_at_xy_0": -scale * (ny - 1) / 2,
        "transform_pix2angle": scale * np.eye(2),
    }
    psf, numerics = {"psf_type": "GAUSSIAN", "fwhm": fwhm}, {"supersampling_factor": 3}

    def band(m, unit):
        return [
            {
                "image_data": np.asarray(m.values, float) / unit,
                "noise_map": np.asarray(m.sigma, float) / unit,
            }
            | where,
            psf,
            numerics,
        ]

    count = len(galaxy.components)
    return {
        "kwargs_data_joint": {
            "multi_band_list": [band(light, scale**2)],
            "multi_band_type": "single-band",
            "tracer_data": band(z, 1.0),
        },
        "kwargs_model": {
            "source_light_model_list": ["SERSIC_ELLIPSE"] * count,
            "tracer_source_model_list": ["UNIFORM"] * count,
            "tracer_partition": [[i, i] for i in range(count)],
        },
        "kwargs_constraints": {"linear_solver": False},
        "kwargs_likelihood": {"image_likelihood": True, "tracer_likelihood": True},
        "kwargs_params": clump_settings(galaxy),
    }


def clump_settings(galaxy: jm.Galaxy) -> dict[str, list]:
    """init, sigma, fixed, lower and upper of lights and metallicities, by lenstronomy's names."""
    lights, low, high, tracers = [], [], [], []
    for component in galaxy.components.values():
        p = {k: float(v) for k, v in component.light.parameters.items()}
        place = {"center_x": p["center_x"], "center_y": p["center_y"]}
        lights.append({k: p[k] for k in BOUNDS} | place)
        low.append({k: b[0] for k, b in BOUNDS.items()} | {k: v - 0.3 for k, v in place.items()})
        high.append({k: b[1] for k, b in BOUNDS.items()} | {k: v + 0.3 for k, v in place.items()})
        tracers.append({"amp": float(component.tracers["metallicity"].parameters["value"])})
    empty, count = [{}] * len(lights), len(lights)
    limits = [{"amp": 6.0}] * count, [{"amp": 10.0}] * count
    return {
        "source_model": [lights, empty, empty, low, high],
        "tracer_source_model": [tracers, empty, empty, *limits],
    }
