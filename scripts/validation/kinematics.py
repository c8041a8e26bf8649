"""Rotation and dispersion: bias, scatter and coverage of many noise draws at three PSF widths.

An exponential disc of scale length 1 arcsec at 60 degrees, which are known, with an arctan curve
and 30 km/s, is fitted by maps of velocity and dispersion together. Without the PSF in the model,
velocities that the beam blends are taken for dispersion: least squares with a uniform dispersion
then find the mean of the map.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm
from jaxmetal.forward import predict_together
from jaxmetal.galaxy import put
from jaxmetal.inference.fits import Fits
from jaxmetal.profiles.geometry import ellipticity

FITS = 600
# FWHM over the scale length of the disc.
WIDTHS = (0.5, 1.0, 2.0)
# The error of each velocity and dispersion, km/s; those of a line fit are equal.
ERROR = 5.0
INCLINATION, SIDE, PIXEL = 60.0, 41, 0.2
TRUTH = {
    "disc.velocity.v_max": 200.0,
    "disc.velocity.r_turn": 0.25,
    "disc.velocity.position_angle": 90.0,
    "disc.velocity.systemic": 1500.0,
    "disc.dispersion.value": 30.0,
}
PRIORS = {
    "disc.velocity.v_max": dist.Uniform(20.0, 600.0),
    "disc.velocity.r_turn": dist.Uniform(0.001, 3.0),
    "disc.velocity.position_angle": dist.Uniform(0.0, 180.0),
    "disc.velocity.systemic": dist.Uniform(1000.0, 2000.0),
    "disc.dispersion.value": dist.Uniform(0.1, 150.0),
}
# Where the fits begin: not the truth.
START = dict(zip(TRUTH, (150.0, 0.4, 75.0, 1480.0, 45.0), strict=True))


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each width and parameter."""
    for width in WIDTHS:
        yield from width_rows(width, count or FITS)


def disc(values: dict) -> jm.Galaxy:
    """The disc with these numbers."""
    q = np.cos(np.deg2rad(INCLINATION))
    e1, e2 = ellipticity(q, 90.0)
    light = jm.Profile(jm.light.exponential, amp=1.0, scale_length=np.sqrt(q), e1=e1, e2=e2)
    velocity = jm.Profile(jm.tracer.rotation, v_max=1.0, r_turn=1.0, inclination=INCLINATION)
    dispersion = jm.Profile(jm.tracer.uniform, value=1.0)
    galaxy = jm.Galaxy(disc=jm.Component(light, velocity=velocity, dispersion=dispersion))
    for path, value in values.items():
        galaxy = put(galaxy, path, jnp.asarray(value, jnp.result_type(float)))
    return galaxy


def observed(instrument: jm.Instrument, images: dict, check: bool = True) -> dict[str, jm.Map]:
    """Maps of both moments."""
    scale = {"tracer": "velocity", "scale": "linear", "check": check}
    return {
        "v": jm.TracerMap(images["v"], ERROR, instrument, **scale),
        "s": jm.DispersionMap(images["s"], ERROR, instrument, check=check),
    }


def width_rows(width: float, count: int) -> Iterator[dict]:
    """Many fits of the disc through one PSF, against the bounds."""
    maps = exact_maps(width)
    bounds = dict(zip(TRUTH, np.sqrt(np.diag(cramer_rao(maps, TRUTH))), strict=True))
    fits = fit_many(jm.Model(disc(START), maps, PRIORS), count)
    images = {name: np.asarray(one.data, float) for name, one in maps.items()}
    naive = without_psf(maps["v"].instrument.grid, images)
    for path, truth in TRUTH.items():
        value, error = (np.asarray(x[path], float) for x in (fits.parameters, fits.errors))
        is_dispersion = path == "disc.dispersion.value"
        yield {
            "width": width,
            "parameter": path,
            "fits": count,
            "converged": int(np.sum(fits.converged)),
            **against_bound(value, error, truth, bounds[path]),
            "without_psf": naive[path] - truth,
            "without_psf_expected": images["s"].mean() - truth if is_dispersion else np.nan,
        }


def against_bound(
    value: np.ndarray, error: np.ndarray, truth: float, bound: float
) -> dict[str, float]:
    """Bias, scatter and coverage of many fits, in units of the least error that there can be.

    Parameters
    ----------
    value, error
        of each fit.
    truth, bound
        and the least error.
    """
    spread = value.std(ddof=1)
    return {
        "bound": bound,
        "bias": (value.mean() - truth) / bound,
        "median_bias": (np.median(value) - truth) / bound,
        "bias_error": spread / bound / np.sqrt(len(value)),
        "efficiency": (bound / spread) ** 2,
        "error_over_bound": float(np.median(error)) / bound,
        "inside_68": float(np.mean(np.abs(value - truth) < error)),
        "inside_95": float(np.mean(np.abs(value - truth) < 1.959964 * error)),
    }


def exact_maps(width: float) -> dict[str, jm.Map]:
    """The maps of the true disc through one PSF, without noise."""
    grid = jm.Grid.regular((SIDE, SIDE), PIXEL)
    blank = {"v": np.zeros(grid.shape), "s": np.ones(grid.shape)}
    auto = observed(jm.Instrument(grid, jm.GaussianPSF(width)), blank, False)
    model = jm.Model(disc(TRUTH), auto, PRIORS, accuracy=None)
    exact = {name: jm.predict(disc(TRUTH), one) for name, one in model.maps.items()}
    images = {name: np.asarray(image, float) for name, image in exact.items()}
    return observed(model.maps["v"].instrument, images)


def fit_many(first: jm.Model, count: int) -> Fits:
    """Fits of so many draws of the noise."""
    noisy = [
        {
            name: jm.simulate.renoise(one, 2 * seed + index)
            for index, (name, one) in enumerate([(n, first.maps[n]) for n in "vs"])
        }
        for seed in range(count)
    ]
    return jm.optimise_batch([first.with_maps(one) for one in noisy])


def cramer_rao(maps: dict[str, jm.Map], truth: dict[str, float]) -> np.ndarray:
    """The least covariance of unbiased estimates, from the derivatives of the maps.

    Parameters
    ----------
    maps
        of both moments.
    truth
        {path: value} of what is free.

    Returns
    -------
    covariance
        in the order of `truth`.
    """

    def shown(values: jax.Array) -> jax.Array:
        images = predict_together(disc(TRUTH | dict(zip(truth, values, strict=True))), maps)
        return jnp.concatenate([image.ravel() for image in images.values()])

    start = jnp.asarray(list(truth.values()))
    slopes = np.asarray(jax.jit(jax.jacfwd(shown))(start), float) / ERROR
    return np.linalg.inv(slopes.T @ slopes)


def without_psf(grid: jm.Grid, images: dict) -> dict[str, float]:
    """The same fit of maps without noise, by a model without the PSF."""
    maps = observed(jm.Instrument(grid, jm.NoPSF()), images)
    fit = jm.optimise(jm.Model(disc(START), maps, PRIORS), starts=1)
    return {path: float(fit.parameters[path]) for path in TRUTH}
