"""Figures of fits and posteriors; the only package that imports matplotlib.

Public are the three that draw into given axes, `ax=`, for users' own figures.
"""

from jaxmetal.view.quick import plot_corner, plot_fit, plot_map

__all__ = ["plot_corner", "plot_fit", "plot_map"]
