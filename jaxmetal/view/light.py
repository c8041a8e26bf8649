"""The light of a model: what weights everything that a tracer map shows."""

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

# The parts of all light inside the contours, and how they are drawn: told apart without colour.
PARTS: dict[float, Literal["solid", "dashed"]] = {0.5: "solid", 0.9: "dashed"}
# Inches below the colour bar, for the legend.
FOOT = 0.5


@style.styled
def light_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """The light that carries the tracer of one of a fit's maps: as it is, and through the PSF.

    What is bright decides what a pixel shows, so this picture is worth a look whether the light was
    fitted or known.

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
    sharp, blurred = (blank.image(np.asarray(view, float)) for view in views)
    grid = tracer_map.instrument.grid
    window = window_of(grid, np.isfinite(tracer_map.image(tracer_map.data)))
    # Colours and contours are those of what is shown, however bright the rest of the frame may be.
    sharp, blurred = (np.where(_inside(grid, window), image, np.nan) for image in (sharp, blurred))
    norm = shared_norm(True, np.full(sharp.shape, np.nan), blurred, blurred, sharp)
    told = f"light that carries the {tracer_map.tracer}: {described(fit, tracer_map.tracer)}"
    head = 0.2 * (1 + len(told) // 70)
    figure, axes, width = panels(grid, window, 2, FOOT, head)
    titles = ("the model's light, without PSF", "the same, through the PSF")
    meshes = []
    for one, title, image in zip(axes, titles, (sharp, blurred), strict=True):
        one.set_title(title, fontsize=style.TEXT)
        meshes.append(draw_map(one, grid, image, style.LIGHT, norm, window))
        few_ticks(one, width, style.height(one))
    _draw_contours(axes[1], grid, blurred)
    draw_marks(axes[1], tracer_map)
    draw_bar(figure, meshes[0], bar_axes(figure, 0, 1, width, FOOT), style.quantity(blank, unit))
    figure.legend(handles=_handles(tracer_map), loc="lower center", ncols=2, frameon=False)
    style.headline(figure, style.wrapped(figure, told))
    return figure


def carriers_of(galaxy: Galaxy, tracer: str) -> Galaxy:
    """The components that carry a tracer, behind the same lenses."""
    components: dict[str, Any] = {
        name: one for name, one in galaxy.components.items() if tracer in one.tracers
    }
    return Galaxy(lens=galaxy.lens, **components)


def described(fit: Fit, tracer: str) -> str:
    """The components whose light it is, and which of their parameters were free."""
    told = []
    for name, component in fit.galaxy.components.items():
        if tracer not in component.tracers:
            continue
        free = [
            path.removeprefix(f"{name}.light.")
            for path in fit.parameters
            if path.startswith(f"{name}.light.")
        ]
        names = ", ".join(profile.name for profile in component.lights.values())
        told.append(
            f"{name} ({names}, {'fitted: ' + ', '.join(free) if free else 'known, not fitted'})"
        )
    return "; ".join(told)


def _through_psf(galaxy: Galaxy, blank: LightMap) -> Any:
    """The light as a fit computes it; a sampling that is chosen already is not judged again."""
    if blank.instrument.sampling is None:
        return predict(galaxy, blank)
    return predict_compiled(galaxy, {"light": blank})["light"]


def _blank(tracer_map: Map) -> LightMap:
    """A light map without content, of the light and on the instrument of another map."""
    instrument = tracer_map.instrument
    return LightMap(np.zeros(instrument.shape), 1.0, instrument, light=tracer_map.light)


def _inside(grid: Grid, window: Window) -> Bool[np.ndarray, "ny nx"]:
    """Which pixels have their centres in a window."""
    x, y = (np.asarray(c, float) for c in grid.coordinates)
    return (x >= window.left) & (x <= window.right) & (y >= window.bottom) & (y <= window.top)


def _draw_contours(axes: Any, grid: Any, image: np.ndarray) -> None:
    """Contours that hold a part of the light in the frame."""
    known = np.sort(np.clip(image[np.isfinite(image)], 0.0, None))[::-1]
    if not known.size or not known.sum() > 0:
        return
    inside = np.cumsum(known) / known.sum()
    x, y = (np.asarray(c, float) for c in grid.coordinates)
    filled = np.nan_to_num(image, nan=0.0)
    for part, line in PARTS.items():
        level = known[min(int(np.searchsorted(inside, part)), known.size - 1)]
        if filled.min() < level < filled.max():
            axes.contour(
                x, y, filled, levels=[level], colors="white", linestyles=line, linewidths=1.0
            )


def _handles(tracer_map: Map) -> list[Any]:
    circle = Line2D([], [], **RING, label="PSF: half of its light is inside")
    # White in the picture, dark beside it: the dashes tell which is which.
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
