"""A lensed arc through a real NIRISS PSF: lens, light and metallicity fitted by NUTS.

The arc is fitted in twenty draws of the noise. The kernel is that of F200W in the folder
JAXMETAL_DATA. The mock is evaluated at 12 points per pixel side and convolved at 3; the fit has 2
and 1, which changes the chi-square of noise-free maps, 5444 pixels, by 0.45.
"""

import os
import time
import warnings
from functools import reduce

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm
from jaxmetal.galaxy import get, put
from jaxmetal.io.psfs import read_psf

DRAWS, KERNEL = 20, "psf_jwst_hst/psf-smacs0723-nis-f200w-smacs.fits"
FINE, COARSE, MARGIN = (12, 3), (2, 1), 12
GRADIENT = "source.metallicity.gradient"
ROUND, CLOSE = dist.Normal(0.0, 0.2), dist.Normal(0.0, 0.05)
PRIORS = {
    "lens.halo.theta_E": dist.Normal(1.1, 0.2),
    **{f"lens.halo.{name}": ROUND for name in ("e1", "e2")},
    **{f"lens.halo.{name}": CLOSE for name in ("center_x", "center_y")},
    **{f"lens.shear.{name}": CLOSE for name in ("gamma1", "gamma2")},
    "source.light.amp": dist.LogNormal(np.log(40.0), 0.5),
    "source.light.R_sersic": dist.LogNormal(np.log(0.2), 0.3),
    "source.light.n_sersic": dist.LogNormal(0.0, 0.3),
    **{f"source.light.{name}": ROUND for name in ("e1", "e2")},
    "source.light.center_x": dist.Normal(0.15, 0.1),
    "source.light.center_y": dist.Normal(-0.1, 0.1),
    "source.metallicity.central": dist.Normal(8.5, 0.5),
    GRADIENT: dist.Normal(0.0, 1.0),
    **{
        f"source.metallicity.{name}": jm.Tied(f"source.light.{name}")
        for name in ("center_x", "center_y")
    },
    "deflector.light.amp": dist.LogNormal(np.log(20.0), 0.5),
    "deflector.light.R_sersic": dist.LogNormal(np.log(0.5), 0.3),
    "deflector.light.n_sersic": dist.LogNormal(np.log(2.0), 0.3),
    **{f"deflector.light.{name}": ROUND for name in ("e1", "e2")},
    **{f"deflector.light.{name}": CLOSE for name in ("center_x", "center_y")},
}


def rows(count: int | None = None):
    """A row for each parameter of each draw, and for two straight lines that ignore the PSF.

    Draw -1 has no noise.
    """
    truth, clean, template = scene()
    first_fit = jm.optimise(template, starts=1)
    for name in first_fit.parameters:
        # How far the coarser sampling of the fit, and the priors, move what is found where there is
        # no noise.
        yield _row(-1, name, truth, first_fit.parameters[name], first_fit.errors[name])
    for draw in range(count or DRAWS):
        since = time.monotonic()
        model = noisy(template, clean, draw)
        posterior = jm.sample(
            model,
            jm.optimise(model, starts=1),
            seed=draw,
            method="nuts",
            chains=4,
            warmup=150,
            draws=250,
        )
        divergences = int(np.sum(posterior.statistics["diverging"]))
        seconds = time.monotonic() - since
        for name, estimate in posterior.summary().items():
            low, high = np.percentile(posterior.samples[name], [2.5, 97.5])
            chains = {
                "low": float(low),
                "high": float(high),
                "ess": estimate["ess"],
                "r_hat": estimate["r_hat"],
                "divergences": divergences,
            }
            yield (
                _row(draw, name, truth, estimate["mean"], estimate["sd"])
                | chains
                | {"seconds": seconds}
            )
        for name, line in lines(model.maps["z"], truth, clean["light"]).items():
            yield _row(draw, GRADIENT, truth, line.gradient, line.gradient_error) | {
                "parameter": name
            }


def scene() -> tuple[jm.Galaxy, dict[str, jm.TracerMap | jm.LightMap], jm.Model]:
    """The truth, its noise-free maps, and the model that is fitted, at its coarser sampling."""
    psf = _psf()
    truth, clean = jm.arcs.galaxy(), jm.arcs.observe(psf, supersampling=FINE)
    instrument = jm.Instrument(clean["z"].instrument.grid, psf, COARSE, MARGIN)
    maps = {name: _with(m, m.values, instrument) for name, m in clean.items()}
    return truth, clean, jm.Model(_start(truth), maps, PRIORS)


def noisy(template: jm.Model, clean: dict[str, jm.TracerMap | jm.LightMap], draw: int) -> jm.Model:
    """The model of a draw of the noise."""
    instrument = template.maps["z"].instrument
    new_maps = {
        name: jm.simulate.renoise(m, 2 * draw + i).values
        for i, (name, m) in enumerate(clean.items())
    }
    return template.with_maps(
        {name: _with(clean[name], values, instrument) for name, values in new_maps.items()}
    )


def lines(z: jm.TracerMap, truth: jm.Galaxy, light: jm.LightMap) -> dict[str, jm.baselines.LineFit]:
    """Straight lines in the distance on the sky, and in the source plane of the true lens.

    Distances on the sky are from the brightest pixel of the arc.
    """
    x, y = (np.asarray(a) for a in jnp.broadcast_arrays(*z.instrument.grid.coordinates))
    bright = np.unravel_index(np.argmax(np.where(z.valid, light.values, 0.0)), z.values.shape)
    sky = np.hypot(x - x[bright], y - y[bright])
    behind, source = jm.lensing.source_position(truth, x, y), truth.source.light.parameters
    radius = np.hypot(behind[0] - source["center_x"], behind[1] - source["center_y"])
    return {
        f"naive, {name}": jm.baselines.wls(where, z.data, z.errors)
        for name, where in (("on the sky", sky), ("traced back", radius))
    }


def _psf() -> jm.KernelPSF:
    if "JAXMETAL_DATA" not in os.environ:
        raise SystemExit(f"arc: set JAXMETAL_DATA to the folder that holds {KERNEL}.")
    with warnings.catch_warnings():
        # That this kernel is centred on its light, not on the middle of its array.
        warnings.simplefilter("ignore", jm.InputWarning)
        # Drizzled: each of its values is what a pixel collects.
        return read_psf(
            os.path.join(os.environ["JAXMETAL_DATA"], KERNEL),
            jm.arcs.PIXEL_SCALE,
            includes_pixel=True,
        )


def _start(truth: jm.Galaxy) -> jm.Galaxy:
    """Not the truth, so that arriving there means something."""
    start_values = {
        "lens.halo.theta_E": 1.05,
        "source.light.R_sersic": 0.25,
        "source.light.center_x": 0.15,
        "source.light.center_y": -0.08,
        "source.metallicity.central": 8.3,
        GRADIENT: -0.2,
    }
    return reduce(
        lambda galaxy, to: put(galaxy, to[0], jnp.asarray(to[1])), start_values.items(), truth
    )


def _with(
    original: jm.TracerMap | jm.LightMap, values: np.ndarray, instrument: jm.Instrument
) -> jm.TracerMap | jm.LightMap:
    return type(original)(values, original.sigma, instrument, mask=~np.asarray(original.valid))


def _row(draw: int, name: str, truth: jm.Galaxy, value: float, error: float) -> dict:
    unknown = dict.fromkeys(("low", "high", "ess", "r_hat"), np.nan) | {
        "divergences": 0,
        "seconds": np.nan,
    }
    return {
        "draw": draw,
        "parameter": name,
        "truth": float(get(truth, name)),
        "value": float(value),
        "error": float(error),
    } | unknown
