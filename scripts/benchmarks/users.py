"""Scenes as users have them, each in a process of its own: first fit, warm fit, posterior.

    python scripts/benchmark.py users

A row says what a mock, its Model, a first fit, a warm fit, a gradient and a posterior of 1000
effective samples or more take, and how much memory the process needed; beside the value of the
likelihood, what lenstronomy takes for the same two images, where it has the profiles. The two rows
of real data are left out without JAXMETAL_DATA.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import jax
import numpy as np
import numpyro.distributions as dist
from benchmarks import lenstronomy_images
from benchmarks.first_map import scene as first_map

import jaxmetal as jm
from jaxmetal.inference.resampling import sampled_as
from jaxmetal.io import scene

# Makes the Model of a scene, whose data are there.
Scene = Callable[[], jm.Model]
EXAMPLES = Path(__file__).parents[1] / "examples"
# Of real data, in JAXMETAL_DATA.
REAL = ("MaNGA 7815-3702", "AS1063")
# Gradients that are timed one after the other.
GRADIENTS = 50


def muse() -> Scene:
    """A field of MUSE: 100 × 100 pixels of 0.2", Moffat 0.7", light and metallicity free."""
    instrument = jm.Instrument(jm.Grid.regular((100, 100), 0.2), jm.MoffatPSF(0.7, 2.6))
    return _disc(instrument, radius=3.0, signal_to_noise=50.0)


def nirspec() -> Scene:
    """A field of NIRSpec's IFU: 60 × 60 pixels of 0.1" and a kernel of 101 × 101."""
    row, column = np.mgrid[-50:51, -50:51] * 0.05
    core, halo = (np.exp(-(row**2 + column**2) / (2 * s**2)) / s**2 for s in (0.06, 0.25))
    psf = jm.KernelPSF(core + 0.2 * halo, oversampling=2)
    instrument = jm.Instrument(jm.Grid.regular((60, 60), 0.1), psf)
    return _disc(instrument, radius=0.8, signal_to_noise=40.0)


def mosaic() -> Scene:
    """A large frame around a small PSF: 500 × 500 pixels of 0.1"."""
    instrument = jm.Instrument(jm.Grid.regular((500, 500), 0.1), jm.GaussianPSF(0.25))
    return _disc(instrument, radius=8.0, signal_to_noise=30.0)


def clumps() -> Scene:
    """Ten clumps with 40 free parameters on 64 × 64 pixels of 0.1"."""
    instrument = jm.Instrument(jm.Grid.regular((64, 64), 0.1), jm.MoffatPSF(0.3, 3.0))
    rng = np.random.default_rng(5)
    places, values = rng.uniform(-2.0, 2.0, (10, 2)), rng.normal(8.3, 0.2, 10)
    components, priors = {}, {}
    for i, ((x, y), value) in enumerate(zip(places, values, strict=True)):
        name = f"clump{i}"
        light = jm.Profile(
            jm.light.sersic, amp=20.0, R_sersic=0.3, n_sersic=1.0, center_x=x, center_y=y
        )
        metallicity = jm.Profile(jm.tracer.uniform, value=value)
        components[name] = jm.Component(light, metallicity=metallicity)
        priors |= {
            f"{name}.light.amp": dist.LogNormal(np.log(20.0), 0.5),
            f"{name}.light.R_sersic": dist.LogNormal(np.log(0.3), 0.3),
            f"{name}.light.n_sersic": dist.LogNormal(0.0, 0.3),
            f"{name}.metallicity.value": dist.Uniform(7.0, 9.5),
        }
    galaxy = jm.Galaxy(**components)
    return partial(jm.Model, galaxy, _maps(galaxy, instrument, 50.0), priors)


SCENES: Mapping[str, Callable[[], Scene]] = {
    "first map": lambda: partial(jm.Model, *first_map()),
    "MUSE": muse,
    "NIRSpec IFU": nirspec,
    "mosaic of 500 × 500": mosaic,
    "ten clumps": clumps,
    # Light by an image in H-alpha.
    "MaNGA 7815-3702": lambda: scene.load(EXAMPLES / "manga_7815-3702.yaml").model,
    # Bins behind a cluster that is given by maps of deflection.
    "AS1063": lambda: scene.load(EXAMPLES / "as1063.yaml").model,
}


def users(options):
    """A row for each scene, measured in a new process."""
    for name in SCENES:
        if name in REAL and "JAXMETAL_DATA" not in os.environ:
            print(f"users: {name} is left out without JAXMETAL_DATA", file=sys.stderr)
            continue
        code = f"from benchmarks.users import measure; measure({name!r})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
        )
        yield {"case": name} | json.loads(done.stdout.splitlines()[-1])


def measure(name: str) -> None:
    """Print the figures of one scene as JSON."""
    seconds = {}

    def timed(label, function):
        begin = time.perf_counter()
        result = function()
        seconds[label] = time.perf_counter() - begin
        return result

    model = timed("model", timed("mock", SCENES[name]))
    fit = timed("first_fit", lambda: jm.optimise(model))
    timed("warm_fit", lambda: jm.optimise(model))
    sampled = sampled_as(model, fit.maps)
    gradient = jax.jit(jax.value_and_grad(sampled.log_density))
    point = jax.block_until_ready(sampled.start)
    jax.block_until_ready(gradient(point))
    timed("gradient", lambda: [jax.block_until_ready(gradient(point)) for _ in range(GRADIENTS)])
    value = jax.jit(sampled.log_density)
    jax.block_until_ready(value(point))
    timed("value", lambda: [jax.block_until_ready(value(point)) for _ in range(GRADIENTS)])
    posterior = timed("posterior", lambda: jm.sample(model, fit))
    sampling = next(iter(fit.maps.values())).instrument.sampling
    figures = {f"{label}_seconds": value for label, value in seconds.items()}
    figures["gradient_seconds"] /= GRADIENTS
    figures["value_seconds"] /= GRADIENTS
    figures |= {
        "parameters": len(fit.unconstrained),
        "sampling": f"{sampling.evaluate:g}/{sampling.convolve:g}, margin {sampling.margin}",
        "fit": fit.message,
        "method": posterior.attributes["method"],
        "ess": min(entry["ess"] for entry in posterior.summary().values()),
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }
    print(json.dumps(figures | lenstronomy_images.columns(fit)))


def _disc(instrument: jm.Instrument, radius: float, signal_to_noise: float) -> Scene:
    """An inclined disc with ten free parameters, started away from its truth."""

    def galaxy(**light: float) -> jm.Galaxy:
        tracer = jm.Profile(jm.tracer.gradient, central=8.7, gradient=-0.2 / radius)
        return jm.Galaxy(
            disc=jm.Component(jm.Profile(jm.light.sersic, **light), metallicity=tracer)
        )

    truth = galaxy(amp=100.0, R_sersic=radius, n_sersic=1.3, e1=0.2, e2=0.1)
    start = galaxy(amp=30.0, R_sersic=0.7 * radius, n_sersic=1.0, e1=0.0, e2=0.0)
    priors = {
        "disc.light.amp": dist.LogUniform(0.1, 1e4),
        "disc.light.R_sersic": dist.LogUniform(0.1 * radius, 10 * radius),
        "disc.light.n_sersic": dist.Uniform(0.5, 6.0),
        "disc.light.e1": dist.Uniform(-0.8, 0.8),
        "disc.light.e2": dist.Uniform(-0.8, 0.8),
        "disc.light.center_x": dist.Normal(0.0, radius),
        "disc.light.center_y": dist.Normal(0.0, radius),
        "disc.metallicity.central": dist.Uniform(7.0, 9.5),
        "disc.metallicity.gradient": dist.Uniform(-1.0, 1.0),
        "z.scatter": dist.HalfNormal(0.1),
    }
    return partial(jm.Model, start, _maps(truth, instrument, signal_to_noise), priors)


def _maps(
    galaxy: jm.Galaxy, instrument: jm.Instrument, signal_to_noise: float
) -> dict[str, jm.Map]:
    """Maps of light and metallicity with noise, the ratio that of the brightest pixel."""
    flux = np.asarray(jm.simulate.light_map(galaxy, instrument).values)
    sigma = flux.max() / signal_to_noise * np.sqrt(np.clip(flux / flux.max(), 0.01, None))
    light = jm.LightMap(flux, sigma, instrument)
    z = jm.simulate.tracer_map(
        galaxy,
        instrument,
        variance=lambda flux: np.minimum(flux.max() / flux / signal_to_noise**2, 0.09),
    )
    return {"light": jm.simulate.renoise(light, 1), "z": jm.simulate.renoise(z, 2)}
