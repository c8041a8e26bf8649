"""Figure of a forecast: errors to expect against what varies."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from jaxmetal.errors import InputError
from jaxmetal.view import style

# Panels of a figure, and of a row of it; inches of each.
PANELS, COLUMNS = 9, 3
WIDTH, HEIGHT = 3.6, 2.9
# Ticks of a decade of a logarithmic axis.
TICKS = (1.0, 2.0, 5.0)
# Numbers whose largest is more than this many times the smallest have a logarithmic axis.
RATIO = 3.0


@style.styled
def forecast_figure(table: Any, varied: Sequence[str]) -> Figure:
    """The expected error of each parameter against the first value that varies.

    Parameters
    ----------
    table
        an astropy Table of `io.forecasts.forecast_table`, with more than one row.
    varied
        the columns that vary: the first is the horizontal axis, every combination of the others is
        a curve.

    Returns
    -------
    figure
        a panel for each column that does not vary, nine at most.

    Raises
    ------
    InputError
        if the first column that varies has no numbers.
    """
    across, others = varied[0], list(varied[1:])
    if table[across].dtype.kind != "f":
        raise InputError(f"forecast_figure: expected numbers in {across}, got texts.")
    names = [name for name in table.colnames if name not in varied][:PANELS]
    columns = min(len(names), COLUMNS)
    rows = -(-len(names) // columns)
    figure = style.new_figure(WIDTH * columns, HEIGHT * rows)
    for i, name in enumerate(names):
        axes = style.tidy(figure.add_subplot(rows, columns, i + 1))
        for colour, (label, part) in zip(_colours(), _curves(table, others), strict=False):
            order = np.argsort(part[across])
            x, y = (np.asarray(part[column], float)[order] for column in (across, name))
            axes.plot(x, y, "o-", ms=3.5, lw=1.3, color=colour, label=label)
        _finish(axes, across, name)
        if others and i == 0:
            axes.legend(frameon=False)
    return figure


def _colours() -> Iterator[str]:
    """The colours of curves, again from the first when there are no more."""
    while True:
        yield from style.CHAINS


def _curves(table: Any, others: list[str]) -> Iterator[tuple[str, Any]]:
    """The rows of each combination of the other columns that vary, with its label."""
    combinations = dict.fromkeys(zip(*(table[name].tolist() for name in others), strict=True))
    if not others:
        yield "", table
    for values in combinations:
        chosen = np.ones(len(table), bool)
        for name, value in zip(others, values, strict=True):
            chosen &= np.asarray(table[name]) == value
        parts = (
            f"{name.rpartition('.')[2]} {value:g}" if isinstance(value, float) else str(value)
            for name, value in zip(others, values, strict=True)
        )
        yield ", ".join(parts), table[chosen]


def _finish(axes: Axes, across: str, name: str) -> None:
    """Labels, and logarithmic axes for numbers of different sizes."""
    axes.set_xlabel(across)
    axes.set_title(name)
    limits = (axes.xaxis, axes.dataLim.intervalx), (axes.yaxis, axes.dataLim.intervaly)
    for axis, (low, high) in limits:
        if low > 0 and high > RATIO * low:
            getattr(axes, f"set_{axis.axis_name}scale")("log")
            axis.set_major_locator(LogLocator(subs=TICKS))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
