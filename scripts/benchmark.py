"""How fast, and how exact, beside lenstronomy: one command, both sides in turns in one process.

    python scripts/benchmark.py maps posterior cold clumps figure4 scaling memory users sersic
    python scripts/benchmark.py kinematics errors lines
    python scripts/benchmark.py --device gpu
    python scripts/benchmark.py --explain

maps       a map of use cases 1 and 2, its error, gradient and convolution, and lenstronomy's map
posterior  effective samples per second of use case 1: NUTS and importance sampling; the warm fit
cold       from starting Python to a posterior: without a cache, and in a second process with JAX's
           compilation cache filled
clumps     use case 2 with 24 free parameters, and emcee on lenstronomy's likelihood (ten minutes)
figure4    six hundred fits and posteriors in batches
scaling    cost against pixels, components and galaxies
memory     of a thousand galaxies at once
users      scenes as users have them: first and warm fit, gradient, posterior, memory
sersic     a Sersic fit of light alone, and pysersic's of the same image, where it is installed
kinematics velocity and dispersion of 72 × 77 pixels, ten free parameters, and emcee on the same
           likelihood, where it is installed
errors     correlated noise and random fields: Model, gradient, fit and posterior, and their growth
lines      the gradient of eight emission lines beside that of two
device     map, gradient, fits and posteriors against stamp and batch size; for --device gpu

Results are merged into scripts/benchmarks/latest.json, each item with its date, so that one can be
measured again alone. Seconds depend on the machine and on what else it does; ratios within an item
do not.
"""

import argparse
import datetime
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ITEMS = {
    "maps": ("maps", "rows"),
    "posterior": ("posteriors", "posterior"),
    "cold": ("posteriors", "cold"),
    "clumps": ("posteriors", "clumps"),
    "figure4": ("batches", "figure4"),
    "scaling": ("batches", "scaling"),
    "memory": ("batches", "memory"),
    "users": ("users", "users"),
    "sersic": ("sersic", "sersic"),
    "kinematics": ("kinematics", "kinematics"),
    "errors": ("errors", "errors"),
    "lines": ("lines", "lines"),
    "device": ("device", "device"),
}


def main() -> None:
    """Measure what is asked for, row by row, and write results and figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "items",
        nargs="*",
        metavar="ITEM",
        help=", ".join(ITEMS) + "; all but the device if left out",
    )
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="print what a map must cost at least, beside what it costs",
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="how many times the sides take turns"
    )
    parser.add_argument("--count", type=int, help="galaxies, instead of each item's own number")
    parser.add_argument(
        "--seconds", type=float, default=600.0, help="how long emcee is given in `clumps`"
    )
    parser.add_argument("--out", type=Path, default=HERE / "benchmarks" / "latest.json")
    options = parser.parse_args()
    # argparse would hold an empty list against the choices too.
    if unknown := set(options.items) - set(ITEMS):
        parser.error(f"unknown item {', '.join(sorted(unknown))}; choose from {', '.join(ITEMS)}")
    # Subprocesses must find the benchmarks and the package that this process has.
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    )
    os.environ["JAX_PLATFORMS"] = "cpu" if options.device == "cpu" else "cuda,cpu"
    if options.explain:
        from benchmarks.explain import explain

        return explain(options)
    options.compare = has_lenstronomy()
    for item in options.items or (
        ["device"] if options.device == "gpu" else [name for name in ITEMS if name != "device"]
    ):
        measure(item, options)


def measure(item: str, options: argparse.Namespace) -> None:
    """One item: its rows are printed as they come, and kept."""
    from importlib import import_module

    from benchmarks.plots import draw

    import jaxmetal
    from jaxmetal.files import whole_file

    module, function = ITEMS[item]
    rows: list[dict[str, Any]] = []
    for row in getattr(import_module(f"benchmarks.{module}"), function)(options):
        rows.append(row)
        print(
            f"{item}: "
            + ", ".join(f"{key} {short(value)}" for key, value in row.items() if key != "settings"),
            flush=True,
        )
        results = json.loads(options.out.read_text()) if options.out.exists() else {}
        results[item] = {
            "date": datetime.date.today().isoformat(),
            "jaxmetal": jaxmetal.__version__,
            "cores": os.cpu_count(),
            "rows": rows,
        }
        with whole_file(options.out) as part:
            part.write_text(json.dumps(results, indent=1) + "\n")
    draw(results, options.out.parent)


def short(value: Any) -> str:
    """A number in three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def has_lenstronomy() -> bool:
    """Whether the other side is there; without it only ours is measured."""
    from importlib.util import find_spec

    if find_spec("lenstronomy") is None:
        print(
            "lenstronomy is not installed (extra `compare`): measuring jaxmetal alone",
            file=sys.stderr,
        )
        return False
    return True


if __name__ == "__main__":
    main()
