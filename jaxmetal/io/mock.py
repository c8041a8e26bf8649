"""Mock observations: noisy maps of a configuration's galaxy, and a configuration to fit them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.galaxy import get
from jaxmetal.inference.priors import Tied
from jaxmetal.io.config import resolved, write
from jaxmetal.io.fits import write_maps
from jaxmetal.io.mock_maps import mock_maps
from jaxmetal.io.scene import Scene
from jaxmetal.io.schema import LIGHT, TRACER
from jaxmetal.science.simulate import renoise

# The file of the maps, and the configuration that fits them.
MAPS = "maps.fits"
CONFIG = "fit.yaml"
# Far from the truth of use case 1, as a fit of a real galaxy would start.
START = {
    "disc.metallicity.central": 8.5,
    "disc.metallicity.gradient": 0.0,
    "disc.light.R_sersic": 1.3,
}


def write_mock(folder: Path, scene: Scene, start: Mapping[str, float] | None = None) -> Path:
    """Write noisy maps as a configuration's `simulate` describes, and a configuration to fit them.

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
    simulation = scene.config.simulate
    if simulation is None:
        raise InputError("simulate: is missing: shape, pixel_scale and psf.")
    maps = mock_maps(scene.galaxy, simulation, scene.folder)
    images: dict[str, tuple[Any, str]] = {}
    for i, (name, one_map) in enumerate(maps.items()):
        # The noise of one map is independent of that of another.
        observed = renoise(one_map, simulation.seed + i)
        value, error = _extensions(name)
        unit = "dex" if one_map.tracer is not None and simulation.scale == "log10" else ""
        images |= {value: (observed.data, unit), error: (observed.errors, unit)}
    write_maps(folder / MAPS, images)
    write(folder / CONFIG, _for_the_fit(scene, start or {}))
    return folder / CONFIG


def _for_the_fit(scene: Scene, start: Mapping[str, float]) -> dict[str, Any]:
    """The configuration that fits the maps: the same galaxy and priors, and the true values."""
    config = resolved(scene.config, scene.folder, {})
    simulation = config.pop("simulate")
    for path, value in start.items():
        component, profile, name = path.split(".")
        config["galaxy"][component][profile][name] = value
    keys = ("pixel_scale", "psf", "supersampling", "correlation")
    common = {"file": MAPS} | {key: simulation[key] for key in keys if key in simulation}
    maps = _entries(simulation, common)
    paths = [
        path
        for path, prior in scene.priors.items()
        if not isinstance(prior, Tied) and path.split(".")[0] in scene.galaxy.components
    ]
    # The shortest decimal number that means the same, not the digits of its binary form.
    truth = {
        path: np.asarray(get(scene.galaxy, path)).astype(str).astype(float).tolist()
        for path in paths
    }
    others = {key: value for key, value in config.items() if key not in ("maps", "truth")}
    return {"maps": maps} | others | {"truth": truth}


def _entries(simulation: Mapping[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The maps of the configuration that fits a simulation."""
    if lines := simulation.get("lines"):
        parts = {line: _extensions(line.replace("+", "_")) for line in lines}
        entries = {
            line: dict(zip(("value", "error"), pair, strict=True)) for line, pair in parts.items()
        }
        return {"lines": {"kind": "lines", "lines": entries} | common}
    kinds = {
        TRACER: {"kind": "tracer", "tracer": simulation["tracer"], "scale": simulation["scale"]},
        LIGHT: {"kind": "light"},
    }
    entries = {}
    for name, kind in kinds.items():
        value, error = _extensions(name)
        entries[name] = kind | {"value": value, "error": error} | common
    return entries


def _extensions(name: str) -> tuple[str, str]:
    """The names of the extensions with a map and its errors."""
    return name.upper(), f"{name.upper()}_ERR"


def use_case_1(fwhm: float, quick: bool = False) -> dict[str, Any]:
    """The configuration of a simulation: use case 1 of Metha et al. (2024).

    The constants are those of its tutorial.

    Parameters
    ----------
    fwhm
        of the Gaussian PSF, arcsec.
    quick
        whether to use fewer pixels and draws.
    """
    side, pixel_scale = (41, 0.198) if quick else (121, 0.066)
    frame = {"shape": [side, side], "pixel_scale": pixel_scale}
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
