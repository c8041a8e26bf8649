"""Three observations of SAMI and one of MaNGA as a survey: their catalogue, for survey.yaml.

JAXMETAL_DATA=/path/to/data python scripts/examples/sami.py OUT, and after `jaxmetal batch`,
python scripts/examples/sami.py --table RESULTS.

With --common OUT the two observations of 41144 have a metallicity in the spaxels in which both have
one, and in no others: OUT then has their maps in separate files, and a survey.yaml that reads them.
"""

import argparse
import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from jaxmetal.io.config import read, write
from jaxmetal.io.fits import write_maps
from jaxmetal.io.readers import Reading
from jaxmetal.io.readers.manga import read_manga
from jaxmetal.io.readers.sami import read_sami
from jaxmetal.science.lensing import kpc_per_arcsec
from jaxmetal.survey.output import table

CONFIG = Path(__file__).with_name("survey.yaml")
CUBES = ("41144_B", "41144_D", "572402_A")
MANGA = "manga_7815-3702/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"
GRADIENT = "disc.metallicity.gradient"
# At which a Moffat is a Gaussian, to 0.2 % of its peak.
GAUSSIAN_BETA = 100.0
UNITS = {
    "psf_fwhm": "arcsec",
    "R_e": "arcsec",
    "inclination": "deg",
    "position_angle": "deg",
    "kpc_per_arcsec": "kpc/arcsec",
}


def sami(data: Path, cube: str) -> tuple[dict[str, Any], Reading]:
    """A cube's row of the catalogue, with the PSF of the star on the same plate, and its maps."""
    path = data / cube / f"{cube}_Halpha_default_1-comp.fits"
    reading = read_sami(path, tables=data / "cat")
    with (data / "psf_moffat.csv").open(encoding="utf-8") as file:
        psf = next(row for row in csv.DictReader(file) if row["cube"] == cube)
    fwhm, beta = float(psf["psf_fwhm_arcsec"]), float(psf["moffat_beta"])
    return described("SAMI", path, reading, fwhm, beta), reading


def manga(path: Path) -> tuple[dict[str, Any], Reading]:
    """The same of a MaNGA galaxy."""
    reading = read_manga(path)
    fwhm = float(reading.psf_of("z").fwhm)
    return described("MaNGA", path, reading, fwhm, GAUSSIAN_BETA), reading


def described(
    survey: str,
    path: Path,
    reading: Reading,
    fwhm: float,
    beta: float,
) -> dict[str, Any]:
    """A row of the catalogue."""
    disc = reading.geometry
    return {
        "id": f"{survey} {reading.name}",
        "reader": survey.lower(),
        "file": str(path.resolve()),
        "psf_fwhm": fwhm,
        "psf_beta": beta,
        "R_e": disc.effective_radius,
        "inclination": disc.inclination,
        "position_angle": disc.position_angle,
        "redshift": disc.redshift,
        "kpc_per_arcsec": kpc_per_arcsec(disc.redshift),
    }


def prepare(data: Path, out: Path, common: bool = False) -> Path:
    """Write the catalogue of the survey, whose path is returned, and with `common` changed maps."""
    out.mkdir(parents=True, exist_ok=True)
    galaxies = [sami(data / "sami_dr3", cube) for cube in CUBES]
    galaxies.append(manga(data / MANGA))
    if common:
        write_common(galaxies[:2], out)
        galaxies = galaxies[:2]
    catalogue = Table(rows=[row for row, _ in galaxies])
    for name, unit in UNITS.items():
        catalogue[name].unit = unit
    catalogue.write(out / "galaxies.ecsv", overwrite=True)
    return out / "galaxies.ecsv"


def write_common(galaxies: list[tuple[dict[str, Any], Reading]], out: Path) -> None:
    """Write the maps of observations of the same spaxels, with the metallicities that all have."""
    shared = np.all([np.isfinite(reading.maps["z"].values) for _, reading in galaxies], axis=0)
    for row, reading in galaxies:
        z, halpha = reading.maps["z"], reading.maps["halpha"]
        values, sigma = (np.where(shared, array, np.nan) for array in (z.values, z.sigma))
        images = {"Z": (values, z.unit), "Z_ERR": (sigma, z.unit)}
        images |= {
            "HALPHA": (halpha.values, halpha.unit),
            "HALPHA_ERR": (halpha.sigma, halpha.unit),
        }
        path = out.resolve() / f"{row['id'].replace(' ', '_')}.fits"
        write_maps(path, images, reading.wcs)
        ra, dec = reading.wcs.wcs.crval
        row |= {"file": str(path), "ra": float(ra), "dec": float(dec)}
    config = read(CONFIG)
    of_readers = ("kind", "calibration", "snr")
    entry = {key: value for key, value in config["maps"]["cube"].items() if key not in of_readers}
    config["maps"] = {
        "z": entry | {"kind": "tracer", "value": "Z", "error": "Z_ERR"},
        "halpha": entry | {"kind": "light", "value": "HALPHA", "error": "HALPHA_ERR"},
    }
    write(out / CONFIG.name, config | {"reference": ["{ra}", "{dec}"]})


def gradients(results: Path) -> dict[str, dict[str, tuple[float, float]]]:
    """{"naive", "jaxmetal"}: {galaxy: (gradient, error)}, dex/kpc."""
    columns = {
        "naive": ("naive_gradient", "naive_gradient_error"),
        "jaxmetal": (f"{GRADIENT}.mean", f"{GRADIENT}.sd"),
    }
    measured: dict[str, dict[str, tuple[float, float]]] = {method: {} for method in columns}
    for galaxy in table(results):
        for method, names in columns.items():
            value, error = (galaxy[name] / galaxy["kpc_per_arcsec"] for name in names)
            measured[method][str(galaxy["id"])] = (value, error)
    return measured


def difference(
    measured: dict[str, tuple[float, float]],
    one: str = "SAMI 41144_B",
    other: str = "SAMI 41144_D",
) -> tuple[float, float]:
    """The difference of two galaxies' gradients, and its error."""
    (first, first_error), (second, second_error) = measured[one], measured[other]
    return first - second, float(np.hypot(first_error, second_error))


def show(results: Path) -> None:
    """Print the gradients of every galaxy, and how far the two observations of 41144 agree."""
    galaxies = table(results)
    for method, measured in gradients(results).items():
        for galaxy in galaxies:
            value, error = measured[str(galaxy["id"])]
            radius = galaxy["R_e"] * galaxy["kpc_per_arcsec"]
            per_kpc = f"{value:+.4f} ± {error:.4f} dex/kpc"
            per_radius = f"{value * radius:+.3f} ± {error * radius:.3f} dex/R_e"
            chi_square = f"chi2/n {galaxy['reduced_chi_square']:.2f}"
            quality = f"scatter {galaxy['z.scatter.mean']:.4f}, {chi_square}"
            pixels = f"{galaxy['pixels']:.0f} spaxels"
            print(f"{galaxy['id']:16} {method:9} {per_kpc}   {per_radius}   {quality}, {pixels}")
        change, error = difference(measured)
        apart = f"{change:+.4f} ± {error:.4f} dex/kpc, {change / error:+.1f} errors"
        print(f"41144 B - D, {method}: {apart}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    folder = "for galaxies.ecsv; with --table, what jaxmetal batch wrote"
    parser.add_argument("folder", type=Path, help=folder)
    parser.add_argument("--table", action="store_true", help="print the gradients that were found")
    common = "41144 B and D alone, on the spaxels that both have"
    parser.add_argument("--common", action="store_true", help=common)
    arguments = parser.parse_args()
    if arguments.table:
        show(arguments.folder)
    else:
        print(prepare(Path(os.environ["JAXMETAL_DATA"]), arguments.folder, arguments.common))
