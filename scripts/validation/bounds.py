"""Use case 1 at eight PSF widths: errors by Laplace and NUTS over the Cramér-Rao bound."""

import numpyro.distributions as dist
from validation.yardsticks import CENTRAL, GRADIENT, TRUTH, WIDTHS

import jaxmetal as jm

DRAWS = 2500


def rows(count: int | None = None):
    """A row for each width; `count` is the number of draws of each of four chains."""
    for fwhm in WIDTHS:
        yield row(fwhm, count or DRAWS)


def row(fwhm: float, draws: int) -> dict:
    """One PSF width: the errors of a noise-free map's fit, over the bound."""
    galaxy, maps = jm.simulate.use_case_1(fwhm)
    sigma_gradient, sigma_central, naive = WIDTHS[fwhm]
    # The start is not the truth, so that arriving there means something.
    start = jm.Profile(jm.tracer.gradient, central=8.5, gradient=-0.05)
    galaxy = jm.Galaxy(disc=jm.Component(galaxy.disc.light, metallicity=start))
    model = jm.Model(
        galaxy,
        {"z": maps["z"]},
        {CENTRAL: dist.Uniform(6.0, 9.0), GRADIENT: dist.Uniform(-1.0, 1.0)},
    )
    fit = jm.optimise(model, starts=1)
    summary = jm.sample(model, fit, method="nuts", chains=4, warmup=150, draws=draws).summary()
    z = maps["z"]
    line = jm.baselines.wls(jm.baselines.radius_map(z.instrument.grid), z.data, z.errors)
    return {
        "fwhm": fwhm,
        "gradient_error": float(fit.parameters[GRADIENT]) - TRUTH,
        "laplace_gradient": float(fit.errors[GRADIENT]) / sigma_gradient,
        "laplace_central": float(fit.errors[CENTRAL]) / sigma_central,
        "nuts_gradient": summary[GRADIENT]["sd"] / sigma_gradient,
        "nuts_central": summary[CENTRAL]["sd"] / sigma_central,
        "ess": min(r["ess"] for r in summary.values()),
        "r_hat": max(r["r_hat"] for r in summary.values()),
        "naive": line.gradient,
        "naive_minus_table": line.gradient - naive,
        "sampling": model.maps["z"].instrument.describe(),
    }
