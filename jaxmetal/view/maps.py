"""A fit as pictures of the sky: data, model, residual, and the galaxy without the telescope's blur."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Polygon
from matplotlib.patheffects import withStroke

from jaxmetal.errors import unknown
from jaxmetal.forward import intrinsic
from jaxmetal.inference.fit import Fit
from jaxmetal.instrument.grid import Grid
from jaxmetal.maps import LightMap, Map
from jaxmetal.view import style

# Inches: a panel's width, the space left of the first, between two, and below them.
PANEL, LEFT, GAP, BOTTOM = 2.2, 0.65, 0.16, 1.15
RING: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": "black", "markersize": 8, "linestyle": "none"}
# White with a black edge is seen on every colour.
EDGED, LETTERS = [withStroke(linewidth=2.6, foreground="black")], [withStroke(linewidth=1.8, foreground="black")]
Image = Float[np.ndarray, "ny nx"]


@style.styled
def map_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """Data, model, residual and intrinsic map of one of a fit's maps.

    Apertures are drawn as the pixels that they cover. Data, model and intrinsic map share one colour scale. On a sky (a grid
    made from a WCS) east is to the left and north up, also if the camera was turned.

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
    map = chosen_map(fit, name, "map_figure")
    grid, shown = map.instrument.grid, np.where(map.valid, 1.0, np.nan)
    data, model, sharp = (map.image(shown * values) for values in (map.data, fit.predicted[name], intrinsic(fit.galaxy, map)))
    residual = map.instrument.image(shown * fit.residuals[name])
    colours, norm = _colours(map, data, model, sharp)
    limit = max(3.0, float(np.nanpercentile(np.abs(residual), 99)))
    handles = _handles(map)
    figure, panels, bars = _frames(grid, 0.3 * bool(handles), 0.0 if fit.converged else 0.4)
    for axes, title in zip(panels, ("data", "model", "residual", "intrinsic, without PSF"), strict=True):
        axes.set_title(title)
    first, _, last = (
        draw_map(axes, grid, image, colours, norm) for axes, image in zip((*panels[:2], panels[3]), (data, model, sharp), strict=True)
    )
    apart = draw_map(panels[2], grid, residual, style.RESIDUAL, Normalize(-limit, limit))
    label = style.quantity(map, unit)
    for mesh, axes, text in ((first, bars[0], label), (apart, bars[1], r"(data $-$ model) / $\sigma$"), (last, bars[2], label)):
        _draw_bar(figure, mesh, axes, text)
    _draw_marks(panels[0], map)
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=2, frameon=False)
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def chosen_map(fit: Fit, name: str, where: str) -> Map:
    """The fit's map of this name."""
    if name not in fit.maps:
        raise unknown("map", name, fit.maps, where)
    return fit.maps[name]


def draw_map(axes: Axes, grid: Grid, image: Image, colours: str, norm: Normalize) -> QuadMesh:
    """Draw an image on the sky, each pixel where it lies; NaN is drawn as masked.

    Parameters
    ----------
    axes
        of matplotlib.
    grid
        where the pixels lie.
    image
        shape (rows, columns).
    colours, norm
        colour map and scale.
    """
    x, y = corners(grid)
    outline = np.stack([[c[0, 0], c[0, -1], c[-1, -1], c[-1, 0]] for c in (x, y)], axis=-1)
    axes.add_patch(Polygon(outline, closed=True, **style.MASKED))
    mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(image), cmap=colours, norm=norm, rasterized=True)
    # Nobody reads thirty ticks on a small frame.
    axes.locator_params(nbins=5)
    axes.set_aspect("equal")
    axes.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    if is_sky(grid):
        axes.set_xlim(x.max(), x.min())
    return mesh


def corners(grid: Grid) -> tuple[Image, Image]:
    """(x, y) of the corners of all pixels, arcsec, each of shape (rows + 1, columns + 1)."""
    rows, columns = (np.arange(n + 1) - 0.5 for n in grid.shape)
    matrix, origin = np.asarray(grid.matrix, float), np.asarray(grid.origin, float)
    x, y = (origin[i] + matrix[i, 0] * columns[None, :] + matrix[i, 1] * rows[:, None] for i in (0, 1))
    return x, y


def is_sky(grid: Grid) -> bool:
    """Whether the frame is seen as the sky is, with x (east) to the left when y (north) is up."""
    return float(np.linalg.det(np.asarray(grid.matrix, float))) < 0


def _frames(grid: Grid, foot: float, head: float) -> tuple[style.Figure, list[Axes], list[Axes]]:
    """Four panels for a frame of this shape, and three colour bars: of the first two panels, the third, the fourth.

    With room (inches) for a legend below and a remark above.
    """
    x, y = corners(grid)
    width, height = PANEL, PANEL * float(np.clip(np.ptp(y) / np.ptp(x), 0.4, 2.0))
    figure = style.new_figure(LEFT + 4 * width + 3 * GAP + 0.15, BOTTOM + foot + height + 0.35 + head, layout=None)
    lefts = [LEFT + i * (width + GAP) for i in range(4)]
    panels = [style.tidy(style.add_axes(figure, left, BOTTOM + foot, width, height)) for left in lefts]
    places = ((lefts[0], 2 * width + GAP), (lefts[2], width), (lefts[3], width))
    bars = [style.add_axes(figure, left, BOTTOM + foot - 0.68, wide, 0.11) for left, wide in places]
    sky = is_sky(grid)
    for axes in panels:
        axes.set_xlabel("x, east [arcsec]" if sky else "x [arcsec]", labelpad=2)
        axes.tick_params(labelleft=axes is panels[0])
    panels[0].set_ylabel("y, north [arcsec]" if sky else "y [arcsec]")
    return figure, panels, bars


def _colours(map: Map, *images: Image) -> tuple[str, Normalize]:
    """One colour map and scale for data, model and intrinsic map."""
    light = isinstance(map, LightMap)
    norm = shared_norm(light, map.image(map.errors), *images)
    return style.LIGHT if light else style.TRACER, norm


def shared_norm(light: bool, sigma: Image, data: Image, model: Image | None = None, sharp: Image | None = None) -> Normalize:
    """One colour scale for the images of a map.

    Parameters
    ----------
    light
        whether they are light, which is shown on a scale that is logarithmic above the noise.
    sigma
        of the data; NaN where it is not known.
    data, model, sharp
        NaN where a pixel takes no part.
    """
    known = np.isfinite(data)
    errors = sigma[known & np.isfinite(sigma) & (sigma > 0)]
    ends = []
    if known.any():
        # The noise of single pixels must not stretch the scale: a faint pixel counts for as little as its error says.
        weights = (errors.min() / sigma[known]) ** 2 if errors.size == known.sum() and not light else None
        options: dict[str, Any] = {} if weights is None else {"weights": weights, "method": "inverted_cdf"}
        ends += list(np.percentile(data[known], [0.5, 99.8 if light else 99.5], **options))
    if model is not None and np.isfinite(model).any():
        ends += [np.nanmin(model), np.nanmax(model)]
    if sharp is not None and np.isfinite(sharp).any():
        ends += list(np.nanpercentile(sharp, [0.1, 99.9]))
    low, high = (float(min(ends)), float(max(ends))) if ends else (0.0, 1.0)
    return style.light_norm(low, high, float(np.median(errors)) if errors.size else 0.0) if light else style.tracer_norm(low, high)


def _draw_bar(figure: style.Figure, mesh: QuadMesh, axes: Axes, label: str) -> None:
    """A colour bar, with a pointed end where values lie beyond it."""
    values: Any = mesh.get_array()
    norm = mesh.norm
    beyond = bool(values.min() < norm.vmin), bool(values.max() > norm.vmax)
    extend: Any = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    figure.colorbar(mesh, cax=axes, orientation="horizontal", label=label, extend=extend, extendfrac=0.02)
    style.tidy(axes)
    if isinstance(norm, AsinhNorm):
        axes.set_xticks(*style.light_ticks(norm))
        axes.set_xticks([], minor=True)


def _handles(map: Map) -> list[Any]:
    """What a legend must explain: the PSF's circle, and masked pixels."""
    circle = Line2D([], [], **RING, label="PSF: half of its light is inside")
    return [circle] * (_half_light(map) > 0) + [style.masked_patch()] * (not np.all(np.isfinite(map.image(map.data))))


def _half_light(map: Map) -> float:
    """The radius that holds half of the PSF's light, arcsec."""
    return map.instrument.psf.radius(0.5, float(map.instrument.grid.pixel_scale))


def _draw_marks(axes: Axes, map: Map) -> None:
    """The PSF, and the directions of the sky."""
    if _half_light(map) > 0:
        _draw_psf(axes, _half_light(map))
    if is_sky(map.instrument.grid):
        _draw_compass(axes)


def _draw_psf(axes: Axes, radius: float) -> None:
    """The circle that holds half of the PSF's light, in the lower left corner."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    gap = radius + 0.04 * (top - bottom)
    center = (left + np.sign(right - left) * gap, bottom + gap)
    axes.add_patch(Circle(center, radius, fill=False, edgecolor="white", linewidth=1.2, path_effects=EDGED))


def _draw_compass(axes: Axes) -> None:
    """North up and east to the left, in the lower right corner."""
    arrow: dict[str, Any] = {"arrowstyle": "<|-", "color": "white", "linewidth": 1.1, "path_effects": EDGED}
    arrow |= {"shrinkA": 3, "shrinkB": 0, "mutation_scale": 7}
    for text, offset in (("N", (0, 22)), ("E", (-22, 0))):
        axes.annotate(
            text, xy=(0.94, 0.06), xycoords="axes fraction", xytext=offset, textcoords="offset points", arrowprops=arrow,
            ha="center", va="center", color="white", fontsize=style.SMALL, fontweight="bold", path_effects=LETTERS,
        )  # fmt: skip
