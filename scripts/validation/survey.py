"""A survey of a thousand mock galaxies by two processes: time, coverage, and broken files."""

import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.table import Table
from validation.mock_survey import CENTRAL, GRADIENT, INDEX, SMALL, Kind, write_survey

from jaxmetal import survey
from jaxmetal.survey.executors import Pool

GALAXIES, PROCESSES = 1000, 2
TRUE = {
    GRADIENT: "gradient",
    CENTRAL: "central",
    "disc.light.R_sersic": "true_R_e",
    "disc.light.amp": "true_amp",
    INDEX: "true_n",
}


def fitted(kind: Kind, count: int, broken: float = 0.02) -> tuple[Table, float]:
    """The catalogue of a mock survey by two processes, and the seconds that it took."""
    with tempfile.TemporaryDirectory() as name:
        catalogue, config = write_survey(Path(name), count, broken, kind=kind)
        since = time.monotonic()
        with Pool(PROCESSES) as pool:
            survey.run(catalogue, config, Path(name) / "out", skip_bad=True, executor=pool)
        seconds = time.monotonic() - since
        return survey.collect(Path(name) / "out"), seconds


def rows(count: int | None = None):
    """A row for each frame and PSF, and one for all."""
    results, seconds = fitted(SMALL, count or GALAXIES)
    for frame in sorted(set(results["frame"])):
        for fwhm in sorted({f for f in results["psf_fwhm"] if np.isfinite(f)}):
            subset = results[(results["frame"] == frame) & (results["psf_fwhm"] == fwhm)]
            if len(subset):
                yield row({"frame": int(frame), "psf_fwhm": float(fwhm), "seconds": np.nan}, subset)
    yield row({"frame": 0, "psf_fwhm": np.nan, "seconds": seconds}, results)


def row(case: dict, results: Table) -> dict:
    """How many are intact and converged, and how many truths lie between q16 and q84."""
    broken = np.array([how != "none" for how in results["broken"]])
    reported = np.array([str(message).startswith("left out: ") for message in results["message"]])
    good = results[~broken & np.isfinite(results[f"{GRADIENT}.q50"])]
    counts = {
        "galaxies": len(results),
        "broken": int(broken.sum()),
        "told": int((broken & reported).sum()),
        "wrongly_told": int((~broken & reported).sum()),
        "converged": int(np.sum(results["converged"])),
        "importance": int(np.sum(results["method"] == "importance")),
    }
    inside = {
        path: (good[f"{path}.q16"] < good[true]) & (good[true] < good[f"{path}.q84"])
        for path, true in TRUE.items()
        if f"{path}.q50" in good.colnames
    }
    return (
        case
        | counts
        | {f"inside_68 {path}": float(np.mean(values)) for path, values in inside.items()}
    )
