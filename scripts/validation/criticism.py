"""How often a fit of a wrong model says so, at amplitudes that move its gradient by 1 and 3 σ.

Five kinds of wrong models and a right one. The amplitude of what is wrong is chosen so that the
gradient is wrong by one, or three, of its claimed errors: of a fixed misfit its bias, of a random
one the median of |gradient - truth|. A fit absorbs part of a misfit in its free parameters, and no
residual shows that part: "best_5" is how often the best of all tests at a level of 5 %, one that
knows what is wrong and its shape, would find what is left.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from scipy.stats import ncx2, norm
from validation.yardsticks import CENTRAL, GRADIENT

import jaxmetal as jm
from jaxmetal.inference.galaxy_axis import over_galaxies
from jaxmetal.inference.information import value_slope_information
from jaxmetal.inference.residuals import LARGE, SIGNIFICANT, SMOOTH
from jaxmetal.inference.score_test import extended, scores
from jaxmetal.inference.stack import Batch

FITS = 200
SIDE, PIXEL, RADIUS, FWHM = 31, 0.5, 3.0, 2.5
CENTRAL_TRUTH, SLOPE = 8.6, -0.03
# Metallicity's error in the brightest pixel and the largest one, dex.
ERROR, WORST = 0.01, 0.1
PRIORS = {CENTRAL: dist.Normal(8.5, 1.0), GRADIENT: dist.Normal(0.0, 0.3)}
# How wrong a gradient is, in its claimed errors.
BIASES = (1.0, 3.0)
# The half-width of a Gaussian that holds half of all draws, in standard deviations.
MEDIAN = norm.ppf(0.75)
# Lengths of the fields (arcsec) and of the noise (pixels) that are ignored, and draws of a field.
FIELD_LENGTH, NOISE_LENGTH = 1.0, 1.92
# The p-values below which the score test of place, errors and PSF counts.
LEVELS = (0.01, 0.05)
# Amplitudes are found between 0 and this by halving the interval so often.
LARGEST, HALVINGS = 8.0, 24
_expansions = over_galaxies(value_slope_information)


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each kind of model."""
    scene = Scene.make()
    count = count or FITS
    yield row("right", scene, np.zeros((count, SIDE, SIDE)), Wrong(0.0, 0.0, 0.05))
    for name, shown in (("missing clump", clump), ("PSF 10 % wider", wider), ("centre", moved)):
        for bias in BIASES:
            wrong, change = fixed(scene, shown, bias)
            yield row(name, scene, np.tile(change, (count, 1, 1)), wrong)
    for name, covariance in (("correlated noise", shared_noise), ("field", scatter)):
        unit = covariance(scene)
        for bias in BIASES:
            wrong, root = random(scene, unit, bias)
            draws = np.random.default_rng(2).standard_normal((count, root.shape[1])) @ root.T
            yield row(name, scene, scene.image(draws), wrong)


class Wrong(NamedTuple):
    """What is wrong: the error of the gradient that is asked for, the amplitude, the best power."""

    bias: float
    amplitude: float
    power: float


class Scene(NamedTuple):
    """The galaxy as it is fitted, and what a fit makes of a small change of its data.

    Parameters
    ----------
    galaxy, instrument
        as fitted.
    exact, sigma
        the map without noise, and its errors.
    design
        derivatives of the map with the free parameters, in units of the errors, shape (n, 2).
    """

    galaxy: jm.Galaxy
    instrument: jm.Instrument
    exact: np.ndarray
    sigma: np.ndarray
    design: np.ndarray

    @classmethod
    def make(cls) -> "Scene":
        """The scene of this check."""
        instrument, truth = camera(FWHM), galaxy_at(CENTRAL_TRUTH, SLOPE)
        light = np.asarray(jm.simulate.light_map(truth, instrument).values, float)
        sigma = np.minimum(ERROR * light.max() / light, WORST)
        exact, step = seen(truth, instrument), 1e-2
        ends = (galaxy_at(CENTRAL_TRUTH + step, SLOPE), galaxy_at(CENTRAL_TRUTH, SLOPE + step))
        changes = [(seen(end, instrument) - exact) / step / sigma for end in ends]
        return cls(truth, instrument, exact, sigma, np.stack(changes).reshape(2, -1).T)

    @property
    def gradient(self) -> np.ndarray:
        """What a change of the data, in their errors, does to the gradient, in its own."""
        covariance = np.linalg.inv(self.design.T @ self.design)
        return (covariance @ self.design.T)[1] / np.sqrt(covariance[1, 1])

    def left(self, changes: np.ndarray) -> np.ndarray:
        """What a fit leaves of changes of the data, in units of their errors, along axis 0."""
        return changes - self.design @ np.linalg.lstsq(self.design, changes, rcond=None)[0]

    def image(self, changes: np.ndarray) -> np.ndarray:
        """Changes in units of the errors, shape (many, n), as images in dex."""
        return changes.reshape(-1, SIDE, SIDE) * self.sigma


def galaxy_at(
    central: float, slope: float, x: float = 0.0, clump: jm.Component | None = None
) -> jm.Galaxy:
    """An exponential disc with a straight gradient."""
    light = jm.Profile(jm.light.sersic, amp=1.0, R_sersic=RADIUS, n_sersic=1.0, center_x=x)
    z = jm.Profile(jm.tracer.gradient, central=central, gradient=slope, center_x=x)
    further = {} if clump is None else {"clump": clump}
    return jm.Galaxy(disc=jm.Component(light, metallicity=z), **further)


def camera(fwhm: float) -> jm.Instrument:
    """The instrument, of one sampling."""
    return jm.Instrument(jm.Grid.regular((SIDE, SIDE), PIXEL), jm.GaussianPSF(fwhm), (3, 1), 10)


def seen(galaxy: jm.Galaxy, instrument: jm.Instrument) -> np.ndarray:
    """The metallicity map without noise."""
    blank = jm.TracerMap(np.zeros((SIDE, SIDE)), 1.0, instrument, check=False)
    return np.asarray(jm.predict(galaxy, blank), float)


def clump(scene: Scene, amplitude: float) -> np.ndarray:
    """The map with a clump of a tenth of the disc's light or so, poorer by `amplitude` dex."""
    light = jm.Profile(jm.light.gaussian, amp=10.0, sigma=0.4, center_x=2.0, center_y=1.5)
    z = jm.Profile(jm.tracer.uniform, value=CENTRAL_TRUTH + 2.5 * SLOPE - amplitude)
    one = jm.Component(light, metallicity=z)
    return seen(galaxy_at(CENTRAL_TRUTH, SLOPE, clump=one), scene.instrument)


def wider(scene: Scene, amplitude: float) -> np.ndarray:
    """The map through a PSF that is 10 % wider, in data that are deeper by a factor `amplitude`.

    The errors of the scene are kept: what it changes counts as many times as much.
    """
    return scene.exact + amplitude * (seen(scene.galaxy, camera(1.1 * FWHM)) - scene.exact)


def moved(scene: Scene, amplitude: float) -> np.ndarray:
    """The map of a galaxy that lies `amplitude` arcsec away from where the fit has it."""
    return seen(galaxy_at(CENTRAL_TRUTH, SLOPE, amplitude), scene.instrument)


def fixed(scene: Scene, shown: Callable, wanted: float) -> tuple[Wrong, np.ndarray]:
    """What biases the gradient by so many errors, and the change of the map."""

    def bias(change: np.ndarray) -> float:
        return abs(float(scene.gradient @ (change / scene.sigma).ravel()))

    low, high = 0.0, LARGEST
    for _ in range(HALVINGS):
        amplitude = (low + high) / 2
        change = shown(scene, amplitude) - scene.exact
        low, high = (amplitude, high) if bias(change) < wanted else (low, amplitude)
    left = scene.left((change / scene.sigma).ravel())
    power = float(ncx2.sf(norm.ppf(0.975) ** 2, 1, left @ left))
    return Wrong(wanted, amplitude, power), change


def shared_noise(scene: Scene) -> np.ndarray:
    """A root of the covariance that MaNGA's correlation adds, in units of the errors."""
    places = np.stack(np.mgrid[:SIDE, :SIDE], axis=-1).reshape(-1, 2)
    squared = ((places[:, None] - places[None]) ** 2).sum(axis=-1)
    values, vectors = np.linalg.eigh(np.exp(-0.5 * squared / NOISE_LENGTH**2))
    return vectors * np.sqrt(np.maximum(values, 0))


def scatter(scene: Scene) -> np.ndarray:
    """A root of the covariance that a field of 1 dex makes, in units of the errors."""
    line = scene.galaxy.components["disc"].metallicity
    z = jm.Sum(line, jm.Field(1.0, FIELD_LENGTH, "exponential"))
    disc = jm.Component(scene.galaxy.components["disc"].light, metallicity=z)
    data = jm.TracerMap(scene.exact, scene.sigma, scene.instrument, check=False)
    model = jm.Model(jm.Galaxy(disc=disc), {"z": data}, PRIORS)
    assert model.fields is not None
    waves = np.asarray(model.fields.response["z"], float) / scene.sigma
    scale = np.asarray(model.fields.scale(model.galaxy), float)
    return (waves * scale[:, None, None]).reshape(len(scale), -1).T


def random(scene: Scene, root: np.ndarray, median: float) -> tuple[Wrong, np.ndarray]:
    """What makes the median error of the gradient so large, and the root of its covariance.

    The noise of the pixels themselves stays as it is: what is shared is added.
    """
    added = (median / MEDIAN) ** 2 - 1
    amplitude = float(np.sqrt(added / np.sum((scene.gradient @ root) ** 2)))
    left = scene.left(amplitude * root)
    strengths = np.linalg.eigvalsh(left.T @ left)
    strengths = strengths[strengths > 1e-6]
    draws = np.random.default_rng(3).standard_normal((5000, len(strengths)))
    # The likelihood ratio of two Gaussians: no test is better (Neyman & Pearson 1933).
    weights = strengths / (1 + strengths)
    right, wrong = (draws**2 * gain @ weights for gain in (1.0, 1 + strengths))
    power = float(np.mean(wrong > np.quantile(right, 0.95)))
    return Wrong(median, amplitude, power), amplitude * root


def row(name: str, scene: Scene, changes: np.ndarray, wrong: Wrong) -> dict:
    """What many fits say of themselves."""
    rng = np.random.default_rng(1)
    noise = scene.sigma * rng.standard_normal(changes.shape)
    maps = [
        jm.TracerMap(z, scene.sigma, scene.instrument, check=False)
        for z in scene.exact + changes + noise
    ]
    first = jm.Model(scene.galaxy, {"z": maps[0]}, PRIORS)
    fits = jm.optimise_batch([first.with_maps({"z": z}) for z in maps], progress=False)
    pulls = (fits.parameters[GRADIENT] - SLOPE) / fits.errors[GRADIENT]
    correlations = [fit.autocorrelation["z"] for fit in fits]
    neighbours = np.array(
        [one.significance > SIGNIFICANT and one.inflation > LARGE for one in correlations]
    )
    smooth = np.array([one.smooth > SMOOTH for one in correlations])
    p_values = score_p_values(first, fits, maps)
    return {
        "model": name,
        "fits": len(fits),
        "wrong_by": wrong.bias,
        "amplitude": wrong.amplitude,
        "mean_pull": float(np.mean(pulls)),
        "median_pull": float(np.median(np.abs(pulls))),
        "best_5": wrong.power,
        "neighbours": np.mean(neighbours),
        "smooth": np.mean(smooth),
        "message": np.mean(["residuals of" in fit.message for fit in fits]),
        **{f"score_{100 * level:.0f}": np.mean(p_values < level) for level in LEVELS},
        "any": np.mean(neighbours | smooth | (p_values < LEVELS[0])),
    }


def score_p_values(first: jm.Model, fits, maps: list[jm.TracerMap]) -> np.ndarray:
    """Of each fit, that of the place, the errors and the PSF of its map together."""
    larger, names = extended(first, fits[0])
    p_values = []
    batch = Batch([larger.with_maps({"z": z}) for z in maps])
    points = np.concatenate([fits.unconstrained, np.zeros((len(fits), len(names)))], axis=1)
    for numbers, part in batch.parts(None):
        at = jnp.asarray(points[numbers], larger.start.dtype)
        _, slopes, information = (np.asarray(a, float) for a in _expansions(part, at))
        p_values += [
            scores(slope, one, len(names)).p_values[-1]
            for slope, one in zip(slopes, information, strict=True)
        ]
    return np.array(p_values[: len(maps)])
