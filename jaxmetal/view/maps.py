"""The figure of one map of a fit: data, model, residual, and the intrinsic map without PSF."""

import textwrap
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from jaxmetal.errors import unknown
from jaxmetal.forward import intrinsic
from jaxmetal.inference.fit import Fit
from jaxmetal.maps import Map
from jaxmetal.science.kinematics import rotating
from jaxmetal.view import style
from jaxmetal.view.frames import (
    NARROWEST,
    bar_axes,
    corners,
    draw_map,
    draw_marks,
    few_ticks,
    half_light,
    is_sky,
    panels,
    window_of,
)

__all__ = [
    "chosen_map",
    "colours_of",
    "corners",
    "draw_bar",
    "draw_map",
    "is_sky",
    "map_figure",
    "quality",
    "shared_norm",
]

# The circle of the PSF in a legend.
RING: dict[str, Any] = {
    "marker": "o",
    "markerfacecolor": "none",
    "markeredgecolor": "black",
    "markersize": 8,
    "linestyle": "none",
}
# Inches that a letter of a label takes.
LETTER = 0.072
# Inches that a number at a tick takes, with the space around it.
NUMBER = 0.5
# Inches from one line of a label to the next.
LINE = 0.16
Image = Float[np.ndarray, "ny nx"]


@style.styled
def map_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """Data, model, residual and intrinsic map of one of a fit's maps.

    Apertures are drawn as the pixels that they cover. Data, model and intrinsic map share one
    colour scale. On a sky (a grid made from a WCS) east is to the left and north up, also if the
    camera was turned.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of the map in the model.
    unit
        of the values, for the labels; 12 + log(O/H) is known.

    Returns
    -------
    figure
        four panels in a row.

    Raises
    ------
    InputError
        for a name that the fit does not have.
    """
    one_map = chosen_map(fit, name, "map_figure")
    grid, valid = one_map.instrument.grid, np.where(one_map.valid, 1.0, np.nan)
    data, model, sharp = (
        one_map.image(valid * values)
        for values in (one_map.data, fit.predicted[name], intrinsic(fit.galaxy, one_map))
    )
    bare = fit.without_scatter
    residual = one_map.instrument.image(valid * bare.residuals[name])
    middle = systemic_velocity(fit, one_map)
    norms = [colours_of(one_map, data, model, sharp, middle=middle)] * 4
    norms[2] = style.RESIDUAL, Normalize(*residual_limits(residual))
    handles = _handles(one_map)
    window, label = window_of(grid, np.isfinite(data)), style.quantity(one_map, unit)
    # Labels of more than one line push the legend down.
    foot = 0.3 + LINE * (len(wrapped(label, NARROWEST)) - 1)
    figure, axes, width = panels(grid, window, 4, foot, 0.3 + 0.35 * (not fit.converged))
    titles = ("data", "model", "residual", "intrinsic, without PSF")
    meshes = []
    for panel, title, image, (colours, norm) in zip(
        axes, titles, (data, model, residual, sharp), norms, strict=True
    ):
        panel.set_title(title)
        meshes.append(draw_map(panel, grid, image, colours, norm, window))
        few_ticks(panel, width, style.height(panel))
    of_residual = r"(data $-$ model) / " + (
        r"measured $\sigma$" if float(one_map.scatter) > 0 else r"$\sigma$"
    )
    for mesh, first, last, text in (
        (meshes[0], 0, 1, label),
        (meshes[2], 2, 2, of_residual),
        (meshes[3], 3, 3, label),
    ):
        draw_bar(figure, mesh, bar_axes(figure, first, last, width, foot), text)
    draw_marks(axes[0], one_map)
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=2, frameon=False)
    style.headline(figure, quality(fit, name, unit), None if fit.converged else fit.message)
    return figure


def quality(fit: Fit, name: str, unit: str | None = None) -> str:
    """Chi-square per measurement of a map as text, with the measured errors and with a scatter."""
    one_map = fit.maps[name]
    with_errors, with_scatter = (
        one_fit.chi_square[name] / max(one_map.size, 1) for one_fit in (fit.without_scatter, fit)
    )
    measurement = one_map.instrument.measurements.removesuffix("s")
    text = f"\N{GREEK SMALL LETTER CHI}² per {measurement} {_chi(with_errors)}"
    if not float(one_map.scatter) > 0:
        return text
    size = float(one_map.scatter)
    scatter = (
        f"{100 * size:.2g} %"
        if one_map.is_flux
        else f"{size:.2g} {style.drawable(unit or '')}".strip()
    )
    return f"{text} with the measured errors, {_chi(with_scatter)} with the scatter of {scatter}"


def _chi(value: float) -> str:
    return f"{value:.2f}" if 0.05 <= value < 100 else f"{value:.3g}"


def residual_limits(residual: Image) -> tuple[float, float]:
    """The limits of the residuals' colours, at least 3 sigma."""
    sizes = np.abs(residual[np.isfinite(residual)])
    limit = max(3.0, float(np.percentile(sizes, 99))) if sizes.size else 3.0
    return -limit, limit


def chosen_map(fit: Fit, name: str, where: str) -> Map:
    """The fit's map of this name."""
    if name not in fit.maps:
        raise unknown("map", name, fit.maps, where)
    return fit.maps[name]


def colours_of(one_map: Map, *images: Image, middle: float | None = None) -> tuple[str, Normalize]:
    """One colour map and scale for data, model and intrinsic map.

    Parameters
    ----------
    one_map
        which map it is.
    images
        data, model and intrinsic map.
    middle
        the systemic velocity of a rotating disc, about which the colours diverge; red recedes.
    """
    light = one_map.is_flux
    norm = shared_norm(light, one_map.image(one_map.errors), *images)
    if middle is None:
        return style.LIGHT if light else style.TRACER, norm
    half = max(float(norm.vmax or 0.0) - middle, middle - float(norm.vmin or 0.0))
    return style.VELOCITY, Normalize(middle - half, middle + half)


def systemic_velocity(fit: Fit, one_map: Map) -> float | None:
    """The systemic velocity of what a map shows, if that is a rotating disc."""
    name = rotating(fit.galaxy, one_map.tracer or "")
    if name is None:
        return None
    return float(fit.galaxy.components[name].tracers[str(one_map.tracer)].systemic)


def shared_norm(
    light: bool, sigma: Image, data: Image, model: Image | None = None, sharp: Image | None = None
) -> Normalize:
    """One colour scale for the images of a map.

    Parameters
    ----------
    light
        whether they are light, whose scale is logarithmic above the noise.
    sigma
        of the data; NaN where it is unknown.
    data, model, sharp
        NaN where a pixel takes no part.
    """
    finite = np.isfinite(data)
    errors = sigma[finite & np.isfinite(sigma) & (sigma > 0)]
    ends = []
    if light:
        ends += _percentiles(data[finite], [0.5, 99.8])
    elif errors.size == finite.sum():
        # Weighted, so that noisy pixels do not widen the scale.
        ends += _percentiles(data[finite], [0.5, 99.5], sigma[finite])
    else:
        ends += _percentiles(data[finite], [0.5, 99.5])
    if model is not None and np.isfinite(model).any():
        ends += [np.nanmin(model), np.nanmax(model)]
    if sharp is not None and np.isfinite(sharp).any():
        ends += list(np.nanpercentile(sharp, [0.1, 99.9]))
    low, high = (float(min(ends)), float(max(ends))) if ends else (0.0, 1.0)
    return (
        style.light_norm(low, high, float(np.median(errors)) if errors.size else 0.0)
        if light
        else style.tracer_norm(low, high)
    )


def _percentiles(values: Any, percent: list[float], sigma: Any = None) -> list[float]:
    """Percentiles, with inverse-variance weights if there are errors; none of no values."""
    if not values.size:
        return []
    options: dict[str, Any] = {}
    if sigma is not None:
        options = {"weights": (sigma.min() / sigma) ** 2, "method": "inverted_cdf"}
    return list(np.percentile(values, percent, **options))


def draw_bar(figure: style.Figure, mesh: QuadMesh, axes: Axes, label: str) -> None:
    """Draw a colour bar, with a pointed end where values lie beyond it, and few enough ticks."""
    values: Any = mesh.get_array()
    norm = mesh.norm
    beyond = bool(values.min() < norm.vmin), bool(values.max() > norm.vmax)
    extend: Any = {
        (False, False): "neither",
        (True, False): "min",
        (False, True): "max",
        (True, True): "both",
    }[beyond]
    bar = figure.colorbar(mesh, cax=axes, orientation="horizontal", extend=extend, extendfrac=0.02)
    style.tidy(axes)
    width = axes.get_position().width * figure.get_size_inches()[0]
    # A long label would overlap that of the next bar.
    bar.set_label("\n".join(wrapped(label, width)))
    if isinstance(norm, AsinhNorm):
        axes.set_xticks(*style.light_ticks(norm, width))
        axes.set_xticks([], minor=True)
    else:
        axes.xaxis.set_major_locator(
            MaxNLocator(nbins=int(np.clip(width / NUMBER, 2, 7)), steps=[1, 2, 2.5, 5, 10])
        )


def wrapped(label: str, width: float) -> list[str]:
    """A label in lines that are no wider than a colour bar, inches; a formula stays in one."""
    return [label] if "$" in label else textwrap.wrap(label, int(width / LETTER))


def _handles(one_map: Map) -> list[Any]:
    """The entries of the legend: the PSF's circle, and masked pixels, if there are any."""
    circle = Line2D([], [], **RING, label="PSF: half of its light is inside")
    return [circle] * (half_light(one_map) > 0) + [style.masked_patch()] * (
        not np.all(np.isfinite(one_map.image(one_map.data)))
    )
