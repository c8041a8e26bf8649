"""Ranks of a random field's amplitude and length among their posterior draws, and of the line.

As `calibration`, with truths from the prior, but the maps are made by the simulator of `fields`,
which shares no code with the fits and draws fields by their covariance rather than by waves.
"""

from collections.abc import Iterator

import jax
import numpy as np
import numpyro.distributions as dist
from validation.calibration import laplace_draws, row, thinned
from validation.fields import (
    AMPLITUDE_PATH,
    ERROR,
    LENGTH_PATH,
    RADIUS,
    galaxy,
    mock,
    observed,
)
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm

SIMULATIONS, DRAWS = 300, 300
# FWHM of the PSF, R_e, and pixels on a side.
FWHM, SIDE = 0.6, 15
PRIORS = {
    CENTRAL: dist.Normal(8.5, 0.3),
    GRADIENT: dist.Normal(-0.02, 0.05),
    AMPLITUDE_PATH: dist.LogNormal(np.log(0.1), 0.5),
    LENGTH_PATH: dist.LogNormal(np.log(2.5), 0.3),
}


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each parameter, by importance sampling and by Laplace.

    Importance sampling falls back to chains where k-hat is too large.
    """
    rng, count = np.random.default_rng(0), count or SIMULATIONS
    blank = observed(np.full((SIDE, SIDE), 8.5), FWHM, "linear")
    template = jm.Model(galaxy(0.1), {"z": blank}, PRIORS)
    truths: dict[str, list[float]] = {path: [] for path in PRIORS}
    draws: dict[str, dict[str, list]] = {
        method: {path: [] for path in PRIORS} for method in ("auto", "laplace")
    }
    for seed in range(count):
        truth = {path: float(v) for path, v in template.draw(jax.random.key(seed)).items()}
        model = template.with_maps({"z": _noisy(truth, rng)})
        fit = jm.optimise(model, starts=1, progress=False)
        # Ranks are uniform only over all draws of the prior, so none of them is left out.
        posterior = jm.sample(
            model, fit, chains=1, draws=DRAWS, seed=seed, progress=False, allow_unconverged=True
        )
        for path, value in truth.items():
            truths[path].append(value)
            draws["auto"][path].append(thinned(posterior.samples[path]))
            draws["laplace"][path].append(laplace_draws(fit, path, rng))
    for method, by_path in draws.items():
        for path, samples in by_path.items():
            labels = {"case": "random field", "pixels": RADIUS, "fwhm": FWHM * RADIUS}
            labels |= {"parameter": path, "method": method}
            yield row(labels, np.array(truths[path]), samples)


def _noisy(truth: dict[str, float], rng: np.random.Generator) -> jm.TracerMap:
    """A map of a galaxy of these parameters, with noise."""
    exact = mock(
        "linear",
        FWHM,
        truth[AMPLITUDE_PATH],
        rng,
        central=truth[CENTRAL],
        slope=truth[GRADIENT] * RADIUS,
        length=truth[LENGTH_PATH],
        side=SIDE,
    )
    return observed(exact + ERROR * rng.standard_normal(exact.shape), FWHM, "linear")
