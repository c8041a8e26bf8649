"""Mock observations on disk: noisy maps of a configuration's galaxy, and the configuration that fits them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.forward import resolve
from jaxmetal.galaxy import get
from jaxmetal.inference.priors import Tied
from jaxmetal.io.config import resolved, write
from jaxmetal.io.fits import write_maps
from jaxmetal.io.scene import MOCK, Scene, mock_instrument
from jaxmetal.maps import LightMap, TracerMap
from jaxmetal.science import noise, simulate

MAPS, CONFIG = "maps.fits", "fit.yaml"
# Far from the truth of use case 1, as a fit of a real galaxy would start.
START = {
    "disc.metallicity.central": 8.5,
    "disc.metallicity.gradient": 0.0,
    "disc.light.R_sersic": 1.3,
}


def write_mock(folder: Path, scene: Scene, start: Mapping[str, float] | None = None) -> Path:
    """Write noisy maps of a galaxy as its configuration's `simulate` says, and a configuration that fits them.

    Parameters
    ----------
    folder
        an empty folder.
    scene
        loaded with want="simulate".
    start
        {"component.profile.parameter": value} from which the fit is to start; the simulated
        galaxy's own if left out.

    Returns
    -------
    path
        of the configuration for the fit.

    Raises
    ------
    InputError
        if the maps cannot be written.
    """
    wanted = scene.config.simulate
    if wanted is None:
        raise InputError("simulate: is missing: shape, pixel_scale and psf.")
    # The sampling is chosen once for both maps.
    instrument, blank = mock_instrument(wanted, scene.folder), np.zeros(wanted.shape)
    pair = {
        "z": TracerMap(blank, 1.0, instrument, wanted.tracer, wanted.scale),
        "light": LightMap(blank, 1.0, instrument),
    }
    instrument = resolve([(scene.galaxy, pair)])["z"].instrument

    def variance(flux: np.ndarray) -> Any:
        return noise.variance(flux, wanted.c1, wanted.c2)

    z = simulate.tracer_map(
        scene.galaxy, instrument, wanted.tracer, wanted.scale, variance, wanted.seed
    )
    light = simulate.light_map(scene.galaxy, instrument, wanted.light_sigma, wanted.seed + 1)
    unit = "dex" if wanted.scale == "log10" else ""
    images = {
        "Z": (z.values, unit),
        "Z_ERR": (z.errors, unit),
        "LIGHT": (light.values, ""),
        "LIGHT_ERR": (light.errors, ""),
    }
    write_maps(folder / MAPS, images)
    write(folder / CONFIG, _for_the_fit(scene, start or {}))
    return folder / CONFIG


def _for_the_fit(scene: Scene, start: Mapping[str, float]) -> dict[str, Any]:
    """The configuration that fits the maps: the same galaxy and priors, with what was true beside them."""
    said = resolved(scene.config, scene.folder, {})
    wanted = said.pop("simulate")
    for path, value in start.items():
        component, profile, name = path.split(".")
        said["galaxy"][component][profile][name] = value
    common = {"file": MAPS} | {key: wanted[key] for key in ("pixel_scale", "psf", "supersampling")}
    tracer = {
        "kind": "tracer",
        "tracer": wanted["tracer"],
        "scale": wanted["scale"],
        "value": "Z",
        "error": "Z_ERR",
    }
    maps = dict(
        zip(
            MOCK,
            (tracer | common, {"kind": "light", "value": "LIGHT", "error": "LIGHT_ERR"} | common),
            strict=True,
        )
    )
    known = [
        p
        for p, prior in scene.priors.items()
        if not isinstance(prior, Tied) and p.split(".")[0] in scene.galaxy.components
    ]
    # The shortest number that means the same, not the digits of its binary form.
    truth = {
        path: np.asarray(get(scene.galaxy, path)).astype(str).astype(float).tolist()
        for path in known
    }
    return (
        {"maps": maps}
        | {key: value for key, value in said.items() if key not in ("maps", "truth")}
        | {"truth": truth}
    )


def use_case_1(fwhm: float, quick: bool = False) -> dict[str, Any]:
    """The configuration of a simulation: use case 1 of Metha et al. (2024), with the constants of its tutorial.

    Parameters
    ----------
    fwhm
        of the Gaussian PSF, arcsec.
    quick
        whether to make do with fewer pixels and draws.
    """
    frame = (
        {"shape": [41, 41], "pixel_scale": 0.198}
        if quick
        else {"shape": [121, 121], "pixel_scale": 0.066}
    )
    return {
        "galaxy": {
            "disc": {
                "light": {"profile": "sersic", "amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0},
                "metallicity": {"profile": "gradient", "central": 8.0, "gradient": -0.2},
            }
        },
        "priors": {
            "disc.metallicity.central": {"uniform": [6, 10]},
            "disc.metallicity.gradient": {"normal": [0, 0.5]},
            "disc.light.amp": {"log_normal": [16, 0.5]},
            "disc.light.R_sersic": {"log_normal": [1, 0.5]},
        },
        "fit": {"starts": 1 if quick else 4},
        "sample": {"chains": 4, "warmup": 60 if quick else 150, "draws": 150 if quick else 300},
        "simulate": {
            **frame,
            "psf": {"gaussian": {"fwhm": fwhm}},
            "c1": 0.00725,
            "c2": 0.00091,
            "seed": 1,
        },
    }
