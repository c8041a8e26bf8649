"""MaNGA: the maps that its data analysis pipeline makes of a galaxy (DAP MAPS files)."""

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.headers import sky_frame
from jaxmetal.instrument.psf import SIGMA_TO_FWHM, GaussianPSF
from jaxmetal.io.fits import MapFile, read_header, read_image, read_map
from jaxmetal.quantities import as_number
from jaxmetal.science import calibrations, noise
from jaxmetal.science.baselines import radius_map

# The pipeline's names of the lines, with their wavelengths in vacuum.
CHANNELS = {"halpha": "Ha-6564", "hbeta": "Hb-4862", "oiii": "OIII-5008", "nii": "NII-6585"}
HALPHA = 6564.6
# Header key of the PSF's width in each band, and the band's mean wavelength, Angstrom.
BANDS = {"GFWHM": 4686.0, "RFWHM": 6166.0, "IFWHM": 7480.0, "ZFWHM": 8932.0}
LIGHT_SPEED = 299792.458


@dataclass(frozen=True)
class Manga:
    """A MaNGA galaxy as a forward model needs it.

    Parameters
    ----------
    plateifu
        the survey's name of the observation.
    light
        H-alpha flux per spaxel.
    metallicity
        12 + log(O/H), dex; its mask is True where a line is too faint, the gas is not star-forming, or the calibration
        does not hold. Neighbouring spaxels are not independent, which no map of errors can say.
    calibration
        the name of the calibration in use.
    grid
        with (x, y) = (0, 0) on the galaxy's nucleus, x to the east and y to the north.
    psf
        of the band nearest to H-alpha, without the pixel's share, which the instrument adds.
    effective_radius
        along the major axis, arcsec.
    inclination, position_angle
        of a thin disc with the ellipticity of the starlight, degrees; the angle from north through east.
    redshift
        from the header; None if it is not there.
    bin_id
        which spaxels share one measurement of the lines; -1 where there is none.
    wcs
        the celestial astropy.wcs.WCS.
    """

    plateifu: str
    light: MapFile
    metallicity: MapFile
    calibration: str
    grid: Grid
    psf: GaussianPSF
    effective_radius: float
    inclination: float
    position_angle: float
    redshift: float | None
    bin_id: Int[np.ndarray, "ny nx"]
    wcs: Any

    @property
    def bins(self) -> Int[np.ndarray, "ny nx"] | None:
        """The bins, if spaxels share them; None where the lines are measured in each spaxel, as with hybrid binning."""
        numbers = self.bin_id[self.bin_id >= 0]
        return self.bin_id if np.unique(numbers).size < numbers.size else None


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
    fluxes = {}
    for line, channel in CHANNELS.items():
        found = read_map(path, "EMLINE_GFLUX", ivar="EMLINE_GFLUX_IVAR", mask="EMLINE_GFLUX_MASK", channel=channel)
        sigma = inflate * np.asarray(found.sigma)
        fluxes[line] = replace(found, sigma=sigma, mask=found.mask | ~np.isfinite(sigma))
    return fluxes


def read_manga(path: str | os.PathLike, calibration: str = "o3n2_m13", snr: float = 3.0, inflate: float = 1.25) -> Manga:
    """Light, metallicity, geometry and PSF of a galaxy from its MAPS file.

    Parameters
    ----------
    path
        of the MAPS file.
    calibration
        one of `jaxmetal.science.calibrations.CALIBRATIONS`.
    snr
        least signal-to-noise ratio, errors inflated, of each of the four lines that place a spaxel in the BPT diagram.
    inflate
        factor on the pipeline's errors.

    Raises
    ------
    InputError
        if the file is not a MAPS file, or its radii are not those of the disc that its header describes.

    References
    ----------
    Westfall et al. (2019), AJ 158, 231; Belfiore et al. (2019), AJ 158, 160.
    """
    lines = line_fluxes(path, inflate)
    header, light = read_header(path), lines["halpha"]
    if light.wcs is None:
        raise InputError(f"{path}[EMLINE_GFLUX]: the header has no celestial WCS.")
    grid = Grid.from_wcs(light.wcs, light.values.shape, _nucleus(path, header, light.wcs))
    redshift = _number(path, header, "SCINPVEL") / LIGHT_SPEED if "SCINPVEL" in header else None
    galaxy = Manga(
        plateifu=str(header.get("PLATEIFU", "")),
        light=light,
        metallicity=_metallicity(lines, calibration, snr),
        calibration=calibration,
        grid=grid,
        psf=_psf(path, header, redshift, float(grid.pixel_scale)),
        effective_radius=_number(path, header, "REFF"),
        inclination=_inclination(path, _number(path, header, "ECOOELL")),
        position_angle=_number(path, header, "ECOOPA"),
        redshift=redshift,
        bin_id=read_image(path, "BINID", "Em. line models").astype(int),
        wcs=light.wcs,
    )
    _check_radii(path, galaxy)
    return galaxy


def _metallicity(lines: dict[str, MapFile], name: str, snr: float) -> MapFile:
    """The metallicity of the spaxels where it can be measured."""
    chosen = calibrations.calibration(name)
    values = {line: found.values for line, found in lines.items()}
    sigmas = {line: np.asarray(found.sigma) for line, found in lines.items()}
    z, sigma = noise.propagate(chosen, chosen.needed(values), chosen.needed(sigmas))
    usable = np.array(calibrations.star_forming(**values) & calibrations.in_range(name, **values))
    for line, found in lines.items():
        usable &= ~found.mask & (found.values > snr * sigmas[line])
    return MapFile(np.asarray(z, dtype=float), np.asarray(sigma, dtype=float), ~usable, lines["halpha"].wcs, "dex")


def _psf(path: Any, header: dict[str, Any], redshift: float | None, pixel_scale: float) -> GaussianPSF:
    """The PSF of the band nearest to H-alpha."""
    observed = HALPHA * (1 + (redshift or 0.0))
    key = min(BANDS, key=lambda band: abs(BANDS[band] - observed))
    fwhm = _number(path, header, key)
    # The cube's PSF was measured on its spaxels; the instrument averages over the pixel by itself, and must do so once.
    pixel = SIGMA_TO_FWHM * pixel_scale / np.sqrt(12)
    if fwhm <= pixel:
        raise InputError(f"{path}[0]: {key} must be wider than a spaxel, got {fwhm} arcsec.")
    return GaussianPSF(float(np.sqrt(fwhm**2 - pixel**2)))


def _inclination(path: Any, ellipticity: float) -> float:
    """Of a thin disc, cos i = 1 - ellipticity: the pipeline's elliptical radius is this disc's radius."""
    if not 0 <= ellipticity < 1:
        raise InputError(f"{path}[0]: ECOOELL must be at least 0 and below 1, got {ellipticity}.")
    return float(np.degrees(np.arccos(1 - ellipticity)))


def _check_radii(path: Any, galaxy: Manga) -> None:
    """The radii of our disc must be those of SPX_ELLCOO, or the centre, the angle or the inclination is misread."""
    theirs = read_image(path, "SPX_ELLCOO", "Elliptical radius")
    ours = radius_map(galaxy.grid, inclination=galaxy.inclination, position_angle=galaxy.position_angle)
    apart = np.abs(ours - theirs)[galaxy.bin_id >= 0]
    if apart.size and not apart.max() < 0.5 * galaxy.grid.pixel_scale:
        raise InputError(
            f"{path}[SPX_ELLCOO]: the radii differ by up to {apart.max():.2g} arcsec from those of a disc at OBJRA, OBJDEC "
            f"with ECOOELL and ECOOPA."
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
        raise InputError(f"{path}[0]: header key {key} must be a number, got {value!r}; is this a MAPS file?")
    return float(value)
