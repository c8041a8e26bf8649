"""Single panels for users' own figures: a map, a map of a fit, a corner plot into given axes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize

from jaxmetal.errors import InputError, unknown
from jaxmetal.forward import intrinsic
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map
from jaxmetal.view import style
from jaxmetal.view.frames import draw_map, few_ticks, is_sky, window_of
from jaxmetal.view.maps import chosen_map, colours_of, map_figure, residual_limits
from jaxmetal.view.position_velocity import draw_position_velocity, position_velocity_figure
from jaxmetal.view.posterior import by_path, corner_figure, draw_corner, drawn, names
from jaxmetal.view.profile import profile_figure

# What a panel may show of a fit: maps, and a slit through two of them; a profile is no panel.
SLIT, PROFILE = "position-velocity", "profile"
PANELS = ("data", "model", "residual", "intrinsic", SLIT)
# Inches of a panel with its colour bar.
SIZE = 4.2, 3.6


def plot_map(one_map: Map, ax: Axes | None = None, unit: str | None = None) -> Axes:
    """The values of a map on the sky, with a colour bar.

    Parameters
    ----------
    one_map
        of light or of a tracer.
    ax, unit
        as for `Map.plot`.

    Returns
    -------
    axes
        that were drawn into.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> jm.view.plot_map(jm.examples.model().maps["z"], ax=axes) is axes
    True
    >>> plt.close(figure)
    """
    image = one_map.image(one_map.data)
    return _panel(one_map, image, colours_of(one_map, image), style.quantity(one_map, unit), ax)


def plot_fit(
    fit: Fit, name: str | None = None, ax: Axes | None = None, what: str = "residual"
) -> Any:
    """Data, model, residual and intrinsic map of a fit; one of them in given axes; or a profile.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name, ax, what
        as for `Fit.plot`.

    Returns
    -------
    figure or axes
        without `ax` a figure of four panels, of the slit or of the profile; else the axes.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import matplotlib.pyplot as plt
    >>> figure, axes = plt.subplots()
    >>> fit = jm.optimise(jm.examples.model())
    >>> jm.view.plot_fit(fit, "z", ax=axes, what="residual") is axes
    True
    >>> plt.close(figure)
    """
    if what == PROFILE:
        if ax is not None:
            raise InputError("Fit.plot: the profile is a figure of its own; leave ax out.")
        return profile_figure(fit, name)
    name = next(iter(fit.maps)) if name is None else name
    one_map = chosen_map(fit, name, "Fit.plot")
    if what not in PANELS:
        raise unknown("panel", what, (*PANELS, PROFILE), "Fit.plot")
    if ax is None:
        return position_velocity_figure(fit, name) if what == SLIT else map_figure(fit, name)
    if what == SLIT:
        draw_position_velocity(ax, fit, name)
        return ax
    valid = np.where(one_map.valid, 1.0, np.nan)
    if what == "residual":
        residual = one_map.instrument.image(valid * fit.residuals[name])
        colours = style.RESIDUAL, Normalize(*residual_limits(residual))
        return _panel(one_map, residual, colours, r"(data $-$ model) / $\sigma$", ax)
    values = {
        "data": lambda: one_map.data,
        "model": lambda: fit.predicted[name],
        "intrinsic": lambda: intrinsic(fit.galaxy, one_map),
    }[what]()
    image, data = (one_map.image(valid * numbers) for numbers in (values, one_map.data))
    return _panel(one_map, image, colours_of(one_map, data), style.quantity(one_map, None), ax)


def plot_corner(
    posterior: Posterior, truths: Mapping[str, float] | None = None, ax: Any = None
) -> Any:
    """Histograms of all parameters, and the regions of each pair.

    Parameters
    ----------
    posterior
        what `sample` gave.
    truths, ax
        as for `Posterior.plot_corner`.

    Returns
    -------
    figure or axes
        the figure without `ax`, else the axes.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import matplotlib.pyplot as plt
    >>> model = jm.examples.model()
    >>> posterior = jm.sample(model, jm.optimise(model), draws=200, seed=1)
    >>> figure, axes = plt.subplots(2, 2)
    >>> jm.view.plot_corner(posterior, ax=axes) is axes
    True
    >>> plt.close(figure)
    """
    if ax is None:
        return corner_figure(posterior, truths)
    axes, count = np.asarray(ax, dtype=object), min(len(posterior.flat), 10)
    axes = axes.reshape(1, 1) if axes.ndim == 0 else axes
    if axes.shape != (count, count):
        expected = f"expected axes of shape ({count}, {count})"
        raise InputError(f"Posterior.plot_corner: ax: {expected}, got {axes.shape}.")
    _corner_into(axes, posterior, truths)
    return ax


@style.styled
def _corner_into(grid: Any, posterior: Posterior, truths: Mapping[str, float] | None) -> None:
    """Draw a corner plot; the axes above the diagonal are hidden."""
    draws, _ = drawn(posterior, "plot_corner")
    draw_corner(grid, draws, by_path(truths, posterior, "plot_corner.truths"), names(list(draws)))
    for row in range(len(draws)):
        for column in range(row + 1, len(draws)):
            grid[row, column].set_axis_off()


@style.styled
def _panel(
    one_map: Map, image: np.ndarray, colours: tuple[str, Normalize], label: str, ax: Axes | None
) -> Axes:
    """An image in axes, with a colour bar beside it."""
    grid = one_map.instrument.grid
    if ax is None:
        ax = style.new_figure(*SIZE).add_subplot()
    mesh = draw_map(ax, grid, image, *colours, window_of(grid, np.isfinite(image)))
    few_ticks(ax, 3.0, 3.0)
    sky = is_sky(grid)
    ax.set_xlabel("x, east [arcsec]" if sky else "x [arcsec]")
    ax.set_ylabel("y, north [arcsec]" if sky else "y [arcsec]")
    figure: Any = ax.get_figure()
    bar = figure.colorbar(mesh, ax=ax, label=label)
    if isinstance(mesh.norm, AsinhNorm):
        ticks, labels = style.light_ticks(mesh.norm, SIZE[1])
        bar.set_ticks(ticks, labels=labels)
        bar.minorticks_off()
    return ax
