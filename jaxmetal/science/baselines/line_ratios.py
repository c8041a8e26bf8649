"""The metallicity map that is usually made of line fluxes: a cut, a ratio, a calibration."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError
from jaxmetal.maps import Map
from jaxmetal.science import calibrations, noise


def metallicity_map(
    maps: Mapping[str, Map], calibration: str = "n2_m13", snr: float = 3.0
) -> tuple[Float[np.ndarray, "*map"], Float[np.ndarray, "*map"]]:
    """12 + log(O/H) in every pixel whose lines are all bright enough.

    The cut selects pixels in which noise raised the fainter line, and turns gradients over: it is
    the rival of a fit of the fluxes themselves, not a way to make data.

    Parameters
    ----------
    maps
        of line fluxes by the names of their lines, such as {"Ha": LineMap, "NII6584": LineMap}; in
        pixels, or apertures, that they share. Corrected for dust, or of lines that need it not.
    calibration
        one of `calibrations.CALIBRATIONS`.
    snr
        least signal-to-noise ratio of each line; 0 leaves out what is not positive.

    Returns
    -------
    metallicity, sigma
        dex; NaN where a line is masked or too faint. The scatter of the calibration is not in
        sigma.

    Raises
    ------
    InputError
        for an unknown calibration, a missing line, or maps of different shapes.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> maps = jm.examples.line_model().maps
    >>> z, sigma = jm.baselines.metallicity_map(maps, "n2_m13")
    >>> print(f"{z[7, 7]:.2f} +- {sigma[7, 7]:.2f}")
    8.33 +- 0.02
    """
    needed = {
        name: calibrations.LINES[name] for name in calibrations.calibration(calibration).lines
    }
    missing = [line for line in needed.values() if line not in maps]
    if missing:
        problem = f"{calibration} needs {', '.join(needed.values())}"
        raise InputError(f"metallicity_map: {problem}; there is no {', '.join(missing)}.")
    fluxes = {name: maps[line].data for name, line in needed.items()}
    errors = {name: maps[line].errors for name, line in needed.items()}
    return calibrated(fluxes, errors, calibration, snr)


def calibrated(
    fluxes: Mapping[str, Any], errors: Mapping[str, Any], calibration: str, snr: float
) -> tuple[Float[np.ndarray, "*map"], Float[np.ndarray, "*map"]]:
    """A metallicity and its error wherever lines are bright enough.

    Parameters
    ----------
    fluxes, errors
        of lines by the names in `calibrations.LINES`, those of the calibration among them.
    calibration
        one of `calibrations.CALIBRATIONS`.
    snr
        least signal-to-noise ratio of each of these lines.

    Returns
    -------
    metallicity, sigma
        dex; NaN where a line is too faint, or its error is not positive.

    Raises
    ------
    InputError
        for an unknown calibration, or a missing line.
    """
    diagnostic = calibrations.calibration(calibration)
    z, sigma = noise.propagate(diagnostic, diagnostic.needed(fluxes), diagnostic.needed(errors))
    bright = np.isfinite(np.asarray(z))
    for name, flux in fluxes.items():
        bright &= (errors[name] > 0) & (flux > snr * errors[name])
    metallicity = np.where(bright, np.asarray(z, float), np.nan)
    return metallicity, np.where(bright, np.asarray(sigma, float), np.nan)
