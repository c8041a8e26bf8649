"""MaNGA: the maps that its data analysis pipeline makes of a galaxy (DAP MAPS files)."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.headers import sky_frame
from jaxmetal.instrument.psf import SIGMA_TO_FWHM, GaussianPSF
from jaxmetal.io.fits import MapFile, read_header, read_image, read_map
from jaxmetal.io.readers.lines import inclination, known_line, line_map, with_metallicity
from jaxmetal.io.readers.manga_kinematics import G_BAND, HALPHA, of_gas, of_stars, shared_bins
from jaxmetal.io.readers.protocol import Geometry, Reading, ReadMap
from jaxmetal.io.words import NotNegative, Positive
from jaxmetal.quantities import as_number
from jaxmetal.science import calibrations, noise
from jaxmetal.science.baselines import radius_map
from jaxmetal.science.kinematics import LIGHT_SPEED

# The channels that each line of `emission.WAVELENGTHS` is the sum of, by the pipeline's names.
LINE_CHANNELS = {
    "Ha": (HALPHA,),
    "Hb": ("Hb-4862",),
    "Hg": ("Hgam-4341",),
    "Hd": ("Hdel-4102",),
    "OII3727": ("OII-3727", "OII-3729"),
    "NeIII3869": ("NeIII-3869",),
    "OIII4959": ("OIII-4960",),
    "OIII5007": ("OIII-5008",),
    "OI6300": ("OI-6302",),
    "NII6548": ("NII-6549",),
    "NII6584": ("NII-6585",),
    "SII6717": ("SII-6718",),
    "SII6731": ("SII-6732",),
}
# Header key of the PSF's FWHM in each band, and the band's mean wavelength, Angstrom.
BANDS = {"GFWHM": G_BAND, "RFWHM": 6166.0, "IFWHM": 7480.0, "ZFWHM": 8932.0}
# The light of the gas where the stars have their own.
GAS_LIGHT = "Ha"
Kinematics = Literal[False, True, "gas", "stars", "both"]


def line_fluxes(path: str | os.PathLike, inflate: float = 1.25) -> dict[str, MapFile]:
    """The Gaussian-fitted fluxes of halpha, hbeta, oiii and nii.

        sigma = inflate / sqrt(IVAR)

    Parameters
    ----------
    path
        of the MAPS file.
    inflate
        factor on the pipeline's errors, which repeat observations show to be too small.

    Returns
    -------
    fluxes
        by line; masked where the pipeline set any flag.

    Raises
    ------
    InputError
        if the file is not a MAPS file with these lines.

    References
    ----------
    Belfiore et al. (2019), AJ 158, 160.
    """
    lines = calibrations.LINES.items()
    return {name: _flux(path, LINE_CHANNELS[line], inflate) for name, line in lines}


def _flux(path: str | os.PathLike, channels: Sequence[str], inflate: float) -> MapFile:
    """The flux in some channels together, with inflated errors, masked where one is flagged."""
    factor = as_number(inflate, f"{path}: inflate")
    if not (np.isfinite(factor) and factor > 0):
        raise InputError(f"{path}: inflate must be a positive number, got {factor!r}.")
    inverse, flags = "EMLINE_GFLUX_IVAR", "EMLINE_GFLUX_MASK"
    planes = [
        read_map(path, "EMLINE_GFLUX", ivar=inverse, mask=flags, channel=channel)
        for channel in channels
    ]
    values = sum(np.asarray(plane.values, float) for plane in planes)
    variance = sum(np.asarray(plane.sigma, float) ** 2 for plane in planes)
    sigma = factor * np.sqrt(variance)
    mask = np.any([plane.mask for plane in planes], axis=0) | ~np.isfinite(sigma)
    return replace(planes[0], values=values, sigma=sigma, mask=mask)


def read_manga(
    path: str | os.PathLike,
    calibration: str = "o3n2_m13",
    snr: NotNegative = 3.0,
    inflate: Positive = 1.25,
    lines: tuple[str, ...] = (),
    kinematics: Kinematics = False,
) -> Reading:
    """H-alpha flux and metallicity, or line fluxes, and motions of a galaxy from its MAPS file.

    Parameters
    ----------
    path
        of the MAPS file.
    calibration
        one of `jaxmetal.science.calibrations.CALIBRATIONS`.
    snr
        least signal-to-noise ratio, errors inflated, of each of the four lines of the BPT diagram.
    inflate
        factor on the pipeline's errors.
    lines
        names of lines, such as ["Ha", "NII6584"]: then the maps are the fluxes of these, without
        any cut, each with the PSF at its own wavelength.
    kinematics
        "gas", or True: also maps of the gas, "velocity" (the tracer of this name, km/s in the rest
        frame of the header's SCINPVEL, c dz / (1 + z)) and "dispersion" (with that of the
        instrument in each spaxel), of H-alpha above `snr`. "stars": maps of the stars,
        "stellar_velocity" and "stellar_dispersion" (with the pipeline's correction in the place of
        the instrument's dispersion), in the bins of their spectra, and "continuum" (flux per
        spaxel). "both": all of these. With stars the light of the gas is named "Ha", that of the
        stars "continuum".

    Returns
    -------
    reading
        maps "z" (12 + log(O/H), dex) and "halpha" (flux per spaxel, where the pipeline sets no
        flag), or of each line, with (x, y) = (0, 0) on the nucleus; PSF of the band nearest to a
        wavelength; bins of those maps whose spaxels share measurements; errors correlated as
        `noise.manga()` says; the disc's geometry; its name is the PLATEIFU.

    Raises
    ------
    InputError
        if the file is not a MAPS file, or its radii are not those of the disc of its header.

    References
    ----------
    Westfall et al. (2019), AJ 158, 231; Belfiore et al. (2019), AJ 158, 160.
    """
    _check_kinematics(kinematics)
    header = read_header(path)
    names = {line: LINE_CHANNELS[known_line(line, LINE_CHANNELS)] for line in lines}
    fluxes = {name: _flux(path, channels, inflate) for name, channels in names.items()}
    fluxes = fluxes or line_fluxes(path, inflate)
    wcs, grid = _sky(path, header, next(iter(fluxes.values())))
    geometry = _geometry(path, header)
    bins = read_image(path, "BINID", "Em. line models")
    _check_radii(path, grid, geometry, bins >= 0)
    shared = shared_bins(bins)
    images = {name: _line(name, flux, geometry.redshift, shared) for name, flux in fluxes.items()}
    maps = images if lines else with_metallicity(images, calibration, snr)
    if kinematics in (True, "gas", "both"):
        maps = {**maps, **of_gas(path, geometry.redshift, _bright(path, snr, inflate), inflate)}
    binned = dict.fromkeys(maps, bins) if shared else {}
    if kinematics in ("stars", "both"):
        maps = {name: replace(one, light=GAS_LIGHT) for name, one in maps.items()}
        stars, numbers = of_stars(path, inflate)
        maps, binned = {**maps, **stars}, {**binned, **numbers}
    return Reading(
        maps=maps,
        grid=grid,
        wcs=wcs,
        psf=lambda wavelength: _psf(path, header, wavelength, float(grid.pixel_scale)),
        geometry=geometry,
        bins=binned or None,
        name=str(header.get("PLATEIFU", "")),
    )


def _check_kinematics(kinematics: Any) -> None:
    """Refuse a word that names no motions."""
    if kinematics not in get_args(Kinematics):
        raise unknown("kinematics", str(kinematics), ("gas", "stars", "both"))


def _sky(path: Any, header: dict[str, Any], first: MapFile) -> tuple[Any, Grid]:
    """The WCS of a map of the file, and its grid with (0, 0) on the nucleus."""
    if first.wcs is None:
        raise InputError(f"{path}[EMLINE_GFLUX]: the header has no celestial WCS.")
    nucleus = _nucleus(path, header, first.wcs)
    return first.wcs, Grid.from_wcs(first.wcs, first.values.shape, nucleus)


def _bright(path: Any, snr: float, inflate: float) -> np.ndarray:
    """Where H-alpha is above a signal-to-noise ratio, and not flagged."""
    halpha = _flux(path, LINE_CHANNELS["Ha"], inflate)
    return ~halpha.mask & (halpha.values > snr * np.asarray(halpha.sigma))


def _line(name: str, flux: MapFile, redshift: float | None, shared: bool) -> ReadMap:
    """A line, NaN where it is flagged."""
    values = np.where(flux.mask, np.nan, flux.values)
    kind = "mean" if shared else "pixel"
    data = {"values": values, "sigma": flux.sigma, "unit": flux.unit, "flux": kind}
    return line_map(name, redshift, **data, correlation=noise.manga())


def _geometry(path: Any, header: dict[str, Any]) -> Geometry:
    """The disc by which the pipeline counts radii, and the redshift."""
    redshift = _number(path, header, "SCINPVEL") / LIGHT_SPEED if "SCINPVEL" in header else None
    return Geometry(
        effective_radius=_number(path, header, "REFF"),
        inclination=inclination(_number(path, header, "ECOOELL"), f"{path}[0]: ECOOELL"),
        position_angle=_number(path, header, "ECOOPA"),
        redshift=redshift,
    )


def _psf(path: Any, header: dict[str, Any], wavelength: float, pixel_scale: float) -> GaussianPSF:
    """The PSF of the band nearest to an observed wavelength, Angstrom."""
    key = min(BANDS, key=lambda band: abs(BANDS[band] - wavelength))
    fwhm = _number(path, header, key)
    # The cube's PSF was measured on its spaxels; the instrument averages over the pixel itself.
    pixel = SIGMA_TO_FWHM * pixel_scale / np.sqrt(12)
    if fwhm <= pixel:
        raise InputError(f"{path}[0]: {key} must be wider than a spaxel, got {fwhm} arcsec.")
    return GaussianPSF(float(np.sqrt(fwhm**2 - pixel**2)))


def _check_radii(path: Any, grid: Grid, geometry: Geometry, mask: np.ndarray) -> None:
    """Compare radii with SPX_ELLCOO: else the centre, the angle or the inclination is misread."""
    pipeline = read_image(path, "SPX_ELLCOO", "Elliptical radius")
    angle, turn = geometry.inclination or 0.0, geometry.position_angle or 0.0
    radius = radius_map(grid, inclination=angle, position_angle=turn)
    difference = np.abs(radius - pipeline)[mask]
    if difference.size and not difference.max() < 0.5 * grid.pixel_scale:
        raise InputError(
            f"{path}[SPX_ELLCOO]: the radii differ by up to {difference.max():.2g} arcsec from "
            "those of a disc at OBJRA, OBJDEC with ECOOELL and ECOOPA."
        )


def _nucleus(path: Any, header: dict[str, Any], wcs: Any) -> Any:
    """The galaxy's position, which the pipeline gives in the system of its maps.

    That is FK5, 0.02 arcsec from ICRS.
    """
    from astropy.coordinates import SkyCoord

    ra, dec = _number(path, header, "OBJRA"), _number(path, header, "OBJDEC")
    return SkyCoord(ra, dec, unit="deg", frame=sky_frame(wcs, str(path)))


def _number(path: Any, header: dict[str, Any], key: str) -> float:
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        message = f"header key {key} must be a number, got {value!r}; is this a MAPS file?"
        raise InputError(f"{path}[0]: {message}")
    return float(value)
