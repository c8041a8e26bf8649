"""Surveys of simulated galaxies on disk, some of them broken; truths are drawn from the priors.

Small galaxies have three frame sizes and four Gaussian PSFs; stamps are of 64 x 64 pixels, with
Moffat PSFs and free Sersic indices; galaxies in emission lines have four of them, and dust.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from astropy.io import fits
from astropy.table import Table

from jaxmetal.io.mock import MAPS, write_mock
from jaxmetal.io.scene import build

INDEX = "disc.light.n_sersic"
CENTRAL, GRADIENT = "disc.metallicity.central", "disc.metallicity.gradient"
DUST = "disc.reddening.value"
EMISSION = ("Ha", "Hb", "NII6584", "OIII5007")
OBSERVED = {"file": "{maps}", "pixel_scale": 0.5, "psf": {"gaussian": {"fwhm": "{psf_fwhm}"}}}
CONFIG = {
    "survey": {"shard": 64, "together": 16},
    "maps": {
        "z": {"kind": "tracer", "value": "Z", "error": "Z_ERR", **OBSERVED},
        "light": {"kind": "light", "value": "LIGHT", "error": "LIGHT_ERR", **OBSERVED},
    },
    "galaxy": {
        "disc": {
            "light": {"profile": "sersic", "amp": "{amp}", "R_sersic": "{R_e}", "n_sersic": 1.0},
            "metallicity": {"profile": "gradient", "central": 8.6, "gradient": -0.05},
        }
    },
    "priors": {
        CENTRAL: {"normal": [8.6, 0.3]},
        GRADIENT: {"normal": [-0.05, 0.05]},
        "disc.light.amp": {"log_normal": ["{amp}", 0.3]},
        "disc.light.R_sersic": {"log_normal": ["{R_e}", 0.2]},
    },
    "fit": {"starts": 1},
    "sample": {"method": "auto", "chains": 4, "draws": 150},
}


def _of_stamps() -> dict[str, Any]:
    """The configuration of small galaxies with the pixels, PSFs and free indices of stamps."""
    config = copy.deepcopy(CONFIG)
    for observed in config["maps"].values():
        observed |= {"pixel_scale": 0.2, "psf": {"moffat": {"fwhm": "{psf_fwhm}", "beta": 2.8}}}
    config["priors"][INDEX] = {"uniform": [0.5, 4.0]}
    return config


def _of_lines() -> dict[str, Any]:
    """The configuration of small galaxies with the fluxes of lines in the place of their maps."""
    config = copy.deepcopy(CONFIG)
    parts = {line: {"value": line.upper(), "error": f"{line.upper()}_ERR"} for line in EMISSION}
    config["maps"] = {"gas": {"kind": "lines", **OBSERVED, "lines": parts}}
    # Where the relation has one answer for these lines.
    config["priors"] |= {CENTRAL: {"normal": [8.5, 0.1]}, DUST: {"normal": [0.3, 0.07]}}
    disc = config["galaxy"]["disc"]
    disc["metallicity"]["central"] = 8.5
    disc |= {
        "reddening": {"profile": "uniform", "value": 0.3},
        "emission": {"relation": "curti20"},
    }
    return config


class Kind(NamedTuple):
    """A kind of survey.

    Parameters
    ----------
    config
        of all galaxies.
    frames, widths
        pixels along a side, and FWHM of the PSFs, arcsec.
    pixel_scale
        arcsec.
    indices
        the range of the Sersic index.
    noise
        what the part `simulate` of a configuration says of the errors.
    """

    config: dict[str, Any]
    frames: tuple[int, ...]
    widths: tuple[float, ...]
    pixel_scale: float
    indices: tuple[float, float]
    noise: dict[str, Any]

    @property
    def observed(self) -> dict[str, Any]:
        """What the configuration says of its first map."""
        return next(iter(self.config["maps"].values()))

    @property
    def maps(self) -> int:
        """How many maps a galaxy has."""
        return len(self.observed.get("lines", self.config["maps"]))

    def psf(self, fwhm: float) -> dict[str, Any]:
        """The PSF of a configuration with a width filled in."""
        ((name, numbers),) = self.observed["psf"].items()
        return {name: numbers | {"fwhm": fwhm}}


NOISE = {"c1": 0.003, "c2": 0.003, "light_sigma": 0.05}
SMALL = Kind(CONFIG, (12, 16, 20), (0.8, 1.2, 1.8, 2.5), 0.5, (1.0, 1.0), NOISE)
STAMPS = Kind(_of_stamps(), (64,), (0.6, 0.8, 1.0, 1.3), 0.2, (0.7, 3.0), NOISE)
# In a pixel of a typical galaxy at R_e the signal-to-noise ratio is 10 in Ha, 2 to 3 in the others.
LINES = Kind(
    _of_lines(),
    (16, 20),
    (0.8, 1.5),
    0.5,
    (1.0, 1.0),
    {"lines": list(EMISSION), "line_noise": 1.0},
)
# Ways in which an observation is broken.
BROKEN = (
    "missing",
    "truncated",
    "huge",
    "no numbers",
    "another shape",
    "wrong extension",
    "no PSF",
    "shell",
)


def write_survey(
    folder: Path, count: int, broken: float = 0.02, seed: int = 0, kind: Kind = SMALL
) -> tuple[Path, Path]:
    """Write observations, a catalogue of a survey's columns and of the truths, and configuration.

    Parameters
    ----------
    folder
        for the files.
    count, broken
        of galaxies, and the fraction of them that is broken.
    seed
        of all that is drawn.
    kind
        of survey.

    Returns
    -------
    catalogue, config
        their paths.
    """
    rng, rows = np.random.default_rng(seed), []
    wrong = rng.permutation(count)[: round(broken * count)]
    for i in range(count):
        rows.append(_galaxy(folder, i, rng, kind))
        if i in wrong:
            _break(folder, rows[-1], BROKEN[list(wrong).index(i) % len(BROKEN)])
    table = Table(rows=rows)
    table["R_e"].unit = table["psf_fwhm"].unit = "arcsec"
    table.write(folder / "galaxies.ecsv", format="ascii.ecsv")
    (folder / "survey.yaml").write_text(yaml.safe_dump(kind.config, sort_keys=False))
    return folder / "galaxies.ecsv", folder / "survey.yaml"


def _galaxy(folder: Path, i: int, rng: np.random.Generator, kind: Kind) -> dict:
    frame, fwhm = int(rng.choice(kind.frames)), float(rng.choice(kind.widths))
    catalogue = {"R_e": float(rng.uniform(1.0, 2.0)), "amp": float(rng.uniform(10.0, 30.0))}
    true = {
        "central": float(rng.normal(*kind.config["priors"][CENTRAL]["normal"])),
        "gradient": float(rng.normal(*kind.config["priors"][GRADIENT]["normal"])),
        "true_R_e": catalogue["R_e"] * float(np.exp(rng.normal(0.0, 0.2))),
        "true_amp": catalogue["amp"] * float(np.exp(rng.normal(0.0, 0.3))),
        "true_n": float(rng.uniform(*kind.indices)),
    }
    if DUST in kind.config["priors"]:
        true["dust"] = float(rng.normal(*kind.config["priors"][DUST]["normal"]))
    frame_and_psf = {
        "shape": [frame, frame],
        "pixel_scale": kind.pixel_scale,
        "psf": kind.psf(fwhm),
    }
    noise = {"supersampling": [6, 3], "seed": kind.maps * i, **kind.noise}
    mock = folder / f"mock-{i}"
    mock.mkdir(parents=True)
    config = {"galaxy": {"disc": _disc(true, kind)}, "simulate": frame_and_psf | noise}
    write_mock(mock, build(config, folder, want="simulate"))
    (mock / MAPS).rename(folder / f"{i}.fits")
    for path in mock.iterdir():
        path.unlink()
    mock.rmdir()
    return {
        "id": f"galaxy {i}",
        "maps": f"{i}.fits",
        "frame": frame,
        "psf_fwhm": fwhm,
        **catalogue,
        **true,
        "broken": "none",
    }


def _disc(true: dict[str, float], kind: Kind) -> dict[str, dict]:
    """The configuration of the disc at the truth."""
    disc = copy.deepcopy(kind.config["galaxy"]["disc"])
    disc["light"] |= {
        "amp": true["true_amp"],
        "R_sersic": true["true_R_e"],
        "n_sersic": true["true_n"],
    }
    disc["metallicity"] |= {"central": true["central"], "gradient": true["gradient"]}
    if "dust" in true:
        disc["reddening"]["value"] = true["dust"]
    return disc


def _break(folder: Path, row: dict, how: str) -> None:
    path = folder / row["maps"]
    row["broken"] = how
    if how == "missing":
        path.unlink()
    elif how == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    elif how == "huge":
        card = f"NAXIS1  = {row['frame']:>20d}".encode()
        path.write_bytes(path.read_bytes().replace(card, f"NAXIS1  = {10**7:>20d}".encode()))
    elif how == "no numbers":
        path.write_text("<html><script>alert(1)</script></html>")
    elif how in ("another shape", "wrong extension"):
        with fits.open(path, mode="update") as hdus:
            if how == "another shape":
                hdus["Z_ERR"].data = hdus["Z_ERR"].data[:-1]
            else:
                hdus["LIGHT"].name = "FLUX"
    elif how == "no PSF":
        row["psf_fwhm"] = np.nan
    else:
        row["maps"] = "$(touch owned); `touch owned`; x'; DROP.fits"
