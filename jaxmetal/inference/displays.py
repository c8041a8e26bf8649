"""What results show of themselves: functions that `Fit` and `Posterior` have as methods."""

from collections.abc import Mapping
from typing import Any

from jaxmetal.shown import shown


def to_table(result: Any) -> Any:
    """The summary as an astropy Table, which `to_pandas` turns into a data frame."""
    return result.summary().to_table()


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
