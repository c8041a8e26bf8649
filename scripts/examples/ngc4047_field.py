"""The correlation length of the metallicity of NGC 4047, by two calibrations at two resolutions.

    JAXMETAL_DATA=/path/to/data python scripts/examples/ngc4047_field.py

A line and a random field of Krumholz & Ting (2018) in the plane of the disc, through the PSF, with
the noise that spaxels share. 12 + log(O/H) from N2 and O3N2 (Pettini & Pagel 2004) where all four
lines have S/N above 3, the gas is star-forming and the radius is below 40". Li et al. (2021, MNRAS
504, 5496) give lengths of 1.64 (+0.09 -0.08) kpc by N2 and 1.15 (+0.06 -0.06) kpc by O3N2, from the
two-point correlation of the map with the means of annuli taken off. The results are in README.md.
"""

import os
from pathlib import Path

import lines
import numpy as np
import numpyro.distributions as dist

import jaxmetal as jm

CALIBRATIONS = ("n2_pp04", "o3n2_pp04")
# kpc per arcsec at 51.3 Mpc, and the radius of the bubbles that Li et al. fit with, kpc.
SCALE, BUBBLES = 0.249, 0.05
# Spaxels beyond this radius are left out, arcsec.
OUTERMOST, SNR = 40.0, 3.0
GRADIENT = lines.GRADIENT
AMPLITUDE, LENGTH = "disc.metallicity.amplitude", "disc.metallicity.length"


def observed(galaxy: lines.Galaxy, calibration: str, scatter: float = 0.0) -> jm.TracerMap:
    """The metallicity map of star-forming spaxels, with the noise that the lines share."""
    first = galaxy.maps["Ha"]
    grid = first.instrument.grid
    z, sigma = jm.baselines.metallicity_map(galaxy.maps, calibration, SNR)
    fluxes = {name: galaxy.maps[line].data for name, line in jm.calibrations.LINES.items()}
    # All four lines, whichever the calibration needs: both are of the same spaxels.
    bright = np.isfinite(jm.baselines.metallicity_map(galaxy.maps, "o3n2_pp04", SNR)[0])
    used = bright & np.isfinite(z) & np.asarray(jm.calibrations.star_forming(**fluxes))
    used &= np.hypot(*grid.coordinates) < OUTERMOST
    options = {"mask": ~used, "correlation": first.correlation, "check": False}
    instrument = jm.Instrument(grid, first.instrument.psf)
    return jm.TracerMap(z, sigma, instrument, "metallicity", scatter=scatter, **options)


def model(galaxy: lines.Galaxy, one_map: jm.TracerMap, **more_priors: dist.Distribution):
    """A line and a field, weighted by the picture of Ha."""
    line = jm.Profile(jm.tracer.disc_gradient, central=8.7, gradient=-0.005, **galaxy.disc)
    field = jm.Field(0.04, 5.0, "krumholz_ting", injection=BUBBLES / SCALE, **galaxy.disc)
    light = jm.Profile(jm.light.image, **galaxy.picture)
    disc = jm.Component(light, metallicity=jm.Sum(line, field))
    priors = {
        "disc.metallicity.central": dist.Uniform(7.0, 10.0),
        GRADIENT: dist.Normal(0.0, 0.1),
        AMPLITUDE: dist.HalfNormal(0.1),
        LENGTH: dist.LogNormal(np.log(4.0), 0.7),
    }
    return jm.Model(jm.Galaxy(disc=disc), {"z": one_map}, priors | more_priors)


def measure(galaxy: lines.Galaxy, calibration: str) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of the gradient, amplitude and length.

    The scatter of single spaxels is fitted first and then known, because a field is integrated in a
    hundredth of the time where the errors are fixed.
    """
    free = {"z.scatter": dist.HalfNormal(0.05)}
    first = jm.optimise(model(galaxy, observed(galaxy, calibration), **free), starts=1)
    scatter = float(first.parameters["z.scatter"])
    known = model(galaxy, observed(galaxy, calibration, scatter))
    fit = jm.optimise(known, starts=1)
    summary = jm.sample(known, fit, draws=500).summary()
    print(f"{galaxy.name:20}{calibration:12}scatter {scatter:.4f}; {fit.message}")
    return {name: (row["mean"], row["sd"]) for name, row in summary.items()}


def main() -> None:
    """Print the table."""
    for galaxy in lines.galaxies(Path(os.environ["JAXMETAL_DATA"])):
        if not galaxy.name.startswith("NGC"):
            continue
        for calibration in CALIBRATIONS:
            found = measure(galaxy, calibration)
            slope, amplitude = found[GRADIENT], found[AMPLITUDE]
            length = [SCALE * value for value in found[LENGTH]]
            print(
                f"{galaxy.name:20}{calibration:12}{slope[0]:+.5f} ± {slope[1]:.5f} dex/arcsec, "
                f"field {amplitude[0]:.3f} ± {amplitude[1]:.3f} dex over "
                f"{length[0]:.2f} ± {length[1]:.2f} kpc",
                flush=True,
            )


if __name__ == "__main__":
    main()
