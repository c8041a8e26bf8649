"""The first map of a user: a Moffat PSF, wide priors, light and metallicity fitted together."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm

SHAPE = (40, 40)
# arcsec
PIXEL_SCALE = 0.5
# PSF, galaxy and depth of the map. Ellipticity is that of e1; e2 is 0.1.
FIRST = {
    "fwhm": 1.3,
    "beta": 2.8,
    "R_sersic": 3.0,
    "n_sersic": 1.2,
    "e1": 0.3,
    "signal_to_noise": 30.0,
}
PRIORS = {
    "disc.light.amp": dist.LogUniform(0.1, 1e4),
    "disc.light.R_sersic": dist.LogUniform(0.3, 20.0),
    "disc.light.n_sersic": dist.Uniform(0.5, 6.0),
    "disc.light.e1": dist.Uniform(-0.8, 0.8),
    "disc.light.e2": dist.Uniform(-0.8, 0.8),
    "disc.light.center_x": dist.Normal(0.0, 1.0),
    "disc.light.center_y": dist.Normal(0.0, 1.0),
    "disc.metallicity.central": dist.Uniform(7.0, 9.5),
    "disc.metallicity.gradient": dist.Uniform(-0.5, 0.5),
}
# What the truth is computed with: far finer than any choice.
TRUTH = {"supersampling": (24, 8), "margin": 100}
# The largest error of a metallicity, dex.
LARGEST_ERROR = 0.3


def model(values: Mapping[str, float] = FIRST, seed: int = 1, **options: Any) -> jm.Model:
    """The model of a mock map; see `scene`."""
    return jm.Model(*scene(values, seed, **options))


def scene(
    values: Mapping[str, float] = FIRST, seed: int = 1, **options: Any
) -> tuple[jm.Galaxy, dict[str, jm.Map], dict[str, Any]]:
    """Galaxy, maps and priors of a mock map; the galaxy is away from its truth.

    Parameters
    ----------
    values
        as FIRST; the signal-to-noise ratio is that of the brightest pixel, and of 1 / sigma of the
        metallicity there.
    seed
        of the noise.
    options
        of the instrument that fits, such as supersampling and margin.
    """
    truth = _galaxy(
        amp=100.0,
        center_x=0.1,
        center_y=-0.1,
        e2=0.1,
        central=8.7,
        gradient=-0.06,
        **{name: values[name] for name in ("R_sersic", "n_sersic", "e1")},
    )
    exact, rng = _instrument(values, **TRUTH), np.random.default_rng(seed)
    flux = np.asarray(jm.simulate.light_map(truth, exact).values, float)
    z = np.asarray(jm.predict(truth, jm.TracerMap(np.zeros(SHAPE), 1.0, exact)), float)
    relative = flux / flux.max()
    noise = 1 / values["signal_to_noise"]
    sigma_light = noise * flux.max() * np.sqrt(np.clip(relative, 0.01, None))
    sigma_z = np.minimum(noise / np.sqrt(np.clip(relative, 1e-6, None)), LARGEST_ERROR)
    instrument = _instrument(values, **options)
    maps = {
        "light": jm.LightMap(flux + sigma_light * rng.normal(size=SHAPE), sigma_light, instrument),
        "z": jm.TracerMap(z + sigma_z * rng.normal(size=SHAPE), sigma_z, instrument),
    }
    start = _galaxy(30.0, 0.0, 0.0, 0.0, 8.5, -0.03, R_sersic=2.0, n_sersic=1.0, e1=0.0)
    return start, maps, PRIORS


def variants(count: int, seed: int = 0) -> list[dict[str, float]]:
    """Random variants of the map, in every respect that its sampling depends on."""
    rng = np.random.default_rng(seed)
    return [
        {
            "fwhm": PIXEL_SCALE * float(np.exp(rng.uniform(np.log(0.4), np.log(4.0)))),
            "beta": float(rng.uniform(2.0, 5.0)),
            "R_sersic": 3.0,
            "n_sersic": float(rng.uniform(0.5, 6.0)),
            "e1": float(rng.uniform(0.0, 0.69)),
            "signal_to_noise": float(np.exp(rng.uniform(np.log(5.0), np.log(500.0)))),
        }
        for _ in range(count)
    ]


def _instrument(values: Mapping[str, float], **options: Any) -> jm.Instrument:
    grid, psf = jm.Grid.regular(SHAPE, PIXEL_SCALE), jm.MoffatPSF(values["fwhm"], values["beta"])
    return jm.Instrument(grid, psf, **options)


def _galaxy(
    amp: float,
    center_x: float,
    center_y: float,
    e2: float,
    central: float,
    gradient: float,
    **light: float,
) -> jm.Galaxy:
    return jm.Galaxy(
        disc=jm.Component(
            jm.Profile(
                jm.light.sersic, amp=amp, center_x=center_x, center_y=center_y, e2=e2, **light
            ),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
        )
    )
