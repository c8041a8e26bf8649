"""The figures, the table and the model comparison of Metha et al. (2024), each as a picture and a table of numbers.

    python scripts/reproduce_paper.py --figure 4 --out paper
    python scripts/reproduce_paper.py --all

Where the paper and its tutorial disagree, both readings are run and named in the table.
"""

import argparse
from pathlib import Path

from paper import clumps, gradients, sizes, toy_galaxies

FIGURES = {
    1: toy_galaxies.figure_1, 2: toy_galaxies.figure_2, 3: gradients.figure_3, 4: sizes.figure_4, 5: clumps.figure_5, 6: clumps.figure_6
}  # fmt: skip


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
    wanted = parser.parse_args()
    if not (wanted.all or wanted.figure or wanted.table or wanted.bic):
        parser.error("nothing asked for: give --figure, --table, --bic or --all")
    for number in FIGURES if wanted.all else wanted.figure:
        FIGURES[number](wanted.out)
    if wanted.all or wanted.table:
        clumps.table_1(wanted.out)
    if wanted.all or wanted.bic:
        clumps.bic(wanted.out)


if __name__ == "__main__":
    main()
