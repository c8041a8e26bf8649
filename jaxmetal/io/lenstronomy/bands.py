"""Maps from lenstronomy's imaging bands and tracer data."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.io.lenstronomy.checks import index, listed, warn
from jaxmetal.io.lenstronomy.galaxies import (
    TRACER,
    profile_names,
    scale,
)
from jaxmetal.io.lenstronomy.instruments import instrument
from jaxmetal.maps import LightMap, Map, TracerMap

BAND_TYPES = ("multi-linear", "joint-linear", "single-band")


# The name of the light map, or the beginning of the names of several.
LIGHT = "light"


class Instruments:
    """The instruments of the bands, equal ones as one object.

    A model then convolves its light once for all maps of an instrument.

    Parameters
    ----------
    numerics
        "jaxmetal" or "lenstronomy".
    """

    def __init__(self, numerics: str):
        self._numerics = numerics
        self._instruments: list[Instrument] = []

    def of(self, data: Any, psf: Any, numerics: Any, where: str) -> Instrument:
        """The instrument of [kwargs_data, kwargs_psf, kwargs_numerics]."""
        camera = instrument(data, psf, numerics, self._numerics, where)
        twin = next(
            (candidate for candidate in self._instruments if eqx.tree_equal(candidate, camera)),
            None,
        )
        if twin is None:
            self._instruments.append(camera)
        return twin or camera


def light_maps(
    data: Mapping, constraints: Mapping, likelihood: Mapping, instruments: Instruments
) -> dict[str, Map]:
    """The maps of the imaging bands that take part, by name.

    Parameters
    ----------
    data, constraints, likelihood
        lenstronomy's kwargs_data_joint, kwargs_constraints and kwargs_likelihood, checked.
    instruments
        that bands share.

    Raises
    ------
    InputError
        naming the key that is missing or wrong, or if each band has amplitudes of its own.
    """
    bands = listed(data.get("multi_band_list") or [], "kwargs_data_joint['multi_band_list']")
    kind = data.get("multi_band_type", "multi-linear")
    if kind not in BAND_TYPES:
        raise unknown("multi_band_type", str(kind), BAND_TYPES, "kwargs_data_joint")
    indices = _bands_that_count(likelihood, len(bands))
    if kind == "single-band":
        indices = indices[:1]
    elif kind == "multi-linear" and len(indices) > 1 and constraints.get("linear_solver", True):
        several = f"'multi-linear' gives each of the {len(indices)} bands amplitudes of its own"
        raise InputError(
            f"kwargs_data_joint['multi_band_type']: {several}, and a "
            "galaxy here has one light; use 'joint-linear', or choose one band with bands_compute."
        )
    key = "kwargs_likelihood['image_likelihood_mask_list']"
    mask_list = likelihood.get("image_likelihood_mask_list") or [None] * len(bands)
    masks = listed(mask_list, key, len(bands))
    maps = {}
    for i in indices:
        where = f"kwargs_data_joint['multi_band_list'][{i}]"
        values, sigma, camera = _band(bands[i], instruments, where)
        mask = _mask(masks[i], values, f"{key}[{i}]")
        maps[LIGHT if len(indices) == 1 else f"{LIGHT}_{i}"] = LightMap(values, sigma, camera, mask)
    return maps


def _bands_that_count(likelihood: Mapping, count: int) -> list[int]:
    """The indices of the imaging bands in the likelihood."""
    entries = likelihood.get("bands_compute")
    entries = [True] * count if entries is None else entries
    flags = listed(entries, "kwargs_likelihood['bands_compute']", count)
    if not likelihood.get("image_likelihood", True):
        return []
    return [i for i, flag in enumerate(flags) if flag]


def tracer_map(
    data: Mapping, model: Mapping, likelihood: Mapping, carry_all: bool, instruments: Instruments
) -> TracerMap | None:
    """The map of the tracer data; None if they take no part.

    Parameters
    ----------
    data, model, likelihood
        lenstronomy's kwargs_data_joint, kwargs_model and kwargs_likelihood, checked.
    carry_all
        whether all data take part, because there is no kwargs_likelihood.
    instruments
        that bands share.

    Raises
    ------
    InputError
        naming the key that is missing or wrong.
    """
    if data.get("tracer_data") is None:
        if likelihood.get("tracer_likelihood"):
            raise InputError(
                "kwargs_data_joint['tracer_data']: is missing, and "
                "kwargs_likelihood['tracer_likelihood'] is True."
            )
        return None
    if not (carry_all or likelihood.get("tracer_likelihood", False)):
        warn(
            "kwargs_likelihood['tracer_likelihood'] is not True, so the tracer data take no part, "
            "as in lenstronomy"
        )
        return None
    if not profile_names(model, "tracer"):
        raise InputError(
            "kwargs_model['tracer_source_model_list']: is missing, and there are tracer data."
        )
    bands = listed(data.get("multi_band_list") or [], "kwargs_data_joint['multi_band_list']")
    key = "kwargs_model['tracer_source_band']"
    index(model.get("tracer_source_band", 0), max(len(bands), 1), key)
    where = "kwargs_data_joint['tracer_data']"
    values, sigma, camera = _band(data["tracer_data"], instruments, where)
    key = "kwargs_likelihood['tracer_likelihood_mask']"
    mask = _mask(likelihood.get("tracer_likelihood_mask"), values, key)
    if mask is not None and mask.any():
        loss = f"{int(mask.sum())} pixels are left out"
        warn(f"{key} is used: {loss}; lenstronomy's TracerLikelihood ignores its mask")
    return TracerMap(values, sigma, camera, TRACER, scale(model), mask)


def _band(
    band: Any, instruments: Instruments, where: str
) -> tuple[np.ndarray, np.ndarray, Instrument]:
    """Values, standard deviations and instrument of a band.

    A band is [kwargs_data, kwargs_psf, kwargs_numerics].
    """
    data, psf, settings = listed(band, where, 3)
    camera = instruments.of(data, psf, settings, where)
    values = np.array(data["image_data"], float)
    sigma = _sigma(data, values, f"{where}[0]")
    count = int(np.sum(~np.isfinite(values) | ~np.isfinite(sigma)))
    if count:
        loss = f"{count} pixels are not finite and are left out"
        warn(f"{where}[0]: {loss}; in lenstronomy they make the whole likelihood NaN")
    return values, sigma, camera


def _sigma(data: Mapping, values: np.ndarray, where: str) -> np.ndarray:
    """The standard deviation of each pixel."""
    if data.get("noise_map") is not None:
        sigma = np.asarray(data["noise_map"], float)
        if sigma.shape != values.shape:
            raise _mismatch(f"{where}['noise_map']", sigma, values)
        return sigma
    for key in ("background_rms", "exposure_time"):
        if data.get(key) is None:
            remedy = "background_rms and exposure_time are needed"
            raise InputError(f"{where}[{key!r}]: is missing; without a noise_map, {remedy}.")
    exposure = np.maximum(np.asarray(data["exposure_time"], float), 1e-10)
    if exposure.shape not in ((), values.shape):
        raise _mismatch(f"{where}['exposure_time']", exposure, values)
    warn(
        f"{where}: the photon noise is taken from the data; lenstronomy's likelihood takes it from "
        "the model, without its normalisation"
    )
    background = np.asarray(data["background_rms"], float)
    return np.sqrt(np.maximum(values, 0) / exposure + background**2)


def _mismatch(where: str, array: np.ndarray, values: np.ndarray, note: str = "") -> InputError:
    """The error of an array whose shape is not that of the data."""
    shapes = f"shape {array.shape} does not match image_data's {values.shape}"
    return InputError(f"{where}: {shapes}{note}.")


def _mask(mask: Any, values: np.ndarray, where: str) -> np.ndarray | None:
    """True where a pixel is masked; lenstronomy's masks are True where it is not."""
    if mask is None:
        return None
    counts = np.asarray(mask)
    if counts.shape != values.shape:
        raise _mismatch(where, counts, values, " (rows, columns)")
    return ~counts.astype(bool)
