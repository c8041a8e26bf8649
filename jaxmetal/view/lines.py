"""Figures of a fit to emission lines: all lines at once, and the diagnostic diagram."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.ticker import MaxNLocator

from jaxmetal.emission import WAVELENGTHS, parts_of
from jaxmetal.errors import InputError
from jaxmetal.inference.fit import Fit
from jaxmetal.maps import Map
from jaxmetal.science.classification import kauffmann03, kewley01
from jaxmetal.view import style
from jaxmetal.view.frames import draw_map, draw_marks, window_of
from jaxmetal.view.maps import chosen_map, colours_of, residual_limits

# Inches of a panel with its colour bar.
PANEL = 2.1
# Lines of the diagnostic diagram.
DIAGRAM = ("NII6584", "Ha", "OIII5007", "Hb")
# Pixels fainter than this part of the brightest one in Ha are left out of the diagram.
FAINTEST = 0.01


def lines_of(fit: Fit) -> dict[str, str]:
    """{map: its line, or the first of a sum} of the maps of line fluxes, from blue to red.

    Parameters
    ----------
    fit
        what `optimise` gave.
    """
    lines = {n: parts_of(m.light)[0][0] for n, m in fit.maps.items() if m.is_flux}
    known = {name: line for name, line in lines.items() if line in WAVELENGTHS}
    return dict(sorted(known.items(), key=lambda item: WAVELENGTHS[item[1]]))


@style.styled
def lines_figure(fit: Fit, names: Sequence[str] | None = None) -> style.Figure:
    """Data, model and residual of every line, a row for each.

    Parameters
    ----------
    fit
        what `optimise` gave.
    names
        of maps, in the order of the rows; all maps of lines, from blue to red, if left out.

    Returns
    -------
    figure
        three panels in a row. Data and model of a row share a colour scale.

    Raises
    ------
    InputError
        for a name that the fit does not have, or if it has no maps of lines.
    """
    names = list(lines_of(fit)) if names is None else list(names)
    if not names:
        raise InputError("lines_figure: the fit has no map of a line.")
    maps = {name: chosen_map(fit, name, "lines_figure") for name in names}
    residuals = fit.without_scatter.residuals
    figure = style.new_figure(3 * PANEL + 1.4, len(names) * PANEL + 0.3)
    rows = figure.subplots(len(names), 3, squeeze=False)
    for axes, (name, one_map) in zip(rows, maps.items(), strict=True):
        _draw_row(figure, list(axes), one_map, np.asarray(fit.predicted[name]), residuals[name])
        axes[0].set_ylabel(f"{name}\ny [arcsec]")
    for axes, title in zip(rows[0], ("data", "model", r"(data $-$ model) / $\sigma$"), strict=True):
        axes.set_title(title)
    for axes in rows[-1]:
        axes.set_xlabel("x [arcsec]")
    return figure


def _draw_row(
    figure: style.Figure,
    axes: Sequence[Axes],
    one_map: Map,
    predicted: np.ndarray,
    residual: np.ndarray,
) -> None:
    grid, valid = one_map.instrument.grid, np.where(one_map.valid, 1.0, np.nan)
    data, model = (one_map.image(valid * values) for values in (one_map.data, predicted))
    error = one_map.instrument.image(valid * residual)
    colours, norm = colours_of(one_map, data, model)
    window = window_of(grid, np.isfinite(data))
    of_residual = (style.RESIDUAL, Normalize(*residual_limits(error)))
    kinds = [(data, colours, norm), (model, colours, norm), (error, *of_residual)]
    for panel, (image, palette, scale) in zip(axes, kinds, strict=True):
        mesh = draw_map(panel, grid, image, palette, scale, window)
        style.tidy(panel)
        panel.set_xlabel("")
        panel.set_ylabel("")
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
        if panel is not axes[0]:
            bar = style.tidy(figure.colorbar(mesh, ax=panel, fraction=0.05, pad=0.02).ax)
            if isinstance(scale, AsinhNorm):
                bar.set_yticks(*style.light_ticks(scale, PANEL))
                bar.set_yticks([], minor=True)
    draw_marks(axes[0], one_map)


@style.styled
def diagram_figure(fit: Fit) -> style.Figure:
    """The diagnostic diagram of [NII]/Ha and [OIII]/Hb: the model's pixels, without noise.

    The pixels of the data are drawn faintly where all four fluxes are positive: a cut there is one
    by signal to noise.

    Parameters
    ----------
    fit
        of maps of the four lines with one number of pixels.

    Returns
    -------
    figure
        one panel.

    Raises
    ------
    InputError
        if a line is missing, or the maps differ in shape.

    References
    ----------
    Baldwin, Phillips & Terlevich (1981), PASP 93, 5.
    """
    if not has_diagram(fit):
        raise InputError(f"diagram_figure: needs maps of {', '.join(DIAGRAM)} of one shape.")
    names = _maps_of_diagram(fit)
    maps = [fit.maps[name] for name in names]
    model = [np.asarray(fit.predicted[name], float) for name in names]
    halpha = model[1]
    bright = halpha > FAINTEST * np.nanmax(halpha)
    for one_map in maps:
        bright &= np.asarray(one_map.valid)
    figure = style.new_figure(4.6, 3.8)
    axes = style.tidy(figure.subplots())
    axes.scatter(
        *_ratios([np.asarray(m.data, float) for m in maps], bright),
        s=4,
        color=style.FAINT,
        alpha=0.4,
        linewidths=0,
        label="data, positive fluxes",
    )
    x, y = _ratios(model, bright)
    colour = np.log10(halpha[bright & np.all([f > 0 for f in model], axis=0)])
    points = axes.scatter(x, y, s=8, c=colour, cmap=style.LIGHT, linewidths=0, label="model")
    figure.colorbar(points, ax=axes, label="log10 of the model's Ha")
    _draw_curves(axes)
    axes.set(xlabel="log [NII]6584 / Ha", ylabel="log [OIII]5007 / Hb")
    axes.set_xlim(min(np.median(x) - 0.8, -1.2), max(np.median(x) + 0.8, 0.4))
    axes.set_ylim(min(np.median(y) - 0.8, -1.2), max(np.median(y) + 0.8, 1.2))
    axes.legend(loc="lower left", frameon=False)
    return figure


def has_diagram(fit: Fit) -> bool:
    """Whether there are maps of all lines of the diagnostic diagram, of one shape.

    Parameters
    ----------
    fit
        what `optimise` gave.
    """
    names = _maps_of_diagram(fit)
    shapes = {fit.maps[name].values.shape for name in names}
    return len(names) == len(DIAGRAM) and len(shapes) == 1


def _maps_of_diagram(fit: Fit) -> list[str]:
    """The maps of single lines of the diagram, in its order; fewer where one is missing."""
    single = {
        line: name
        for name, line in lines_of(fit).items()
        if len(parts_of(fit.maps[name].light)) == 1
    }
    return [single[line] for line in DIAGRAM if line in single]


def _draw_curves(axes: Axes) -> None:
    x = np.linspace(-2.2, 0.45, 200)
    curves = {"Kewley+ 2001": (kewley01, "-"), "Kauffmann+ 2003": (kauffmann03, "--")}
    for name, (curve, dashes) in curves.items():
        y = np.asarray(curve(x), float)
        axes.plot(x, np.where(y > -1.5, y, np.nan), dashes, color=style.INK, lw=1, label=name)


def _ratios(fluxes: Sequence[np.ndarray], chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log10 of the two ratios where all four fluxes are positive."""
    positive = chosen & np.all([flux > 0 for flux in fluxes], axis=0)
    nii, halpha, oiii, hbeta = (np.log10(flux[positive]) for flux in fluxes)
    return nii - halpha, oiii - hbeta
