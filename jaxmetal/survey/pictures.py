"""The images, radial profile and naive gradient of every galaxy, as a shard keeps them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.science import baselines
from jaxmetal.science.discs import Disc

# Annuli of the radial profile.
ANNULI = 10


def pictures(outcomes: Sequence[Any]) -> dict[str, Any]:
    """The images "maps/NAME" and the radial "profile" of every galaxy, as datasets.

    The images are data, measured error and model, NaN where a pixel is not in the fit; the model is
    given everywhere in the galaxy's own frame. The profile is that of the tracer in the disc of the
    configuration.
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
    return datasets | {"profile": xarray.Dataset(variables)}


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
    z = outcome.fit.maps[disc.map]
    try:
        line = baselines.wls(_radii(outcome, disc), z.data, z.errors)
    except InputError:
        return np.nan, np.nan
    return line.gradient, line.gradient_error


def _profile(outcome: Any) -> np.ndarray:
    """Radius, median, its error and the model's median in annuli, shape (4, ANNULI)."""
    if (disc := _disc(outcome)) is None:
        return np.full((4, ANNULI), np.nan)
    z, radius = outcome.fit.maps[disc.map], _radii(outcome, disc)
    valid = np.isfinite(z.data)
    edges = np.linspace(0.0, radius[valid].max() * (1 + 1e-6), ANNULI + 1)
    data = baselines.annuli(radius, z.data, edges)
    model = baselines.annuli(
        radius, np.where(valid, outcome.fit.predicted[disc.map], np.nan), edges
    )
    error = 0.5 * (data.p84 - data.p16) / np.sqrt(np.maximum(data.count, 1))
    return np.stack([data.radius, data.median, error, model.median])


def _disc(outcome: Any) -> Disc | None:
    """The disc in which the profile is measured; None without a fit or a disc."""
    if outcome.fit is None or outcome.scene is None:
        return None
    return outcome.scene.disc_of(outcome.fit.galaxy)


def _radii(outcome: Any, disc: Disc) -> np.ndarray:
    return disc.radii(outcome.fit.maps[disc.map].instrument, outcome.fit.galaxy)
