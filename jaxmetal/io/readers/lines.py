"""From emission lines to a metallicity map: what readers of integral-field surveys share."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jaxmetal.emission import WAVELENGTHS
from jaxmetal.errors import InputError, unknown
from jaxmetal.io.readers.protocol import ReadMap
from jaxmetal.science import calibrations
from jaxmetal.science.baselines.line_ratios import calibrated

# The wavelength of H-alpha in vacuum, Angstrom.
HALPHA = 6564.6


def metallicity_map(lines: Mapping[str, ReadMap], calibration: str, snr: float) -> ReadMap:
    """12 + log(O/H) where all lines are bright enough and the gas is star-forming.

    Parameters
    ----------
    lines
        fluxes of halpha, hbeta, oiii and nii with their errors.
    calibration
        one of `jaxmetal.science.calibrations.CALIBRATIONS`.
    snr
        least signal-to-noise ratio of each of the four lines.

    Returns
    -------
    metallicity
        in dex, at the wavelength of H-alpha; NaN where a line is masked or too faint, the gas is
        not star-forming (Kauffmann et al. 2003), or the calibration does not hold.

    Raises
    ------
    InputError
        for an unknown calibration.

    Notes
    -----
    Neighbouring spaxels share the errors of the metallicity as they share those of H-alpha: what
    all lines have in common, any function of them has.
    """
    fluxes = {line: lines[line].values for line in calibrations.LINES}
    errors = {line: np.asarray(lines[line].sigma) for line in calibrations.LINES}
    z, sigma = calibrated(fluxes, errors, calibration, snr)
    usable = np.isfinite(z) & np.asarray(calibrations.star_forming(**fluxes))
    usable &= np.asarray(calibrations.in_range(calibration, **fluxes))
    for line in calibrations.LINES:
        if (mask := lines[line].mask) is not None:
            usable &= ~mask
    return ReadMap(
        values=np.where(usable, z, np.nan),
        sigma=np.where(usable, sigma, np.nan),
        unit="dex",
        tracer="metallicity",
        wavelength=lines["halpha"].wavelength,
        correlation=lines["halpha"].correlation,
    )


def with_metallicity(
    lines: Mapping[str, ReadMap], calibration: str, snr: float
) -> dict[str, ReadMap]:
    """The maps of a metallicity fit: "z", and the light that weights it, "halpha".

    Parameters
    ----------
    lines, calibration, snr
        as for `metallicity_map`.

    Returns
    -------
    maps
        by name.
    """
    return {"z": metallicity_map(lines, calibration, snr), "halpha": lines["halpha"]}


def line_map(name: str, redshift: float | None, **data: Any) -> ReadMap:
    """A map of line flux.

    Parameters
    ----------
    name
        of `emission.WAVELENGTHS`; or one of `calibrations.LINES`, for a metallicity, all of which
        are taken at the wavelength of H-alpha.
    redshift
        of the galaxy; 0 if it is not known.
    data
        the values and whatever else a `ReadMap` has.

    Returns
    -------
    line
        at its observed wavelength.
    """
    line = name if name in WAVELENGTHS else None
    at_rest = HALPHA if line is None else WAVELENGTHS[line]
    return ReadMap(line=line, wavelength=at_rest * (1 + (redshift or 0.0)), **data)


def known_line(name: str, names: Iterable[str]) -> str:
    """The name, if a survey's files have this line.

    Raises
    ------
    InputError
        with the most similar name, and those that exist.
    """
    if name not in names:
        raise unknown("line", name, names, "lines")
    return name


def inclination(ellipticity: float, label: str) -> float:
    """The inclination of a thin disc by its ellipticity.

        cos i = 1 - ellipticity

    Parameters
    ----------
    ellipticity
        1 - b/a.
    label
        its place, for messages.

    Returns
    -------
    inclination
        degrees.

    Raises
    ------
    InputError
        for an ellipticity below 0, or of 1 and more.
    """
    if not 0 <= ellipticity < 1:
        raise InputError(f"{label} must be at least 0 and below 1, got {ellipticity}.")
    return float(np.degrees(np.arccos(1 - ellipticity)))
