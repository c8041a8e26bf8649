"""The output of each figure: an image, and a table of our numbers beside the expected ones."""

import subprocess
from pathlib import Path

from astropy.table import Table
from matplotlib.figure import Figure
from PIL import Image

from jaxmetal.files import whole_file
from jaxmetal.view.save import save_figure


def commit() -> str:
    """The commit that the numbers are made from, marked where the code has changed since."""
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
        "--exclude=*",
    ]
    return (
        subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        or "unknown"
    )


# Once, when the code is loaded: what is committed while it runs has no part in the numbers.
COMMIT = commit()


def _shrink(path: Path) -> None:
    """Save the same image with a palette of 256 colours, a third as large."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256)
    with whole_file(path) as part:
        small.save(part, optimize=True)


def write(out: Path, name: str, rows: list[dict], figure: Figure | None = None, **meta) -> None:
    """Write name.ecsv and name.png, and print the table.

    Parameters
    ----------
    out
        folder.
    name
        of the files.
    rows
        one dictionary a row, all with the same keys.
    figure
        to save, if there is one.
    meta
        what to know about the table, beside its commit.
    """
    table = Table(rows=rows, meta={"commit": COMMIT, **meta})
    for column in table.itercols():
        if column.dtype.kind == "f":
            column.info.format = ".5g"
    with whole_file(out / f"{name}.ecsv") as part:
        table.write(part, format="ascii.ecsv")
    if figure is not None:
        save_figure(figure, out / f"{name}.png")
        _shrink(out / f"{name}.png")
    print(f"\n{name}", *table.pformat(max_lines=-1, max_width=-1), sep="\n", flush=True)
