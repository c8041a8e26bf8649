"""A good configuration with its file, from which the mutated ones are made."""

import copy
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.io.fits import write_maps

SIDE = 9
MAP = {
    "kind": "tracer",
    "file": "map.fits",
    "value": "Z",
    "error": "Z_ERR",
    "pixel_scale": 0.3,
    "psf": {"gaussian": {"fwhm": 0.8}},
    "supersampling": [2, 1],
    "margin": 2,
}
LIGHT = MAP | {"kind": "light", "value": "LIGHT", "error": "LIGHT_ERR"}
CONFIG = {
    "maps": {"z": MAP, "light": LIGHT | {"psf": {"moffat": {"fwhm": 0.8, "beta": 2.5}}}},
    "galaxy": {
        "disc": {
            "light": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
            "metallicity": {
                "profile": "disc_gradient",
                "central": 8.2,
                "gradient": -0.1,
                "inclination": 40.0,
                "position_angle": 20.0,
            },
        }
    },
    "lens": {"halo": {"profile": "sie", "theta_E": 0.1, "e1": 0.1}},
    "priors": {
        "disc.metallicity.gradient": {"normal": [0.0, 0.5]},
        "disc.metallicity.central": {"uniform": [6.0, 9.5]},
        "disc.light.R_sersic": {"log_normal": [1.0, 0.3]},
    },
    "fit": {"starts": 2, "seed": 1},
    "sample": {"draws": 100, "warmup": 100, "chains": 2, "target_accept": 0.8},
    "baseline": {"center": [0.0, 0.0], "inclination": 40.0, "redshift": 0.01},
    "truth": {"disc.metallicity.gradient": -0.1},
}


def config() -> dict[str, Any]:
    return copy.deepcopy(CONFIG)


def write_map(path: Path) -> None:
    """A map of metallicity and one of light, with their errors."""
    rng = np.random.default_rng(0)
    y, x = (np.indices((SIDE, SIDE)) - SIDE // 2) * 0.3
    radius = np.hypot(x, y)
    error, flux = np.full((SIDE, SIDE), 0.02), 1.4 * np.exp(-1.7 * (radius - 1))
    images = {"Z": 8.2 - 0.1 * radius + 0.02 * rng.normal(size=x.shape), "Z_ERR": error}
    images |= {"LIGHT": flux + 0.02 * rng.normal(size=x.shape), "LIGHT_ERR": error}
    write_maps(path, {name: (image, "") for name, image in images.items()})


def leaves(tree: Any, place: tuple = ()) -> list[tuple]:
    """The places of all values that hold no others."""
    if not isinstance(tree, dict):
        return [place]
    return [leaf for key, value in tree.items() for leaf in leaves(value, (*place, key))]


def holder(tree: Any, place: tuple) -> Any:
    """The mapping in which the last key of a place stands."""
    for key in place[:-1]:
        tree = tree[key]
    return tree
