"""The figure of a lensed galaxy: the data in the image plane, and the source plane."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from jaxmetal.emission import Blend
from jaxmetal.errors import InputError
from jaxmetal.forward import intrinsic
from jaxmetal.galaxy import LIGHT, Component, Galaxy
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

# Pixels on a side of the image of the source plane.
SOURCE = 120
# Points on a side of the grid on which critical curves are computed.
CURVES = 400
# The source is drawn where its light is brighter than this fraction of its peak.
FAINTEST = 1e-3
# Size of the figure, inches.
WIDTH = 7.6
HEIGHT = 3.9
# Segments of a caustic longer than this many cells of the grid belong to a singular core.
LONGEST = 5.0
Lines = Float[np.ndarray, "lines 2 2"]


@style.styled
def plane_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """The data of a tracer map with the critical curves, and the source with the caustics.

    The source is drawn without lens and PSF, where its light is bright, and both panels share one
    colour scale. Light that is given as it is seen through the lens, such as an image of an arc, is
    traced back to the source plane.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map in the model.
    unit
        of the values, for the labels; that of 12 + log(O/H) may be left out.

    Returns
    -------
    figure
        image plane to the left, source plane to the right.

    Raises
    ------
    InputError
        for a name that the fit does not have, a map of light, or a galaxy that is not lensed.
    """
    tracer_map = chosen_map(fit, name, "plane_figure")
    if tracer_map.tracer is None:
        raise InputError(
            f"plane_figure: {name!r} is a map of light; the planes are shown for a tracer map."
        )
    behind = _components_behind_lens(fit.galaxy, tracer_map.tracer)
    data, grid = tracer_map.image(tracer_map.data), tracer_map.instrument.grid
    ratio = next(iter(behind.values())).distance_ratio
    distance_ratio = 1.0 if ratio is None else float(ratio)
    frame = _source_frame(fit.galaxy, tracer_map, distance_ratio)
    fine = _finer(grid)
    source = _source_image(fit.galaxy, behind, tracer_map, fine, frame)
    if not np.isfinite(source).any():
        raise InputError(
            f"plane_figure: no light of what carries {tracer_map.tracer!r} comes from the source "
            f"plane behind {name!r}."
        )
    norm = _shared_scale(data, source)
    figure = style.new_figure(WIDTH, HEIGHT)
    sky, plane = (style.tidy(axes) for axes in figure.subplots(1, 2))
    curves, lines = _curves(fit.galaxy, fine, distance_ratio)
    _draw(sky, grid, data, norm, curves, "image plane: the data, critical curves")
    mesh = _draw(plane, frame, source, norm, lines, "source plane: the galaxy, caustics")
    if is_sky(grid):
        # East is to the left in both planes, or one would be the mirror image of the other.
        plane.invert_xaxis()
        for axes in (sky, plane):
            axes.set(xlabel="x, east [arcsec]", ylabel="y, north [arcsec]")
    label = style.quantity(tracer_map, unit)
    figure.colorbar(mesh, ax=[sky, plane], label=label, shrink=0.85, extend="both")
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def _components_behind_lens(galaxy: Galaxy, tracer: str) -> dict[str, Component]:
    """The lensed components that carry a tracer; an InputError if there are none."""
    behind = {
        name: component
        for name, component in galaxy.components.items()
        if galaxy.is_lensed(name) and tracer in component.tracers
    }
    if not behind:
        raise InputError(f"plane_figure: nothing that carries {tracer!r} lies behind a lens.")
    return behind


def _source_image(
    galaxy: Galaxy, behind: dict[str, Component], tracer_map: Map, fine: Grid, frame: Grid
) -> Float[np.ndarray, "ny nx"]:
    """The intrinsic tracer of the components in the source plane; NaN where they are faint."""
    components = {
        name: component
        if component.lensed_light
        else _traced_back(galaxy, component, tracer_map.light, fine, frame)
        for name, component in behind.items()
    }
    source = Galaxy(lens=None, **components)
    tracer, brightness = (
        np.asarray(intrinsic(source, blank), float) for blank in _blanks(tracer_map, frame)
    )
    is_bright = (brightness > FAINTEST * brightness.max()) & np.isfinite(tracer)
    return np.where(is_bright, tracer, np.nan)


def _shared_scale(data: np.ndarray, source: np.ndarray) -> Normalize:
    """The colour scale of both planes, from percentiles of the data and of the source."""
    low, high = np.nanpercentile(source, [1, 99])
    return style.tracer_norm(
        min(low, float(np.nanpercentile(data, 5))), max(high, float(np.nanpercentile(data, 95)))
    )


def _curves(galaxy: Galaxy, grid: Grid, distance_ratio: float) -> tuple[Lines, Lines]:
    """Critical curves and caustics, without those of a singular core.

    The few segments of the latter would be long lines across the source.
    """
    curves = lensing.critical_curves(galaxy, grid, distance_ratio)
    ends = lensing.source_position(galaxy, curves[..., 0], curves[..., 1], distance_ratio)
    lines = np.stack([np.asarray(end, float) for end in ends], axis=-1)
    if not len(lines):
        return curves, lines
    length = np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    # Other segments are no longer than their cell on the sky, up to the stretching by the lens.
    regular = length <= LONGEST * float(grid.pixel_scale)
    return curves[regular], lines[regular]


def is_behind_lens(fit: Fit, name: str) -> bool:
    """Whether any component that carries the tracer of a map is lensed."""
    tracer, galaxy = getattr(fit.maps[name], "tracer", None), fit.galaxy
    return any(
        galaxy.is_lensed(component_name) and tracer in component.tracers
        for component_name, component in galaxy.components.items()
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
    """The same frame in smaller pixels, offset so that hardly any is centred on a lens."""
    rows, columns = grid.shape
    steps = max(1, round(CURVES / max(grid.shape)))
    before = 0.5 / steps - 0.5 + 1e-3
    return Grid(
        grid.position(as_array(before, "x"), as_array(before, "y")),
        grid.matrix / steps,
        (rows * steps, columns * steps),
    )


def _source_frame(galaxy: Galaxy, tracer_map: Map, distance_ratio: float) -> Grid:
    """Square pixels that cover the positions in the source plane of the map's valid pixels."""
    valid = np.isfinite(tracer_map.image(tracer_map.data))
    x, y = (
        np.asarray(a, float)[valid]
        for a in lensing.source_position(
            galaxy, *tracer_map.instrument.grid.coordinates, distance_ratio
        )
    )
    side = max(np.ptp(x), np.ptp(y)) / SOURCE
    return Grid.regular(
        (SOURCE, SOURCE), side, (float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2)
    )


def _traced_back(
    galaxy: Galaxy, component: Component, light_name: str | Blend, sky: Grid, frame: Grid
) -> Component:
    """A component of lensed_light=False with an image of its light in the source plane instead.

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
        the positions from which to trace, several for each pixel of the frame, arcsec.
    frame
        square pixels of the source plane, x to the right; dark where nothing is traced back to.
    """
    ratio = 1.0 if component.distance_ratio is None else component.distance_ratio
    theta = sky.coordinates
    beta = lensing.source_position(galaxy, *theta, ratio)
    shown = component.light_at(light_name, theta, beta)
    brightness = np.broadcast_to(np.asarray(shown, float), sky.shape).ravel()
    pixels = frame.pixel(*beta)
    column, row = (
        np.rint(np.broadcast_to(np.asarray(p, float), sky.shape).ravel()).astype(int)
        for p in pixels
    )
    inside = (
        (column >= 0)
        & (column < frame.shape[1])
        & (row >= 0)
        & (row < frame.shape[0])
        & np.isfinite(brightness)
    )
    cell, size = row[inside] * frame.shape[1] + column[inside], frame.shape[0] * frame.shape[1]
    count = np.bincount(cell, minlength=size)
    mean = np.bincount(cell, brightness[inside], size) / np.maximum(count, 1)
    middle = frame.position(
        as_array((frame.shape[1] - 1) / 2, "x"), as_array((frame.shape[0] - 1) / 2, "y")
    )
    image = Profile(
        light.image,
        image=mean.reshape(frame.shape),
        scale=frame.pixel_scale,
        center_x=middle[0],
        center_y=middle[1],
        interpolation="bilinear",
    )
    # The tracers are defined in the source plane.
    name = light_name if isinstance(light_name, str) else LIGHT
    return Component({name: image}, **dict[str, Any](component.tracers))


def _blanks(tracer_map: Map, frame: Grid) -> Iterator[Map]:
    """Empty maps of the source plane: of the tracer, and of the light."""
    sharp, zeros = Instrument(frame, NoPSF(), 1), np.zeros(frame.shape)
    assert tracer_map.tracer is not None
    yield TracerMap(zeros, 1.0, sharp, tracer_map.tracer, tracer_map.scale, light=tracer_map.light)
    yield LightMap(zeros, 1.0, sharp, light=tracer_map.light)
