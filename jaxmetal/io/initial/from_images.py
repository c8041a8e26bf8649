"""A first configuration for a FITS file of images."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jaxmetal.errors import InputError, collected_warnings
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import SIGMA_TO_FWHM, GaussianPSF
from jaxmetal.io.automatic import AUTO
from jaxmetal.io.initial.contents import Contents, Image, grid_of
from jaxmetal.io.initial.customs import Value, pairs
from jaxmetal.io.initial.from_readers import BESIDE
from jaxmetal.io.initial.galaxies import galaxy_entries, light_entry, tracer_entry
from jaxmetal.io.initial.meanings import Meaning, meaning
from jaxmetal.io.initial.telescope import Telescope, noise_of, telescope_of
from jaxmetal.io.initial.text import Entry, block, inline, quoted
from jaxmetal.maps import LightMap
from jaxmetal.science.starts.shapes import HALF, shape_of_light

# Which tracer is fitted where there are several, and the names of their maps.
ORDER = ("metallicity", "age", "velocity")
# The parameters of a tracer's disc.
DISC = ("inclination", "position_angle", "center_x", "center_y")
NAMES = {"metallicity": "z", "age": "age_map", "velocity": "vel"}


class Known(NamedTuple):
    """A map of a file and what it shows.

    Parameters
    ----------
    value
        the values with their errors.
    meaning
        of the map.
    """

    value: Value
    meaning: Meaning

    @property
    def image(self) -> Image:
        """The image of the values."""
        return self.value.image


def known_maps(contents: Contents) -> list[Known]:
    """The maps of a file, those with errors first.

    Parameters
    ----------
    contents
        of the file.

    Returns
    -------
    maps
        what is no map, such as a signal-to-noise ratio, is left out.
    """
    values = pairs(contents.images)
    title = contents.path.name.partition(".")[0] if len(values) == 1 else ""
    maps = [Known(value, meaning(value.image, title)) for value in values]
    return sorted(maps, key=lambda one: not one.value.has_errors)


def inventory_of(maps: Sequence[Known]) -> list[str]:
    """What maps were found, a line each."""
    lines = []
    for one in maps:
        what = f"{one.meaning.kind} {one.meaning.name}".strip()
        doubt = "" if one.meaning.sure else " (by its numbers)"
        parts = ", ".join(
            f"{key} {part.place if part.file is None else part.file.name}"
            for key, part in one.value.parts.items()
        )
        lines.append(f"map {one.image.place}: {what}{doubt}; {parts or 'no errors'}")
    return lines


def image_entries(
    contents: Contents, maps: Sequence[Known], file: str, folder: Path, lines: bool
) -> Iterator[Entry]:
    """Iterate over the lines of a configuration for a file of images.

    Parameters
    ----------
    contents, maps
        of the file.
    file, folder
        as the configuration names it, and the folder of the configuration.
    lines
        whether emission lines are fitted, whatever else there is.

    Raises
    ------
    InputError
        if there is nothing to fit, or the lines that a metallicity needs are missing.
    """
    tracer, light = _main_tracer(maps), _main_light(maps)
    ratios = _ratios(contents.path, maps, lines)
    if lines or (ratios and not (tracer is not None and _is_measured(tracer))):
        yield from _of_lines(contents, _lines_of(maps), ratios, file, folder)
    elif tracer is None and light is None:
        listed = ", ".join(str(one.image.place) for one in maps) or "none"
        reason = "neither a map of light nor of a tracer was recognised"
        raise InputError(f"{contents.path}: {reason} among its images ({listed}).")
    else:
        yield from _of_maps(contents, tracer, light, file, folder)


def _is_measured(tracer: Known) -> bool:
    """Whether a tracer is a metallicity with errors, which is fitted as it is."""
    return tracer.meaning.name == "metallicity" and tracer.value.has_errors


def _lines_of(maps: Sequence[Known]) -> dict[str, Known]:
    """The maps of emission lines by the names of these."""
    return {one.meaning.name: one for one in maps if one.meaning.kind == "line"}


def _ratios(path: Path, maps: Sequence[Known], needed: bool) -> list[str]:
    """The lines that tell a metallicity together with one beside them; an error if needed."""
    names = _lines_of(maps)
    ratios = [line for line, base in BESIDE.items() if line in names and base in names]
    if needed and not ratios:
        needs = " or ".join(f"{line} with {base}" for line, base in BESIDE.items())
        listed = ", ".join(names) or "none"
        raise InputError(f"{path}: --lines needs {needs}; lines found: {listed}.")
    return ratios


def _main_tracer(maps: Sequence[Known]) -> Known | None:
    for name in ORDER:
        for one in maps:
            if one.meaning.kind == "tracer" and one.meaning.name == name:
                return one
    return None


def _main_light(maps: Sequence[Known]) -> Known | None:
    """The map of light: of a name or unit, else of H-alpha, else of another line."""
    lights = [one for one in maps if one.meaning.kind == "light"]
    halpha = [one for one in maps if one.meaning.name == "Ha"]
    return next(iter(lights + halpha + [one for one in maps if one.meaning.kind == "line"]), None)


def _of_maps(
    contents: Contents, tracer: Known | None, light: Known | None, file: str, folder: Path
) -> Iterator[Entry]:
    """Iterate over the lines of a fit of a tracer, of light, or of both."""
    first = tracer or light
    assert first is not None
    grid = grid_of(first.image, str(contents.path))
    telescope = telescope_of(first.image, contents.primary, grid)
    blocks: list[Entry] = []
    if tracer is not None:
        name = NAMES.get(tracer.meaning.name, "z")
        entries = [*_kind_entries(tracer), *_file_entries(tracer, file, folder, telescope)]
        blocks += block(name, entries)
    if light is not None:
        entries = [Entry("kind", "light"), *_file_entries(light, file, folder, telescope)]
        blocks += block("light", entries)
    yield from block("maps", blocks)
    size = None if light is None else _resolved(light.image, grid, telescope)
    # A fit of light alone has no other data.
    size = 0.0 if tracer is None or size is None else size
    parts = [*light_entry("light" if light and tracer else None, size, light is not None)]
    if tracer is not None:
        parts += tracer_entry(tracer.meaning.name, dict.fromkeys(DISC, AUTO))
    yield from galaxy_entries(iter(parts))


def _of_lines(
    contents: Contents, lines: dict[str, Known], ratios: list[str], file: str, folder: Path
) -> Iterator[Entry]:
    """Iterate over the lines of a fit of the fluxes of emission lines."""
    used = dict.fromkeys(name for line in ratios for name in (BESIDE[line], line))
    chosen = {line: lines[line] for line in used}
    first = next(iter(chosen.values()))
    telescope = telescope_of(
        first.image, contents.primary, grid_of(first.image, str(contents.path))
    )
    entries = [Entry("kind", "lines"), Entry("file", quoted(file))]
    entries += _telescope_entries(telescope)
    below = []
    for line, one in chosen.items():
        parts = dict(_part_values(one, folder))
        relative = {"relative_to": BESIDE[line]} if line in ratios else {}
        below.append(Entry(line, inline({"value": quoted(one.image.place), **parts, **relative})))
    entries += block("lines", below)
    yield from block("maps", block("gas", entries))
    parts = [*light_entry(BESIDE[ratios[0]], None, True)]
    parts += tracer_entry("metallicity", dict.fromkeys(DISC, AUTO))
    emission = Entry("emission", inline({"relation": "curti20", "reference": BESIDE[ratios[0]]}))
    yield from galaxy_entries(iter(parts), iter([emission]))


def _kind_entries(tracer: Known) -> Iterator[Entry]:
    """Iterate over what a map of a tracer is."""
    name = tracer.meaning.name
    doubt = "" if tracer.meaning.sure else "? by its numbers; name and unit do not say it"
    yield Entry("kind", "tracer")
    yield Entry("tracer", name, doubt)
    if name == "velocity":
        yield Entry("scale", "linear", "light averages velocities, not their logarithms")
    elif name == "metallicity" and tracer.image.unit.lower() not in ("", "dex"):
        yield Entry("unit", "dex", f"? BUNIT says {tracer.image.unit}")


def _file_entries(one: Known, file: str, folder: Path, telescope: Telescope) -> Iterator[Entry]:
    """Iterate over where the numbers of a map are, and what it was measured with."""
    yield Entry("file", quoted(file))
    yield Entry("value", quoted(one.image.place))
    for key, text in _part_values(one, folder):
        note = ""
        if key == "sigma":
            note = "? no errors in the file: this is the scatter of neighbouring pixels"
        elif key == "ivar" and "w" in str(one.value.parts[key].place).lower():
            note = "? taken as 1 / sigma²"
        yield Entry(key, text, note)
    yield from _telescope_entries(telescope)


def _part_values(one: Known, folder: Path) -> Iterator[tuple[str, str]]:
    """Iterate over (key, value) of the errors, the mask and the bins of a map."""
    if not one.value.has_errors:
        yield "sigma", f"{noise_of(one.image.values):.3g}"
    done = False
    for key, part in one.value.parts.items():
        if key in ("error", "variance", "ivar"):
            if done:
                continue
            done = True
        if part.file is None:
            yield key, quoted(part.place)
        else:
            place = {"file": quoted(relative(part.file, folder)), "extension": quoted(part.place)}
            yield key, inline(place)


def _telescope_entries(telescope: Telescope) -> Iterator[Entry]:
    if telescope.pixel_scale is not None:
        yield Entry("pixel_scale", f"{telescope.pixel_scale:g}", telescope.scale_note)
    yield Entry("psf", telescope.psf, telescope.psf_note)


def _resolved(image: Image, grid: Grid | None, telescope: Telescope) -> float | None:
    """The half-light radius of a map over that of the PSF; None where it cannot be told."""
    where = grid or Grid.regular(image.values.shape, telescope.side)
    width = float(telescope.psf.partition("fwhm: ")[2].split("}")[0].split(",")[0])
    try:
        with collected_warnings():
            instrument = Instrument(where, GaussianPSF(width))
            light = LightMap(image.values, noise_of(image.values), instrument, check=False)
        return shape_of_light("light", light).radius / (HALF * width / SIGMA_TO_FWHM)
    except (InputError, FloatingPointError):
        return None


def relative(path: Path, folder: Path) -> str:
    """A path as a configuration in a folder names it: relative if it lies in or near the folder."""
    path, folder = path.resolve(), folder.resolve()
    text = os.path.relpath(path, folder)
    return str(path) if text.startswith(f"..{os.sep}..") else Path(text).as_posix()
