"""A survey of a thousand simulated galaxies by two processes: how long, how many truths within their errors, and the broken ones."""

import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.table import Table
from validation.mock_survey import CENTRAL, GRADIENT, write_survey

from jaxmetal import survey
from jaxmetal.survey.executors import Pool

GALAXIES, PROCESSES = 1000, 2
TRUE = {
    GRADIENT: "gradient",
    CENTRAL: "central",
    "disc.light.R_sersic": "true_R_e",
    "disc.light.amp": "true_amp",
}


def rows(count: int | None = None):
    """A row for each frame and PSF, and one for all."""
    with tempfile.TemporaryDirectory() as name:
        catalogue, config = write_survey(Path(name), count or GALAXIES)
        since = time.monotonic()
        with Pool(PROCESSES) as pool:
            survey.run(catalogue, config, Path(name) / "out", skip_bad=True, executor=pool)
        seconds = time.monotonic() - since
        found = survey.collect(Path(name) / "out")
    for frame in sorted(set(found["frame"])):
        for fwhm in sorted({f for f in found["psf_fwhm"] if np.isfinite(f)}):
            some = found[(found["frame"] == frame) & (found["psf_fwhm"] == fwhm)]
            if len(some):
                yield row({"frame": int(frame), "psf_fwhm": float(fwhm), "seconds": np.nan}, some)
    yield row({"frame": 0, "psf_fwhm": np.nan, "seconds": seconds}, found)


def row(case: dict, found: Table) -> dict:
    """How many are whole and converged, and how many truths lie between the 16th and 84th percentiles."""
    broken = np.array([how != "none" for how in found["broken"]])
    told = np.array([str(message).startswith("left out: ") for message in found["message"]])
    good = found[~broken & np.isfinite(found[f"{GRADIENT}.q50"])]
    counts = {
        "galaxies": len(found),
        "broken": int(broken.sum()),
        "told": int((broken & told).sum()),
        "wrongly_told": int((~broken & told).sum()),
        "converged": int(np.sum(found["converged"])),
        "importance": int(np.sum(found["method"] == "importance")),
    }
    inside = {
        path: (good[f"{path}.q16"] < good[true]) & (good[true] < good[f"{path}.q84"])
        for path, true in TRUE.items()
    }
    return (
        case
        | counts
        | {f"inside_68 {path}": float(np.mean(values)) for path, values in inside.items()}
    )
