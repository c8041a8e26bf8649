"""Velocity and dispersion of a disc with ten free parameters, and emcee on the same likelihood."""

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from benchmarks.ensemble import run_for
from benchmarks.posteriors import sampled_twice, worst

import jaxmetal as jm
from jaxmetal.inference.resampling import sampled_as

SHAPE, PIXEL, FWHM, ERROR = (72, 77), 0.2, 1.2, 5.0
WALKERS = 40
# CPU seconds of emcee. Where its chain is shorter than some fifty autocorrelation times, the time
# is a lower limit and the rate an upper one.
SECONDS = 240.0
START = {"v_max": 180.0, "r_turn": 0.6, "inclination": 50.0, "position_angle": 40.0}
TRUTH = {"v_max": 200.0, "r_turn": 0.4, "inclination": 60.0, "position_angle": 50.0}


def disc(dispersion: float, **rotation: float) -> jm.Galaxy:
    """A rotating disc under exponential light."""
    return jm.Galaxy(
        disc=jm.Component(
            jm.Profile(jm.light.exponential, amp=10.0, scale_length=1.5),
            velocity=jm.Profile(jm.tracer.rotation, systemic=1000.0, **rotation),
            dispersion=jm.Profile(jm.tracer.uniform, value=dispersion),
        )
    )


def scene() -> jm.Model:
    """The model of noisy maps of both moments."""
    instrument = jm.Instrument(jm.Grid.regular(SHAPE, PIXEL), jm.GaussianPSF(FWHM))

    def maps(v: np.ndarray, s: np.ndarray) -> dict[str, jm.Map]:
        options = {"tracer": "velocity", "scale": "linear", "check": False}
        return {
            "v": jm.TracerMap(v, ERROR, instrument, **options),
            "s": jm.DispersionMap(s, ERROR, instrument, instrumental=25.0, check=False),
        }

    truth, rng = disc(30.0, **TRUTH), np.random.default_rng(1)
    blank = maps(np.ones(SHAPE), np.ones(SHAPE))
    noisy = [
        np.asarray(jm.predict(truth, one)) + ERROR * rng.normal(size=SHAPE)
        for one in blank.values()
    ]
    priors = {
        "disc.velocity.v_max": dist.Uniform(20.0, 600.0),
        "disc.velocity.r_turn": dist.LogNormal(-0.7, 1.0),
        "disc.velocity.inclination": dist.Uniform(5.0, 85.0),
        "disc.velocity.position_angle": dist.Normal(40.0, 30.0),
        "disc.velocity.systemic": dist.Normal(1000.0, 50.0),
        "disc.velocity.center_x": dist.Normal(0.0, 0.3),
        "disc.velocity.center_y": dist.Normal(0.0, 0.3),
        "disc.dispersion.value": dist.Uniform(1.0, 150.0),
        "v.scatter": dist.HalfNormal(5.0),
        "s.scatter": dist.HalfNormal(5.0),
    }
    return jm.Model(disc(45.0, **START), maps(*noisy), priors)


def kinematics(options):
    """Effective samples a second of the worst parameter, in CPU seconds on both sides."""
    model = scene()
    fit = jm.optimise(model, starts=1)
    rates = {}
    for method, result, (_, seconds) in sampled_twice(model, fit, time.process_time):
        rates[method] = worst(result) / seconds
        yield {
            "case": f"velocity and dispersion, {method}",
            "parameters": len(model.start),
            "fit": fit.message,
            "seconds": seconds,
            "ess": worst(result),
            "ess_per_second": rates[method],
            "message": result.message,
        }
    if find_spec("emcee"):
        sampled = sampled_as(model, fit.maps)
        theirs = emcee_rate(sampled.log_density, np.asarray(fit.unconstrained), SECONDS)
        ratios = {
            f"{name}_over_emcee": rate / theirs["ess_per_second"] for name, rate in rates.items()
        }
        yield {"case": "velocity and dispersion, emcee on the same likelihood"} | theirs | ratios


def emcee_rate(log_density: Callable, start: np.ndarray, seconds: float) -> dict:
    """Effective samples a second of emcee, whose walkers are evaluated in one compiled program."""
    import emcee

    program = jax.jit(jax.vmap(log_density))

    def density(places: np.ndarray) -> np.ndarray:
        return np.asarray(program(jnp.asarray(places, start.dtype)), float)

    rng = np.random.default_rng(0)
    place = start + 1e-3 * rng.standard_normal((WALKERS, len(start)))
    sampler = emcee.EnsembleSampler(WALKERS, len(start), density, vectorize=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Compiled before the clock starts.
        place = sampler.run_mcmc(place, 2, skip_initial_state_check=True)
        sampler.reset()
        return run_for(sampler, place, seconds)
