"""The figures, the table and the model comparison of Metha et al. (2024), with their numbers.

    python scripts/reproduce_paper.py --figure 4 --out paper
    python scripts/reproduce_paper.py --all

Where the paper and its tutorial disagree, both readings are run and named in the table.
"""

import argparse
from pathlib import Path

from paper import clumps, gradients, sizes, toy_galaxies

FIGURES = {
    1: toy_galaxies.figure_1,
    2: toy_galaxies.figure_2,
    3: gradients.figure_3,
    4: sizes.figure_4,
    5: clumps.figure_5,
    6: clumps.figure_6,
}


def main() -> None:
    """Make what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--figure", type=int, nargs="*", choices=list(FIGURES), default=[], help="which figures"
    )
    parser.add_argument(
        "--table", type=int, choices=[1], help="the recovered metallicities of use case 2"
    )
    parser.add_argument(
        "--bic",
        action="store_true",
        help="three clumps against one gradient, over many noise draws",
    )
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("paper"))
    options = parser.parse_args()
    if not (options.all or options.figure or options.table or options.bic):
        parser.error("nothing asked for: give --figure, --table, --bic or --all")
    for number in FIGURES if options.all else options.figure:
        FIGURES[number](options.out)
    if options.all or options.table:
        clumps.table_1(options.out)
    if options.all or options.bic:
        clumps.bic(options.out)


if __name__ == "__main__":
    main()
