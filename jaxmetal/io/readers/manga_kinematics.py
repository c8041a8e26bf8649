"""Velocity and dispersion of gas and stars in MaNGA's MAPS files, with what the instrument adds."""

from typing import Any

import numpy as np

from jaxmetal.io.fits import read_header, read_image, read_map
from jaxmetal.io.readers.lines import line_map
from jaxmetal.io.readers.protocol import ReadMap, SecondMoment
from jaxmetal.science import noise

# The pipeline's name of H-alpha.
HALPHA = "Ha-6564"
# The mean wavelength of the g band, Angstrom, in which the pipeline takes the mean continuum.
G_BAND = 4686.0
STAR_LIGHT = "continuum"


def shared_bins(bins: np.ndarray) -> bool:
    """Whether spaxels share a bin; with hybrid binning the lines are measured in each spaxel."""
    numbers = bins[bins >= 0]
    return np.unique(numbers).size < numbers.size


def of_gas(
    path: Any, redshift: float | None, bright: np.ndarray, inflate: float
) -> dict[str, ReadMap]:
    """Velocity and dispersion of H-alpha, with the dispersion of the instrument beside it.

    Parameters
    ----------
    path
        of the MAPS file.
    redshift
        of the galaxy; None if it is not known.
    bright
        True where the line is bright enough, shape (rows, columns).
    inflate
        factor on the pipeline's errors.

    Returns
    -------
    maps
        "velocity" and "dispersion", km/s.
    """
    spread = read_image(path, "EMLINE_INSTSIGMA", HALPHA)
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "velocity": ("EMLINE_GVEL", {"tracer": "velocity", "scale": "linear"}),
        "dispersion": ("EMLINE_GSIGMA", {"moment": SecondMoment(instrumental=spread)}),
    }
    maps = {}
    for name, (extension, kind) in kinds.items():
        data = _measured(path, extension, inflate, HALPHA)
        data["values"] = np.where(bright, data["values"], np.nan)
        maps[name] = line_map("halpha", redshift, **data, **kind)
    return maps


def of_stars(path: Any, inflate: float) -> tuple[dict[str, ReadMap], dict[str, np.ndarray]]:
    """Velocity and dispersion of the stars, and their light.

        sigma_measured² = sigma_stars² + STELLAR_SIGMACORR²

    Parameters
    ----------
    path
        of the MAPS file.
    inflate
        factor on the pipeline's errors.

    Returns
    -------
    maps
        "stellar_velocity" and "stellar_dispersion", km/s, and "continuum".
    bins
        of those maps that are in bins, by name.
    """
    # Later releases have a second plane, with the correction by fits of the templates.
    planes = read_header(path, "STELLAR_SIGMACORR").get("NAXIS") == 3
    spread = read_image(path, "STELLAR_SIGMACORR", 0 if planes else None)
    names = "stellar_velocity", "stellar_dispersion"
    second = SecondMoment(*names, instrumental=spread)
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "stellar_velocity": ("STELLAR_VEL", {"tracer": "stellar_velocity", "scale": "linear"}),
        "stellar_dispersion": ("STELLAR_SIGMA", {"moment": second}),
        "continuum": ("SPX_MFLUX", {}),
    }
    light = {"light": STAR_LIGHT, "wavelength": G_BAND}
    maps = {
        name: ReadMap(**_measured(path, extension, inflate), **kind, **light)
        for name, (extension, kind) in kinds.items()
    }
    bins = read_image(path, "BINID", "Stellar continua")
    return maps, dict.fromkeys(names, bins) if shared_bins(bins) else {}


def _measured(path: Any, extension: str, inflate: float, channel: Any = None) -> dict[str, Any]:
    """Values, NaN where they are flagged, with inflated errors that neighbours share."""
    # The flux of spaxels has no flags: where nothing was observed its IVAR is 0.
    flags = None if extension == "SPX_MFLUX" else f"{extension}_MASK"
    one = read_map(path, extension, ivar=f"{extension}_IVAR", mask=flags, channel=channel)
    return {
        "values": np.where(one.mask, np.nan, one.values),
        "sigma": inflate * np.asarray(one.sigma),
        "unit": one.unit,
        "correlation": noise.manga(),
    }
