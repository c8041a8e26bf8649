"""The images, radial profile and naive gradient of every galaxy, as a shard keeps them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.inference.fit import Fit
from jaxmetal.io.gradients import DEX, compared_disc
from jaxmetal.science import baselines
from jaxmetal.science.discs import Disc
from jaxmetal.science.lines.gradients import SNR, expected_pixels
from jaxmetal.science.lines.pixels import instrument_of, inverted, measured

# Annuli of the radial profile, and draws of the noise of lines in it.
ANNULI, NOISES = 10, 5


def pictures(outcomes: Sequence[Any]) -> dict[str, Any]:
    """The images "maps/NAME" and the radial "profile" of every galaxy, as datasets.

    The images are data, measured error and model, NaN where a pixel is not in the fit; the model is
    given everywhere in the galaxy's own frame. The profile is that of the tracer in the disc of the
    configuration, or of the metallicities that pixels have by their lines (S/N > 3); the model's
    fluxes have the same noise.
    """
    import xarray

    like = next(outcome for outcome in outcomes if outcome.fit)
    datasets = {}
    for name, one_map in like.fit.maps.items():
        datasets[f"maps/{name}"] = xarray.Dataset(
            _images(outcomes, name, one_map.instrument.grid.shape),
            attrs={"unit": like.scene.maps[name].unit, "additive": int(one_map.additive)},
        )
    profiles = np.stack([_profile(outcome) for outcome in outcomes])
    variables = {
        key: (("galaxy", "annulus"), profiles[:, i])
        for i, key in enumerate(("radius", "data", "error", "model"))
    }
    return datasets | {"profile": xarray.Dataset(variables, attrs={"label": _label(like)})}


def _label(outcome: Any) -> str:
    """What the profile of a galaxy is of, with its unit."""
    if (disc := _disc(outcome)) is None:
        return ""
    observed = outcome.scene.maps.get(disc.map)
    unit = DEX if observed is None else observed.unit
    return f"{disc.map} [{unit}]" if unit else disc.map


def _images(outcomes: Sequence[Any], name: str, frame: tuple[int, int]) -> dict[str, Any]:
    """The variables of one map: data, measured error and model, and each galaxy's own frame."""
    count = len(outcomes)
    images = {
        key: np.full((count, *frame), np.nan, np.float32) for key in ("data", "sigma", "model")
    }
    shapes, scales = np.zeros((count, 2), int), np.full(count, np.nan)
    for i, outcome in enumerate(outcomes):
        if outcome.fit is None or outcome.scene is None:
            continue
        observed, model = outcome.fit.maps[name], outcome.fit.predicted[name]
        rows, columns = outcome.scene.maps[name].shape
        shapes[i] = rows, columns
        scales[i] = float(observed.instrument.grid.pixel_scale)
        for key, image in (("data", observed.data), ("sigma", observed.errors), ("model", model)):
            images[key][i, :rows, :columns] = observed.image(image)[:rows, :columns]
    variables: dict[str, Any] = {
        key: (("galaxy", "y", "x"), image) for key, image in images.items()
    }
    return variables | {"shape": (("galaxy", "axis"), shapes), "pixel_scale": ("galaxy", scales)}


def naive(outcome: Any) -> tuple[float, float]:
    """Gradient and error of the weighted line through the pixels; NaN if there is none."""
    if (disc := _disc(outcome)) is None:
        return np.nan, np.nan
    values, errors = _pixels(outcome.fit, disc)
    try:
        line = baselines.wls(_radii(outcome.fit, disc), values, errors)
    except InputError:
        return np.nan, np.nan
    return line.gradient, line.gradient_error


def _profile(outcome: Any) -> np.ndarray:
    """Radius, median, its error and the model's median in annuli, shape (4, ANNULI)."""
    blank = np.full((4, ANNULI), np.nan)
    if (disc := _disc(outcome)) is None:
        return blank
    fit = outcome.fit
    values, _ = _pixels(fit, disc)
    radius, valid = _radii(fit, disc), np.isfinite(values)
    if not valid.any():
        return blank
    edges = np.linspace(0.0, radius[valid].max() * (1 + 1e-6), ANNULI + 1)
    data = baselines.annuli(radius, values, edges)
    expected = _expected(fit, disc, valid)
    model = baselines.annuli(np.broadcast_to(radius, expected.shape), expected, edges)
    error = 0.5 * (data.p84 - data.p16) / np.sqrt(np.maximum(data.count, 1))
    return np.stack([data.radius, data.median, error, model.median])


def _disc(outcome: Any) -> Disc | None:
    """The disc in which the profile is measured; None without a fit or a disc."""
    if outcome.fit is None or outcome.scene is None:
        return None
    return compared_disc(outcome.scene, outcome.fit)


def _pixels(fit: Fit, disc: Disc) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of a disc's tracer map and their errors, or the metallicities by their lines."""
    if disc.map in fit.maps:
        return fit.maps[disc.map].data, fit.maps[disc.map].errors
    return inverted(fit, measured(fit), SNR)


def _expected(fit: Fit, disc: Disc, valid: np.ndarray) -> np.ndarray:
    """What the model expects of them."""
    if disc.map in fit.maps:
        return np.where(valid, fit.predicted[disc.map], np.nan)
    return expected_pixels(fit, SNR, NOISES)


def _radii(fit: Fit, disc: Disc) -> np.ndarray:
    instrument = fit.maps[disc.map].instrument if disc.map in fit.maps else instrument_of(fit)
    return disc.radii(instrument, fit.galaxy)
