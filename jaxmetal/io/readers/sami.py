"""SAMI: emission-line maps among the value-added products of data release 3, with its tables."""

import csv
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.headers import sky_frame
from jaxmetal.instrument.psf import MoffatPSF
from jaxmetal.io.fits import MapFile, read_header, read_map
from jaxmetal.io.readers.lines import inclination, known_line, line_map, with_metallicity
from jaxmetal.io.readers.protocol import Geometry, Reading, ReadMap
from jaxmetal.io.words import NotNegative
from jaxmetal.science import calibrations, noise

# How file names spell the lines: 41144_B_Halpha_default_1-comp.fits is one of cube 41144_B.
LINE_NAMES = {
    "Ha": "Halpha",
    "Hb": "Hbeta",
    "OII3727": "OII3728",
    "OIII5007": "OIII5007",
    "OI6300": "OI6300",
    "NII6584": "NII6583",
    "SII6717": "SII6716",
    "SII6731": "SII6731",
}
_NAME = re.compile(r"((\d+)_[A-Z]+)_Halpha_\S+\.fits(\.gz)?")
# The headers' BUNIT has a wrong "/angstrom".
UNIT = "1e-16 erg / (s cm2)"


def read_sami(
    path: str | os.PathLike,
    calibration: str = "o3n2_m13",
    snr: NotNegative = 3.0,
    tables: Path | None = None,
    cube: Path | None = None,
    lines: tuple[str, ...] = (),
    kinematics: bool = False,
) -> Reading:
    """H-alpha flux and metallicity of a galaxy, or line fluxes; geometry and PSF by further files.

    Parameters
    ----------
    path
        of the H-alpha map, such as 41144_B_Halpha_default_1-comp.fits; the maps of the other lines
        lie beside it under the same names.
    calibration
        one of `jaxmetal.science.calibrations.CALIBRATIONS`.
    snr
        least signal-to-noise ratio of each of the four lines of the BPT diagram.
    tables
        folder with the release's tables as CSV: sami_InputCat*DR3.csv (effective radius, redshift)
        and sami_MGEPhotomUnregDR3.csv (ellipticity and position angle of the starlight).
    cube
        of the galaxy's spectra, in whose header the PSF is: PSFFWHM and PSFBETA of a Moffat profile
        fitted to a star on the same plate. Without it the PSF must be given otherwise.
    lines
        names of lines, such as ["Ha", "NII6584"]: then the maps are the fluxes of these, without
        any cut.
    kinematics
        whether there is a map "velocity" (the tracer of this name, km/s), too, of the gas where
        H-alpha is above `snr`.

    Returns
    -------
    reading
        maps "z" (12 + log(O/H), dex) and "halpha" (1e-16 erg/s/cm² per spaxel), or of each line,
        with (x, y) = (0, 0) at the reference position of the cube, where the catalogue has the
        galaxy; errors correlated as `noise.sami()` says.

    Raises
    ------
    InputError
        if a file is missing or is not what it should be, or the tables do not have the galaxy.

    References
    ----------
    Croom et al. (2021), MNRAS 505, 991; Medling et al. (2018), MNRAS 475, 5194.
    """
    path = Path(path)
    match = _NAME.fullmatch(path.name)
    if match is None:
        example = "41144_B_Halpha_default_1-comp.fits"
        expected = "expected the map of H-alpha by its name in SAMI"
        raise InputError(f"{path}: {expected}, like {example}.")
    geometry = Geometry() if tables is None else _geometry(tables, match[2])
    chosen = {line: known_line(line, LINE_NAMES) for line in lines} or calibrations.LINES
    files = {name: _read_line(path, LINE_NAMES[line]) for name, line in chosen.items()}
    images = {name: _flux(name, file, geometry.redshift) for name, file in files.items()}
    first = next(iter(files.values()))
    maps = images if lines else with_metallicity(images, calibration, snr)
    if kinematics:
        maps = {**maps, "velocity": _velocity(path, geometry.redshift, snr)}
    return Reading(
        maps=maps,
        grid=_grid(path, first),
        wcs=first.wcs,
        psf=None if cube is None else _psf(cube),
        geometry=geometry,
        name=match[1],
    )


def _flux(name: str, file: MapFile, redshift: float | None) -> ReadMap:
    """The flux of a line."""
    data = {"values": file.values, "sigma": file.sigma, "unit": UNIT}
    return line_map(name, redshift, **data, correlation=noise.sami())


def _velocity(halpha: Path, redshift: float | None, snr: float) -> ReadMap:
    """The velocity of the gas, NaN where H-alpha is faint."""
    flux, gas = _read_line(halpha, "Halpha"), _read_line(halpha, "gas-velocity")
    bright = flux.values > snr * np.asarray(flux.sigma)
    return line_map(
        "halpha",
        redshift,
        values=np.where(bright, gas.values, np.nan),
        sigma=gas.sigma,
        unit="km/s",
        tracer="velocity",
        scale="linear",
        correlation=noise.sami(),
    )


def _read_line(halpha: Path, name: str) -> MapFile:
    """The flux of a line, or another quantity, and its error in the first two extensions."""
    path = halpha.with_name(halpha.name.replace("_Halpha_", f"_{name}_", 1))
    # Of H-alpha a cube: its sum over velocity components, then each of them.
    channel = 0 if read_header(path).get("NAXIS") == 3 else None
    return read_map(path, 0, error=1, channel=channel)


def _grid(path: Path, file: MapFile) -> Grid:
    """The pixels of a file, with (x, y) = (0, 0) at the reference position of its WCS."""
    from astropy.coordinates import SkyCoord

    wcs: Any = file.wcs
    if wcs is None:
        raise InputError(f"{path}[0]: the header has no celestial WCS.")
    center = SkyCoord(*wcs.wcs.crval, unit="deg", frame=sky_frame(wcs, str(path)))
    return Grid.from_wcs(wcs, file.values.shape, center)


def _psf(cube: Path) -> MoffatPSF:
    """The PSF in the header of a cube."""
    header = read_header(cube)
    numbers = {key: header.get(key) for key in ("PSFFWHM", "PSFBETA")}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            expected = f"header key {key} must be a positive number"
            raise InputError(f"{cube}[0]: {expected}, got {value!r}.")
    return MoffatPSF(numbers["PSFFWHM"], numbers["PSFBETA"])


def _geometry(folder: Path, catalogue_id: str) -> Geometry:
    """Size, redshift, ellipticity at the effective radius and position angle of a galaxy."""
    target = _row(folder, "sami_InputCat*DR3.csv", catalogue_id)
    photometry = _row(folder, "sami_MGEPhotomUnregDR3.csv", catalogue_id)
    label = f"{folder}: epsmge_re of {catalogue_id}"
    return Geometry(
        effective_radius=_number(target, "r_e", folder),
        inclination=inclination(_number(photometry, "epsmge_re", folder), label),
        position_angle=_number(photometry, "pamge", folder),
        redshift=_number(target, "z_spec", folder),
    )


def _row(folder: Path, pattern: str, catalogue_id: str) -> dict[str, str]:
    """The first row of a galaxy in the tables of this name."""
    paths = sorted(folder.glob(pattern))
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("catid") == catalogue_id:
                    return row
    names = ", ".join(path.name for path in paths) or f"no table {pattern}"
    raise InputError(f"{folder}: no galaxy {catalogue_id} in {names}.")


def _number(row: dict[str, str], column: str, folder: Path) -> float:
    try:
        value = float(row[column])
    except (KeyError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        expected = f"{column} of {row['catid']} must be a number"
        raise InputError(f"{folder}: {expected}, got {row.get(column)!r}.")
    return value
