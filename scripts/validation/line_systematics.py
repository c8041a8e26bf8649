"""Emission lines: dust, PSFs that differ from line to line, and two branches of one ratio.

Dust and PSFs: the gradient with them in the model and without, in many noise draws of one scene.
Branches: R23 alone, whose truth of 8.3 looks like 7.80: the odds of both by the automatic sampler
beside a sum over the posterior on a grid.
"""

from collections.abc import Iterator

import jax
import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm
from jaxmetal.compiling import compiled_once

FITS = 200
# Noise draws of the branches, each with a posterior.
POSTERIORS = 10
CENTRAL_TRUTH, GRADIENT_TRUTH = 8.6, -0.1
# E(B-V), mag, and its slope per arcsec.
DUST = {"central": 0.3, "gradient": -0.06}
LINES = ("Hb", "OII3727", "OIII5007", "Ha")
# FWHM of the PSF of each line, arcsec: 15 % apart, as [OII] and Ha in one night.
WIDTHS = {"Ha": 0.8, "NII6584": 0.92}
R23 = {"OII3727": 1.0, "OIII4959": 1.0, "OIII5007": 1.0}
# R23 of Curti et al. (2020) is largest here.
TURN = 8.0665
# The grid around a maximum: how many errors it reaches, and points along each axis.
REACH, STEPS = 6.0, 41
PRIORS = {
    "disc.light.amp": dist.LogNormal(1.0, 1.0),
    CENTRAL: dist.Uniform(7.0, 9.2),
    GRADIENT: dist.Normal(0.0, 0.5),
}
OF_DUST = {
    "disc.reddening.central": dist.HalfNormal(0.5),
    "disc.reddening.gradient": dist.Normal(0.0, 0.2),
}
OF_BRANCHES = {CENTRAL: dist.Normal(8.4, 0.4), GRADIENT: dist.Normal(0.0, 0.3)}


def rows(count: int | None = None) -> Iterator[dict]:
    """Rows of dust, of PSFs, and of branches."""
    yield from dust_rows(count or FITS)
    yield from psf_rows(count or FITS)
    for seed in range(min(count or POSTERIORS, POSTERIORS)):
        yield branch_row(seed)


def disc(
    central: float, gradient: float, dust: dict | None = None, reference: str = "Ha"
) -> jm.Galaxy:
    """An exponential disc of one line, with the relations of Curti et al. (2020)."""
    tracers = {} if dust is None else {"reddening": jm.Profile(jm.tracer.gradient, **dust)}
    return jm.Galaxy(
        disc=jm.Component(
            light=jm.Profile(jm.light.sersic, amp=3.0, R_sersic=1.0, n_sersic=1.0),
            metallicity=jm.Profile(jm.tracer.gradient, central=central, gradient=gradient),
            emission=jm.Emission("curti20", reference=reference),
            **tracers,
        )
    )


def telescope(fwhm: float = 0.8) -> jm.Instrument:
    """31 x 31 pixels of 0.2 arcsec."""
    return jm.Instrument(jm.Grid.regular((31, 31), 0.2), jm.GaussianPSF(fwhm), (4, 2), 8)


def observed(
    truth: jm.Galaxy, instruments: dict[str, jm.Instrument], noise: float, count: int
) -> list[dict[str, jm.LineMap]]:
    """Noise draws of line maps; the noise is a part of the brightest pixel of the first."""
    exact = {
        name: jm.simulate.line_maps(truth, one, [name])[name] for name, one in instruments.items()
    }
    sigma = noise * float(next(iter(exact.values())).values.max())
    blank = {
        name: jm.LineMap(one.values, sigma, one.instrument, name, check=False)
        for name, one in exact.items()
    }
    return [
        {
            name: jm.simulate.renoise(one, len(blank) * seed + index)
            for index, (name, one) in enumerate(blank.items())
        }
        for seed in range(count)
    ]


def dust_rows(count: int) -> Iterator[dict]:
    """E(B-V) that falls outwards, in the model and left out; R23 and O32 from their lines."""
    instrument = telescope()
    truth = disc(CENTRAL_TRUTH, GRADIENT_TRUTH, DUST)
    maps = observed(truth, dict.fromkeys(LINES, instrument), 0.02, count)
    flat = {"central": 0.1, "gradient": 0.0}
    yield _fitted("dust", "in the model", disc(8.4, 0.0, flat), PRIORS | OF_DUST, maps)
    yield _fitted("dust", "left out", disc(8.4, 0.0), PRIORS, maps)


def psf_rows(count: int) -> Iterator[dict]:
    """A constant metallicity through two PSFs, and fitted as if they were one."""
    instruments = {name: telescope(fwhm) for name, fwhm in WIDTHS.items()}
    maps = observed(disc(8.4, 0.0), instruments, 0.02, count)
    yield _fitted("two PSFs", "in the model", disc(8.3, 0.05), PRIORS, maps, 0.0)
    one = instruments["Ha"]
    alike = [
        {n: jm.LineMap(m.values, m.sigma, one, n, check=False) for n, m in each.items()}
        for each in maps
    ]
    yield _fitted("two PSFs", "left out", disc(8.3, 0.05), PRIORS, alike, 0.0)


def _fitted(
    scene: str, method: str, start: jm.Galaxy, priors: dict, maps: list, truth: float | None = None
) -> dict:
    first = jm.Model(start, maps[0], priors)
    fits = jm.optimise_batch([first.with_maps(one) for one in maps])
    gradients, errors = (np.asarray(x[GRADIENT], float) for x in (fits.parameters, fits.errors))
    truth = GRADIENT_TRUTH if truth is None else truth
    return {
        "scene": scene,
        "method": method,
        "fits": len(maps),
        "converged": int(np.sum(fits.converged)),
        "truth": truth,
        "gradient": float(gradients.mean()),
        "scatter": float(gradients.std(ddof=1)) if len(maps) > 1 else np.nan,
        "error": float(errors.mean()),
        "bias_in_errors": float((gradients.mean() - truth) / errors.mean()),
        "coverage": float(np.mean(np.abs(gradients - truth) < errors)),
        "modes": 1,
        "upper": np.nan,
        "upper_on_grid": np.nan,
    }


def branch_row(seed: int) -> dict:
    """The probability of the upper branch by `sample`, and by a sum over the posterior."""
    instrument = telescope()
    truth = disc(8.3, -0.05, reference="Hb")
    lines = {"hb": "Hb", "r23": R23}
    blank = {
        name: jm.LineMap(np.zeros(instrument.shape), 1.0, instrument, line, check=False)
        for name, line in lines.items()
    }
    exact = {name: np.asarray(jm.predict(truth, one), float) for name, one in blank.items()}
    sigma = 0.1 * exact["hb"].max()
    maps = {
        name: jm.simulate.renoise(
            jm.LineMap(exact[name], sigma, instrument, line, check=False), 2 * seed + index
        )
        for index, (name, line) in enumerate(lines.items())
    }
    model = jm.Model(disc(8.6, 0.0, reference="Hb"), maps, OF_BRANCHES)
    fit = jm.optimise(model)
    draws = jm.sample(model, fit, seed=seed)
    upper = max(fit.modes, key=lambda mode: float(mode.parameters[CENTRAL]))
    return {
        "scene": "branches",
        "method": str(draws.attributes["method"]),
        "fits": 1,
        "converged": int(fit.converged and draws.converged),
        "truth": -0.05,
        "gradient": float(upper.parameters[GRADIENT]),
        "scatter": np.nan,
        "error": float(upper.errors[GRADIENT]),
        "bias_in_errors": float((upper.parameters[GRADIENT] + 0.05) / upper.errors[GRADIENT]),
        "coverage": np.nan,
        "modes": len(fit.modes),
        "upper": float(np.mean(draws.samples[CENTRAL] > TURN)),
        "upper_on_grid": _on_a_grid(fit, model),
    }


def _on_a_grid(fit: jm.Fit, model: jm.Model) -> float:
    """The probability of the upper branch by sums over a grid of its own around each maximum.

    A grid over both branches whose step is a third of an error would have a million points.
    """
    steps = np.linspace(-REACH, REACH, STEPS)
    pairs = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    masses = {}
    for mode in fit.modes:
        root = np.linalg.cholesky(mode.covariance)
        middle = np.array([float(mode.parameters[path]) for path in mode.parameters])
        logs = _log_posteriors(model, middle + pairs @ root.T, tuple(mode.parameters))
        volume = np.log(np.linalg.det(root))
        masses[float(mode.parameters[CENTRAL])] = volume + np.logaddexp.reduce(logs)
    upper, total = max(masses), np.logaddexp.reduce(list(masses.values()))
    return float(np.exp(masses[upper] - total)) if upper > TURN else 0.0


def _log_posteriors(model: jm.Model, points: np.ndarray, paths: tuple[str, ...]) -> np.ndarray:
    def height(model: jm.Model, point: jax.Array) -> jax.Array:
        values = dict(zip(paths, point, strict=True))
        return model.log_likelihood(values) + model.log_prior(values)

    return np.asarray(_heights(height, model, points.astype(model.start.dtype)), float)


@compiled_once
def _heights(height, model: jm.Model, points: np.ndarray) -> jax.Array:
    return jax.lax.map(lambda point: height(model, point), points, batch_size=64)
