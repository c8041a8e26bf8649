"""Realistic mocks: the gradient with everything that the model has, and without each part of it.

The galaxies are those of `realistic_mocks`: clumpy, inclined, with a metallicity that scatters
about its line, seen as MaNGA sees them. The light of the fits is the picture of the same telescope,
sharpened by a few steps of Richardson and Lucy; geometry and PSF are known, amplitude and length of
the field are free under priors that are wide about the truth.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
import numpyro.distributions as dist
from scipy.signal import fftconvolve
from validation import realistic_mocks as mocks
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm
from jaxmetal.profiles.geometry import ellipticity

FITS = 100
# The first seed: the choices below were made with others.
SEED = 1000
AMPLITUDE_PATH, LENGTH_PATH = "disc.metallicity.amplitude", "disc.metallicity.length"
LINE = {CENTRAL: dist.Normal(8.5, 1.0), GRADIENT: dist.Normal(0.0, 0.2)}
FIELD = {AMPLITUDE_PATH: dist.HalfNormal(0.1), LENGTH_PATH: dist.LogNormal(0.0, 0.7)}
SERSIC = {
    "disc.light.amp": dist.LogNormal(np.log(0.02), 2.0),
    "disc.light.R_sersic": dist.LogNormal(np.log(2.5), 0.5),
    "disc.light.n_sersic": dist.Uniform(0.3, 8.0),
}
# Steps of Richardson and Lucy, and spaxels around the frame into which they may put light. More
# steps follow the noise, and make the light, and then the gradient, too steep.
STEPS, EDGE = 5, 20
GRID = jm.Grid.regular((mocks.SIDE, mocks.SIDE), mocks.PIXEL)
PSFS = {
    "moffat": jm.MoffatPSF(mocks.FWHM, mocks.BETA),
    "gaussian": jm.GaussianPSF(mocks.FWHM),
}


class Fitted(NamedTuple):
    """What is fitted.

    Parameters
    ----------
    light
        "sharpened", "picture", "sersic" or "truth".
    field, correlation
        whether the metallicity has a random field, and the errors MaNGA's correlation.
    psf
        of `PSFS`.
    kernel
        of the field; the mocks have an exponential one.
    drawn
        whether value and error are mean and standard deviation of importance draws, rather than the
        maximum and Laplace's.
    """

    light: str = "sharpened"
    field: bool = True
    correlation: bool = True
    psf: str = "moffat"
    kernel: str = "exponential"
    drawn: bool = False


CASES = {
    "everything": Fitted(),
    "everything, by draws": Fitted(drawn=True),
    "no field": Fitted(field=False),
    "no covariance": Fitted(correlation=False),
    "neither": Fitted(field=False, correlation=False),
    "Gaussian PSF": Fitted(psf="gaussian"),
    "Sersic as light": Fitted("sersic"),
    "picture as light": Fitted("picture"),
    "true light": Fitted("truth"),
    "field of another kernel": Fitted(kernel="matern32"),
}


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each way of fitting."""
    galaxies = [mocks.mock(SEED + number) for number in range(count or FITS)]
    yield {"fit": "straight line, no telescope"} | summary_row(
        [straight_line(one) for one in galaxies]
    )
    for name, case in CASES.items():
        yield {"fit": name} | summary_row(list(fits(case, galaxies)))


def fits(case: Fitted, galaxies: list[mocks.Mock]) -> Iterator[tuple]:
    """Parameters, errors and convergence of the fit of each galaxy, by one compiled program."""
    instrument = jm.Instrument(GRID, PSFS[case.psf], (2, 1), 16)
    lights = lights_of(case.light, galaxies)
    first = None
    for one, light in zip(galaxies, lights, strict=True):
        galaxy, z = galaxy_of(light, case), z_map(one, instrument, case.correlation)
        if first is None:
            first = model = jm.Model(galaxy, {"z": z}, LINE | (FIELD if case.field else {}))
        else:
            model = eqx.tree_at(lambda old: old.galaxy, first, galaxy).with_maps({"z": z})
            model = model.with_fields_at(galaxy, model.maps)
        fit = jm.optimise(model, starts=1, progress=False)
        yield _drawn(model, fit) if case.drawn else (fit.parameters, fit.errors, fit.converged)


def _drawn(model: jm.Model, fit: jm.Fit) -> tuple:
    """Means and standard deviations of draws of the posterior, and whether they can be trusted."""
    posterior = jm.sample(model, fit, method="importance", draws=500, progress=False)
    draws = {name: np.asarray(values, float) for name, values in posterior.samples.items()}
    means, errors = ({n: f(d) for n, d in draws.items()} for f in (np.mean, np.std))
    return means, errors, posterior.attributes["k_hat"] < 0.7


def galaxy_of(light: jm.Profile, case: Fitted) -> jm.Galaxy:
    """The galaxy where a fit starts."""
    disc = {"inclination": mocks.INCLINATION, "position_angle": mocks.POSITION_ANGLE}
    metallicity = jm.Profile(jm.tracer.disc_gradient, central=8.5, gradient=-0.02, **disc)
    if case.field:
        metallicity = jm.Sum(metallicity, jm.Field(0.05, 1.0, case.kernel, **disc))
    return jm.Galaxy(disc=jm.Component(light, metallicity=metallicity))


def z_map(one: mocks.Mock, instrument: jm.Instrument, correlated: bool) -> jm.TracerMap:
    """The metallicity map of a mock."""
    correlation = jm.noise.manga() if correlated else None
    return jm.TracerMap(
        one.values,
        one.errors,
        instrument,
        mask=one.mask,
        correlation=correlation,
        check=False,
    )


def lights_of(kind: str, galaxies: list[mocks.Mock]) -> list[jm.Profile]:
    """The light of each galaxy, as a fit would know it."""
    if kind == "sersic":
        return sersics(galaxies)
    images = {
        "sharpened": lambda one: sharpened(one.light),
        "picture": lambda one: np.clip(one.light, 0.0, None),
        "truth": lambda one: one.sharp,
    }
    return [
        jm.Profile(jm.light.image, image=images[kind](one), scale=mocks.PIXEL) for one in galaxies
    ]


def sharpened(picture: np.ndarray) -> np.ndarray:
    """A picture after a few steps of Richardson (1972) and Lucy (1974), in a larger frame."""
    psf = mocks.moffat((np.arange(81) - 40) * mocks.PIXEL)

    def smeared(image: np.ndarray) -> np.ndarray:
        return fftconvolve(image, psf, "same")

    data, seen = (np.pad(image, EDGE) for image in (np.clip(picture, 0, None), 1.0 + 0 * picture))
    caught = np.maximum(smeared(seen), 1e-3)
    light = np.full_like(data, data.mean())
    for _ in range(STEPS):
        ratio = seen * data / np.maximum(smeared(light), 1e-12)
        light = light * np.maximum(smeared(ratio), 0) / caught
    return light


def light_map(one: mocks.Mock, instrument: jm.Instrument, correlated: bool) -> jm.LightMap:
    """The map of Ha of a mock."""
    flux, sigma = one.light * mocks.PIXEL**2, one.light_error * mocks.PIXEL**2
    correlation = jm.noise.manga() if correlated else None
    return jm.LightMap(flux, sigma, instrument, correlation=correlation, check=False)


def sersic() -> jm.Profile:
    """A Sersic profile of the right centre and shape, where a fit starts."""
    q = np.cos(np.deg2rad(mocks.INCLINATION))
    e1, e2 = (float(e) for e in ellipticity(q, mocks.POSITION_ANGLE))
    start = {"amp": 0.02, "R_sersic": 2.5, "n_sersic": 1.0}
    return jm.Profile(jm.light.sersic, e1=e1, e2=e2, **start)


def sersics(galaxies: list[mocks.Mock]) -> list[jm.Profile]:
    """The Sersic profiles that fit the pictures best, of the right centre and shape."""
    galaxy = jm.Galaxy(disc=jm.Component(sersic()))
    instrument = jm.Instrument(GRID, PSFS["moffat"], (2, 1), 16)
    maps = [light_map(one, instrument, correlated=False) for one in galaxies]
    first = jm.Model(galaxy, {"light": maps[0]}, SERSIC)
    fits = jm.optimise_batch([first.with_maps({"light": one}) for one in maps], progress=False)
    return [fit.galaxy.components["disc"].light for fit in fits]


def straight_line(one: mocks.Mock) -> tuple:
    """The straight line through the spaxels, weighted by their errors, without a telescope."""
    radius = jm.baselines.radius_map(
        GRID, inclination=mocks.INCLINATION, position_angle=mocks.POSITION_ANGLE
    )
    line = jm.baselines.wls(radius, one.values, one.errors, one.mask)
    return {GRADIENT: line.gradient}, {GRADIENT: line.gradient_error}, True


def summary_row(fits: list[tuple[Any, Any, Any]]) -> dict:
    """What many fits of the gradient say, in dex per arcsec, and of the field."""
    gradients = np.array([float(values[GRADIENT]) for values, _, _ in fits])
    errors = np.array([float(errors[GRADIENT]) for _, errors, _ in fits])
    bias, scatter = gradients.mean() - mocks.SLOPE, gradients.std(ddof=1)
    pulls = (gradients - mocks.SLOPE) / errors

    def middle(path: str) -> float:
        return float(np.median([values.get(path, np.nan) for values, _, _ in fits]))

    return {
        "fits": len(fits),
        "converged": sum(bool(converged) for *_, converged in fits),
        "gradient": gradients.mean(),
        "scatter": scatter,
        "error": errors.mean(),
        "scatter_over_error": scatter / np.sqrt(np.mean(errors**2)),
        "bias_over_scatter": bias / scatter,
        "coverage_68": np.mean(np.abs(pulls) < 1),
        "coverage_95": np.mean(np.abs(pulls) < 1.96),
        "amplitude_fit": middle(AMPLITUDE_PATH),
        "length_fit": middle(LENGTH_PATH),
    }
