"""Positions on the sky in ICRS: given by the user, those of pixels, and offsets between them."""

from datetime import time
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.cards import quiet, reason
from jaxmetal.instrument.headers import sky_frame

_EXAMPLE = '["10:00:24", "+2:12:00"]'
EXPECTED = f"expected [right ascension, declination] in degrees (ICRS), or as text: {_EXAMPLE}"
# Right ascension and declination, ICRS, degrees.
Position = tuple[float, float]


def as_position(value: Any, where: str = "") -> Position:
    """A position as (right ascension, declination), ICRS, degrees.

    Parameters
    ----------
    value
        two numbers in degrees; two texts, or times of TOML, in sexagesimal form, hours of right
        ascension and degrees of declination; both in one text; or an astropy SkyCoord.
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
        words = value.replace(",", " ").split()
        half = len(words) // 2
        value = (" ".join(words[:half]), " ".join(words[half:])) if len(words) % 2 == 0 else words
    try:
        first, second = value
    except (TypeError, ValueError):
        raise InputError(f"{where}{EXPECTED}, got {value!r}.") from None
    ra, dec = _degrees(first, "hourangle", where), _degrees(second, "deg", where)
    if not (-360 <= ra <= 360 and -90 <= dec <= 90):
        likely = _likely_reason(ra, dec)
        raise InputError(f"{where}{EXPECTED}, got [{first}, {second}].{likely}")
    return ra % 360, dec


def _degrees(value: Any, unit: str, where: str) -> float:
    """A number or quantity in degrees, or a text in sexagesimal form."""
    from astropy.coordinates import Angle
    from astropy.units import Quantity, UnitConversionError

    degrees: Any = np.nan
    try:
        if isinstance(value, Quantity):
            degrees = value.to_value("deg")
        elif not isinstance(value, bool | time):
            degrees = float(value)
    except (TypeError, ValueError, UnitConversionError):
        pass
    if not np.isfinite(degrees) and isinstance(value, str | time):
        try:
            # A unit that the text names itself, such as 150.1d, counts.
            degrees = Angle(str(value), unit=unit).deg
        except ValueError:
            degrees = np.nan
    if not np.isfinite(degrees):
        description = value if isinstance(value, Quantity) else repr(value)
        raise InputError(f"{where}{EXPECTED}, got {description}.")
    return float(degrees)


def _likely_reason(first: float, second: float) -> str:
    if abs(first) <= 90 and 0 <= second <= 360:
        return _did_you_mean(second, first)
    if first >= 3600 and first.is_integer():
        return " Sexagesimal numbers such as 10:00:24 must stand in quotes."
    return ""


def _did_you_mean(ra: float, dec: float) -> str:
    return f" Is it (declination, right ascension)? Did you mean [{ra:g}, {dec:g}]?"


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
            longitude, latitude = world[wcs.wcs.lng], world[wcs.wcs.lat]
            return SkyCoord(longitude, latitude, unit="deg", frame=frame).icrs
    except Exception as error:  # wcslib and astropy's transformations have classes of their own
        problem = f"the WCS gives its pixels no place on the sky ({reason(error)})"
        raise InputError(f"{where}: {problem}.") from None


def offsets(places: Any, center: Position) -> np.ndarray:
    """(x, y) of places to the east and north of a centre, in the plane that touches the sky there.

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
    """Steps of a column and a row to the east and the north in a frame's middle, as Grid.matrix."""
    rows, columns = shape
    column = (columns - 1) / 2 + np.array([0.0, 0.5, -0.5, 0.0, 0.0])
    row = (rows - 1) / 2 + np.array([0.0, 0.0, 0.0, 0.5, -0.5])
    places = positions(wcs, column, row, where)
    at = offsets(places, (float(places[0].ra.deg), float(places[0].dec.deg)))
    return np.stack([at[1] - at[2], at[3] - at[4]], axis=-1)


def distance(center: Position, place: Any) -> float:
    """Degrees from a position to a SkyCoord."""
    from astropy.coordinates import SkyCoord

    away: Any = SkyCoord(*center, unit="deg").separation(place).deg
    return float(away)


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
            f"{where}[{center[0]:g}, {center[1]:g}] lies {away:.3g} degrees off every frame, "
            f"the middle of the nearest is [{middle.ra.deg:.6g}, {middle.dec.deg:.6g}] "
            "(right ascension, declination in degrees, ICRS)."
            f"{exchanged(center, middle, size)}"
        )


def exchanged(center: Position, middle: Any, size: float) -> str:
    """A remark if the two numbers of a centre, exchanged, would lie on a frame."""
    # As degrees, and as sexagesimal texts, of which the first counts hours.
    for ra, dec in ((center[1], center[0]), (15 * center[1], center[0] / 15)):
        if abs(dec) <= 90 and distance((ra % 360, dec), middle) <= size:
            return _did_you_mean(ra, dec)
    return ""


def is_on(wcs: Any, shape: tuple[int, int], center: Position, where: str) -> bool:
    """Whether a position lies on one of the pixels of a frame."""
    from astropy.coordinates import SkyCoord

    place: Any = SkyCoord(*center, unit="deg").transform_to(sky_frame(wcs, where)).spherical
    world = [0.0, 0.0]
    world[wcs.wcs.lng], world[wcs.wcs.lat] = float(place.lon.deg), float(place.lat.deg)
    try:
        column, row = (float(p) for p in wcs.all_world2pix(*world, 0))
    except Exception:  # wcslib's, for a place that its projection does not reach
        return False
    rows, columns = shape
    return -0.5 <= column <= columns - 0.5 and -0.5 <= row <= rows - 0.5
