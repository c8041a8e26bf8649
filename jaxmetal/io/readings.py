"""The files of a configuration's maps, as they are read: extensions by name, or by a reader."""

from pathlib import Path
from typing import Any

from jaxmetal.errors import InputError
from jaxmetal.io.aperture_tables import frame_of, read_apertures
from jaxmetal.io.entries import FromReader
from jaxmetal.io.fits import MapFile, Part, read_header, read_image, read_map
from jaxmetal.io.line_blocks import Lines
from jaxmetal.io.map_blocks import Dispersion, FitsMap, FluxMap, Moving, Tracer
from jaxmetal.io.mistakes import Mistakes
from jaxmetal.io.paths import file_path
from jaxmetal.io.readers.options import read_entry
from jaxmetal.io.readers.protocol import Reading, ReadMap, SecondMoment
from jaxmetal.io.velocities import in_rest_frame
from jaxmetal.quantities import converted
from jaxmetal.unit_texts import unit_of_text


def read_files(name: str, entry: Any, folder: Path, mistakes: Mistakes) -> Reading | None:
    """The maps in the files of an entry.

    Parameters
    ----------
    name, entry
        of the configuration.
    folder
        that paths are relative to.
    mistakes
        to which wrong options of a reader are added.

    Returns
    -------
    reading
        None if an option is wrong.

    Raises
    ------
    InputError
        for what cannot be read.
    """
    if isinstance(entry, FromReader):
        return read_entry(f"maps.{name}", entry, folder, mistakes)
    if isinstance(entry, Lines):
        return _read_lines(entry, folder)
    place, data = _read_part(entry, folder)
    return Reading({name: data}, **place)


def _read_lines(entry: Lines, folder: Path) -> Reading:
    """The lines of an entry, which are on one grid of pixels and in the same bins."""
    maps, places = {}, []
    for key, line in entry.parts.items():
        try:
            place, maps[key] = _read_part(entry.part(key), folder)
        except InputError as error:
            raise InputError(f"lines.{line}: {error}") from None
        places.append(place)
    return Reading(maps, **places[0])


def _read_part(entry: FitsMap, folder: Path) -> tuple[dict[str, Any], ReadMap]:
    """Where the measurements of one map lie, as a Reading has it, and the map."""
    path = file_path(entry.file, folder)
    if entry.footprint is None:
        file = _read_images(entry, path, folder)
        place = {"wcs": file.wcs, "bins": file.bins}
    else:
        file, footprint = read_apertures(entry, path)
        place = {"grid": frame_of(footprint, entry.pixel_scale), "footprint": footprint}
    data = _as_map(entry, file, path, folder)
    if isinstance(entry, Moving) and entry.convention is not None:
        data = in_rest_frame(entry, data, f"{path}[{entry.value}]")
    return place, data


def _read_images(entry: FitsMap, path: Path, folder: Path) -> MapFile:
    """The images of one map."""
    names = ("error", "variance", "ivar", "mask", "bins", "limits")
    parts = {key: _part(getattr(entry, key, None), folder) for key in names}
    needs_wcs = entry.pixel_scale is None
    options = {"channel": entry.channel, "unit": entry.unit, "needs_wcs": needs_wcs}
    return read_map(path, entry.value, **parts, **options)


def _as_map(entry: FitsMap, file: MapFile, path: Path, folder: Path) -> ReadMap:
    """What the entry says that the numbers of a file are."""
    sigma = file.sigma if file.sigma is not None else entry.sigma
    kind: dict[str, Any] = {}
    if isinstance(entry, FluxMap):
        line = getattr(entry, "line", None)
        kind = {"flux": entry.flux, "line": line, "limits": file.limits}
    elif isinstance(entry, Tracer):
        kind = {"tracer": entry.tracer, "scale": entry.scale}
    elif isinstance(entry, Dispersion):
        kind = {"moment": _moment(entry, path, folder, file.unit)}
    return ReadMap(file.values, sigma, file.unit, mask=file.mask, **kind)


def _part(place: Any, folder: Path) -> Any:
    """An extension, or where an image lies."""
    if place is None or isinstance(place, str | int):
        return place
    file = None if place.file is None else file_path(place.file, folder)
    return Part(file, place.extension, place.channel)


def _moment(entry: Dispersion, path: Path, folder: Path, unit: str) -> SecondMoment:
    """The tracers of a map of dispersion, and that of the instrument in the unit of the map."""
    spread, squared = entry.instrumental, entry.squared
    if not isinstance(spread, float) and entry.footprint is not None:
        raise InputError("instrumental: expected a number for fibres and slitlets.")
    if not isinstance(spread, float):
        place = _part(spread, folder)
        place = place if isinstance(place, Part) else Part(None, place, entry.channel)
        file = path if place.file is None else place.file
        spread = read_image(file, place.extension, place.channel)
        own, expected = read_header(file, place.extension).get("BUNIT", ""), unit_of_text(unit)
        if (own := unit_of_text(str(own))) is not None and expected is not None:
            root = expected**0.5 if squared else expected
            spread = converted(spread, own, root, f"{file}[{place.extension}]")
    names = {"velocity": entry.velocity, "dispersion": entry.dispersion}
    return SecondMoment(**names, instrumental=spread, squared=squared)
