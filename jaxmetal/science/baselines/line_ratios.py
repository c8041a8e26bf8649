"""The metallicity map that is usually made of line fluxes: a cut, a ratio, a calibration."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError
from jaxmetal.maps import Map
from jaxmetal.science import calibrations, noise

# The lines of calibrations by the names of maps.
LINES = {"halpha": "Ha", "hbeta": "Hb", "oiii": "OIII5007", "nii": "NII6584"}


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
    """
    diagnostic = calibrations.calibration(calibration)
    missing = [LINES[name] for name in diagnostic.lines if LINES[name] not in maps]
    if missing:
        needs = ", ".join(LINES[name] for name in diagnostic.lines)
        absent = ", ".join(missing)
        raise InputError(f"metallicity_map: {calibration} needs {needs}; there is no {absent}.")
    fluxes = {name: maps[LINES[name]].data for name in diagnostic.lines}
    errors = {name: maps[LINES[name]].errors for name in diagnostic.lines}
    z, sigma = noise.propagate(diagnostic, fluxes, errors)
    usable = np.isfinite(np.asarray(z))
    for name, flux in fluxes.items():
        usable &= np.nan_to_num(flux) > snr * np.nan_to_num(errors[name], nan=1.0)
    return np.where(usable, np.asarray(z, float), np.nan), np.where(
        usable, np.asarray(sigma, float), np.nan
    )
