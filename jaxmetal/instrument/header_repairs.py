"""Nonstandard coordinates in FITS headers: repaired if unambiguous, else refused."""

import re
import warnings
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument.cards import number, text

# Longitudes and latitudes as CTYPE names them: equatorial, galactic, ecliptic, supergalactic,
# and helioecliptic, which is refused when it is read.
LONGITUDE = r"RA|[GESH]LON"
LATITUDE = r"DEC|[GESH]LAT"
# The numbers of the axes among which the celestial ones may be.
AXES = range(1, 6)
# Units of CUNIT in which a position is hardly ever given, degrees.
_SMALL_UNITS = {"arcsec": 1 / 3600, "arcmin": 1 / 60, "mas": 1 / 3.6e6}
# RADESYS by the name of its equinox.
_SYSTEMS = {"J2000": ("FK5", 2000.0), "B1950": ("FK4", 1950.0)}
# Steps larger than this without a unit are arcsec, not degrees.
WIDE_WITHOUT_UNIT = 0.01


def sky_axes(header: Any, where: str) -> list[int]:
    """The numbers, from 1, of a header's axes that are a longitude and a latitude."""
    sky = re.compile(rf"(?:{LONGITUDE}|{LATITUDE})(?![A-Z0-9])", re.IGNORECASE)
    return [axis for axis in AXES if sky.match(text(header, f"CTYPE{axis}", where))]


def mend(header: Any, where: str) -> None:
    """Make a header's celestial coordinates such that astropy reads what is meant.

    Parameters
    ----------
    header
        an astropy Header, which is changed.
    where
        what it is called in messages.

    Raises
    ------
    InputError
        naming the card, for what cannot be meant: wcslib would take a text for 0, and pixels
        without a scale for pixels of one degree.

    Warns
    -----
    InputWarning
        when CDELT or CRVAL is taken in another unit than the header states.
    """
    _mend_names(header, where)
    axes = sky_axes(header, where)
    if len(axes) != 2:
        return
    for key in ("CRPIX", "CRVAL", "CDELT", "CROTA"):
        for axis in axes:
            _make_number(header, f"{key}{axis}", where)
    for key in ("CD", "PC"):
        for i in axes:
            for j in axes:
                _make_number(header, f"{key}{i}_{j}", where)
    _check_scale(header, axes, where)
    _check_latitude(header, axes, where)
    _mend_units(header, axes, where)


def _mend_names(header: Any, where: str) -> None:
    """CTYPE and RADESYS in the spelling that astropy knows."""
    projected = re.compile(rf"({LONGITUDE}|{LATITUDE})-+([A-Z]{{3}})(-SIP)?")
    for axis in AXES:
        if match := projected.fullmatch(text(header, f"CTYPE{axis}", where).upper()):
            # RA---TAN, DEC--TAN, GLON-TAN: eight characters.
            header[f"CTYPE{axis}"] = f"{match[1]:-<4}-{match[2]}{match[3] or ''}"
    for key in ("RADESYS", "RADECSYS"):
        if name := text(header, key, where).upper():
            header[key], equinox = _SYSTEMS.get(name, (name, None))
            if equinox is not None:
                header["EQUINOX"] = equinox


def _make_number(header: Any, key: str, where: str) -> None:
    if key in header:
        header[key] = number(header, key, where)


def _matrix(header: Any, axes: list[int], key: str) -> np.ndarray | None:
    """The CD or the PC matrix of the celestial axes; None if the header has no element of it."""
    keys = [f"{key}{i}_{j}" for i in axes for j in axes]
    if not any(name in header for name in keys):
        return None
    missing = np.eye(2) if key == "PC" else np.zeros((2, 2))
    elements = [header.get(k, m) for k, m in zip(keys, missing.flat, strict=True)]
    return np.reshape(elements, (2, 2))


def _steps(header: Any, axes: list[int]) -> tuple[np.ndarray, list[str]]:
    """The matrix from pixels to the plane of the sky, and the cards that give it its unit."""
    cd, pc = (_matrix(header, axes, key) for key in ("CD", "PC"))
    if cd is not None:
        keys = [f"CD{i}_{j}" for i in axes for j in axes]
        return cd, [key for key in keys if key in header]
    keys = [f"CDELT{axis}" for axis in axes]
    scale = np.diag([header.get(key, 1.0) for key in keys])
    return scale @ (np.eye(2) if pc is None else pc), [key for key in keys if key in header]


def _check_scale(header: Any, axes: list[int], where: str) -> None:
    """There is one scale, and the pixels have an area."""
    matrix, keys = _steps(header, axes)
    cd, pc = (_matrix(header, axes, key) for key in ("CD", "PC"))
    if cd is None and pc is None and len(keys) < 2:
        missing = next(f"CDELT{axis}" for axis in axes if f"CDELT{axis}" not in keys)
        what = f"the header does not tell the scale of the WCS: neither {missing} nor a CD matrix"
        raise InputError(f"{where}: {what}.")
    if np.linalg.det(matrix) == 0:
        held = ", ".join(f"{key} = {header[key]:g}" for key in keys)
        held = "the PC matrix" if pc is not None and np.linalg.det(pc) == 0 else held
        raise InputError(f"{where}: by {held} the pixels have no area.")
    if cd is not None or pc is None or not keys:
        return
    step, scale = (float(np.sqrt(abs(np.linalg.det(m)))) for m in (matrix, pc))
    step /= scale
    if step < 0.1 and step / 3 < scale < 3 * step:
        both = f"CDELT ({step:.3g}) and the PC matrix ({scale:.3g}) both hold the scale"
        right = "CDELT = 1, a PC matrix of order one, or CD instead of both"
        raise InputError(
            f"{where}: {both}, so that pixels would be {3600 * step * scale:.2g} arcsec; write "
            f"{right}."
        )


def _check_latitude(header: Any, axes: list[int], where: str) -> None:
    """The position on the axis of declination, or of another latitude, is one."""
    for axis in axes:
        name = str(header[f"CTYPE{axis}"])[:4].rstrip("-")
        unit = text(header, f"CUNIT{axis}", where).lower() or "deg"
        value = float(header.get(f"CRVAL{axis}", 0.0))
        if re.match(LATITUDE, name) and unit.startswith("deg") and abs(value) > 90:
            raise InputError(
                f"{where}: CRVAL{axis} = {value:g} is no {name}, which lies within 90 degrees; "
                "are the two CRVAL, or the two CTYPE, exchanged?"
            )


def _mend_units(header: Any, axes: list[int], where: str) -> None:
    """Steps in arcsec beside positions in degrees: without CUNIT, or with one for steps alone."""
    matrix, steps = _steps(header, axes)
    units = [text(header, f"CUNIT{axis}", where).lower() for axis in axes]
    position = [float(header.get(f"CRVAL{axis}", 0.0)) for axis in axes]
    side = float(np.abs(matrix).max())
    cards_text = ", ".join(f"{key} = {header[key]:g}" for key in steps if header[key])
    if not any(units) and side > WIDE_WITHOUT_UNIT:
        factor = _SMALL_UNITS["arcsec"]
        reason = (
            f"{cards_text} without CUNIT would be degrees, pixels of {3600 * side:.4g} arcsec; "
        )
        reason += "taken as arcsec. Write CUNIT1 and CUNIT2 = 'deg' if they are degrees"
    elif units[0] == units[1] and units[0] in _SMALL_UNITS and _is_in_degrees(position):
        factor = _SMALL_UNITS[units[0]]
        reason = f"by CUNIT = {units[0]!r} the position CRVAL = {position[0]:g}, {position[1]:g} "
        reason += f"is in {units[0]} too; taken as degrees, and only {cards_text} as {units[0]}. "
        reason += "Write the steps in degrees and CUNIT1, CUNIT2 = 'deg' to be sure"
    else:
        return
    warnings.warn(f"{where}: {reason}.", InputWarning, stacklevel=5)
    for key in steps:
        header[key] *= factor
    for axis in axes:
        header[f"CUNIT{axis}"] = "deg"


def _is_in_degrees(position: list[float]) -> bool:
    """Whether a position would lie next to the origin of all coordinates if it were in arcsec."""
    return any(position) and max(np.abs(position)) <= 360 and min(np.abs(position)) <= 90
