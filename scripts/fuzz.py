"""Feed the package mutated configurations, FITS files, catalogues and survey folders.

    python scripts/fuzz.py [NAME ...] [--seconds 30] [--cases 0] [--seed 0]

Every case must end in a result or in readable lines, within 5 s of CPU and 1 GB, and what is known
to be nonsense must be refused. What is not is printed with the case's number, which --seed and
--only make again. The status is 1 if there is any.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fuzz import catalogues, configurations, fits_files, surveys
from fuzz.trials import Tally, run

FUZZERS = {
    "configurations": configurations.Cases,
    "fits": fits_files.Cases,
    "catalogues": catalogues.Cases,
    "surveys": surveys.Cases,
}


def fuzz(name: str, seconds: float, seed: int = 0, cases: int = 0, only: int = -1) -> Tally:
    """Run one of the fuzzers for some seconds, or some number of cases."""
    with tempfile.TemporaryDirectory() as folder:
        return run(FUZZERS[name](Path(folder)), seconds, seed, cases, only)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FUZZERS))
    parser.add_argument("--seconds", type=float, default=30.0, help="for each (30)")
    parser.add_argument("--cases", type=int, default=0, help="so many instead, however long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, default=-1, metavar="CASE", help="one case alone")
    arguments = parser.parse_args()
    failed = False
    for name in arguments.names or FUZZERS:
        tally = fuzz(name, arguments.seconds, arguments.seed, arguments.cases, arguments.only)
        print(f"{name}: {tally}", flush=True)
        failed |= bool(tally.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
