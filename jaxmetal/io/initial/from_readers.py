"""A first configuration for the files of surveys that a reader knows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jaxmetal.errors import InputError, collected_warnings
from jaxmetal.io.automatic import AUTO
from jaxmetal.io.initial.galaxies import galaxy_entries, light_entry, tracer_entry
from jaxmetal.io.initial.telescope import PIXELS
from jaxmetal.io.initial.text import Entry, block, inline, quoted
from jaxmetal.io.readers.protocol import Reading
from jaxmetal.io.readers.registry import find_reader, installed

# Lines that tell a metallicity, each beside the line that it is relative to.
BESIDE = {"NII6584": "Ha", "OIII5007": "Hb"}


def known_reading(path: Path) -> tuple[str, Reading] | None:
    """What a reader gives of a file.

    Parameters
    ----------
    path
        of the file.

    Returns
    -------
    found
        (name of the reader, its reading); None if no reader knows the file.
    """
    for name in installed():
        try:
            with collected_warnings():
                return name, find_reader(name, path.parent)(path)
        except Exception:  # of readers of other packages too: the file is none of theirs
            continue
    return None


def inventory_of(reading: Reading) -> list[str]:
    """What a reader found, a line each."""
    lines = []
    for name, one_map in reading.maps.items():
        count = int(np.isfinite(one_map.values).sum())
        what = one_map.tracer or one_map.line or "light"
        lines.append(f"map {name}: {what}, {count} values, unit {one_map.unit or 'unknown'}")
    lines.append(f"geometry: {_geometry(reading) or 'not in the file'}")
    psf = reading.psf_of(next(iter(reading.maps)))
    lines.append(f"PSF: {'not in the file' if psf is None else f'FWHM {_fwhm(psf)} arcsec'}")
    binned = any(reading.bins_of(name) is not None for name in reading.maps)
    lines.append(f"bins: {'spaxels share measurements' if binned else 'none'}")
    return lines


def _geometry(reading: Reading) -> str:
    """The numbers of the disc that the file has."""
    known = {key: value for key, value in vars(reading.geometry).items() if value is not None}
    return ", ".join(f"{key} {value:.4g}" for key, value in known.items())


def _fwhm(psf: object) -> str:
    width = getattr(psf, "fwhm", None)
    return "of a kernel" if width is None else f"{float(width):.3g}"


def reader_entries(kind: str, reading: Reading, file: str, lines: bool) -> Iterator[Entry]:
    """Iterate over the lines of a configuration for a file that a reader knows.

    Parameters
    ----------
    kind, reading
        the name of the reader, and what it gave.
    file
        as the configuration names it.
    lines
        whether the fluxes of emission lines are fitted, instead of a metallicity made of them.

    Raises
    ------
    InputError
        if the reader gives no map of a tracer, and lines are not asked for.
    """
    tracers = [name for name, one_map in reading.maps.items() if one_map.tracer]
    lights = [name for name, one_map in reading.maps.items() if not one_map.tracer]
    if not tracers and not lines:
        raise InputError(f"{file}: the reader {kind!r} gives no map of a tracer; try --lines.")
    if any(one_map.correlation is not None for one_map in reading.maps.values()):
        yield Entry("errors", "sandwich", "spaxels share noise; `full` puts it into the likelihood")
    yield from block("maps", block(kind, _map_entries(kind, reading, file, lines)))
    extra: list[Entry] = []
    light, tracer = next(iter(lights), None), "metallicity"
    if lines:
        light, extra = "Ha", [Entry("emission", inline({"relation": "curti20"}))]
    else:
        tracer = _tracer(reading, tracers[0])
    parts = [*light_entry(light, None, True), *tracer_entry(tracer, _angles(kind, reading))]
    yield from galaxy_entries(iter(parts), iter(extra))


def _angles(kind: str, reading: Reading) -> dict[str, str]:
    """The angles of the disc as a configuration names them: those of the file, or auto."""
    return {
        key: AUTO if getattr(reading.geometry, key) is None else f"{kind}.{key}"
        for key in ("inclination", "position_angle")
    }


def _tracer(reading: Reading, name: str) -> str:
    return reading.maps[name].tracer or "metallicity"


def _map_entries(kind: str, reading: Reading, file: str, lines: bool) -> Iterator[Entry]:
    yield Entry("kind", kind)
    yield Entry("file", quoted(file))
    if lines:
        names = ", ".join(dict.fromkeys((*BESIDE.values(), *BESIDE)))
        yield Entry("lines", f"[{names}]")
        yield Entry("relative_to", inline(BESIDE), "the light of every spaxel is free")
    if reading.psf_of(next(iter(reading.maps))) is None:
        side = 1.0 if reading.grid is None else float(reading.grid.pixel_scale)
        text = f"{{gaussian: {{fwhm: {PIXELS * side:.3g}}}}}"
        yield Entry(
            "psf", text, f"? not in this file: this is {PIXELS:g} spaxels; write the star's"
        )
