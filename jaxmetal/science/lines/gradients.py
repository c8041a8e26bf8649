"""Straight lines through the metallicities of pixels, beside the gradient of a fit."""

from collections.abc import Sequence

import numpy as np

from jaxmetal.emission import parts_of
from jaxmetal.errors import InputError, check_type
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.tables import Summary
from jaxmetal.science import baselines
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.science.lines.pixels import (
    Image,
    emitting,
    instrument_of,
    inverted,
    measured,
    tracers_of,
)
from jaxmetal.science.lines.products import seen

# The usual least signal-to-noise ratio of the lines of a pixel.
SNR = 3.0
# The row of the fit itself.
FORWARD = "forward-modelled"


def disc_of_lines(fit: Fit) -> Disc:
    """The disc of the metallicity that the lines follow from, at the model's own values.

    Parameters
    ----------
    fit
        with one component that has emission.
    """
    name = emitting(fit)
    assert name is not None
    return disc_of_model(fit.galaxy, tracers_of(fit, name)[0], name)


def naive_gradients(
    fit: Fit, cuts: Sequence[float] = (0.0, 3.0, 5.0), disc: Disc | None = None
) -> Summary:
    """Gradients of straight lines through `pixel_metallicity`, beside that of the fit.

    Parameters
    ----------
    fit
        of maps of lines.
    cuts
        least signal-to-noise ratios of each line; 0 takes all pixels with positive fluxes.
    disc
        in which radii are measured; the model's if left out.

    Returns
    -------
    gradients
        a row for each cut, and for the fit where its profile has one free gradient: "gradient" and
        "error" in dex per arcsec, and how many "pixels" took part. NaN where there are too few.

    Raises
    ------
    InputError
        as for `pixel_metallicity`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.line_model())
    >>> list(jm.lines.naive_gradients(fit))
    ['naive: positive fluxes', 'naive: S/N > 3', 'naive: S/N > 5', 'forward-modelled']
    """
    check_type(fit, Fit, "lines.naive_gradients: fit")
    measured_fluxes, rows = measured(fit), Summary()
    for snr in cuts:
        z, sigma = inverted(fit, measured_fluxes, snr)
        disc = disc_of_lines(fit) if disc is None else disc
        line = straight(disc.radii(instrument_of(fit), fit.galaxy), z, sigma)
        rows[label_of_cut(snr)] = {
            "gradient": np.nan if line is None else line.gradient,
            "error": np.nan if line is None else line.gradient_error,
            "pixels": int(np.isfinite(z).sum()),
        }
    name = emitting(fit)
    assert name is not None
    path = f"{name}.{tracers_of(fit, name)[0]}.gradient"
    if path in fit.parameters:
        numbers = (float(fit.parameters[path]), float(fit.errors[path]))
        rows[FORWARD] = dict(zip(("gradient", "error"), numbers, strict=True))
        rows[FORWARD]["pixels"] = max(m.size for m in fit.maps.values())
    return rows


def label_of_cut(snr: float) -> str:
    """What a cut by signal to noise is called in tables and legends."""
    return f"naive: S/N > {snr:g}" if snr > 0 else "naive: positive fluxes"


def expected_pixels(fit: Fit, snr: float, noises: int) -> Image:
    """The metallicities of pixels, as `pixel_metallicity`, by the model's fluxes with noise.

    A cut by signal to noise selects upward noise, of the data as of what they are compared with.

    Parameters
    ----------
    fit
        of maps of lines.
    snr
        least signal-to-noise ratio of each line.
    noises
        how many draws of the noise.

    Returns
    -------
    metallicity
        dex, an image for each draw; NaN where nothing would be seen.
    """
    line_fluxes = measured(fit)
    without_noise = seen(fit, {str(light): dict(parts_of(light)) for light in line_fluxes})
    rng = np.random.default_rng(0)
    noisy = [
        {
            light: (without_noise[str(light)] + error * rng.standard_normal(error.shape), error)
            for light, (_, error) in line_fluxes.items()
        }
        for _ in range(noises)
    ]
    return np.stack([inverted(fit, one, snr)[0] for one in noisy])


def straight(radius: Image, z: Image, sigma: Image) -> baselines.LineFit | None:
    """The weighted line through the metallicities of pixels; None where there are too few."""
    try:
        return baselines.wls(radius, z, sigma)
    except InputError:
        return None
