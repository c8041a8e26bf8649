"""From the maps of a configuration to maps of a model: files are read, placed on one sky, given their instruments."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError, unknown, warnings_about
from jaxmetal.galaxy import LENS
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import PSF, GaussianPSF, MoffatPSF, NoPSF
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes
from jaxmetal.io.entries import FitsMap, FromReader, Light, Other
from jaxmetal.io.fits import Part, read_map
from jaxmetal.io.frames import filled, filled_up, framed, widened
from jaxmetal.io.paths import file_path, imported_function
from jaxmetal.io.places import find_reference, make_grid
from jaxmetal.io.psfs import read_psf
from jaxmetal.io.readers.options import read_entry
from jaxmetal.io.readers.protocol import Geometry, Reading, ReadMap
from jaxmetal.maps import Calibration, LightMap, Likelihood, Map, TracerMap
from jaxmetal.maps.binned import common
from jaxmetal.maps.likelihood import LIKELIHOODS
from jaxmetal.quantities import unit_of_text


@dataclass(frozen=True)
class Observed:
    """A map, and what a file says of it that a model does not need.

    Parameters
    ----------
    map
        the map itself.
    entry
        the name in the configuration; a reader may give several maps.
    wcs, unit
        the astropy.wcs.WCS or None, and the unit as text.
    shape
        (rows, columns) in the file; the map may have been filled up.
    geometry
        of the galaxy, as far as the file states it.
    """

    map: Map
    entry: str
    wcs: Any
    unit: str
    shape: tuple[int, int]
    geometry: Geometry = field(default_factory=Geometry)


@dataclass(frozen=True)
class Observations:
    """All maps of a configuration by name, and the (right ascension, declination) of their (x, y) = (0, 0), if any."""

    maps: dict[str, Observed]
    reference: tuple[float, float] | None


def observe(
    config: schema.Config, folder: Path, mistakes: Mistakes, fill: bool = False
) -> Observations:
    """The maps of a configuration, as many as can be made.

    Parameters
    ----------
    config, folder
        the configuration, and the folder that its paths are relative to.
    mistakes
        to which what is wrong is added.
    fill
        whether frames are filled up to a few common sizes.
    """
    sources: dict[str, Reading] = {}
    for name, entry in config.maps.items():
        with mistakes.at(f"maps.{name}"), warnings_about(f"maps.{name}"):
            reading = _read(name, entry, folder, mistakes)
            if reading is not None:
                sources[name] = reading
    with mistakes.at("reference"):
        reference = find_reference(config, sources, mistakes)
        return Observations(_made(config, folder, sources, reference, mistakes, fill), reference)
    # Without a place of the maps nothing else can be judged.
    mistakes.raise_all()
    return Observations({}, None)


def _made(
    config: schema.Config,
    folder: Path,
    sources: dict[str, Reading],
    reference: Any,
    mistakes: Mistakes,
    fill: bool,
) -> dict[str, Observed]:
    maps: dict[str, Observed] = {}
    instruments: dict[Any, Instrument] = {}
    for name, source in sources.items():
        entry = config.maps[name]
        if mistakes.spoils(f"maps.{name}.bins"):
            # Without its bins it would be another map.
            continue
        where = f"maps.{name}"
        # A value that was left out because it was wrong may be missed here.
        with mistakes.at(where, follows=mistakes.touches(where)), warnings_about(where):
            grid = make_grid(name, entry, source, reference)
            for label, key in _labels(name, entry, source).items():
                if label in maps or label in config.galaxy or label == LENS:
                    others = "another map, of a component or of the lenses"
                    message = f"{label!r} is also the name of {others}; paths would be ambiguous."
                    raise InputError(message)
                psf = _psf(key, entry, source, grid, folder)
                instrument = _instrument(entry, grid, psf, source.bins, fill)
                # Maps of one instrument share its object, and so the convolution of their light.
                instrument = instruments.setdefault(_identity(instrument), instrument)
                data = filled_up(source.maps[key]) if fill else source.maps[key]
                made = _map(entry, data, instrument, folder)
                unit = data.unit or ("dex" if data.tracer and data.scale == "log10" else "")
                geometry = source.geometry
                maps[label] = Observed(made, name, source.wcs, unit, grid.shape, geometry)
    return maps


def _labels(name: str, entry: Any, source: Reading) -> dict[str, str]:
    """{name in the model: name in the reading} of the maps of an entry."""
    if isinstance(entry, FitsMap):
        return {name: name}
    for key in entry.names:
        if key not in source.maps:
            raise unknown("map", key, source.maps, "names")
    labels = {key: entry.names.get(key, key) for key in source.maps}
    return {label: key for key, label in labels.items() if label != "none"}


def _read(name: str, entry: Any, folder: Path, mistakes: Mistakes) -> Reading | None:
    """The file of an entry; None if an option is wrong, which is a mistake."""
    if isinstance(entry, FromReader):
        return read_entry(f"maps.{name}", entry, folder, mistakes)
    path = file_path(entry.file, folder)

    def part(said: Any) -> Any:
        if said is None or isinstance(said, str | int):
            return said
        file = None if said.file is None else file_path(said.file, folder)
        return Part(file, said.extension, said.channel)

    names = ("error", "variance", "ivar", "mask", "bins")
    parts = {key: part(getattr(entry, key)) for key in names}
    needs_wcs = entry.pixel_scale is None
    options = {"channel": entry.channel, "unit": entry.unit, "needs_wcs": needs_wcs}
    file = read_map(path, entry.value, **parts, **options)
    sigma = file.sigma if file.sigma is not None else entry.sigma
    if isinstance(entry, Light):
        data = ReadMap(file.values, sigma, file.unit, flux=entry.flux, mask=file.mask)
    else:
        kind = {"tracer": entry.tracer, "scale": entry.scale}
        data = ReadMap(file.values, sigma, file.unit, mask=file.mask, **kind)
    return Reading({name: data}, wcs=file.wcs, bins=file.bins)


def _psf(key: str, entry: Any, source: Reading, grid: Grid, folder: Path) -> PSF:
    """The PSF of a map: the configuration's, or else the reader's."""
    if entry.psf is not None:
        return make_psf(entry.psf, grid, folder)
    psf = source.psf_of(key)
    if psf is None:
        raise InputError(f"psf: the reader does not know that of {key!r}; give one, or none.")
    # Results are kept with a configuration that has to name the PSF.
    if not isinstance(psf, NoPSF | GaussianPSF | MoffatPSF | KernelPSF):
        got = type(psf).__name__
        raise InputError(f"psf: expected NoPSF, GaussianPSF, MoffatPSF or KernelPSF, got {got}.")
    return psf


def _instrument(
    entry: Any,
    grid: Grid,
    psf: PSF,
    numbers: np.ndarray | None,
    fill: bool,
) -> Instrument:
    """The instrument of a map, in a frame of a common size if that is to be filled up."""
    if numbers is not None:
        numbers = np.asarray(numbers, float)
    if fill:
        grid, psf = widened(grid), framed(psf)
        numbers = None if numbers is None else filled(numbers, np.nan)
    bins = None if numbers is None else Apertures.bins(numbers)
    sampling = as_sampling(entry.supersampling)
    return Instrument(grid, psf, sampling, entry.margin, apertures=bins)


def _identity(instrument: Instrument) -> Any:
    """A key that is equal for instruments whose numbers are equal."""
    leaves, structure = jax.tree.flatten(instrument)
    return (structure, *(np.asarray(leaf).tobytes() for leaf in leaves))


def make_psf(psf: schema.Psf, grid: Grid, folder: Path) -> PSF:
    """The PSF that a configuration describes, for the pixels of a grid."""
    if psf.gaussian:
        return GaussianPSF(psf.gaussian.fwhm)
    if psf.moffat:
        return MoffatPSF(psf.moffat.fwhm, psf.moffat.beta)
    if psf.kernel:
        kernel = psf.kernel
        path = file_path(kernel.file, folder)
        sides = np.linalg.norm(np.asarray(grid.matrix, float), axis=0)
        return read_psf(path, sides, kernel.extension, kernel.oversampling, kernel.includes_pixel)
    return NoPSF()


def as_sampling(said: Any) -> Any:
    """A configuration's supersampling as an Instrument takes it."""
    return tuple(said) if isinstance(said, list) else said


def _map(entry: Any, data: ReadMap, instrument: Instrument, folder: Path) -> Map:
    """The map of an entry, in pixels or in bins."""
    tracer = data.tracer is not None
    scatter = entry.scatter if tracer or isinstance(entry, FitsMap) else entry.light_scatter
    noise: dict[str, Any] = {
        "light": entry.light,
        "likelihood": _likelihood(entry.likelihood, folder),
        "calibration": Calibration(**entry.calibration.model_dump()) if entry.calibration else None,
        "check": entry.check,
        "scatter": scatter or 0.0,
        # A text that names no unit, as headers have them, says nothing.
        "unit": unit_of_text(data.unit),
    }
    if tracer:
        kind = {"tracer": data.tracer, "scale": data.scale}
        return TracerMap(data.values, data.sigma, instrument, mask=data.mask, **kind, **noise)
    values, sigma, mask = data.values, data.sigma, data.mask
    if data.flux != "pixel" and instrument.apertures is not None:
        values, sigma, mask = _of_bins(data, instrument.apertures)
    if isinstance(entry, Other):
        return _own_map(entry, (values, sigma, instrument, mask), noise, folder)
    return LightMap(values, sigma, instrument, mask, **noise)


def _own_map(
    entry: Other, arguments: tuple[Any, ...], options: dict[str, Any], folder: Path
) -> Map:
    """A map of a user's own kind."""
    kind = imported_function(entry.type, folder, "type")
    if not (isinstance(kind, type) and issubclass(kind, Map)):
        raise InputError(f"type: {entry.type!r} is no subclass of jaxmetal.Map.")
    return made_by_user(entry.type, kind, *arguments, **options, **entry.options)


def _likelihood(choice: str | dict[str, dict[str, Any]], folder: Path) -> Likelihood:
    """The likelihood of an entry: by name, or a user's own, with its parameters."""
    name, parameters = (choice, {}) if isinstance(choice, str) else next(iter(choice.items()))
    kind = LIKELIHOODS.get(name) or imported_function(name, folder, "likelihood")
    if not (isinstance(kind, type) and issubclass(kind, Likelihood)):
        raise InputError(f"likelihood: {name!r} is no subclass of jaxmetal.Likelihood.")
    return made_by_user(f"likelihood: {name}", kind, **parameters)


def made_by_user(where: str, kind: type, *arguments: Any, **options: Any) -> Any:
    """What a class makes of its arguments; what it raises is a mistake in the configuration.

    Raises
    ------
    InputError
        naming the class and what it raised.
    """
    try:
        return kind(*arguments, **options)
    except InputError:
        raise
    except Exception as error:  # whatever the user's own code raises
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"{where}: failed ({reason}).") from None


def _of_bins(light: ReadMap, bins: Apertures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux, error and mask of each bin, whose pixels repeat its mean or its total flux."""
    shape = light.values.shape
    sigma = np.broadcast_to(np.asarray(light.sigma, float), shape)
    mask = np.zeros(shape, bool) if light.mask is None else light.mask
    flux, sigma, mask = common("LightMap", bins, light.values, sigma, mask)
    count = bins.totals(np.ones(shape)) if light.flux == "mean" else 1.0
    return count * flux, count * sigma, mask
