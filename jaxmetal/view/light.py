"""The figure of a model's light, which weights the tracer in every pixel."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Bool
from matplotlib.lines import Line2D

from jaxmetal.errors import InputError
from jaxmetal.forward import intrinsic, predict
from jaxmetal.forward.views import predict_compiled
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fit import Fit
from jaxmetal.instrument.grid import Grid
from jaxmetal.maps import LightMap, Map
from jaxmetal.view import style
from jaxmetal.view.frames import (
    Window,
    bar_axes,
    draw_map,
    draw_marks,
    few_ticks,
    half_light,
    panels,
    window_of,
)
from jaxmetal.view.maps import RING, chosen_map, draw_bar, shared_norm

# Fractions of the light inside the contours, and their line styles.
PARTS: dict[float, Literal["solid", "dashed"]] = {0.5: "solid", 0.9: "dashed"}
# Inches below the colour bar, for the legend.
FOOT = 0.5


@style.styled
def light_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """The light that carries the tracer of one of a fit's maps: as it is, and through the PSF.

    The light is the weight of the tracer in each pixel, whether it was fitted or fixed.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map in the model.
    unit
        of the flux per pixel, for the label.

    Returns
    -------
    figure
        two panels in a row.

    Raises
    ------
    InputError
        for a name that the fit does not have, or a map of light.
    """
    tracer_map = chosen_map(fit, name, "light_figure")
    if tracer_map.tracer is None:
        raise InputError(
            f"light_figure: {name!r} is a map of light; the light is shown for a tracer map."
        )
    blank = _blank(tracer_map)
    carriers = carriers_of(fit.galaxy, tracer_map.tracer)
    views = intrinsic(carriers, blank), _through_psf(carriers, blank)
    sharp, convolved = (blank.image(np.asarray(view, float)) for view in views)
    grid = tracer_map.instrument.grid
    window = window_of(grid, np.isfinite(tracer_map.image(tracer_map.data)))
    # Colours and contours are those of the light in the window.
    sharp, convolved = (
        np.where(_inside(grid, window), image, np.nan) for image in (sharp, convolved)
    )
    norm = shared_norm(True, np.full(sharp.shape, np.nan), convolved, convolved, sharp)
    text = f"light that carries the {tracer_map.tracer}: {described(fit, tracer_map.tracer)}"
    head = 0.2 * (1 + len(text) // 70)
    figure, axes, width = panels(grid, window, 2, FOOT, head)
    titles = ("the model's light, without PSF", "the same, through the PSF")
    meshes = []
    for panel, title, image in zip(axes, titles, (sharp, convolved), strict=True):
        panel.set_title(title, fontsize=style.TEXT)
        meshes.append(draw_map(panel, grid, image, style.LIGHT, norm, window))
        few_ticks(panel, width, style.height(panel))
    _draw_contours(axes[1], grid, convolved)
    draw_marks(axes[1], tracer_map)
    draw_bar(figure, meshes[0], bar_axes(figure, 0, 1, width, FOOT), style.quantity(blank, unit))
    figure.legend(handles=_handles(tracer_map), loc="lower center", ncols=2, frameon=False)
    style.headline(figure, style.wrapped(figure, text))
    return figure


def carriers_of(galaxy: Galaxy, tracer: str) -> Galaxy:
    """The components that carry a tracer, behind the same lenses."""
    components: dict[str, Any] = {
        name: component
        for name, component in galaxy.components.items()
        if tracer in component.tracers
    }
    return Galaxy(lens=galaxy.lens, **components)


def described(fit: Fit, tracer: str) -> str:
    """The components that carry a tracer, with the free parameters of their light, as text."""
    texts = []
    for name, component in fit.galaxy.components.items():
        if tracer not in component.tracers:
            continue
        free = [
            path.removeprefix(f"{name}.light.")
            for path in fit.parameters
            if path.startswith(f"{name}.light.")
        ]
        names = ", ".join(profile.name for profile in component.lights.values())
        texts.append(
            f"{name} ({names}, {'fitted: ' + ', '.join(free) if free else 'known, not fitted'})"
        )
    return "; ".join(texts)


def _through_psf(galaxy: Galaxy, blank: LightMap) -> Any:
    """The light through the PSF, with the sampling of the fit if the instrument has one."""
    if blank.instrument.sampling is None:
        return predict(galaxy, blank)
    return predict_compiled(galaxy, {"light": blank})["light"]


def _blank(tracer_map: Map) -> LightMap:
    """A light map of zeros with the instrument and the light of another map."""
    instrument = tracer_map.instrument
    return LightMap(np.zeros(instrument.shape), 1.0, instrument, light=tracer_map.light)


def _inside(grid: Grid, window: Window) -> Bool[np.ndarray, "ny nx"]:
    """Which pixels have their centres in a window."""
    x, y = (np.asarray(c, float) for c in grid.coordinates)
    return (x >= window.left) & (x <= window.right) & (y >= window.bottom) & (y <= window.top)


def _draw_contours(axes: Any, grid: Any, image: np.ndarray) -> None:
    """Draw the contours that hold the fractions PARTS of the light in the image."""
    fluxes = np.sort(np.clip(image[np.isfinite(image)], 0.0, None))[::-1]
    if not fluxes.size or not fluxes.sum() > 0:
        return
    inside = np.cumsum(fluxes) / fluxes.sum()
    x, y = (np.asarray(c, float) for c in grid.coordinates)
    finite_image = np.nan_to_num(image, nan=0.0)
    for part, line in PARTS.items():
        level = fluxes[min(int(np.searchsorted(inside, part)), fluxes.size - 1)]
        if finite_image.min() < level < finite_image.max():
            axes.contour(
                x, y, finite_image, levels=[level], colors="white", linestyles=line, linewidths=1.0
            )


def _handles(tracer_map: Map) -> list[Any]:
    """The entries of the legend: the contours, and the PSF's circle."""
    circle = Line2D([], [], **RING, label="PSF: half of its light is inside")
    # The contours are white on the image, but dark in the legend on white paper.
    lines = [
        Line2D(
            [],
            [],
            color=style.INK,
            linewidth=1.0,
            linestyle=line,
            label=f"{100 * part:.0f} % of the light is inside",
        )
        for part, line in PARTS.items()
    ]
    return lines + [circle] * (half_light(tracer_map) > 0)
