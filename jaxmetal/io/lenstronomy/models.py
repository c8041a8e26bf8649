"""From the arguments of lenstronomy's FittingSequence to a Model."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.model import Model
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.io.lenstronomy import priors
from jaxmetal.io.lenstronomy.checks import checked, index, listed, warn
from jaxmetal.io.lenstronomy.galaxies import (
    TRACER,
    check_rule,
    galaxy_from_lenstronomy,
    profile_names,
    scale,
)
from jaxmetal.io.lenstronomy.instruments import instrument
from jaxmetal.maps import LightMap, Map, TracerMap

LIGHT = "light"
BAND_TYPES = ("multi-linear", "joint-linear", "single-band")


def from_lenstronomy(
    kwargs_data_joint: Mapping,
    kwargs_model: Mapping,
    kwargs_constraints: Mapping | None = None,
    kwargs_likelihood: Mapping | None = None,
    kwargs_params: Mapping | None = None,
    numerics: str = "jaxmetal",
    *,
    kwargs_result: Mapping | None = None,
) -> Model:
    """A Model from the arguments of lenstronomy's FittingSequence.

    Light profile i becomes the component "source_i", the tracer data the map "tracer", the imaging
    bands "light", or "light_0", "light_1", …. Lens model i becomes the lens "lens_i", lens light i
    the foreground component "lens_light_i". What is not fixed gets a uniform prior between its
    bounds, joint parameters are tied.

    Parameters
    ----------
    kwargs_data_joint, kwargs_model, kwargs_constraints, kwargs_likelihood, kwargs_params
        as lenstronomy wants them. Without kwargs_likelihood all data count; without kwargs_params
        nothing is free.
    numerics
        "jaxmetal": its own kernels, sampling and profiles; "lenstronomy": maps that agree with
        lenstronomy's to rounding.
    kwargs_result
        values to start from instead of kwargs_params' init, such as `FittingSequence.best_fit()`.

    Returns
    -------
    model
        ready for `optimise` and `sample`.

    Raises
    ------
    InputError
        naming lenstronomy's key for what is missing, wrong, or cannot be carried over (several lens
        planes, point sources, …).

    Warns
    -----
    InputWarning
        one line for each thing that lenstronomy does wrongly, or that differs from it here.
    """
    check_rule(numerics)
    data, model = (
        checked("kwargs_data_joint", kwargs_data_joint),
        checked("kwargs_model", kwargs_model),
    )
    constraints, likelihood = (
        checked("kwargs_constraints", kwargs_constraints),
        checked("kwargs_likelihood", kwargs_likelihood),
    )
    result = checked("kwargs_result", kwargs_result)
    params = checked("kwargs_params", kwargs_params)
    if not params and not result:
        raise InputError(
            "kwargs_params: is missing, and so is kwargs_result; one of them must say where to start."
        )
    seen = Instruments(numerics)
    maps = light_maps(data, constraints, likelihood, seen)
    linear = bool(constraints.get("linear_solver", True)) and bool(maps)
    if (traced := tracer_map(data, model, likelihood, kwargs_likelihood is None, seen)) is not None:
        maps[TRACER] = traced
    if not maps:
        raise InputError(
            "kwargs_data_joint: no data are left; lenstronomy wants image_likelihood or tracer_likelihood to be True."
        )
    settings = priors.Settings(model, params)
    joined = priors.ties(constraints, settings)
    values = priors.start(settings, result, joined, linear)
    free = priors.priors(model, settings, joined, values, likelihood, linear)
    galaxy = galaxy_from_lenstronomy(kwargs_model, values, numerics)
    if traced is not None:
        _look_below_zero(galaxy, model, traced)
    return Model(galaxy, maps, free)


def _look_below_zero(galaxy: Galaxy, model: Mapping, map: Map) -> None:
    """Says so where lenstronomy would cut a straight line off at zero."""
    if not {"LINEAR", "LINEAR_ELLIPSE"} & set(profile_names(model, "tracer")):
        return
    profiles = [
        component.tracers[TRACER]
        for component in galaxy.components.values()
        if TRACER in component.tracers
    ]
    x, y = map.instrument.grid.coordinates
    along, across = galaxy.deflection(x, y)
    if any(float(profile(x - along, y - across).min()) < 0 for profile in profiles):
        warn(
            "a LINEAR tracer goes below zero in the frame; here it goes on, lenstronomy cuts it off at zero"
        )


class Instruments:
    """The instruments of the bands; equal ones are one object, so that a model convolves its light once for all their maps."""

    def __init__(self, numerics: str):
        self._numerics = numerics
        self._known: list[Instrument] = []

    def of(self, data: Any, psf: Any, numerics: Any, where: str) -> Instrument:
        """The instrument of [kwargs_data, kwargs_psf, kwargs_numerics]."""
        made = instrument(data, psf, numerics, self._numerics, where)
        twin = next((other for other in self._known if eqx.tree_equal(other, made)), None)
        if twin is None:
            self._known.append(made)
        return twin or made


def light_maps(
    data: Mapping, constraints: Mapping, likelihood: Mapping, seen: Instruments
) -> dict[str, Map]:
    """The imaging bands that take part, by name."""
    bands = listed(data.get("multi_band_list") or [], "kwargs_data_joint['multi_band_list']")
    kind = data.get("multi_band_type", "multi-linear")
    if kind not in BAND_TYPES:
        raise unknown("multi_band_type", str(kind), BAND_TYPES, "kwargs_data_joint")
    key = "kwargs_likelihood['bands_compute']"
    computed = likelihood.get("bands_compute")
    taken = [
        i
        for i, wanted in enumerate(
            listed([True] * len(bands) if computed is None else computed, key, len(bands))
        )
        if wanted
    ]
    if not likelihood.get("image_likelihood", True):
        taken = []
    if kind == "single-band":
        taken = taken[:1]
    elif kind == "multi-linear" and len(taken) > 1 and constraints.get("linear_solver", True):
        raise InputError(
            f"kwargs_data_joint['multi_band_type']: 'multi-linear' gives each of the {len(taken)} bands amplitudes of its own, and a "
            "galaxy here has one light; use 'joint-linear', or choose one band with bands_compute."
        )
    key = "kwargs_likelihood['image_likelihood_mask_list']"
    masks = listed(
        likelihood.get("image_likelihood_mask_list") or [None] * len(bands), key, len(bands)
    )
    found = {}
    for i in taken:
        values, sigma, camera = _band(bands[i], seen, f"kwargs_data_joint['multi_band_list'][{i}]")
        found[LIGHT if len(taken) == 1 else f"{LIGHT}_{i}"] = LightMap(
            values, sigma, camera, _mask(masks[i], values, f"{key}[{i}]")
        )
    return found


def tracer_map(
    data: Mapping, model: Mapping, likelihood: Mapping, everything: bool, seen: Instruments
) -> TracerMap | None:
    """The tracer data, if they take part."""
    if data.get("tracer_data") is None:
        if likelihood.get("tracer_likelihood"):
            raise InputError(
                "kwargs_data_joint['tracer_data']: is missing, and kwargs_likelihood['tracer_likelihood'] is True."
            )
        return None
    if not (everything or likelihood.get("tracer_likelihood", False)):
        warn(
            "kwargs_likelihood['tracer_likelihood'] is not True, so the tracer data take no part, as in lenstronomy"
        )
        return None
    if not profile_names(model, "tracer"):
        raise InputError(
            "kwargs_model['tracer_source_model_list']: is missing, and there are tracer data."
        )
    bands = listed(data.get("multi_band_list") or [], "kwargs_data_joint['multi_band_list']")
    index(
        model.get("tracer_source_band", 0), max(len(bands), 1), "kwargs_model['tracer_source_band']"
    )
    values, sigma, camera = _band(data["tracer_data"], seen, "kwargs_data_joint['tracer_data']")
    key = "kwargs_likelihood['tracer_likelihood_mask']"
    mask = _mask(likelihood.get("tracer_likelihood_mask"), values, key)
    if mask is not None and mask.any():
        warn(
            f"{key} is used: {int(mask.sum())} pixels are left out; lenstronomy's TracerLikelihood ignores its mask"
        )
    return TracerMap(values, sigma, camera, TRACER, scale(model), mask)


def _band(
    band: Any, instruments: Instruments, where: str
) -> tuple[np.ndarray, np.ndarray, Instrument]:
    """Values, standard deviations and the instrument of [kwargs_data, kwargs_psf, kwargs_numerics]."""
    data, psf, settings = listed(band, where, 3)
    camera = instruments.of(data, psf, settings, where)
    values = np.array(data["image_data"], float)
    sigma = _sigma(data, values, f"{where}[0]")
    lost = int(np.sum(~np.isfinite(values) | ~np.isfinite(sigma)))
    if lost:
        warn(
            f"{where}[0]: {lost} pixels are not finite and are left out; in lenstronomy they make the whole likelihood NaN"
        )
    return values, sigma, camera


def _sigma(data: Mapping, values: np.ndarray, where: str) -> np.ndarray:
    """The standard deviation of each pixel."""
    if data.get("noise_map") is not None:
        sigma = np.asarray(data["noise_map"], float)
        if sigma.shape != values.shape:
            raise InputError(
                f"{where}['noise_map']: shape {sigma.shape} does not match image_data's {values.shape}."
            )
        return sigma
    for key in ("background_rms", "exposure_time"):
        if data.get(key) is None:
            raise InputError(
                f"{where}[{key!r}]: is missing; without a noise_map, background_rms and exposure_time are needed."
            )
    exposure = np.maximum(np.asarray(data["exposure_time"], float), 1e-10)
    if exposure.shape not in ((), values.shape):
        raise InputError(
            f"{where}['exposure_time']: shape {exposure.shape} does not match image_data's {values.shape}."
        )
    warn(
        f"{where}: the photon noise is taken from the data; lenstronomy's likelihood takes it from the model, without its normalisation"
    )
    return np.sqrt(
        np.maximum(values, 0) / exposure + np.asarray(data["background_rms"], float) ** 2
    )


def _mask(mask: Any, values: np.ndarray, where: str) -> np.ndarray | None:
    """True where a pixel is left out; lenstronomy's masks are True where it counts."""
    if mask is None:
        return None
    counts = np.asarray(mask)
    if counts.shape != values.shape:
        raise InputError(
            f"{where}: shape {counts.shape} does not match image_data's {values.shape} (rows, columns)."
        )
    return ~counts.astype(bool)
