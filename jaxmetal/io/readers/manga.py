"""MaNGA: the maps that its data analysis pipeline makes of a galaxy (DAP MAPS files)."""

import os
from dataclasses import replace
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.headers import sky_frame
from jaxmetal.instrument.psf import SIGMA_TO_FWHM, GaussianPSF
from jaxmetal.io.fits import MapFile, read_header, read_image, read_map
from jaxmetal.io.readers.lines import inclination, metallicity_map
from jaxmetal.io.readers.protocol import Geometry, Reading, ReadMap
from jaxmetal.io.words import NotNegative, Positive
from jaxmetal.quantities import as_number
from jaxmetal.science.baselines import radius_map

# The pipeline's names of the lines, with their wavelengths in vacuum.
CHANNELS = {"halpha": "Ha-6564", "hbeta": "Hb-4862", "oiii": "OIII-5008", "nii": "NII-6585"}
HALPHA = 6564.6
# Header key of the PSF's FWHM in each band, and the band's mean wavelength, Angstrom.
BANDS = {"GFWHM": 4686.0, "RFWHM": 6166.0, "IFWHM": 7480.0, "ZFWHM": 8932.0}
LIGHT_SPEED = 299792.458


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
    inflate = as_number(inflate, f"{path}: inflate")
    if not (np.isfinite(inflate) and inflate > 0):
        raise InputError(f"{path}: inflate must be a positive number, got {inflate!r}.")
    inverse, flags = "EMLINE_GFLUX_IVAR", "EMLINE_GFLUX_MASK"
    fluxes = {}
    for line, channel in CHANNELS.items():
        flux = read_map(path, "EMLINE_GFLUX", ivar=inverse, mask=flags, channel=channel)
        sigma = inflate * np.asarray(flux.sigma)
        fluxes[line] = replace(flux, sigma=sigma, mask=flux.mask | ~np.isfinite(sigma))
    return fluxes


def read_manga(
    path: str | os.PathLike,
    calibration: str = "o3n2_m13",
    snr: NotNegative = 3.0,
    inflate: Positive = 1.25,
) -> Reading:
    """H-alpha flux, metallicity, geometry and PSF of a galaxy from its MAPS file.

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

    Returns
    -------
    reading
        maps "z" (12 + log(O/H), dex) and "halpha" (flux per spaxel, where the pipeline sets no
        flag) with (x, y) = (0, 0) on the nucleus; PSF of the band nearest to a wavelength; bins if
        spaxels share measurements of the lines; its name is the PLATEIFU.

    Raises
    ------
    InputError
        if the file is not a MAPS file, or its radii are not those of the disc of its header.

    References
    ----------
    Westfall et al. (2019), AJ 158, 231; Belfiore et al. (2019), AJ 158, 160.
    """
    fluxes, header = line_fluxes(path, inflate), read_header(path)
    wcs = fluxes["halpha"].wcs
    if wcs is None:
        raise InputError(f"{path}[EMLINE_GFLUX]: the header has no celestial WCS.")
    geometry = _geometry(path, header)
    lines = {line: _line(flux, geometry.redshift) for line, flux in fluxes.items()}
    grid = Grid.from_wcs(wcs, fluxes["halpha"].values.shape, _nucleus(path, header, wcs))
    bins = read_image(path, "BINID", "Em. line models")
    _check_radii(path, grid, geometry, bins >= 0)
    numbers = bins[bins >= 0]
    # With hybrid binning the lines are measured in each spaxel.
    shared = np.unique(numbers).size < numbers.size
    halpha = replace(lines["halpha"], flux="mean" if shared else "pixel")
    return Reading(
        maps={"z": metallicity_map(lines, calibration, snr), "halpha": halpha},
        grid=grid,
        wcs=wcs,
        psf=lambda wavelength: _psf(path, header, wavelength, float(grid.pixel_scale)),
        geometry=geometry,
        bins=bins if shared else None,
        name=str(header.get("PLATEIFU", "")),
    )


def _line(flux: MapFile, redshift: float | None) -> ReadMap:
    """A line, NaN where it is flagged, at the wavelength of H-alpha, to which it is compared."""
    values = np.where(flux.mask, np.nan, flux.values)
    return ReadMap(values, flux.sigma, flux.unit, wavelength=HALPHA * (1 + (redshift or 0.0)))


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
