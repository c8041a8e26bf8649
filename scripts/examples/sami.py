"""Three observations of SAMI and one of MaNGA as a survey: a FITS file for each with metallicity and H-alpha, and a catalogue.

JAXMETAL_DATA=/path/to/data python scripts/examples/sami.py OUT, and after `jaxmetal batch`,
python scripts/examples/sami.py --table RESULTS;
with --common OUT, the two observations of 41144 have a metallicity in the spaxels that both have one in, and in no others.
"""

import argparse
import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

import jaxmetal as jm
from jaxmetal.io.fits import write_maps
from jaxmetal.io.manga import read_manga
from jaxmetal.science.lensing import kpc_per_arcsec
from jaxmetal.survey.output import table

CUBES = ("41144_B", "41144_D", "572402_A")
LINES = {"halpha": "Halpha", "hbeta": "Hbeta", "oiii": "OIII5007", "nii": "NII6583"}
CALIBRATION = "o3n2_m13"
GRADIENT = "disc.metallicity.gradient"
# Least signal-to-noise ratio of each of the four lines.
SNR = 3.0
# At which a Moffat is a Gaussian, to 0.2 % of its peak.
GAUSSIAN_BETA = 100.0
UNITS = {"psf_fwhm": "arcsec", "R_e": "arcsec", "inclination": "deg", "position_angle": "deg", "ra": "deg", "dec": "deg"}

Lines = dict[str, np.ndarray]


def sami(data: Path, cube: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """A cube's row of the catalogue, its maps and their WCS.

    PSF of the star on the same plate; ellipticity and position angle of the starlight at R_e, and R_e along the major axis. The centre is
    that of the cube, where the catalogue has the galaxy.
    """
    fluxes, errors, wcs = read_lines(data / cube, cube)
    psf, mge, photometry = (
        row(data / name, key, value)
        for name, key, value in (
            ("psf_moffat.csv", "cube", cube),
            ("cat/sami_MGEPhotomUnregDR3.csv", "catid", cube.partition("_")[0]),
            ("cat/sami_InputCatGAMADR3.csv", "catid", cube.partition("_")[0]),
        )
    )
    z, sigma = metallicity(fluxes, errors)
    described = {
        "id": f"SAMI {cube}", "psf_fwhm": float(psf["psf_fwhm_arcsec"]), "psf_beta": float(psf["moffat_beta"]),
        "R_e": float(photometry["r_e"]), "inclination": thin_disc(float(mge["epsmge_re"])), "position_angle": float(mge["pamge"]),
        "ra": float(wcs.wcs.crval[0]), "dec": float(wcs.wcs.crval[1]), "redshift": float(photometry["z_spec"]),
        "mass": float(photometry["mstar"]),
    }  # fmt: skip
    # Flux in units of 1e-16 erg/s/cm² a pixel, whatever the header says.
    return described, maps(z, sigma, fluxes["halpha"], errors["halpha"], "1e-16 erg / (s cm2)"), wcs


def read_lines(folder: Path, cube: str) -> tuple[Lines, Lines, Any]:
    """Fluxes and errors of the four lines, and their WCS."""
    fluxes, errors = Lines(), Lines()
    for line, name in LINES.items():
        with fits.open(folder / f"{cube}_{name}_default_1-comp.fits") as hdus:
            # The first plane of H-alpha is its sum over components.
            fluxes[line], errors[line] = (plane(hdu.data) for hdu in hdus[:2])
            wcs = WCS(hdus[0].header).celestial
    return fluxes, errors, wcs


def plane(values: Any) -> np.ndarray:
    """An image, or the first of a cube, as it is in the file but in double precision."""
    return np.asarray(values[0] if values.ndim == 3 else values, float)


def metallicity(fluxes: Lines, errors: Lines) -> tuple[np.ndarray, np.ndarray]:
    """12 + log(O/H) and its error, NaN where a line is faint, the gas is not star-forming or the calibration does not hold."""
    chosen = jm.calibrations.calibration(CALIBRATION)
    z, sigma = jm.noise.propagate(chosen, fluxes, errors)
    usable = np.asarray(jm.calibrations.star_forming(**fluxes) & jm.calibrations.in_range(CALIBRATION, **fluxes))
    for line, flux in fluxes.items():
        usable = usable & (errors[line] > 0) & (flux > SNR * errors[line])
    return np.where(usable, z, np.nan), np.where(usable, sigma, np.nan)


def manga(path: Path) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """The same of a MaNGA galaxy, whose mass the file does not tell."""
    found = read_manga(path, CALIBRATION, SNR)
    header = fits.getheader(path)
    described = {
        "id": f"MaNGA {found.plateifu}", "psf_fwhm": float(found.psf.fwhm), "psf_beta": GAUSSIAN_BETA, "R_e": found.effective_radius,
        "inclination": found.inclination, "position_angle": found.position_angle, "ra": header["OBJRA"], "dec": header["OBJDEC"],
        "redshift": found.redshift, "mass": np.nan,
    }  # fmt: skip
    z, light = found.metallicity, found.light
    shown = (
        np.where(map.mask, np.nan, values) for map, values in ((z, z.values), (z, z.sigma), (light, light.values), (light, light.sigma))
    )
    return described, maps(*shown, light.unit), found.wcs


def maps(z: Any, z_error: Any, halpha: Any, halpha_error: Any, unit: str) -> dict[str, Any]:
    """As `write_maps` takes them."""
    return {"Z": (z, "dex"), "Z_ERR": (z_error, "dex"), "HALPHA": (halpha, unit), "HALPHA_ERR": (halpha_error, unit)}


def thin_disc(ellipticity: float) -> float:
    """Inclination in degrees, cos i = 1 - ellipticity."""
    return float(np.degrees(np.arccos(1 - ellipticity)))


def row(path: Path, key: str, value: str) -> dict[str, str]:
    """The first row of a table in which a column says so."""
    with path.open(encoding="utf-8") as file:
        return next(found for found in csv.DictReader(file) if found[key] == value)


def only_common(galaxies: list[tuple[dict[str, Any], dict[str, Any], Any]]) -> None:
    """Leave the first two observations, whose spaxels are the same on the sky, the metallicities that both have."""
    known = [np.isfinite(images["Z"][0]) for _, images, _ in galaxies[:2]]
    for _, images, _ in galaxies[:2]:
        for name in ("Z", "Z_ERR"):
            values, unit = images[name]
            images[name] = np.where(known[0] & known[1], values, np.nan), unit


def prepare(data: Path, out: Path, common: bool = False) -> Path:
    """Write the files of the survey and its catalogue, whose path is returned."""
    out.mkdir(parents=True, exist_ok=True)
    galaxies = [sami(data / "sami_dr3", cube) for cube in CUBES]
    if common:
        only_common(galaxies)
    galaxies.append(manga(data / "manga_7815-3702" / "manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"))
    rows = []
    for described, images, wcs in galaxies:
        path = out.resolve() / f"{described['id'].replace(' ', '_')}.fits"
        write_maps(path, images, wcs)
        rows.append(described | {"file": str(path), "kpc_per_arcsec": kpc_per_arcsec(described["redshift"])})
    table = Table(rows=rows)
    for name, unit in (UNITS | {"kpc_per_arcsec": "kpc/arcsec"}).items():
        table[name].unit = unit
    table.write(out / "galaxies.ecsv", overwrite=True)
    return out / "galaxies.ecsv"


def gradients(results: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """{"naive", "jaxmetal"}: {galaxy: (gradient, error)}, dex/kpc."""
    found = table(results)
    columns = {"naive": ("naive_gradient", "naive_gradient_error"), "jaxmetal": (f"{GRADIENT}.mean", f"{GRADIENT}.sd")}
    return {
        how: {str(galaxy["id"]): (galaxy[value] / galaxy["kpc_per_arcsec"], galaxy[error] / galaxy["kpc_per_arcsec"]) for galaxy in found}
        for how, (value, error) in columns.items()
    }


def apart(of: dict[str, tuple[float, float]], one: str = "SAMI 41144_B", other: str = "SAMI 41144_D") -> tuple[float, float]:
    """The difference of two galaxies' gradients, and its error."""
    return of[one][0] - of[other][0], float(np.hypot(of[one][1], of[other][1]))


def show(results: Path) -> None:
    """Print the gradients of every galaxy, and how far the two observations of 41144 agree."""
    found, said = table(results), gradients(results)
    for how, of in said.items():
        for galaxy in found:
            (value, error), R_e = of[str(galaxy["id"])], galaxy["R_e"] * galaxy["kpc_per_arcsec"]
            print(f"{galaxy['id']:16} {how:9} {value:+.4f} ± {error:.4f} dex/kpc   {value * R_e:+.3f} ± {error * R_e:.3f} dex/R_e", end="")
            print(f"   scatter {galaxy['z.scatter.mean']:.4f}, chi2/n {galaxy['reduced_chi_square']:.2f}, {galaxy['pixels']:.0f} spaxels")
        difference, error = apart(of)
        print(f"41144 B - D, {how}: {difference:+.4f} ± {error:.4f} dex/kpc, {difference / error:+.1f} errors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the files and galaxies.ecsv; with --table, what jaxmetal batch wrote")
    parser.add_argument("--table", action="store_true", help="print the gradients that were found")
    parser.add_argument("--common", action="store_true", help="41144 B and D on the spaxels that both have")
    arguments = parser.parse_args()
    if arguments.table:
        show(arguments.folder)
    else:
        print(prepare(Path(os.environ["JAXMETAL_DATA"]), arguments.folder, arguments.common))
