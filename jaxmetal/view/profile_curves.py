"""The curves and points of a radial profile, each with its entry in the legend."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from jaxmetal.errors import InputError
from jaxmetal.maps import Map
from jaxmetal.science import baselines
from jaxmetal.view import style
from jaxmetal.view.radial import Curve

# Largest deviation from a straight line, as a fraction of the profile's range, of a profile whose
# slope is called gradient and not mean gradient.
STRAIGHT = 0.02


def draw_data(
    axes: Axes,
    one_map: Map,
    radius: np.ndarray,
    values: np.ndarray,
    edges: Curve,
    label: str = "annuli: median, 16 to 84 %",
) -> baselines.Annuli:
    """Draw the pixels of a map, or what follows from their values, and annuli; gives the annuli."""
    dots: dict[str, Any] = {
        "color": style.FAINT,
        "markersize": 3,
        "markeredgewidth": 0,
        "linestyle": "none",
        "marker": ".",
    }
    alpha = float(np.clip(600 / np.isfinite(radius).sum(), 0.1, 0.6))
    axes.plot(radius.ravel(), values.ravel(), **dots, alpha=alpha, rasterized=True)
    # The legend shows an opaque dot, because one as faint as in the figure would be invisible.
    axes.plot([], [], **dots, label=one_map.instrument.measurements)
    annuli = baselines.annuli(radius, values, edges)
    bars = np.stack([annuli.median - annuli.p16, annuli.p84 - annuli.median])
    bar: dict[str, Any] = {
        "fmt": "s",
        "color": style.INK,
        "markersize": 3.5,
        "elinewidth": 0.9,
        "zorder": 4,
    }
    axes.errorbar(annuli.radius, annuli.median, bars, **bar, label=label)
    return annuli


def draw_naive(
    axes: Axes,
    tracer_map: Map,
    radius: np.ndarray,
    radii: Curve,
    per: str,
    name: str = "naive line",
) -> Curve:
    """Draw the line through the pixels, with the weights of the fit but without the PSF."""
    try:
        naive = baselines.wls(radius, tracer_map.data, tracer_map.total_errors())
    except InputError:
        # Too few pixels for a line: the figure is drawn without it.
        return np.full(radii.shape, np.nan)
    label = f"{name}: {style.number(naive.gradient, naive.gradient_error)} {per}"
    line = naive.central + naive.gradient * radii
    axes.plot(
        radii, line, color=style.ORANGE, linewidth=1.6, linestyle=(0, (7, 2)), label=label, zorder=5
    )
    return line


def draw_fit(axes: Axes, radii: Curve, best: Curve, samples: list[Curve], per: str) -> None:
    """Draw the intrinsic profile, with its gradient."""
    label = f"forward-modelled: {_gradient(radii, best, samples)} {per}"
    draw_band(axes, radii, best, samples, label)


def draw_band(axes: Axes, radii: Curve, best: Curve, samples: list[Curve], label: str) -> None:
    """Draw a curve, with the band that holds the middle 68 % of the draws."""
    finite = np.isfinite(samples).any(axis=0) if samples else np.zeros(radii.shape, bool)
    if finite.any():
        low, high = np.nanpercentile(np.array(samples)[:, finite], [16, 84], axis=0)
        axes.fill_between(
            radii[finite], low, high, color=style.BLUE, alpha=0.25, linewidth=0, zorder=5
        )
    axes.plot(
        radii,
        best,
        color=style.BLUE,
        linewidth=1.6,
        zorder=6,
        label=label,
    )


def draw_blurred(axes: Axes, annuli: baselines.Annuli) -> None:
    """Draw the annuli that the fit predicts for the data."""
    marks: dict[str, Any] = {
        "marker": "o",
        "markersize": 5.5,
        "markerfacecolor": "white",
        "markeredgewidth": 1.2,
    }
    label = "fit through the PSF: compare with squares"
    axes.plot(
        annuli.radius,
        annuli.median,
        color=style.BLUE,
        linewidth=1.4,
        linestyle=":",
        zorder=3.5,
        label=label,
        **marks,
    )


def draw_truth(axes: Axes, radii: Curve, curve: Curve, label: str) -> None:
    """Draw the intrinsic profile of a simulated galaxy."""
    axes.plot(
        radii,
        curve,
        color=style.INK,
        linestyle=(0, (5, 4)),
        linewidth=1.0,
        zorder=7,
        label=label,
    )


def truth_label(radii: Curve, curve: Curve, per: str) -> str:
    """The entry of the legend with the gradient of a simulated galaxy."""
    return f"truth: {_gradient(radii, curve, [])} {per}"


def _gradient(radii: Curve, curve: Curve, samples: list[Curve]) -> str:
    """The slope of a curve and its error from the draws as text; "mean" if it is not straight."""
    line = baselines.ols(radii, curve)
    slopes = [
        baselines.ols(radii, sample).gradient for sample in samples if np.all(np.isfinite(sample))
    ]
    error = float(np.std(slopes, ddof=1)) if len(slopes) > 1 else 0.0
    bend = np.nanmax(np.abs(curve - line.central - line.gradient * radii))
    mean = "" if bend <= STRAIGHT * (np.nanmax(curve) - np.nanmin(curve)) + 1e-4 else "mean "
    return mean + style.number(line.gradient, error)
