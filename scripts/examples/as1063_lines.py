"""Metallicity and dust of the arc behind Abell S1063 from its emission lines, fitted together.

    JAXMETAL_DATA=/path/to/data python scripts/examples/as1063_lines.py

[OII], [NeIII], Hd, Hg and [OIII] of each Voronoi bin relative to Hb, through the PSF and the lens
of as1063.yaml, instead of the metallicity map that was made from them. A line that a bin lacks is
left out there. Metallicity and E(B-V) change linearly with the radius in the published geometry;
each ratio may lie off its calibration, by a normal prior of 0.1 dex, and each line scatters about
the model by a fraction that is free. README.md beside this file has the numbers.
"""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpyro.distributions as dist
from as1063 import CONFIG, KPC, RATIO
from astropy.table import Table

import jaxmetal as jm
from jaxmetal.io.config import read
from jaxmetal.io.scene import build

TABLE = "as1063_lensed_muse/orig/fluxes_bins_SNR_70.dat"
# Columns of fluxes and of their errors.
COLUMNS = {
    "OII3727": ("f_oii", "unc_oii"),
    "NeIII3869": ("f_neiii", "unc_neii"),
    "Hd": ("f_hd", "unc_hd"),
    "Hg": ("f_hg", "unc_hg"),
    "Hb": ("f_hb", "unc_hb"),
    "OIII4959": ("f_oiii59", "unc_oiii59"),
    "OIII5007": ("f_oiii07", "unc_oiii07"),
}
REFERENCE = "Hb"
# Scatter of galaxies about a calibration, dex.
OFFSET = 0.1
GRADIENTS = ("arc.metallicity.gradient", "arc.reddening.gradient")
# Relation, attenuation, and whether the PSF is in the model.
VARIANTS = {
    "maiolino08": ("maiolino08", "calzetti00", True),
    "maiolino08, no PSF": ("maiolino08", "calzetti00", False),
    "maiolino08, CCM dust": ("maiolino08", "ccm89", True),
}


def line_maps(data: Path, instrument: jm.Instrument, lines: tuple[str, ...]) -> dict[str, jm.Map]:
    """Fluxes of the bins relative to that of the reference line, whose light is free in each."""
    table = Table.read(data / TABLE, format="ascii.fixed_width_two_line")
    table.sort("bin")
    (count,) = instrument.shape
    maps = {}
    for line in (*lines, REFERENCE):
        flux, sigma = (np.ma.filled(np.ma.asarray(table[c], float), np.nan) for c in COLUMNS[line])
        maps[line] = jm.LineMap(flux[:count], sigma[:count], instrument, line)
    return {line: jm.RelativeLineMap(maps[line], maps[REFERENCE]) for line in lines}


def fitted(data: Path, relation: str, attenuation: str, smeared: bool) -> jm.Fit:
    """The fit of one of the variants."""
    scene = build(read(CONFIG), CONFIG.parent)
    arc, instrument = scene.galaxy.arc, scene.maps["z"].map.instrument
    if not smeared:
        instrument = jm.Instrument(
            instrument.grid, jm.NoPSF(), (2, 1), apertures=instrument.apertures
        )
    emission = jm.Emission(relation, reference=REFERENCE, attenuation=attenuation)
    lines = tuple(line for line in COLUMNS if line in emission.lines and line != REFERENCE)
    disc = dict(arc.metallicity.parameters)
    place = {key: disc[key] for key in ("inclination", "position_angle", "center_x", "center_y")}
    gas = jm.Component(
        arc.light,
        lensed_light=False,
        metallicity=jm.Profile(jm.tracer.disc_gradient, central=8.9, gradient=-0.1, **place),
        reddening=jm.Profile(jm.tracer.disc_gradient, central=0.5, gradient=0.0, **place),
        emission=emission,
    )
    priors: dict[str, Any] = {
        "arc.metallicity.central": dist.Uniform(7.5, 9.6),
        "arc.metallicity.gradient": dist.Normal(0.0, 0.5),
        "arc.reddening.central": dist.HalfNormal(0.5),
        "arc.reddening.gradient": dist.Normal(0.0, 0.5),
    }
    priors |= {f"{line}.scatter": dist.HalfNormal(0.3) for line in lines}
    priors |= {f"arc.emission.offset.{name}": dist.Normal(0.0, OFFSET) for name in emission.offset}
    maps = line_maps(data, instrument, lines)
    for line in set(emission.offset) - set(maps):
        del priors[f"arc.emission.offset.{line}"]
    return jm.optimise(jm.Model(jm.Galaxy(lens=scene.galaxy.lens, arc=gas), maps, priors))


def main() -> None:
    """Print each variant's gradients, by the major-axis and the minor-axis radius, and the rest."""
    data = Path(os.environ["JAXMETAL_DATA"])
    warnings.simplefilter("ignore", jm.InputWarning)
    for name, variant in VARIANTS.items():
        fit = fitted(data, *variant)
        print(f"{name}: {fit.message}")
        for path in GRADIENTS:
            value, error = (float(part[path]) / KPC for part in (fit.parameters, fit.errors))
            minor = f"{value / RATIO:+.4f} ± {error / RATIO:.4f} of the minor-axis radius"
            print(f"    {path} {value:+.4f} ± {error:.4f} per kpc, {minor}")
        for path in fit.parameters:
            if path not in GRADIENTS:
                print(f"    {path} {fit.parameters[path]:.4f} ± {fit.errors[path]:.4f}", flush=True)


if __name__ == "__main__":
    main()
