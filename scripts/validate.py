"""Checks that are too long for the tests; each writes a table (ECSV), and some a figure.

The table records the commit that it was made from.

    python scripts/validate.py bounds sampling accuracy fits lines line_systematics calibration
    edges arc arc_fits correlated large_noise fields field_calibration kinematics inclination
    realistic clumps criticism forecasts survey stamps line_survey hard killed --out DIR

bounds       use case 1 at eight PSF widths: Laplace and NUTS errors over the Cramér-Rao bound
sampling     supersampling="auto" without data, against the converged map
accuracy     supersampling="auto" by the data: how far it moves parameters, in units of their errors
fits         bias, efficiency and coverage of many noise draws, and the straight line's bias
lines        emission lines: flux fits of many noise draws, and the metallicity maps made of them
line_systematics
             gradients with dust and with a PSF of each line, in the model and left out; the odds of
             two branches of R23
calibration  ranks of truths drawn from the prior among the draws of their posteriors
edges        a scatter that the data do not need: convergence, divergences, coverage and time
arc          a lensed arc, lens, light and metallicity free together: truths in the intervals of
             twenty NUTS posteriors
arc_fits     the same arc by MAP and Laplace, 300 times
survey       a thousand galaxies through `jaxmetal batch`: time, coverage, and broken observations
stamps       stamps of 64 x 64 pixels with Moffat PSFs and free Sersic indices: time, coverage
line_survey  three hundred galaxies in four emission lines through `jaxmetal batch`: coverage
correlated   noise of MaNGA: errors of a gradient and their coverage, with and without it in the fit
large_noise  correlated noise of large maps without a matrix, against the matrix, and its cost
fields       a metallicity that scatters about its line with a correlation length: gradient, length
field_calibration
             ranks of truths of a random field's amplitude and length among their posterior draws
realistic    clumpy, inclined galaxies as MaNGA sees them, by a simulator that shares no code: the
             gradient with everything that the model has, and with each part of it left out
clumps       clumpy galaxies of unknown light: the gradient by a profile, a texture and a picture
forecasts    errors that `jaxmetal.forecast` expects, over Cramér-Rao bounds and the scatter of fits
criticism    five kinds of wrong models, and right ones: how often a fit says so
kinematics   rotation and dispersion at three PSF widths: bias, efficiency and coverage, and what a
             fit without the PSF takes for dispersion
inclination  the same with a free inclination: V sin i, turnover and dispersion
hard         two dozen posteriors with several modes, edges, ridges, tails or symmetries: what is
             said of them, and how far they are from sequential Monte Carlo
killed       a survey killed at ten random moments against one that was not
"""

import argparse
import subprocess
from importlib import import_module
from pathlib import Path

from astropy.table import Table

from jaxmetal.files import whole_file

CHECKS = (
    "bounds",
    "sampling",
    "accuracy",
    "fits",
    "lines",
    "line_systematics",
    "calibration",
    "edges",
    "arc",
    "arc_fits",
    "survey",
    "stamps",
    "line_survey",
    "correlated",
    "large_noise",
    "fields",
    "field_calibration",
    "realistic",
    "clumps",
    "criticism",
    "forecasts",
    "kinematics",
    "inclination",
    "hard",
    "killed",
)


def main() -> None:
    """Run the checks asked for and write their tables, row by row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS) + "; all if left out"
    )
    parser.add_argument("--out", type=Path, default=Path("validation"))
    parser.add_argument(
        "--count", type=int, help="fits, draws or simulations, instead of each check's own number"
    )
    arguments = parser.parse_args()
    # argparse would hold a list of defaults against the choices as if it were one of them.
    if unknown := set(arguments.checks) - set(CHECKS):
        parser.error(f"unknown check {', '.join(sorted(unknown))}; choose from {', '.join(CHECKS)}")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    for check in arguments.checks or CHECKS:
        rows = []
        for row in import_module(f"validation.{check}").rows(arguments.count):
            rows.append(row)
            print(
                {
                    name: float(f"{value:.4g}") if isinstance(value, float) else value
                    for name, value in row.items()
                },
                flush=True,
            )
            with whole_file(arguments.out / f"{check}.ecsv") as part:
                table = Table(rows=rows, meta={"commit": commit})
                table.write(part, format="ascii.ecsv")
        if draw := getattr(import_module("validation.plots"), check, None):
            draw(table, arguments.out)


if __name__ == "__main__":
    main()
