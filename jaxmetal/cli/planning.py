"""The command that plans an observation: the errors that a fit is going to have."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmetal.errors import InputError

if TYPE_CHECKING:
    from astropy.table import Table

# The files in the folder of a forecast.
TABLE, FIGURE = "forecast.ecsv", "forecast.png"


def add(command: Callable[..., argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command to the command line.

    Parameters
    ----------
    command
        called with (function, name, help), and returns the parser of a new command.

    Returns
    -------
    parser
        of the command, without the options of its folder.
    """
    text = "Tell the errors to expect of a fit, as a function of seeing, pixels, exposure, ..."
    planning = command(_forecast, "forecast", text, needs="io.forecasts")
    planning.add_argument(
        "config", metavar="CONFIG", type=Path, help="of maps, or with a part simulate"
    )
    planning.add_argument(
        "--set",
        metavar="PATH=VALUE",
        action="append",
        default=[],
        help="a value in the place of CONFIG's; may be repeated",
    )
    planning.add_argument(
        "--vary",
        metavar="PATH=VALUES",
        action="append",
        default=[],
        help="values one after the other, such as simulate.psf.gaussian.fwhm=0.3,0.7,1.5 or "
        "exposure=1,4; all combinations if repeated",
    )
    planning.add_argument(
        "--of",
        metavar="PATH",
        action="append",
        default=[],
        help="a parameter whose error is wanted; all if left out; may be repeated",
    )
    planning.add_argument(
        "--error",
        metavar="PATH=VALUE",
        help="the exposure that this error asks for, relative to CONFIG's",
    )
    return planning


def _forecast(arguments: argparse.Namespace) -> None:
    from jaxmetal.io.changes import changes_of
    from jaxmetal.io.forecasts import forecast_table
    from jaxmetal.io.results import check_free

    if arguments.out is not None:
        check_free(arguments.out, arguments.overwrite)
    variations = {
        path: values if isinstance(values, list) else [values]
        for path, values in changes_of(map(_listed, arguments.vary), "--vary").items()
    }
    changes = changes_of(arguments.set)
    table = forecast_table(
        arguments.config, variations, changes, arguments.of, _wanted(arguments.error)
    )
    print("\n".join(_lines(table)))
    if arguments.out is not None:
        _write(arguments.out, arguments.overwrite, table, list(variations))


def _listed(text: str) -> str:
    """PATH=1,2,3 as PATH=[1,2,3], which YAML reads as a list."""
    path, equals, values = text.partition("=")
    return text if values.startswith("[") else f"{path}{equals}[{values}]"


def _wanted(text: str | None) -> tuple[str, float] | None:
    """The parameter and the error of --error."""
    if text is None:
        return None
    path, _, value = text.partition("=")
    try:
        error = float(value)
    except ValueError:
        error = 0.0
    if not (path and error > 0):
        example = "disc.metallicity.gradient=0.01"
        raise InputError(f"--error: expected PATH=VALUE, such as {example}, got {text!r}.")
    return path, error


def _lines(table: "Table") -> list[str]:
    """The table as text: as rows if anything varies, else a line for each number."""
    if len(table) == 1:
        width = max(map(len, table.colnames))
        return [f"{name:<{width}}  {_text(table[name][0])}" for name in table.colnames]
    texts = [table.colnames, *([_text(cell) for cell in row] for row in table.iterrows())]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    return [
        "  ".join(f"{text:>{width}}" for text, width in zip(row, widths, strict=True))
        for row in texts
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _write(out: Path, overwrite: bool, table: "Table", varied: list[str]) -> None:
    """The table, and a figure if anything varies, in a folder."""
    from jaxmetal.io.results import whole_folder
    from jaxmetal.view.forecast import forecast_figure
    from jaxmetal.view.save import save_figure

    with whole_folder(out, overwrite) as folder:
        table.write(folder / TABLE, format="ascii.ecsv")
        if len(table) > 1:
            save_figure(forecast_figure(table, varied), folder / FIGURE)
    print(f"written to {out}")
