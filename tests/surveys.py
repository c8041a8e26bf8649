"""A tiny survey on disk: galaxies of two frame sizes and PSFs, cheap to fit."""

import copy
import sys

import numpy as np
import yaml
from astropy.table import Table

import jaxmetal as jm
from jaxmetal.io.fits import write_maps
from tests.scenes import CENTRAL, GRADIENT, disc, telescope

CONFIG = {
    "survey": {"shard": 4, "together": 2},
    "maps": {
        "z": {
            "kind": "tracer",
            "file": "{maps}",
            "value": "Z",
            "error": "Z_ERR",
            "pixel_scale": 0.5,
            "psf": {"gaussian": {"fwhm": "{fwhm}"}},
            "supersampling": [2, 1],
            "margin": 3,
        }
    },
    "galaxy": {
        "disc": {
            "light": {"profile": "sersic", "amp": 16.0, "R_sersic": "{R_e}", "n_sersic": 1.0},
            "metallicity": {"profile": "gradient", "central": 8.2, "gradient": -0.1},
        }
    },
    "priors": {GRADIENT: {"normal": [0.0, 0.3]}, CENTRAL: {"uniform": [6, 9.5]}},
    "fit": {"starts": 1},
    "sample": {"chains": 2, "draws": 250, "warmup": 50},
}


def batch_command(out, *options):
    """The command line that runs the survey of `write_survey` in its folder."""
    command = "-m jaxmetal batch galaxies.ecsv survey.yaml --out"
    return [sys.executable, *command.split(), str(out), *options]


def gradient(i):
    """The truth of a galaxy."""
    return -0.3 + 0.04 * i


def write_survey(folder, count=6, config=None):
    """The paths of a catalogue and of its configuration, with the files that they name."""
    rows = []
    for i in range(count):
        # One of the two frames is filled up to the size of the other.
        shape, fwhm = ((12, 12), 1.0) if i % 2 else ((11, 12), 1.3)
        instrument = telescope(shape, 0.5, fwhm, (2, 1), 3)
        galaxy = disc(R=1.5, gradient=gradient(i))
        z = jm.simulate.tracer_map(
            galaxy, instrument, variance=lambda flux: 0.002 + 0.002 / flux, seed=i
        )
        write_maps(folder / f"{i}.fits", {"Z": (z.values, "dex"), "Z_ERR": (z.errors, "dex")})
        rows.append(
            {"id": f"g{i}", "maps": f"{i}.fits", "fwhm": fwhm, "R_e": 1.5, "mass": 9.0 + 0.1 * i}
        )
    table = Table(rows=rows)
    table["R_e"].unit, table["fwhm"].unit = "arcsec", "arcsec"
    return save(folder, table, config or CONFIG)


def save(folder, table, config):
    """Write a catalogue and a configuration."""
    table.write(folder / "galaxies.ecsv", format="ascii.ecsv", overwrite=True)
    (folder / "survey.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return folder / "galaxies.ecsv", folder / "survey.yaml"


def changed(**parts):
    """The configuration with some parts exchanged."""
    return copy.deepcopy(CONFIG) | parts


def numbers(table):
    """Every number of a catalogue of results, to be compared bit for bit."""
    return {
        name: np.asarray(table[name])
        for name in table.colnames
        if table[name].dtype.kind in "fib" and name != "shard"
    }
