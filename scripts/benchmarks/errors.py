"""Costs of correlated noise and of random fields, and how they grow with pixels and waves.

    python scripts/benchmark.py errors

A row says what a Model, a gradient of its log density and, where a map has a field, a warm fit and
a posterior take.
"""

import time
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm

# Pixels on a side of the square into which a round map fits.
NOISE_SIDES = (45, 80, 226)
# Pixels on a side, FWHM in pixels, and error of a pixel, dex: the finer the PSF and the smaller the
# errors, the more waves of a field show.
FIELD_SCENES = ((16, 4.0, 0.05), (32, 4.0, 0.05), (64, 6.0, 0.05), (64, 4.0, 0.1), (64, 4.0, 0.03))
LINE = {
    "disc.metallicity.central": dist.Normal(8.5, 1.0),
    "disc.metallicity.gradient": dist.Normal(0.0, 0.2),
}
FIELD = {
    "disc.metallicity.amplitude": dist.LogNormal(np.log(0.08), 0.5),
    "disc.metallicity.length": dist.LogNormal(np.log(3.0), 0.3),
}
GRADIENTS = 10


def errors(options) -> Iterator[dict]:
    """A row for each size of map with correlated noise, and for each with a field."""
    del options
    for side in NOISE_SIDES:
        yield _noise_row(side, {})
    # A sampled scatter changes the covariance at every step.
    yield _noise_row(NOISE_SIDES[0], {"z.scatter": dist.HalfNormal(0.05)})
    for scene in FIELD_SCENES:
        yield _field_row(*scene)


def _noise_row(side: int, priors: dict) -> dict:
    row, column = np.indices((side, side)) - (side - 1) / 2
    used = np.hypot(row, column) < side / 2
    correlation = jm.noise.manga()
    galaxy = _galaxy(side / 6)
    z = _map(galaxy, side, 5.0, 0.1, mask=~used, correlation=correlation)
    prepared, model = _timed(lambda: jm.Model(galaxy, {"z": z}, LINE | priors))
    case = "correlated noise" + (", scatter free" if priors else "")
    return {"case": case, "pixels": int(z.size), "waves": 0, "model_seconds": prepared} | {
        "gradient_ms": _gradient(model)
    }


def _field_row(side: int, fwhm: float, error: float) -> dict:
    line = _galaxy(side / 6)
    rough = jm.Sum(line.disc.metallicity, jm.Field(0.08, 3.0, kernel="exponential"))
    galaxy = jm.Galaxy(disc=jm.Component(line.disc.light, metallicity=rough))
    truth = jm.Sum(line.disc.metallicity, _drawn_field(side))
    mock = jm.Galaxy(disc=jm.Component(line.disc.light, metallicity=truth))
    z = _map(mock, side, fwhm, error)
    prepared, model = _timed(lambda: jm.Model(galaxy, {"z": z}, LINE | FIELD))
    fit = jm.optimise(model, starts=1, progress=False)
    warm, fit = _timed(lambda: jm.optimise(model, starts=1, progress=False))
    jm.sample(model, fit, progress=False)
    seconds, posterior = _timed(lambda: jm.sample(model, fit, progress=False))
    ess = min(entry["ess"] for entry in posterior.summary().values())
    return {
        "case": "random field",
        "pixels": side**2,
        "waves": len(model.fields.gram),
        "model_seconds": prepared,
        "gradient_ms": _gradient(model),
        "warm_fit_seconds": warm,
        "method": posterior.attributes["method"],
        "ess_per_second": ess / seconds,
    }


def _galaxy(radius: float) -> jm.Galaxy:
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=radius, n_sersic=1.0)
    line = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.1 / radius)
    return jm.Galaxy(disc=jm.Component(light, metallicity=line))


def _drawn_field(side: int) -> jm.Profile:
    modes = np.random.default_rng(1).standard_normal((2 * side + 1, 2 * side + 1))
    return jm.Field(0.08, 3.0, kernel="exponential", modes=modes, extent=2.0 * side)


def _map(galaxy: jm.Galaxy, side: int, fwhm: float, error: float, **options) -> jm.TracerMap:
    """A map of a galaxy with noise, independent in each pixel."""
    grid = jm.Grid.regular((side, side), 1.0)
    instrument = jm.Instrument(grid, jm.GaussianPSF(fwhm), (1, 1), int(2 * fwhm))
    options |= {"scale": "linear", "check": False}
    values = np.asarray(
        jm.predict(galaxy, jm.TracerMap(np.zeros(grid.shape), error, instrument, **options))
    )
    values = values + error * np.random.default_rng(2).standard_normal(grid.shape)
    return jm.TracerMap(values, error, instrument, **options)


def _gradient(model: jm.Model) -> float:
    """Milliseconds of the log density with its gradient."""
    gradient = jax.jit(jax.value_and_grad(model.log_density))
    point = jnp.asarray(model.start)
    jax.block_until_ready(gradient(point))
    run = lambda: [jax.block_until_ready(gradient(point)) for _ in range(GRADIENTS)]  # noqa: E731
    return 1e3 * _timed(run)[0] / GRADIENTS


def _timed(action):
    begin = time.perf_counter()
    result = action()
    return time.perf_counter() - begin, result
