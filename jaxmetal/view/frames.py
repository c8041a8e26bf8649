"""The frame of a map: positions of its pixels, the window of a figure, and panels of its shape."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import Normalize
from matplotlib.patches import Circle, Polygon
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from jaxmetal.instrument.grid import Grid
from jaxmetal.maps import Map
from jaxmetal.view import style

# Inches: width of a panel, at most and at least.
PANEL = 2.2
NARROWEST = 1.55
# Inches: space left of the first panel, between two, and below them.
LEFT = 0.65
GAP = 0.16
BOTTOM = 1.15
# A panel's height over its width, at least and at most.
FLATTEST = 0.2
TALLEST = 2.0
# Inches that a number at a tick takes.
TICK = 0.5
# Margin around the pixels of a window, as a fraction of its longer side.
MARGIN = 0.06
# Black edges of white lines and of white letters, which make them visible on every colour.
EDGED = [withStroke(linewidth=2.6, foreground="black")]
LETTERS = [withStroke(linewidth=1.8, foreground="black")]
Image = Float[np.ndarray, "ny nx"]


class Window(NamedTuple):
    """The part of the sky that a panel shows, arcsec."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def shape(self) -> float:
        """Height over width."""
        return (self.top - self.bottom) / (self.right - self.left)


def corners(grid: Grid) -> tuple[Image, Image]:
    """(x, y) of the corners of all pixels, arcsec, each of shape (rows + 1, columns + 1)."""
    rows, columns = (np.arange(n + 1) - 0.5 for n in grid.shape)
    matrix, origin = np.asarray(grid.matrix, float), np.asarray(grid.origin, float)
    x, y = (
        origin[i] + matrix[i, 0] * columns[None, :] + matrix[i, 1] * rows[:, None] for i in (0, 1)
    )
    return x, y


def is_sky(grid: Grid) -> bool:
    """Whether the frame is oriented as the sky: x (east) to the left when y (north) is up."""
    return float(np.linalg.det(np.asarray(grid.matrix, float))) < 0


def window_of(grid: Grid, usable: Bool[np.ndarray, "ny nx"] | None = None) -> Window:
    """The window around the pixels that are shown, with a margin, and no larger than the frame.

    Parameters
    ----------
    grid
        of the pixels.
    usable
        which of them count, shape (rows, columns); all if left out, or if there is none.
    """
    x, y = corners(grid)
    frame = Window(x.min(), x.max(), y.min(), y.max())
    if usable is None or not np.any(usable):
        return frame
    corner_mask = np.zeros(x.shape, bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            corner_mask[rows, columns] |= usable
    low_x, high_x, low_y, high_y = (
        x[corner_mask].min(),
        x[corner_mask].max(),
        y[corner_mask].min(),
        y[corner_mask].max(),
    )
    gap = MARGIN * max(high_x - low_x, high_y - low_y) + float(grid.pixel_scale)
    return Window(
        max(frame.left, low_x - gap),
        min(frame.right, high_x + gap),
        max(frame.bottom, low_y - gap),
        min(frame.top, high_y + gap),
    )


def draw_map(
    axes: Axes,
    grid: Grid,
    image: Image,
    colours: str,
    norm: Normalize,
    window: Window | None = None,
) -> QuadMesh:
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
    window
        what of it is shown; the whole frame if left out.
    """
    x, y = corners(grid)
    outline = np.stack([[c[0, 0], c[0, -1], c[-1, -1], c[-1, 0]] for c in (x, y)], axis=-1)
    axes.add_patch(Polygon(outline, closed=True, **style.MASKED))
    mesh = axes.pcolormesh(
        x, y, np.ma.masked_invalid(image), cmap=colours, norm=norm, rasterized=True
    )
    window = window or window_of(grid)
    axes.set_aspect("equal")
    # A small panel has room for few ticks.
    axes.locator_params(nbins=5)
    axes.set(xlim=(window.left, window.right), ylim=(window.bottom, window.top))
    if is_sky(grid):
        axes.set_xlim(window.right, window.left)
    return mesh


def panels(
    grid: Grid, window: Window, count: int, foot: float, head: float
) -> tuple[style.Figure, list[Axes], float]:
    """A figure with panels of a window's shape in a row, their axes, and the width of one, inches.

    Parameters
    ----------
    grid
        whose sky it is.
    window
        what each of them shows.
    count
        how many.
    foot, head
        room below the colour bars and above the panels, inches.
    """
    height = PANEL * float(np.clip(window.shape, FLATTEST, TALLEST))
    # The panel of a tall frame is narrower.
    width = float(np.clip(height / window.shape, NARROWEST, PANEL))
    size = LEFT + count * width + (count - 1) * GAP + 0.15, BOTTOM + foot + height + 0.35 + head
    figure = style.new_figure(*size, layout=None)
    bottom, sky = BOTTOM + foot, is_sky(grid)
    axes = [
        style.tidy(style.add_axes(figure, LEFT + i * (width + GAP), bottom, width, height))
        for i in range(count)
    ]
    for panel in axes:
        panel.set_xlabel("x, east [arcsec]" if sky else "x [arcsec]", labelpad=2)
        panel.tick_params(labelleft=panel is axes[0])
    axes[0].set_ylabel("y, north [arcsec]" if sky else "y [arcsec]")
    return figure, axes, width


def few_ticks(axes: Axes, width: float, height: float) -> None:
    """Limit the ticks of a panel to what its width and height, inches, have room for."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    scale = min(width / abs(right - left), height / abs(top - bottom))
    for axis, length in ((axes.xaxis, abs(right - left)), (axes.yaxis, abs(top - bottom))):
        count = int(np.clip(scale * length / TICK, 1, 5))
        axis.set_major_locator(MaxNLocator(nbins=count, steps=[1, 2, 5, 10], min_n_ticks=1))


def bar_axes(figure: style.Figure, first: int, last: int, width: float, foot: float) -> Axes:
    """Axes for a colour bar below the panels from the first to the last."""
    left = LEFT + first * (width + GAP)
    return style.add_axes(
        figure, left, BOTTOM + foot - 0.68, (last - first + 1) * (width + GAP) - GAP, 0.11
    )


def half_light(one_map: Map) -> float:
    """The radius that holds half of the light of a map's PSF, arcsec."""
    return one_map.instrument.psf.radius(0.5, float(one_map.instrument.grid.pixel_scale))


def draw_marks(axes: Axes, one_map: Map) -> None:
    """Draw the circle that holds half of the PSF's light, and on a sky the directions."""
    if (radius := half_light(one_map)) > 0:
        _draw_psf(axes, radius)
    if is_sky(one_map.instrument.grid):
        _draw_compass(axes)


def _draw_psf(axes: Axes, radius: float) -> None:
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    gap = radius + 0.04 * (top - bottom)
    center = (left + np.sign(right - left) * gap, bottom + gap)
    axes.add_patch(
        Circle(center, radius, fill=False, edgecolor="white", linewidth=1.2, path_effects=EDGED)
    )


def _draw_compass(axes: Axes) -> None:
    """North up and east to the left, in the lower right corner."""
    arrow: dict[str, Any] = {
        "arrowstyle": "<|-",
        "color": "white",
        "linewidth": 1.1,
        "path_effects": EDGED,
    }
    arrow |= {"shrinkA": 3, "shrinkB": 0, "mutation_scale": 7}
    for text, offset in (("N", (0, 22)), ("E", (-22, 0))):
        axes.annotate(
            text,
            xy=(0.94, 0.06),
            xycoords="axes fraction",
            xytext=offset,
            textcoords="offset points",
            arrowprops=arrow,
            ha="center",
            va="center",
            color="white",
            fontsize=style.SMALL,
            fontweight="bold",
            path_effects=LETTERS,
        )
