"""The celestial coordinates of a FITS header."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.cards import quiet, reason
from jaxmetal.instrument.header_repairs import mend


def celestial(source: Any, where: str) -> Any:
    """The celestial WCS of a header, or None if it has none.

    Parameters
    ----------
    source
        an astropy Header, a dictionary of cards, an HDU, or an astropy.wcs.WCS of any number of
        axes.
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
        when CDELT or CRVAL is taken in another unit than the header states.
    """
    from astropy.wcs import WCS

    if isinstance(source, Mapping) and not any(str(key).startswith("CTYPE") for key in source):
        # No axis is celestial, which takes wcslib a millisecond to say.
        return None
    try:
        with quiet():
            wcs = source if isinstance(source, WCS) else WCS(_mended(source, where))
            if not wcs.has_celestial:
                return None
            wcs = wcs.celestial
            # Computed here, because wcslib notices some mistakes only when it is used.
            side = float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))
    except InputError:
        raise
    except Exception as error:  # wcslib has a dozen classes of its own
        raise InputError(f"{where}: the WCS cannot be read ({reason(error)}).") from None
    sky_frame(wcs, where)
    if not 0 < side < np.inf:
        raise InputError(f"{where}: the pixels of the WCS have no area; look at CDELT, PC and CD.")
    return wcs


def _mended(source: Any, where: str) -> Any:
    """A copy of a header, its coordinates mended."""
    from astropy.io import fits

    header = getattr(source, "header", source)
    if not isinstance(header, fits.Header | Mapping):
        kind = type(source).__name__
        raise InputError(f"{where}: expected an astropy.wcs.WCS or a FITS header, got {kind}.")
    header = header.copy() if isinstance(header, fits.Header) else fits.Header(dict(header))
    mend(header, where)
    return header


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
    # astropy would take both of these for ICRS, or for nothing.
    if kind == "SLON":
        return Supergalactic()
    if kind == "ELON":
        equinox = wcs.wcs.equinox if np.isfinite(wcs.wcs.equinox) else 2000.0
        return BarycentricMeanEcliptic(equinox=Time(equinox, format="jyear"))
    try:
        if kind in ("RA", "GLON"):
            return wcs_to_celestial_frame(wcs)
    except (ValueError, TypeError):
        pass
    system = f"RADESYS = {wcs.wcs.radesys!r}, " if wcs.wcs.radesys else ""
    raise InputError(
        f"{where}: no sky coordinates that are known: {system}CTYPE = "
        f"{', '.join(map(repr, wcs.wcs.ctype))}; RADESYS may be ICRS, FK5, FK4 or FK4-NO-E, "
        "and CTYPE equatorial, galactic, supergalactic or ecliptic."
    )
