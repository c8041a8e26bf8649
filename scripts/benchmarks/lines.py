"""The gradient of a fit of emission lines: what six lines more cost, with and without dust."""

from collections.abc import Iterator
from typing import Any

import jax
import numpyro.distributions as dist
from benchmarks.timing import alternate

import jaxmetal as jm

TWO = ("Ha", "NII6584")
EIGHT = (*TWO, "Hb", "OII3727", "OIII4959", "OIII5007", "SII6717", "SII6731")
PSFS = {"Gaussian": jm.GaussianPSF(1.2), "Moffat": jm.MoffatPSF(1.2, 2.8)}


def lines(options: Any) -> Iterator[dict[str, Any]]:
    """Milliseconds of a gradient of two and of eight lines on 72 × 77 pixels of one instrument."""
    for name, psf in PSFS.items():
        for dust in (False, True):
            models = {count: model(psf, names, dust) for count, names in ((2, TWO), (8, EIGHT))}
            sides = {str(count): gradient(one) for count, one in models.items()}
            seconds = alternate(sides, options.rounds)
            yield {
                "case": f"{name} PSF, {'with' if dust else 'without'} dust",
                "two_ms": 1e3 * seconds["2"],
                "eight_ms": 1e3 * seconds["8"],
                "ratio": seconds["8"] / seconds["2"],
            }


def model(psf: Any, names: tuple[str, ...], dust: bool) -> jm.Model:
    """A disc of gas in some lines; with dust their ratios differ from pixel to pixel."""
    tracers = {"metallicity": jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.05)}
    priors = {
        "disc.light.amp": dist.LogNormal(2.0, 1.0),
        "disc.light.R_sersic": dist.LogNormal(1.0, 0.5),
        "disc.metallicity.central": dist.Uniform(7.5, 9.2),
        "disc.metallicity.gradient": dist.Normal(0.0, 0.3),
    }
    if dust:
        tracers["reddening"] = jm.Profile(jm.tracer.uniform, value=0.2)
        priors["disc.reddening.value"] = dist.HalfNormal(0.5)
    light = jm.Profile(jm.light.sersic, amp=10.0, R_sersic=3.0, n_sersic=1.0)
    disc = jm.Component(light, emission=jm.Emission("curti20"), **tracers)
    galaxy = jm.Galaxy(disc=disc)
    instrument = jm.Instrument(jm.Grid.regular((72, 77), 0.2), psf)
    return jm.Model(galaxy, jm.simulate.line_maps(galaxy, instrument, names, seed=1), priors)


def gradient(one: jm.Model) -> Any:
    """A compiled call of the gradient of the log density, where the fit starts."""
    program = jax.jit(jax.value_and_grad(one.log_density))
    return lambda: program(one.start)
