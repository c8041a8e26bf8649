"""What a posterior shows of itself: a page in a notebook, a corner plot, a table."""

from collections.abc import Mapping
from typing import Any

from jaxmetal.inference.tables import Summary
from jaxmetal.shown import as_html, shown


class PosteriorViews:
    """The methods of a posterior that show it."""

    _repr_html_ = as_html

    def summary(self) -> Summary:
        """A row of statistics for each parameter."""
        raise NotImplementedError

    def plot_corner(self, truths: Mapping[str, float] | None = None, ax: Any = None) -> Any:
        """Draw histograms of all parameters, and the regions of each pair.

        Parameters
        ----------
        truths
            {path: value} to compare with.
        ax
            an array of axes of matplotlib, shape (n, n) for n parameters; a new figure if left out.

        Returns
        -------
        figure or axes
            the figure without `ax`, else the axes.

        Raises
        ------
        InputError
            for another number of axes than the posterior has parameters.
        """
        return shown("quick.plot_corner", self, truths, ax)

    def to_table(self) -> Any:
        """The summary as an astropy Table, which `to_pandas` turns into a data frame."""
        return self.summary().to_table()
