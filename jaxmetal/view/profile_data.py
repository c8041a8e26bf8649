"""What a profile shows of the data: a tracer map, or the metallicities of pixels by lines."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError
from jaxmetal.inference.fit import Fit
from jaxmetal.maps import Map, TracerMap
from jaxmetal.science.lines.gradients import SNR, expected_pixels, label_of_cut
from jaxmetal.science.lines.pixels import (
    emitting,
    has_pixels,
    instrument_of,
    inverted,
    measured,
    tracers_of,
)
from jaxmetal.view.maps import chosen_map

# Quantiles that represent the noise of a pixel, or draws of the noise of lines.
NOISES = 15


@dataclass(frozen=True)
class Shown:
    """The pixels of a profile.

    Parameters
    ----------
    map
        a tracer map.
    expected
        what the fit predicts for noisy data; NaN where nothing would be seen.
    naive
        what the line through the pixels is called.
    """

    map: Map
    expected: Float[np.ndarray, "noises ..."]
    naive: str = "naive line"


def shown_pixels(fit: Fit, name: str | None) -> Shown:
    """The pixels of a tracer map, or of the lines of a fit.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map, or of a map of a line; the first tracer map if left out, else the lines.

    Raises
    ------
    InputError
        for a name that the fit does not have, and where there is neither a tracer map nor two
        lines in the same pixels.
    """
    tracer_maps = [n for n, m in fit.maps.items() if m.tracer is not None]
    name = next(iter(tracer_maps), None) if name is None else name
    if name is not None:
        one_map = chosen_map(fit, name, "profile_figure")
        if one_map.tracer is not None:
            return _of_tracer_map(one_map, fit.predicted[name])
        if not set(one_map.fluxes) & set(measured(fit)):
            what = f"{name!r} is a map of light; the profile is that"
            raise InputError(f"profile_figure: {what} of a tracer map, or of lines.")
    if not has_pixels(fit):
        raise InputError("profile_figure: needs a tracer map, or two lines in the same pixels.")
    return _of_lines(fit)


def _of_tracer_map(one_map: Map, predicted: np.ndarray) -> Shown:
    """Noise moves the median of a skewed distribution, so that the model gets the same noise.

    Quantiles of the noise stand for random draws.
    """
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / NOISES) for i in range(NOISES)])
    noise = quantiles.reshape(-1, *np.ones(predicted.ndim, int)) * one_map.total_errors()
    return Shown(one_map, predicted + noise)


def _of_lines(fit: Fit) -> Shown:
    """The metallicities of bright pixels, and those of the model's fluxes with the same noise."""
    name = emitting(fit)
    assert name is not None
    component = fit.galaxy.components[name]
    z, sigma = inverted(fit, measured(fit), SNR)
    if not np.isfinite(z).any():
        raise InputError(f"profile_figure: no pixel has all lines with S/N > {SNR:g}.")
    metallicity = TracerMap(
        z,
        sigma,
        instrument_of(fit),
        tracers_of(fit, name)[0],
        light=component.line_light,
        check=False,
    )
    return Shown(metallicity, expected_pixels(fit, SNR, NOISES), label_of_cut(SNR))
