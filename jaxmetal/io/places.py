"""The places of a configuration's maps: on the sky by their WCS, or by their pixel_scale."""

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
from jaxmetal.io.readers.protocol import Reading

# Two statements of a pixel's side that differ by less are the same.
SAME = 0.01
# Units that are mistaken for arcsec, in arcsec.
UNITS = {"degrees": 3600.0, "arcmin": 60.0, "milliarcsec": 1e-3}


def on_the_sky(entry: Any, source: Reading) -> bool:
    """Whether the place of a map is that of its WCS."""
    return source.wcs is not None and entry.pixel_scale is None


def find_reference(
    config: schema.Config,
    sources: Mapping[str, Reading],
    mistakes: Mistakes,
) -> sky.Position | None:
    """The position of (x, y) = (0, 0).

    It is the reference of the configuration, the centre of the first galaxy whose reader knows it,
    or the middle of the first map.

    Parameters
    ----------
    config, sources
        the configuration, and its maps' files by name.
    mistakes
        to which maps without a place on the sky, beside others with one, are added.

    Returns
    -------
    reference
        (right ascension, declination), ICRS, degrees; None if no map lies on the sky.

    Raises
    ------
    InputError
        for a reference beside a reader that knows the galaxy's centre, or far from every map.

    Warns
    -----
    InputWarning
        for a reference outside of every map, unless there are lenses.
    """
    on_sky = {n: source for n, source in sources.items() if on_the_sky(config.maps[n], source)}
    _check_all_placed(sources, on_sky, mistakes)
    if not config.reference:
        return _default_reference(on_sky)
    nuclei = _with_nucleus(on_sky)
    if nuclei:
        nucleus = f"the galaxy's centre in the file of maps.{nuclei[0]}"
        raise InputError(f"{nucleus} is the reference; leave this out.")
    if sources and not on_sky:
        reason = "no map has a place on the sky: they have pixel_scale, or no WCS"
        _warn(f"reference: not used, because {reason}.")
        return None
    _check_reference(config.reference, on_sky, bool(config.lens))
    return config.reference


def _default_reference(on_sky: Mapping[str, Reading]) -> sky.Position | None:
    """The centre of the first galaxy whose reader knows it, or the middle of the first map."""
    name = next(iter(_with_nucleus(on_sky) or on_sky), None)
    return None if name is None else _middle(f"maps.{name}", on_sky[name])


def _with_nucleus(on_sky: Mapping[str, Reading]) -> list[str]:
    """The maps whose readers know the galaxy's centre."""
    return [name for name, source in on_sky.items() if source.grid is not None]


def _check_all_placed(
    sources: Mapping[str, Reading], on_sky: Mapping[str, Reading], mistakes: Mistakes
) -> None:
    """Check that all maps have a place on the sky, if any has."""
    # Fibres and slitlets lie where they are from the reference.
    names = [n for n, source in sources.items() if n not in on_sky and source.footprint is None]
    if names and on_sky:
        remedy = "give all of them a WCS, or all a pixel_scale"
        lack = f"has no place on the sky, other maps have one; {remedy}."
        mistakes.add(f"maps.{names[0]}", lack)


def _middle(where: str, source: Reading) -> sky.Position:
    """The position of the (0, 0) of a reader's grid, or of the middle of a map."""
    rows, columns = source.shape
    column, row = (columns - 1) / 2, (rows - 1) / 2
    if source.grid is not None:
        column, row = (float(p) for p in source.grid.pixel(*jnp.zeros(2)))
    place = sky.positions(source.wcs, column, row, where)
    return float(place.ra.deg), float(place.dec.deg)


def _check_reference(reference: sky.Position, on_sky: Mapping[str, Reading], lensed: bool) -> None:
    """Check that the reference lies on a map, or at least near one."""
    frames = {name: _frame(f"maps.{name}", source) for name, source in on_sky.items()}
    if not frames:
        return
    away = {name: sky.distance(reference, middle) for name, (middle, _) in frames.items()}
    nearest = min(away, key=lambda name: away[name])
    middle, size = frames[nearest]
    sky.check_near(reference, middle, size, "")
    # The reference of a lensed galaxy is usually the lens, beside which the images lie.
    if lensed:
        return
    for name, source in on_sky.items():
        if sky.is_on(source.wcs, source.shape, reference, f"maps.{name}"):
            return
    _warn(
        f"reference: [{reference[0]:g}, {reference[1]:g}] lies outside of every map, "
        f"{3600 * away[nearest]:.4g} arcsec from the middle of maps.{nearest} at "
        f"[{middle.ra.deg:.7g}, {middle.dec.deg:.7g}]; x, y and centres that are left at 0 are "
        f"counted from there.{sky.exchanged(reference, middle, size)}"
    )


def _frame(where: str, source: Reading) -> tuple[Any, float]:
    """The middle of a map as a SkyCoord, and its diagonal in degrees."""
    along = np.array([0.0, 1.0, 0.5])
    rows, columns = source.shape
    places = sky.positions(source.wcs, along * (columns - 1), along * (rows - 1), where)
    return places[2], float(places[0].separation(places[1]).deg)


def make_grid(name: str, entry: Any, source: Reading, reference: sky.Position | None) -> Grid:
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
        if neither a WCS nor pixel_scale says where its pixels lie, or pixel_scale differs from the
        WCS as degrees differ from arcsec.

    Warns
    -----
    InputWarning
        if both say it: what is used, and what it means for position angles.
    """
    if source.grid is not None:
        elsewhere = on_the_sky(entry, source) and _middle(f"maps.{name}", source) != reference
        if reference is None or not elsewhere:
            return source.grid
    if entry.pixel_scale is not None:
        if source.wcs is not None:
            _compare_scales(f"maps.{name}", entry.pixel_scale, source.wcs, source.shape)
        return Grid.regular(source.shape, entry.pixel_scale)
    if source.wcs is None:
        lack = f"the file has no WCS in the extension {entry.value!r}"
        raise InputError(f"{lack}; give pixel_scale, arcsec.")
    return Grid.from_wcs(source.wcs, source.shape, reference)


def _compare_scales(where: str, pixel_scale: float, wcs: Any, shape: tuple[int, int]) -> None:
    """Compare a pixel_scale with the WCS, and warn of the scale and the directions of x and y."""
    try:
        matrix = sky.local_matrix(wcs, shape, where)
    except InputError:
        # A pixel_scale replaces a WCS that cannot be used.
        return
    side = float(np.sqrt(abs(np.linalg.det(matrix))))
    says = f"the file's WCS says {side:.4g} arcsec per pixel"
    for unit, size in UNITS.items():
        if abs(size * pixel_scale / side - 1) < 0.1:
            like = f"{pixel_scale:g} arcsec looks like {unit}, {says}"
            raise InputError(f"pixel_scale: {like}; leave it out, or write {side:.4g}.")
    same = abs(pixel_scale / side - 1) < SAME
    east_and_north = np.allclose(matrix, side * np.eye(2), atol=SAME * side)
    if same and east_and_north:
        return
    convention = f"{pixel_scale:g} arcsec is used"
    convention += " instead of the file's WCS" if same else f", {says}"
    if not east_and_north:
        right, up = _direction(matrix[:, 0]), _direction(matrix[:, 1])
        convention += (
            f"; x is then counted to the right of the array, which is {right} on the sky, "
        )
        convention += f"y upwards, which is {up}, and position angles from up towards the right, "
        convention += "not from north through east"
    _warn(f"{where}.pixel_scale: {convention}. Leave pixel_scale out to use the WCS.")


def _direction(step: np.ndarray) -> str:
    """The direction of a step to the east and the north in words, or as a position angle."""
    angle = float(np.degrees(np.arctan2(step[0], step[1]))) % 360
    quarter = round(angle / 90) % 4
    off = abs((angle - 90 * quarter + 180) % 360 - 180)
    if off < 0.5:
        return ("north", "east", "south", "west")[quarter]
    return f"position angle {angle:.1f} degrees"


def _warn(text: str) -> None:
    warnings.warn(text, InputWarning, stacklevel=3)
