"""The celestial coordinates of a FITS header, as standards or people write them."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, InputWarning

# Longitudes and latitudes as CTYPE names them: equatorial, galactic, ecliptic, supergalactic, and helioecliptic, which is refused.
_LONGITUDE, _LATITUDE = r"RA|[GESH]LON", r"DEC|[GESH]LAT"
_CTYPE = re.compile(rf"({_LONGITUDE}|{_LATITUDE})-+([A-Z]{{3}})(-SIP)?")
# Units of CUNIT in which CRVAL is rarely meant, degrees.
_SMALL_UNITS = {"arcsec": 1 / 3600, "arcmin": 1 / 60, "mas": 1 / 3.6e6}
# RADESYS by the name of its equinox.
_SYSTEMS = {"J2000": ("FK5", 2000.0), "B1950": ("FK4", 1950.0)}
# Numbers of axes, of which some may be celestial.
AXES = range(1, 6)
# Pixels larger than this, degrees, are arcsec where no unit is written, and worth a word where one is.
WIDE_WITHOUT_UNIT, WIDE = 0.01, 0.1
# Pixels smaller than this, arcsec, are worth a word.
FINE = 1e-3


@contextmanager
def quiet() -> Iterator[None]:
    """No word of harmless repairs: old spellings, long keys, a map that kept its cube's third axis."""
    from astropy.utils.exceptions import AstropyWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyWarning)
        yield


def celestial(source: Any, where: str) -> Any:
    """The celestial WCS of a header, or None if it has none.

    Parameters
    ----------
    source
        an astropy Header, a dictionary of cards, an HDU, or an astropy.wcs.WCS of any number of axes.
    where
        what the source is called in messages.

    Returns
    -------
    wcs
        an astropy.wcs.WCS with two axes, in their order in the header.

    Raises
    ------
    InputError
        naming the card, for coordinates that cannot be understood.

    Warns
    -----
    InputWarning
        when CDELT, or CRVAL, is taken in another unit than the header states, or pixels are larger than 0.1 degrees or
        smaller than 0.001 arcsec.
    """
    from astropy.wcs import WCS

    wcs = source if isinstance(source, WCS) else _read(source, where)
    try:
        with quiet():
            if not wcs.has_celestial:
                return None
            wcs = wcs.celestial
            # Computed here, because wcslib notices some mistakes only when it is used.
            side = 3600 * float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))
    except Exception as error:  # wcslib has a dozen classes of its own
        raise InputError(f"{where}: the WCS cannot be read ({reason(error)}).") from None
    sky_frame(wcs, where)
    if not 0 < side < np.inf:
        raise InputError(f"{where}: the pixels of the WCS have no area; look at CDELT, PC and CD.")
    if side > 3600 * WIDE:
        _warn(f"{where}: the WCS has pixels of {side / 3600:.3g} degrees; are CDELT and CD in the unit of CUNIT?")
    if side < FINE:
        _warn(f"{where}: the WCS has pixels of {side:.2g} arcsec; are CDELT and CD in the unit of CUNIT?")
    return wcs


def _read(source: Any, where: str) -> Any:
    """The WCS of a header, mended where people write it otherwise."""
    from astropy.io import fits
    from astropy.wcs import WCS

    header = getattr(source, "header", source)
    if not isinstance(header, fits.Header | Mapping):
        raise InputError(f"{where}: expected an astropy.wcs.WCS or a FITS header, got {type(source).__name__}.")
    try:
        with quiet():
            # A copy: what is mended here stays as it is in the file.
            header = header.copy() if isinstance(header, fits.Header) else fits.Header(dict(header))
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: cannot be read as a FITS header ({reason(error)}).") from None
    _mend_names(header, where)
    axes = sky_axes(header, where)
    if len(axes) == 2:
        _check_numbers(header, axes, where)
        _mend_units(header, axes, where)
    try:
        with quiet():
            return WCS(header)
    except Exception as error:  # wcslib has a dozen classes of its own
        raise InputError(f"{where}: the WCS cannot be read ({reason(error)}).") from None


def card(header: Any, key: str, where: str) -> Any:
    """The value of a card, None if it is not there.

    Raises
    ------
    InputError
        for a card that does not follow the rules of FITS.
    """
    from astropy.io.fits import VerifyError

    try:
        with quiet():
            return header.get(key)
    except VerifyError:
        raise InputError(f"{where}: the header card {key} cannot be read; a number, or a text in quotes, is expected.") from None


def sky_axes(header: Any, where: str) -> list[int]:
    """The numbers, from 1, of a header's axes that are a longitude and a latitude."""
    names = {axis: str(card(header, f"CTYPE{axis}", where) or "").strip().upper() for axis in AXES}
    return [axis for axis, name in names.items() if re.match(rf"(?:{_LONGITUDE}|{_LATITUDE})(?![A-Z0-9])", name)]


def _mend_names(header: Any, where: str) -> None:
    """CTYPE and RADESYS in the spelling that astropy knows."""
    for axis in AXES:
        text = str(card(header, f"CTYPE{axis}", where) or "").strip().upper()
        if match := _CTYPE.fullmatch(text):
            # RA---TAN, DEC--TAN, GLON-TAN: eight characters.
            header[f"CTYPE{axis}"] = f"{match[1]:-<4}-{match[2]}{match[3] or ''}"
    for key in ("RADESYS", "RADECSYS"):
        if text := str(card(header, key, where) or "").strip().upper():
            system, equinox = _SYSTEMS.get(text, (text, None))
            header[key] = system
            if equinox is not None:
                header["EQUINOX"] = equinox


def _check_numbers(header: Any, axes: list[int], where: str) -> None:
    """The numbers of the celestial axes are numbers: what is none, wcslib would take as 0, or as a pixel of one degree."""
    matrix = {key: [f"{key}{i}_{j}" for i in axes for j in axes] for key in ("CD", "PC")}
    single = [f"{key}{axis}" for key in ("CRPIX", "CRVAL", "CDELT", "CROTA") for axis in axes]
    for key in (*single, *matrix["CD"], *matrix["PC"]):
        if key in header:
            header[key] = _number(header, key, where)
    cd = [float(header.get(key, 0.0)) for key in matrix["CD"]]
    has_cd = any(key in header for key in matrix["CD"])
    if has_cd and cd[0] * cd[3] == cd[1] * cd[2]:
        raise InputError(f"{where}: the CD matrix {', '.join(matrix['CD'])} = {cd} gives the pixels no area.")
    if not has_cd:
        for key in (f"CDELT{axis}" for axis in axes):
            if not any(key in header for key in matrix["PC"]) and key not in header:
                raise InputError(f"{where}: the header does not tell the scale of the WCS: neither {key} nor a CD matrix.")
            if header.get(key) == 0:
                raise InputError(f"{where}: {key} = 0 gives the pixels no area.")
        _check_scale_once(header, axes, where)
    for axis in axes:
        latitude = re.match(_LATITUDE, str(header[f"CTYPE{axis}"]))
        unit = str(card(header, f"CUNIT{axis}", where) or "deg").strip().lower()
        value = float(header.get(f"CRVAL{axis}", 0.0))
        if latitude and unit.startswith("deg") and abs(value) > 90:
            raise InputError(
                f"{where}: CRVAL{axis} = {value:g} is no {header[f'CTYPE{axis}'][:4].rstrip('-')}, which lies within 90 degrees; "
                "are the two CRVAL, or the two CTYPE, exchanged?"
            )


def _check_scale_once(header: Any, axes: list[int], where: str) -> None:
    """The scale is in CDELT or in PC, and the other is of order one."""
    first, second = axes
    steps = [float(header.get(f"CDELT{axis}", 1.0)) for axis in axes]
    pc = {(i, j): float(header.get(f"PC{i}_{j}", float(i == j))) for i in axes for j in axes}
    step = float(np.sqrt(abs(steps[0] * steps[1])))
    scale = float(np.sqrt(abs(pc[first, first] * pc[second, second] - pc[first, second] * pc[second, first])))
    if scale == 0:
        raise InputError(f"{where}: the PC matrix gives the pixels no area.")
    if step < 0.1 and step / 3 < scale < 3 * step:
        raise InputError(
            f"{where}: CDELT ({step:.3g}) and the PC matrix ({scale:.3g}) both hold the scale, so that pixels would be "
            f"{3600 * step * scale:.2g} arcsec; write CDELT1 and CDELT2 = 1, or a PC matrix of order one, or CD instead of both."
        )


def _number(header: Any, key: str, where: str) -> float:
    value = card(header, key, where)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if isinstance(value, bool) or not np.isfinite(number):
        raise InputError(f"{where}: the header card {key} must be a number, got {value!r}.")
    return number


def _mend_units(header: Any, axes: list[int], where: str) -> None:
    """Scales in arcsec beside positions in degrees, by two habits: no CUNIT at all, or a CUNIT that holds for CDELT alone."""
    steps = [f"CD{i}_{j}" for i in axes for j in axes if f"CD{i}_{j}" in header] or [f"CDELT{axis}" for axis in axes]
    steps = [key for key in steps if key in header]
    units = [str(card(header, f"CUNIT{axis}", where) or "").strip().lower() for axis in axes]
    values = [float(header.get(f"CRVAL{axis}", 0.0)) for axis in axes]
    size = max((abs(header[key]) for key in steps), default=0.0)
    shown = ", ".join(f"{key} = {header[key]:g}" for key in steps if header[key])
    if not any(units):
        if size <= WIDE_WITHOUT_UNIT:
            return
        factor = _SMALL_UNITS["arcsec"]
        _warn(
            f"{where}: {shown} without CUNIT would be degrees, pixels of {3600 * size:.4g} arcsec; taken as arcsec. "
            "Write CUNIT1 and CUNIT2 = 'deg' into the header if they are degrees."
        )
    elif units[0] == units[1] and units[0] in _SMALL_UNITS and any(values) and max(np.abs(values)) <= 360 and min(np.abs(values)) <= 90:
        factor = _SMALL_UNITS[units[0]]
        _warn(
            f"{where}: by CUNIT = {units[0]!r} the position CRVAL = {values[0]:g}, {values[1]:g} is in {units[0]} too; taken as degrees, "
            f"and only {shown} as {units[0]}. Write the steps in degrees and CUNIT1, CUNIT2 = 'deg' to be sure."
        )
    else:
        return
    for key in steps:
        header[key] *= factor
    for axis in axes:
        header[f"CUNIT{axis}"] = "deg"


def sky_frame(wcs: Any, where: str) -> Any:
    """The astropy frame of a celestial WCS.

    Raises
    ------
    InputError
        if it is none that can be turned into ICRS.
    """
    from astropy.coordinates import BarycentricMeanEcliptic, Supergalactic
    from astropy.time import Time
    from astropy.wcs.utils import wcs_to_celestial_frame

    kind = str(wcs.wcs.lngtyp).strip()
    if kind == "SLON":
        return Supergalactic()
    if kind == "ELON":
        # astropy would take these for ICRS.
        equinox = wcs.wcs.equinox
        return BarycentricMeanEcliptic(equinox=Time(equinox if np.isfinite(equinox) else 2000.0, format="jyear"))
    try:
        if kind in ("RA", "GLON"):
            return wcs_to_celestial_frame(wcs)
    except (ValueError, TypeError):
        pass
    system = f"RADESYS = {wcs.wcs.radesys!r}, " if wcs.wcs.radesys else ""
    raise InputError(
        f"{where}: no sky coordinates that are known: {system}CTYPE = {', '.join(map(repr, wcs.wcs.ctype))}; "
        "RADESYS may be ICRS, FK5, FK4 or FK4-NO-E, and CTYPE equatorial, galactic, supergalactic or ecliptic."
    )


def reason(error: BaseException) -> str:
    """An error's reason in one line, without the places in wcslib's sources."""
    text = re.sub(r"ERROR \d+ in \S+ at line \d+ of file \S+:", "", str(error)).strip()
    lines = [line.strip().rstrip(".") for line in text.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(lines[-2:])) or type(error).__name__


def _warn(text: str) -> None:
    warnings.warn(text, InputWarning, stacklevel=4)
