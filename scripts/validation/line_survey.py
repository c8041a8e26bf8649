"""Mock galaxies in four emission lines by the command `jaxmetal batch`: coverage."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.table import Table
from validation.mock_survey import CENTRAL, DUST, GRADIENT, LINES, write_survey

# Of a hundred, coverages would be known to 4.7 % only.
GALAXIES = 300
TRUE = {
    GRADIENT: "gradient",
    CENTRAL: "central",
    DUST: "dust",
    "disc.light.R_sersic": "true_R_e",
    "disc.light.amp": "true_amp",
}


def rows(count: int | None = None) -> Iterator[dict]:
    """A row for each parameter, one for all of them, and one for the naive gradient."""
    results = fitted(count or GALAXIES)
    good = results[np.asarray(results["converged"], bool)]
    counts = {"galaxies": len(results), "converged": int(np.sum(results["converged"]))}
    pulls, insides = [], []
    for path, true in TRUE.items():
        truth = np.asarray(good[true])
        pulls.append((np.asarray(good[f"{path}.mean"]) - truth) / np.asarray(good[f"{path}.sd"]))
        insides.append((good[f"{path}.q16"] < truth) & (truth < good[f"{path}.q84"]))
        yield row(path, counts, pulls[-1], insides[-1])
    yield row("all", counts, np.concatenate(pulls), np.concatenate(insides))
    naive = np.asarray(good["naive_gradient"] - good["gradient"])
    naive /= np.asarray(good["naive_gradient_error"])
    known = np.isfinite(naive)
    yield row("naive gradient", counts, naive[known], np.abs(naive[known]) < 1)


def fitted(count: int) -> Table:
    """The table of results of a survey of files, by the command line."""
    with tempfile.TemporaryDirectory() as name:
        catalogue, config = write_survey(Path(name), count, broken=0.0, kind=LINES)
        out = Path(name) / "results"
        batch = f"batch {catalogue} {config} --out {out}"
        for words in (batch.split(), ["collect", str(out)]):
            subprocess.run([sys.executable, "-m", "jaxmetal", *words], check=True)
        return Table.read(out / "catalogue.ecsv")


def row(name: str, counts: dict[str, int], pulls: np.ndarray, inside: np.ndarray) -> dict:
    """How often truths lie between q16 and q84, and (mean - truth) / sd."""
    return {
        "parameter": name,
        **counts,
        "values": len(pulls),
        "inside_68": float(np.mean(inside)),
        "pull_mean": float(np.mean(pulls)),
        "pull_sd": float(np.std(pulls, ddof=1)),
    }
