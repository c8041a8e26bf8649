"""The metallicity gradient of MaNGA 7815-3702 with the geometry that its gas velocities show.

    JAXMETAL_DATA=/path/to/data python scripts/examples/manga_motions.py

First the velocities of H-alpha alone: inclination and position angle, beside those of the header
(of the starlight). Then the gradient of 12 + log(O/H) in the header's disc, in one whose angles the
metallicity alone has to show, and in the disc of the velocities, fitted together.
"""

import os
from pathlib import Path
from typing import Any

import jaxmetal as jm
from jaxmetal.io.scene import build

FILE = "${JAXMETAL_DATA}/manga_7815-3702/manga-7815-3702-MAPS-HYB10-GAU-MILESHC.fits.gz"
# The header's disc: where fits begin, or stay.
DISC = {key: f"manga.{key}" for key in ("inclination", "position_angle")}
EFFECTIVE_RADIUS = 3.775  # arcsec
VELOCITY = {
    "disc.velocity.v_max": {"uniform": [20, 1500]},
    "disc.velocity.r_turn": {"log_normal": [1.5, 1.0]},
    "disc.velocity.systemic": {"normal": [0, 100]},
    "disc.velocity.inclination": {"uniform": [2, 80]},
    "disc.velocity.position_angle": {"normal": [163, 30]},
    "velocity.scatter": {"half_normal": 20},
}
METALLICITY = {
    "disc.metallicity.central": {"uniform": [7.0, 9.5]},
    "disc.metallicity.gradient": {"normal": [0.0, 0.1]},
    "z.scatter": {"half_normal": 0.1},
}
FREE = {
    "disc.metallicity.inclination": {"uniform": [2, 80]},
    "disc.metallicity.position_angle": {"normal": [163, 30]},
}
SHARED = {f"disc.metallicity.{key}": {"tied": f"disc.velocity.{key}"} for key in DISC}
# The maps and the priors of each fit.
FITS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "velocity alone": (("velocity",), VELOCITY),
    "metallicity, header's disc": (("z",), METALLICITY),
    "metallicity, angles free": (("z",), METALLICITY | FREE),
    "both, angles shared": (("velocity", "z"), VELOCITY | METALLICITY | SHARED),
}


def fitted(maps: tuple[str, ...], priors: dict[str, Any]) -> jm.Fit:
    """The fit of some of the maps; errors are corrected for the noise that spaxels share."""
    others = {name: "none" for name in ("z", "velocity", "dispersion") if name not in maps}
    rotation = {"profile": "rotation", "curve": "tanh", "v_max": 180, "r_turn": 1.0}
    line = {"profile": "disc_gradient", "central": 8.6, "gradient": -0.015}
    tracers = {"velocity": rotation | DISC, "metallicity": line | DISC}
    config = {
        "errors": "sandwich",
        "maps": {"manga": {"kind": "manga", "file": FILE, "kinematics": "gas", "names": others}},
        "galaxy": {"disc": {"light": {"profile": "image", "map": "halpha"}, **tracers}},
        "priors": priors,
    }
    return jm.optimise(build(config, Path(os.environ["JAXMETAL_DATA"])).model(), starts=2)


def main() -> None:
    """Print angles and gradients of all fits."""
    for name, (maps, priors) in FITS.items():
        fit = fitted(maps, priors)
        print(f"{name}: {fit.message}")
        for path, value in fit.parameters.items():
            factor = EFFECTIVE_RADIUS if path.endswith("gradient") else 1.0
            unit = "dex/R_e" if path.endswith("gradient") else ""
            print(f"    {path} {factor * value:.4f} +- {factor * fit.errors[path]:.4f} {unit}")


if __name__ == "__main__":
    main()
