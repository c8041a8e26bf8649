"""Bias, efficiency and coverage of many noise draws of the paper's scenes.

They are use case 1 at eight PSF widths, figure 4's six sizes, and three clumps. Each scene is
fitted for every draw of the noise (MAP and Laplace); the first of them are sampled too, by
importance sampling with chains where k-hat is too large, and half of figure 4's sizes by NUTS as
well.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, CLUMPS, GRADIENT, SIZES, TRUTH, WIDTHS

import jaxmetal as jm
from jaxmetal.inference.fits import Fits

FITS, POSTERIORS = 1000, 400
# The smallest frames are cheap, and the share of intervals that hold the truth wants numbers: 0.7 %
# at 4000.
FITS_OF_SIZES = 4000
# By NUTS too, which for a batch takes much longer: sizes in pixels. Each sampler's draws.
NUTS = (1, 2, 5)
DRAWS = {"auto": {"chains": 1, "draws": 300}, "nuts": {"chains": 1, "warmup": 60, "draws": 150}}
PRIORS = {CENTRAL: dist.Uniform(6.0, 10.0), GRADIENT: dist.Uniform(-2.0, 2.0)}


class Case(NamedTuple):
    """A scene, and how it is fitted.

    known: {path: (truth, Cramér-Rao sigma, naive gradient or NaN)}.
    """

    name: str
    pixels: float
    fwhm: float
    galaxy: jm.Galaxy
    z: jm.TracerMap
    priors: dict[str, dist.Distribution]
    known: dict[str, tuple[float, float, float]]
    methods: tuple[str, ...] = ("auto",)


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each parameter of each scene, by MAP with Laplace and by each sampler."""
    for case in cases():
        yield from case_rows(case, count or (FITS_OF_SIZES if case.name == "figure 4" else FITS))


def cases() -> Iterator[Case]:
    """Every scene, with the galaxy from which its fits start: not the truth."""
    start = jm.Profile(jm.tracer.gradient, central=8.2, gradient=-0.1)
    for pixels, (sigma, _, naive) in SIZES.items():
        galaxy, maps = jm.simulate.size_case(pixels, supersampling=(4, 2))
        disc, known = (
            jm.Component(galaxy.disc.light, metallicity=start),
            {GRADIENT: (TRUTH, sigma, naive)},
        )
        methods = ("auto", "nuts") if pixels in NUTS else ("auto",)
        yield Case(
            "figure 4",
            pixels,
            2.0 / pixels,
            jm.Galaxy(disc=disc),
            maps["z"],
            PRIORS,
            known,
            methods,
        )
    for fwhm, (sigma, _, naive) in WIDTHS.items():
        galaxy, maps = jm.simulate.use_case_1(fwhm)
        disc, known = (
            jm.Component(galaxy.disc.light, metallicity=start),
            {GRADIENT: (TRUTH, sigma, naive)},
        )
        yield Case("use case 1", 1 / 0.066, fwhm, jm.Galaxy(disc=disc), maps["z"], PRIORS, known)
    galaxy, maps = jm.simulate.use_case_2()
    value = jm.Profile(jm.tracer.uniform, value=7.8)
    clumps = jm.Galaxy(
        **{
            name: jm.Component(part.light, metallicity=value)
            for name, part in galaxy.components.items()
        }
    )
    priors = {path: dist.Uniform(6.0, 10.0) for path in CLUMPS}
    yield Case(
        "use case 2",
        0.25 / 0.066,
        0.05,
        clumps,
        maps["z"],
        priors,
        {p: (*known, np.nan) for p, known in CLUMPS.items()},
    )


def case_rows(case: Case, count: int) -> Iterator[dict]:
    """Many fits of one scene, and posteriors of the first of them, against the bounds."""
    z, model = case.z, jm.Model(case.galaxy, {"z": case.z}, case.priors)
    noisy = [jm.simulate.renoise(z, seed) for seed in range(count)]
    models = [model.with_maps({"z": m}) for m in noisy]
    fits = jm.optimise_batch(models)
    radius = jm.baselines.radius_map(z.instrument.grid)
    naive = np.array([jm.baselines.wls(radius, m.data, m.errors).gradient for m in noisy])
    for path in case.known:
        yield _laplace_row(case, path, fits, naive)
    first = slice(min(count, POSTERIORS))
    for method in case.methods:
        # A statistic of all draws of the noise leaves none of them out.
        posteriors = jm.sample_batch(
            models[first], fits[first], method=method, allow_unconverged=True, **DRAWS[method]
        )
        for path in case.known:
            maxima = np.asarray(fits.parameters[path], float)
            yield _sampled_row(case, path, method, posteriors, maxima, naive[first])


def _laplace_row(case: Case, path: str, fits: Fits, naive: np.ndarray) -> dict:
    truth = case.known[path][0]
    value, error = (np.asarray(columns[path], float) for columns in (fits.parameters, fits.errors))
    inside = [np.abs(value - truth) < k * error for k in (1.0, 1.959964)]
    return _row(case, path, "laplace", value, error, inside, naive) | {
        "converged": float(np.mean([fit.converged for fit in fits])),
        "least_ess": np.nan,
        "bias_of_medians": np.nan,
        "chance": 0.0,
    }


def _sampled_row(
    case: Case,
    path: str,
    method: str,
    posteriors: Sequence[jm.Posterior],
    maxima: np.ndarray,
    naive: np.ndarray,
) -> dict:
    """A row of the posteriors of the first draws of the noise; `maxima` are those of all draws."""
    truth, bound, _ = case.known[path]
    summaries = [posterior.summary()[path] for posterior in posteriors]
    draws = np.stack([np.ravel(posterior.samples[path]) for posterior in posteriors]).astype(float)
    mean, sd = draws.mean(axis=1), draws.std(axis=1, ddof=1)
    return _row(case, path, method, mean, sd, _inside(draws, truth), naive) | {
        "converged": float(np.mean([not row["r_hat"] > 1.05 for row in summaries])),
        "least_ess": min(row["ess"] for row in summaries),
        # Where a posterior is skewed its mean and its median are different estimates.
        "bias_of_medians": (np.median(draws, axis=1).mean() - truth) / bound,
        # How far these draws of the noise are from all of them, by the maxima: no bias of the
        # sampler.
        "chance": float(maxima[: len(posteriors)].mean() - maxima.mean()) / bound,
    }


def _inside(draws: np.ndarray, truth: float) -> list[np.ndarray]:
    """Whether the truth lies in the middle 68.27 and 95 % of each posterior's draws."""
    ends = (
        np.percentile(draws, [50 - part / 2, 50 + part / 2], axis=1) for part in (68.2689, 95.0)
    )
    return [(low < truth) & (truth < high) for low, high in ends]


def _row(case: Case, path: str, method: str, value, error, inside, naive: np.ndarray) -> dict:
    truth, bound, expected = case.known[path]
    pull, count, has_naive = (value - truth) / error, len(value), np.isfinite(expected)
    return {
        "case": case.name,
        "pixels": float(case.pixels),
        "fwhm": case.fwhm,
        "parameter": path,
        "method": method,
        "fits": count,
        "bias": (value.mean() - truth) / bound,
        "median_bias": (np.median(value) - truth) / bound,
        "bias_error": value.std(ddof=1) / bound / np.sqrt(count),
        "sd": value.std(ddof=1) / bound,
        "pull_mean": pull.mean(),
        "pull_sd": pull.std(ddof=1),
        "inside_68": float(np.mean(inside[0])),
        "inside_95": float(np.mean(inside[1])),
        "naive_bias": (naive.mean() - truth) / bound if has_naive else np.nan,
        "naive": naive.mean() if has_naive else np.nan,
        "naive_expected": expected,
    }
