"""What results show of themselves: functions that `Fit` and `Posterior` have as methods."""

from collections.abc import Mapping
from typing import Any

from jaxmetal.shown import shown


def to_table(result: Any) -> Any:
    """The summary as an astropy Table, which its own `to_pandas` turns into a data frame.

    Parameters
    ----------
    result
        a Fit, a Forecast or a Posterior.

    Returns
    -------
    table
        a row for each parameter, with its "unit": "" for a number without one, or where it is that
        of a map without a known unit.
    """
    table = result.summary().to_table()
    table.add_column([result.units[label] for label in table["parameter"]], 1, "unit")
    return table


def to_pandas(posterior: Any) -> Any:
    """The draws as a data frame of pandas.

    Parameters
    ----------
    posterior
        the draws.

    Returns
    -------
    frame
        a column for each parameter, and a row for each draw with its "chain" and "draw" as index.
        `frame.attrs["units"]` has the units by column.
    """
    import pandas

    chains, draws = next(iter(posterior.statistics.values())).shape
    index = pandas.MultiIndex.from_product([range(chains), range(draws)], names=["chain", "draw"])
    frame = pandas.DataFrame(posterior.flat, index=index)
    frame.attrs["units"] = posterior.units
    return frame


def plot_corner(posterior: Any, truths: Mapping[str, float] | None = None, ax: Any = None) -> Any:
    """Draw histograms of all parameters, and the regions of each pair.

    Parameters
    ----------
    posterior
        the draws.
    truths
        {path: value} to compare with.
    ax
        an array of axes of matplotlib, shape (n, n) for n parameters, such as `plt.subplots(n, n)`
        gives; a new figure if left out.

    Returns
    -------
    figure or axes
        the figure without `ax`, else the axes.

    Raises
    ------
    InputError
        for another number of axes than the posterior has parameters.
    """
    return shown("quick.plot_corner", posterior, truths, ax)
