"""Nonstandard coordinates in FITS headers: repaired if unambiguous, else refused."""

import re
import warnings
from typing import Any, NamedTuple

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


class Steps(NamedTuple):
    """The steps of a header from pixels to the plane of the sky.

    Parameters
    ----------
    matrix
        of the steps, shape (2, 2).
    keys
        the cards, of those that are there, that give it its unit: of the CD matrix, or CDELT.
    cd, pc
        the matrices that are stated, None for one without a card.
    """

    matrix: np.ndarray
    keys: list[str]
    cd: np.ndarray | None
    pc: np.ndarray | None


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
    vectors = [f"{key}{axis}" for key in ("CRPIX", "CRVAL", "CDELT", "CROTA") for axis in axes]
    for key in (*vectors, *_matrix_keys(axes, "CD"), *_matrix_keys(axes, "PC")):
        if key in header:
            header[key] = number(header, key, where)
    steps = _steps(header, axes)
    _check_scale(header, axes, steps, where)
    _check_stated_once(steps, where)
    _check_latitude(header, axes, where)
    _mend_units(header, axes, steps, where)


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


def _matrix_keys(axes: list[int], key: str) -> list[str]:
    """The cards of the CD or the PC matrix of the celestial axes, row by row."""
    return [f"{key}{i}_{j}" for i in axes for j in axes]


def _matrix(header: Any, axes: list[int], key: str) -> np.ndarray | None:
    """The CD or the PC matrix of the celestial axes; None if the header has no element of it."""
    keys = _matrix_keys(axes, key)
    if not any(name in header for name in keys):
        return None
    missing = np.eye(2) if key == "PC" else np.zeros((2, 2))
    elements = [header.get(k, m) for k, m in zip(keys, missing.flat, strict=True)]
    return np.reshape(elements, (2, 2))


def _steps(header: Any, axes: list[int]) -> Steps:
    cd, pc = _matrix(header, axes, "CD"), _matrix(header, axes, "PC")
    if cd is None:
        keys = [f"CDELT{axis}" for axis in axes]
        scale = np.diag([header.get(key, 1.0) for key in keys])
        matrix = scale if pc is None else scale @ pc
    else:
        keys, matrix = _matrix_keys(axes, "CD"), cd
    return Steps(matrix, [key for key in keys if key in header], cd, pc)


def _check_scale(header: Any, axes: list[int], steps: Steps, where: str) -> None:
    """There is a scale, and by it the pixels have an area."""
    if steps.cd is None and steps.pc is None and len(steps.keys) < 2:
        missing = next(f"CDELT{axis}" for axis in axes if f"CDELT{axis}" not in steps.keys)
        problem = (
            f"the header does not tell the scale of the WCS: neither {missing} nor a CD matrix"
        )
        raise InputError(f"{where}: {problem}.")
    if np.linalg.det(steps.matrix) == 0:
        scale_cards = ", ".join(f"{key} = {header[key]:g}" for key in steps.keys)
        if steps.pc is not None and np.linalg.det(steps.pc) == 0:
            scale_cards = "the PC matrix"
        raise InputError(f"{where}: by {scale_cards} the pixels have no area.")


def _check_stated_once(steps: Steps, where: str) -> None:
    """The scale is that of CDELT or that of the PC matrix, not one times the other."""
    if steps.cd is not None or steps.pc is None or not steps.keys:
        return
    side, scale = (float(np.sqrt(abs(np.linalg.det(m)))) for m in (steps.matrix, steps.pc))
    step = side / scale
    if step < 0.1 and step / 3 < scale < 3 * step:
        duplicates = f"CDELT ({step:.3g}) and the PC matrix ({scale:.3g}) both hold the scale"
        right = "CDELT = 1, a PC matrix of order one, or CD instead of both"
        raise InputError(
            f"{where}: {duplicates}, so that pixels would be {3600 * step * scale:.2g} arcsec; "
            f"write {right}."
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


def _mend_units(header: Any, axes: list[int], steps: Steps, where: str) -> None:
    """Steps in arcsec beside positions in degrees: without CUNIT, or with one for steps alone."""
    unit, reason = _unit_of_steps_alone(header, axes, steps, where)
    if not unit:
        return
    warnings.warn(f"{where}: {reason}.", InputWarning, stacklevel=5)
    for key in steps.keys:
        header[key] *= _SMALL_UNITS[unit]
    for axis in axes:
        header[f"CUNIT{axis}"] = "deg"


def _unit_of_steps_alone(header: Any, axes: list[int], steps: Steps, where: str) -> tuple[str, str]:
    """The unit that steps have and positions have not, and why; both empty if there is none."""
    units = [text(header, f"CUNIT{axis}", where).lower() for axis in axes]
    position = [float(header.get(f"CRVAL{axis}", 0.0)) for axis in axes]
    side = float(np.abs(steps.matrix).max())
    cards_text = ", ".join(f"{key} = {header[key]:g}" for key in steps.keys if header[key])
    if not any(units) and side > WIDE_WITHOUT_UNIT:
        return "arcsec", (
            f"{cards_text} without CUNIT would be degrees, pixels of {3600 * side:.4g} arcsec; "
            "taken as arcsec. Write CUNIT1 and CUNIT2 = 'deg' if they are degrees"
        )
    unit = units[0]
    if unit == units[1] and unit in _SMALL_UNITS and _is_in_degrees(position):
        return unit, (
            f"by CUNIT = {unit!r} the position CRVAL = {position[0]:g}, {position[1]:g} "
            f"is in {unit} too; taken as degrees, and only {cards_text} as {unit}. "
            "Write the steps in degrees and CUNIT1, CUNIT2 = 'deg' to be sure"
        )
    return "", ""


def _is_in_degrees(position: list[float]) -> bool:
    """Whether a position would lie next to the origin of all coordinates if it were in arcsec."""
    sizes = [abs(float(angle)) for angle in position]
    return any(sizes) and max(sizes) <= 360 and min(sizes) <= 90
