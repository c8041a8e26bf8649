"""Where the maps of a configuration lie: on the sky by their WCS, or on a plain grid by their pixel_scale."""

import warnings
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument import sky
from jaxmetal.instrument.grid import Grid
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes
from jaxmetal.io.fits import MapFile
from jaxmetal.io.manga import Manga

Source = MapFile | Manga
# Two statements of a pixel's side that differ by less are the same.
SAME = 0.01
# Units that pixel_scale is mistaken for, arcsec.
UNITS = {"degrees": 3600.0, "arcmin": 60.0, "milliarcsec": 1e-3}


def on_the_sky(entry: Any, source: Source) -> bool:
    """Whether the place of a map is that of its WCS."""
    return source.wcs is not None and getattr(entry, "pixel_scale", None) is None


def find_reference(config: schema.Config, sources: Mapping[str, Source], mistakes: Mistakes) -> sky.Position | None:
    """(right ascension, declination) of (x, y) = (0, 0): as given, a MaNGA nucleus, or the middle of the first map.

    Parameters
    ----------
    config, sources
        the configuration, and its maps' files by name.
    mistakes
        to which maps without a place on the sky, beside others with one, are added.

    Raises
    ------
    InputError
        for a reference beside a MaNGA file, or far from every map.

    Warns
    -----
    InputWarning
        for a reference outside of every map.
    """
    placed = {name: source for name, source in sources.items() if on_the_sky(config.maps[name], source)}
    lacking = [name for name in sources if name not in placed]
    if lacking and placed:
        mistakes.add(f"maps.{lacking[0]}", "has no place on the sky, other maps have one; give all of them a WCS, or all a pixel_scale.")
    nuclei = [name for name, source in sources.items() if isinstance(source, Manga)]
    if nuclei and config.reference:
        raise InputError(f"the nucleus in the file of maps.{nuclei[0]} is the reference; leave this out.")
    if config.reference and sources and not placed:
        _warn("reference: not used, because no map has a place on the sky: they have pixel_scale, or no WCS.")
        return None
    if config.reference:
        _check_reference(config.reference, placed)
        return config.reference
    name = next(iter(nuclei or placed), None)
    if name is None:
        return None
    source = sources[name]
    rows, columns = shape_of(source)
    pixel = source.grid.pixel(*jnp.zeros(2)) if isinstance(source, Manga) else ((columns - 1) / 2, (rows - 1) / 2)
    place = sky.positions(source.wcs, *(float(p) for p in pixel), f"maps.{name}")
    return float(place.ra.deg), float(place.dec.deg)


def shape_of(source: Source) -> tuple[int, ...]:
    """(rows, columns) of a file's map."""
    return (source.light if isinstance(source, Manga) else source).values.shape


def _check_reference(reference: sky.Position, placed: Mapping[str, Source]) -> None:
    """The reference lies on a map, or at least near one."""
    frames = {name: _frame(f"maps.{name}", source) for name, source in placed.items()}
    if not frames:
        return
    away = {name: sky.distance(reference, middle) for name, (middle, _) in frames.items()}
    nearest = min(away, key=lambda name: away[name])
    middle, size = frames[nearest]
    sky.check_near(reference, middle, size, "")
    if any(_holds(source, reference) for source in placed.values()):
        return
    _warn(
        f"reference: [{reference[0]:g}, {reference[1]:g}] lies outside of every map, {3600 * away[nearest]:.4g} arcsec from the middle of "
        f"maps.{nearest} at [{middle.ra.deg:.7g}, {middle.dec.deg:.7g}]; x, y and centres that are left at 0 are counted from there."
        f"{sky.exchanged(reference, middle, size)}"
    )


def _frame(where: str, source: Source) -> tuple[Any, float]:
    """The middle of a map as a SkyCoord, and its diagonal in degrees."""
    rows, columns = shape_of(source)
    column, row = np.array([0, columns - 1, (columns - 1) / 2]), np.array([0, rows - 1, (rows - 1) / 2])
    places = sky.positions(source.wcs, column, row, where)
    return places[2], float(places[0].separation(places[1]).deg)


def _holds(source: Source, place: sky.Position) -> bool:
    """Whether a position lies in the frame of a map."""
    rows, columns = shape_of(source)
    column, row = (float(p) for p in Grid.from_wcs(source.wcs, (rows, columns), place).pixel(*jnp.zeros(2)))
    return -0.5 <= column <= columns - 0.5 and -0.5 <= row <= rows - 0.5


def make_grid(name: str, entry: Any, source: Source, reference: sky.Position | None) -> Grid:
    """The grid of a map.

    Parameters
    ----------
    name, entry, source
        the map's name, what the configuration says of it, and its file.
    reference
        (right ascension, declination) of (x, y) = (0, 0), degrees.

    Raises
    ------
    InputError
        if neither a WCS nor pixel_scale says where its pixels lie, or they differ by as much as degrees and arcsec.

    Warns
    -----
    InputWarning
        if both do: what is used, and what it means for position angles.
    """
    if isinstance(source, Manga):
        return source.grid
    if entry.pixel_scale is not None:
        if source.wcs is not None:
            _compare_scales(f"maps.{name}", entry.pixel_scale, source.wcs, source.values.shape)
        return Grid.regular(source.values.shape, entry.pixel_scale)
    if source.wcs is None:
        raise InputError(f"the file has no WCS in the extension {entry.value!r}; give pixel_scale, arcsec.")
    return Grid.from_wcs(source.wcs, source.values.shape, reference)


def _compare_scales(where: str, pixel_scale: float, wcs: Any, shape: tuple[int, int]) -> None:
    """A pixel_scale beside a WCS: its scale, and where x and y then point."""
    try:
        matrix = sky.local_matrix(wcs, shape, where)
    except InputError:
        # pixel_scale is what a WCS without use is replaced by.
        return
    side = float(np.sqrt(abs(np.linalg.det(matrix))))
    for unit, size in UNITS.items():
        if abs(size * pixel_scale / side - 1) < 0.1:
            raise InputError(
                f"pixel_scale: {pixel_scale:g} arcsec looks like {unit}, the file's WCS says {side:.4g} arcsec per pixel; leave it out, "
                f"or write {side:.4g}."
            )
    same = abs(pixel_scale / side - 1) < SAME
    east_and_north = np.allclose(matrix, side * np.eye(2), atol=SAME * side)
    if same and east_and_north:
        return
    text = f"{where}.pixel_scale: {pixel_scale:g} arcsec is used"
    text += " instead of the file's WCS" if same else f", the file's WCS says {side:.4g} arcsec per pixel"
    if not east_and_north:
        text += (
            f"; x is then counted to the right of the array, which is {_direction(matrix[:, 0])} on the sky, y upwards, which is "
            f"{_direction(matrix[:, 1])}, and position angles from up towards the right, not from north through east"
        )
    _warn(f"{text}. Leave pixel_scale out to use the WCS.")


def _direction(step: np.ndarray) -> str:
    """The direction of a step to the east and to the north in words, or as a position angle."""
    angle = float(np.degrees(np.arctan2(step[0], step[1]))) % 360
    nearest = round(angle / 90) % 4
    off = abs((angle - 90 * nearest + 180) % 360 - 180)
    return ("north", "east", "south", "west")[nearest] if off < 0.5 else f"position angle {angle:.1f} degrees"


def _warn(text: str) -> None:
    warnings.warn(text, InputWarning, stacklevel=3)
