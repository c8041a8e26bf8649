"""Positions on the sky: given by the user, those of pixels, and their offsets in a tangent plane. Everything is ICRS."""

from datetime import time
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.headers import quiet, reason, sky_frame

EXPECTED = 'expected [right ascension, declination] in degrees (ICRS), or as text such as ["10:00:24", "+2:12:00"]'
Position = tuple[float, float]


def as_position(value: Any, where: str = "") -> Position:
    """A position as (right ascension, declination), ICRS, degrees.

    Parameters
    ----------
    value
        two numbers in degrees; texts or TOML's times in sexagesimal form, hours of right ascension and degrees of declination; both
        in one text; or an astropy SkyCoord in any frame.
    where
        what messages begin with.

    Raises
    ------
    InputError
        for what is no position, with the likely reason.
    """
    if hasattr(value, "icrs"):
        value = (value.icrs.ra.deg, value.icrs.dec.deg)
    if isinstance(value, str):
        value = value.replace(",", " ").split()
        if len(value) % 2 == 0:
            half = len(value) // 2
            value = " ".join(value[:half]), " ".join(value[half:])
    try:
        first, second = value
    except (TypeError, ValueError):
        raise InputError(f"{where}{EXPECTED}, got {value!r}.") from None
    ra, dec = _degrees(first, "hourangle", where), _degrees(second, "deg", where)
    if not (-360 <= ra <= 360 and -90 <= dec <= 90):
        raise InputError(f"{where}{EXPECTED}, got [{first}, {second}].{_likely_reason(ra, dec)}")
    return ra % 360, dec


def _degrees(value: Any, unit: str, where: str) -> float:
    """A number or quantity in degrees, or a text in sexagesimal form."""
    from astropy.coordinates import Angle
    from astropy.units import Quantity

    if isinstance(value, Quantity):
        try:
            value = value.to_value("deg")
        except Exception:
            raise InputError(f"{where}{EXPECTED}, got {value}.") from None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = None
    if number is None:
        try:
            # A unit that the text names itself, such as 150.1d, counts.
            number = float(Angle(str(value), unit=unit).deg) if isinstance(value, str | time) else np.nan
        except ValueError:
            number = np.nan
    if isinstance(value, bool) or not np.isfinite(number):
        raise InputError(f"{where}{EXPECTED}, got {value!r}.")
    return number


def _likely_reason(first: float, second: float) -> str:
    if abs(first) <= 90 and 0 <= second <= 360:
        return f" Is it (declination, right ascension)? Did you mean [{second:g}, {first:g}]?"
    if first >= 3600 and float(first).is_integer():
        return " Sexagesimal numbers such as 10:00:24 must stand in quotes."
    return ""


def positions(wcs: Any, column: Any, row: Any, where: str) -> Any:
    """The places of pixels, as an ICRS SkyCoord.

    Parameters
    ----------
    wcs
        a celestial astropy.wcs.WCS.
    column, row
        of the pixels, from 0.
    where
        what the WCS is called in messages.

    Raises
    ------
    InputError
        if the WCS has none for them, or is in a frame that is not known.
    """
    from astropy.coordinates import SkyCoord

    frame = sky_frame(wcs, where)
    try:
        with quiet():
            world = wcs.all_pix2world(column, row, 0)
            return SkyCoord(world[wcs.wcs.lng], world[wcs.wcs.lat], unit="deg", frame=frame).icrs
    except Exception as error:  # wcslib and astropy's transformations have classes of their own
        raise InputError(f"{where}: the WCS gives its pixels no place on the sky ({reason(error)}).") from None


def offsets(places: Any, center: Position) -> np.ndarray:
    """(x, y) of places to the east and to the north of a centre, in the plane that touches the sky there.

    Parameters
    ----------
    places
        an ICRS SkyCoord of shape (n,).
    center
        (right ascension, declination), degrees.

    Returns
    -------
    offsets
        arcsec, shape (n, 2); NaN for places more than 90 degrees away.
    """
    from astropy.wcs import WCS

    plane = WCS(naxis=2)
    plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    plane.wcs.crval = center
    plane.wcs.crpix = [1.0, 1.0]
    plane.wcs.cdelt = [1 / 3600, 1 / 3600]
    return np.transpose(plane.all_world2pix(places.ra.deg, places.dec.deg, 0))


def local_matrix(wcs: Any, shape: tuple[int, int], where: str) -> np.ndarray:
    """Steps of one column and one row to the east and to the north in the middle of a frame, arcsec; as Grid.matrix."""
    rows, columns = shape
    column, row = (columns - 1) / 2, (rows - 1) / 2
    places = positions(wcs, column + np.array([0.0, 0.5, -0.5, 0.0, 0.0]), row + np.array([0.0, 0.0, 0.0, 0.5, -0.5]), where)
    at = offsets(places, (float(places[0].ra.deg), float(places[0].dec.deg)))
    return np.stack([at[1] - at[2], at[3] - at[4]], axis=-1)


def distance(center: Position, place: Any) -> float:
    """Degrees from a position (right ascension, declination) to a SkyCoord."""
    from astropy.coordinates import SkyCoord

    return float(SkyCoord(*center, unit="deg").separation(place).deg)


def check_near(center: Position, middle: Any, size: float, where: str) -> None:
    """Refuse a centre that lies far from a frame.

    Parameters
    ----------
    center
        (right ascension, declination), degrees.
    middle, size
        of the frame: a SkyCoord, and its diagonal in degrees.
    where
        what the message begins with.

    Raises
    ------
    InputError
        if it is further away than a degree and twice the frame's size, with the likely reason.
    """
    away = distance(center, middle)
    if away > max(1.0, 2 * size):
        raise InputError(
            f"{where}[{center[0]:g}, {center[1]:g}] lies {away:.3g} degrees off every frame, the middle of the nearest is "
            f"[{middle.ra.deg:.6g}, {middle.dec.deg:.6g}] (right ascension, declination in degrees, ICRS).{exchanged(center, middle, size)}"
        )


def exchanged(center: Position, middle: Any, size: float) -> str:
    """A word if the two numbers of a centre, exchanged, would lie on a frame."""
    # As degrees, and as sexagesimal texts, of which the first counts hours.
    for ra, dec in ((center[1], center[0]), (15 * center[1], center[0] / 15)):
        if abs(dec) <= 90 and distance((ra % 360, dec), middle) <= size:
            return f" Is it (declination, right ascension)? Did you mean [{ra:g}, {dec:g}]?"
    return ""
