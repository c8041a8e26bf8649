"""Real gradients and their errors before and after correlated noise.

    JAXMETAL_DATA=/path/to/data python scripts/examples/correlated.py

MaNGA 7815-3702 and SAMI 41144 B and D: 12 + log(O/H) from O3N2 as in survey.yaml, a straight line
and a free white scatter. NGC 4047 at two beams: the lines themselves, as in lines.py. Four ways:
errors taken as independent, the same corrected afterwards (errors="sandwich"), the covariance in
the likelihood ("full"; not for the lines, whose scatter is a fraction of the flux), and "field":
the covariance, and in the place of the white scatter a random field, whose amplitude is printed as
the scatter, with its length. `next` is the correlation of the residuals of neighbours, raw and,
with the covariance, whitened.
"""

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import lines
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm
from jaxmetal.io.pictures import picture
from jaxmetal.io.readers import Reading
from jaxmetal.io.readers.manga import read_manga
from jaxmetal.io.readers.sami import read_sami

GRADIENT = lines.GRADIENT
METHODS = ("independent", "sandwich", "full", "field")


class Row(NamedTuple):
    """A gradient with its error, dex/arcsec, scatter, residuals of neighbours, length in arcsec."""

    gradient: float
    error: float
    scatter: float
    neighbours: float
    length: float = np.nan


def readings(data: Path) -> Iterator[tuple[str, Reading, jm.Instrument]]:
    """(name, maps of a reader, instrument) of the observations of metallicity maps."""
    reading = read_manga(data / lines.MANGA)
    yield "MaNGA 7815-3702", reading, jm.Instrument(reading.grid, reading.psf_of("z"), (2, 1), 12)
    with (data / "sami_dr3" / "psf_moffat.csv").open(encoding="utf-8") as file:
        psfs = {row["cube"]: row for row in csv.DictReader(file)}
    for cube in ("41144_B", "41144_D"):
        path = data / "sami_dr3" / cube / f"{cube}_Halpha_default_1-comp.fits"
        reading = read_sami(path, tables=data / "sami_dr3" / "cat")
        psf = jm.MoffatPSF(float(psfs[cube]["psf_fwhm_arcsec"]), float(psfs[cube]["moffat_beta"]))
        yield f"SAMI {cube}", reading, jm.Instrument(reading.grid, psf, (2, 1), 12)


def fitted(reading: Reading, instrument: jm.Instrument, method: str) -> Row:
    """The gradient of a metallicity map by one of the methods."""
    z, geometry = reading.maps["z"], reading.geometry
    correlation = None if method == "independent" else z.correlation
    z_map = jm.TracerMap(
        z.values, z.sigma, instrument, mask=z.mask, correlation=correlation, check=False
    )
    light = jm.Profile(jm.light.image, **picture(reading.maps["halpha"].values, reading.grid))
    disc = {"inclination": geometry.inclination, "position_angle": geometry.position_angle}
    tracer = jm.Profile(jm.tracer.disc_gradient, central=8.6, gradient=-0.01, **disc)
    priors = {
        "disc.metallicity.central": dist.Uniform(7.0, 9.5),
        GRADIENT: dist.Normal(0.0, 0.1),
    }
    scatter = "z.scatter"
    if method == "field":
        scatter = "disc.metallicity.amplitude"
        tracer = jm.Sum(tracer, jm.Field(0.05, 1.0))
        priors["disc.metallicity.length"] = dist.LogNormal(0.0, 0.7)
    priors[scatter] = dist.HalfNormal(0.1)
    galaxy = jm.Galaxy(disc=jm.Component(light, metallicity=tracer))
    errors = "sandwich" if method == "sandwich" else "full"
    fit = jm.optimise(jm.Model(galaxy, {"z": z_map}, priors, errors=errors), starts=1)
    numbers = (fit.parameters[GRADIENT], fit.errors[GRADIENT], fit.parameters[scatter])
    residuals = np.where(z_map.valid, fit.residuals["z"], np.nan)
    length = float(fit.parameters.get("disc.metallicity.length", np.nan))
    return Row(*map(float, numbers), neighbours(residuals), length)


def neighbours(residuals: np.ndarray) -> float:
    """The correlation of residuals with those of the next pixel in a row."""
    pairs = np.stack([residuals[:, 1:].ravel(), residuals[:, :-1].ravel()])
    return float(np.corrcoef(pairs[:, np.isfinite(pairs).all(axis=0)])[0, 1])


def main() -> None:
    """Print the table, and how far the pairs of observations agree."""
    data, found = Path(os.environ["JAXMETAL_DATA"]), {}
    for name, reading, instrument in readings(data):
        for method in METHODS:
            row = found[name, method] = fitted(reading, instrument, method)
            text = f"{row.gradient:+.5f} ± {row.error:.5f}  scatter {row.scatter:.4f}"
            length = "" if np.isnan(row.length) else f"  length {row.length:.2f}"
            print(f"{name:18}{method:12}{text}  next {row.neighbours:+.2f}{length}", flush=True)
    for galaxy in lines.galaxies(data):
        if not galaxy.name.startswith("NGC"):
            continue
        for method in METHODS[:2]:
            pair = lines.gradient(galaxy, "marino13_o3n2", True, method)
            found[galaxy.name, method] = Row(*pair, np.nan, np.nan)
            print(f"{galaxy.name:18}{method:12}{pair[0]:+.5f} ± {pair[1]:.5f}", flush=True)
    pairs = (("SAMI 41144_B", "SAMI 41144_D"), ("NGC 4047 native", "NGC 4047 7arcsec"))
    for one, other in pairs:
        for method in METHODS:
            if (one, method) in found:
                first, second = found[one, method], found[other, method]
                change = first.gradient - second.gradient
                error = float(np.hypot(first.error, second.error))
                apart = f"{change:+.5f} ± {error:.5f}, {change / error:+.1f} errors"
                print(f"{one} - {other}, {method}: {apart}")


if __name__ == "__main__":
    main()
