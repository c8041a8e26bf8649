"""A lensed galaxy in two planes: what the telescope saw through the lens, and the source behind it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from jaxmetal.errors import InputError
from jaxmetal.forward import intrinsic
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.inference.fit import Fit
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import NoPSF
from jaxmetal.maps import LightMap, Map, TracerMap
from jaxmetal.profiles import light
from jaxmetal.profiles.profile import Profile, as_array
from jaxmetal.science import lensing
from jaxmetal.view import style
from jaxmetal.view.frames import draw_map, is_sky, window_of
from jaxmetal.view.maps import chosen_map

# Pixels on a side of the picture of the source plane, and points on a side of the grid on which
# critical curves are sought.
SOURCE, CURVES = 120, 400
# The source is drawn where its light is brighter than this part of its peak.
FAINTEST = 1e-3
WIDTH, HEIGHT = 7.6, 3.9
# Pieces of a caustic that are longer than so many cells of the grid belong to a singular core.
LONGEST = 5.0
Lines = Float[np.ndarray, "lines 2 2"]


@style.styled
def plane_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """The data of one of a fit's maps with the critical curves, and beside it the source without lens and PSF, with the caustics.

    Both panels share one colour scale. The source is shown where it shines; light that is known as
    it is seen through the lens, such as a picture of an arc, is traced back to where it comes from.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map in the model.
    unit
        of the values, for the labels; 12 + log(O/H) is known.

    Returns
    -------
    figure
        image plane to the left, source plane to the right.

    Raises
    ------
    InputError
        for a name that the fit does not have, a map of light, or a galaxy that is not lensed.
    """
    map = chosen_map(fit, name, "plane_figure")
    if map.tracer is None:
        raise InputError(
            f"plane_figure: {name!r} is a map of light; the planes are shown for a tracer map."
        )
    behind: dict[str, Any] = {
        n: c
        for n, c in fit.galaxy.components.items()
        if fit.galaxy.is_lensed(n) and map.tracer in c.tracers
    }
    if not behind:
        raise InputError(f"plane_figure: nothing that carries {map.tracer!r} lies behind a lens.")
    data, grid = map.image(map.data), map.instrument.grid
    ratio = next(iter(behind.values())).distance_ratio
    distance_ratio = 1.0 if ratio is None else float(ratio)
    frame = _source_frame(fit.galaxy, map, distance_ratio)
    fine = _finer(grid)
    for label, component in behind.items():
        if not component.lensed_light:
            behind[label] = _traced_back(fit.galaxy, component, map.light, fine, frame)
    source = Galaxy(**behind)
    sharp, brightness = (
        np.asarray(intrinsic(source, blank), float) for blank in _blanks(map, frame)
    )
    shines = (brightness > FAINTEST * brightness.max()) & np.isfinite(sharp)
    if not shines.any():
        raise InputError(
            f"plane_figure: no light of what carries {map.tracer!r} comes from the source plane behind {name!r}."
        )
    low, high = np.percentile(sharp[shines], [1, 99])
    norm = style.tracer_norm(
        min(low, float(np.nanpercentile(data, 5))), max(high, float(np.nanpercentile(data, 95)))
    )
    figure = style.new_figure(WIDTH, HEIGHT)
    sky, plane = (style.tidy(axes) for axes in figure.subplots(1, 2))
    curves, lines = _curves(fit.galaxy, fine, distance_ratio)
    _draw(sky, grid, data, norm, curves, "image plane: the data, critical curves")
    mesh = _draw(
        plane,
        frame,
        np.where(shines, sharp, np.nan),
        norm,
        lines,
        "source plane: the galaxy, caustics",
    )
    if is_sky(grid):
        # East is to the left in both planes, or one would be the mirror image of the other.
        plane.invert_xaxis()
        for axes in (sky, plane):
            axes.set(xlabel="x, east [arcsec]", ylabel="y, north [arcsec]")
    figure.colorbar(
        mesh, ax=[sky, plane], label=style.quantity(map, unit), shrink=0.85, extend="both"
    )
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def _curves(galaxy: Galaxy, grid: Grid, distance_ratio: float) -> tuple[Lines, Lines]:
    """Critical curves and caustics, without those of a singular core, whose few pieces become long lines across the source."""
    curves = lensing.critical_curves(galaxy, grid, distance_ratio)
    ends = lensing.source_position(galaxy, curves[..., 0], curves[..., 1], distance_ratio)
    lines = np.stack([np.asarray(end, float) for end in ends], axis=-1)
    if not len(lines):
        return curves, lines
    length = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    # Elsewhere no piece is longer than its cell on the sky, up to the stretching along a caustic.
    usual = length <= LONGEST * float(grid.pixel_scale)
    return curves[usual], lines[usual]


def is_behind_lens(fit: Fit, name: str) -> bool:
    """Whether a tracer map shows something that lies behind a lens, so that there is a source plane to draw."""
    tracer, galaxy = getattr(fit.maps[name], "tracer", None), fit.galaxy
    return any(
        galaxy.is_lensed(n) and tracer in one.tracers for n, one in galaxy.components.items()
    )


def _draw(
    axes: Axes,
    grid: Grid,
    image: Float[np.ndarray, "ny nx"],
    norm: Normalize,
    lines: Float[np.ndarray, "lines 2 2"],
    title: str,
):
    mesh = draw_map(axes, grid, image, style.TRACER, norm, window_of(grid, np.isfinite(image)))
    axes.add_collection(
        LineCollection(list(lines), colors=style.INK, linewidths=0.9), autolim=False
    )
    axes.set(title=title, xlabel="x [arcsec]", ylabel="y [arcsec]")
    return mesh


def _finer(grid: Grid) -> Grid:
    """The same frame in many small pixels, none of whose centres is likely to lie on that of a lens."""
    rows, columns = grid.shape
    steps = max(1, round(CURVES / max(grid.shape)))
    before = 0.5 / steps - 0.5 + 1e-3
    return Grid(
        grid.position(as_array(before, "x"), as_array(before, "y")),
        grid.matrix / steps,
        (rows * steps, columns * steps),
    )


def _source_frame(galaxy: Galaxy, map: Map, distance_ratio: float) -> Grid:
    """Square pixels around where the light of the map's valid pixels comes from."""
    shown = np.isfinite(map.image(map.data))
    x, y = (
        np.asarray(a, float)[shown]
        for a in lensing.source_position(galaxy, *map.instrument.grid.coordinates, distance_ratio)
    )
    side = max(np.ptp(x), np.ptp(y)) / SOURCE
    return Grid.regular(
        (SOURCE, SOURCE), side, (float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2)
    )


def _traced_back(
    galaxy: Galaxy, component: Component, light_name: str, sky: Grid, frame: Grid
) -> Component:
    """A component whose light is known as it is seen, with a picture of that light in the source plane instead.

        I(beta) = mean of I(theta) over theta - alpha(theta) = beta

    Parameters
    ----------
    galaxy
        whose lenses to look through.
    component
        with lensed_light=False.
    light_name
        of the light to trace back.
    sky
        the positions from which to trace, several for each pixel of the frame.
    frame
        square pixels of the source plane, x to the right; dark where nothing is traced back to.
    """
    ratio = 1.0 if component.distance_ratio is None else component.distance_ratio
    theta = sky.coordinates
    seen = np.broadcast_to(
        np.asarray(component.lights[light_name](*theta), float), sky.shape
    ).ravel()
    pixels = frame.pixel(*lensing.source_position(galaxy, *theta, ratio))
    column, row = (
        np.rint(np.broadcast_to(np.asarray(p, float), sky.shape).ravel()).astype(int)
        for p in pixels
    )
    inside = (
        (column >= 0)
        & (column < frame.shape[1])
        & (row >= 0)
        & (row < frame.shape[0])
        & np.isfinite(seen)
    )
    cell, size = row[inside] * frame.shape[1] + column[inside], frame.shape[0] * frame.shape[1]
    count = np.bincount(cell, minlength=size)
    mean = np.bincount(cell, seen[inside], size) / np.maximum(count, 1)
    middle = frame.position(
        as_array((frame.shape[1] - 1) / 2, "x"), as_array((frame.shape[0] - 1) / 2, "y")
    )
    picture = Profile(
        light.image,
        image=mean.reshape(frame.shape),
        scale=frame.pixel_scale,
        center_x=middle[0],
        center_y=middle[1],
        interpolation="bilinear",
    )
    # Its tracers lie in the source plane already.
    return Component({light_name: picture}, **dict[str, Any](component.tracers))


def _blanks(map: Map, frame: Grid) -> Iterator[Map]:
    """Maps of the source plane to fill in: of the tracer, and of the light."""
    sharp, nothing = Instrument(frame, NoPSF(), 1), np.zeros(frame.shape)
    assert map.tracer is not None
    yield TracerMap(nothing, 1.0, sharp, map.tracer, map.scale, light=map.light)
    yield LightMap(nothing, 1.0, sharp, light=map.light)
