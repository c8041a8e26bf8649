"""From the maps of a configuration to maps of a model: files are read, placed on one sky, given their instruments."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxmetal.errors import InputError, warnings_about
from jaxmetal.galaxy import LENS
from jaxmetal.instrument.aperture import Apertures
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.instrument.psf import PSF, GaussianPSF, MoffatPSF, NoPSF
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes, file_path
from jaxmetal.io.fits import MapFile, Part, read_map
from jaxmetal.io.frames import filled, filled_up, framed, widened
from jaxmetal.io.manga import Manga, read_manga
from jaxmetal.io.places import Source, find_reference, make_grid
from jaxmetal.io.psfs import read_psf
from jaxmetal.maps import Gaussian, LightMap, Map, StudentT, TracerMap
from jaxmetal.maps.binned import common
from jaxmetal.quantities import unit_of_text


@dataclass(frozen=True)
class Observed:
    """A map, and what a file says of it that a model does not need.

    Parameters
    ----------
    map
        the map itself.
    entry
        the name in the configuration; a MaNGA file gives two maps.
    wcs, unit
        the astropy.wcs.WCS or None, and the unit as text.
    shape
        (rows, columns) in the file; the map may have been filled up.
    manga
        geometry and effective radius, if it came from a MaNGA file.
    """

    map: Map
    entry: str
    wcs: Any
    unit: str
    shape: tuple[int, int]
    manga: Manga | None = None


@dataclass(frozen=True)
class Observations:
    """All maps of a configuration by name, and the (right ascension, declination) of their (x, y) = (0, 0), if any."""

    maps: dict[str, Observed]
    reference: tuple[float, float] | None


def observe(config: schema.Config, folder: Path, mistakes: Mistakes, fill: bool = False) -> Observations:
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
    sources: dict[str, Source] = {}
    for name, entry in config.maps.items():
        with mistakes.at(f"maps.{name}"), warnings_about(f"maps.{name}"):
            sources[name] = _read(entry, folder)
    with mistakes.at("reference"):
        reference = find_reference(config, sources, mistakes)
        return Observations(_made(config, folder, sources, reference, mistakes, fill), reference)
    # Without a place of the maps nothing else can be judged.
    mistakes.raise_all()
    return Observations({}, None)


def _made(
    config: schema.Config, folder: Path, sources: dict[str, Source], reference: Any, mistakes: Mistakes,
    fill: bool,
) -> dict[str, Observed]:  # fmt: skip
    maps: dict[str, Observed] = {}
    known: dict[Any, Instrument] = {}
    for name, source in sources.items():
        entry = config.maps[name]
        if mistakes.spoils(f"maps.{name}.bins"):
            # Without its bins it would be another map.
            continue
        # A value that was left out because it was wrong may be missed here.
        with mistakes.at(f"maps.{name}", follows=mistakes.touches(f"maps.{name}")), warnings_about(f"maps.{name}"):
            grid = make_grid(name, entry, source, reference)
            shape, psf, ids = grid.shape, _psf(entry, source, grid, folder), source.bins
            if fill:
                grid, psf, ids = widened(grid), framed(psf), None if ids is None else filled(ids, np.nan)
            bins = None if ids is None else Apertures.bins(ids)
            instrument = Instrument(grid, psf, as_sampling(entry.supersampling), entry.margin, apertures=bins)
            # Maps of one instrument share its object, and so the convolution of their light.
            places = [array.tobytes() for array in jax.tree.leaves((grid, bins))]
            key = (repr(entry.psf), str(entry.supersampling), entry.margin, grid.shape, *places)
            instrument = known.setdefault(key, instrument)
            for one, observed in _observed(name, entry, source, instrument, shape, filled_up if fill else lambda map: map).items():
                if one in maps or one in config.galaxy or one == LENS:
                    raise InputError(f"{one!r} is also the name of another map, of a component or of the lenses; paths would be ambiguous.")
                maps[one] = observed
    return maps


def _read(entry: Any, folder: Path) -> Source:
    path = file_path(entry.file, folder)
    if isinstance(entry, schema.Manga):
        return read_manga(path, entry.calibration, entry.snr, entry.inflate)

    def part(said: Any) -> Any:
        if said is None or isinstance(said, str | int):
            return said
        return Part(None if said.file is None else file_path(said.file, folder), said.extension, said.channel)

    parts = {name: part(getattr(entry, name)) for name in ("error", "variance", "ivar", "mask", "bins")}
    needs_wcs = entry.pixel_scale is None
    options = {"channel": entry.channel, "unit": entry.unit, "needs_wcs": needs_wcs}
    return read_map(path, entry.value, **parts, **options)


def _psf(entry: Any, source: Source, grid: Grid, folder: Path) -> PSF:
    if entry.psf is None:
        assert isinstance(source, Manga)
        return source.psf
    return make_psf(entry.psf, grid, folder)


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


def _observed(name: str, entry: Any, source: Source, instrument: Instrument, shape: tuple[int, int], fill: Callable) -> dict[str, Observed]:
    """One map of a FITS file, or the two of a MaNGA file."""
    likelihood = StudentT(entry.dof) if entry.likelihood == "student-t" else Gaussian()
    noise: dict[str, Any] = {"likelihood": likelihood, "check": entry.check}
    if isinstance(source, Manga):
        z, light = fill(source.metallicity), fill(source.light)
        names = entry.metallicity, entry.light
        scatter = entry.scatter or 0.0
        # Masked spaxels as NaN: a flag on one of a bin's spaxels does not spoil the bin.
        z_map = TracerMap(np.where(z.mask, np.nan, z.values), z.sigma, instrument, scatter=scatter, **noise)
        maps = {names[0]: Observed(z_map, name, source.wcs, "dex", shape, source)}
        if names[1]:
            scatter = entry.light_scatter or 0.0
            light_map = LightMap(*_flux(light, instrument.apertures), instrument, scatter=scatter, **noise)
            maps[names[1]] = Observed(light_map, name, source.wcs, light.unit, shape, source)
        return maps
    found = fill(source)
    sigma = found.sigma if found.sigma is not None else entry.sigma
    noise["scatter"] = entry.scatter or 0.0
    # A text that names no unit, as headers have them, says nothing.
    noise["unit"] = unit_of_text(found.unit)
    if isinstance(entry, schema.Light):
        values, mask = found.values, found.mask
        if entry.flux != "pixel":
            values, sigma, mask = _of_bins(found, sigma, instrument.apertures, entry.flux)
        return {name: Observed(LightMap(values, sigma, instrument, mask, **noise), name, found.wcs, found.unit, shape)}
    tracer_map = TracerMap(found.values, sigma, instrument, entry.tracer, entry.scale, found.mask, **noise)
    return {name: Observed(tracer_map, name, found.wcs, found.unit or ("dex" if entry.scale == "log10" else ""), shape)}


def _flux(light: MapFile, bins: Apertures | None) -> tuple[np.ndarray, np.ndarray]:
    """The flux of each spaxel or bin of a MaNGA map, and its error; NaN where it is masked."""
    flux, sigma = np.where(light.mask, np.nan, light.values), np.asarray(light.sigma)
    if bins is None:
        return flux, sigma
    # The pipeline gives the mean flux per spaxel of a bin.
    count = bins.totals(np.ones(flux.shape))
    return count * bins.ranges(flux)[1], count * bins.ranges(np.where(light.mask, np.nan, sigma))[1]


def _of_bins(light: MapFile, sigma: Any, bins: Apertures | None, repeated: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flux, error and mask of each bin, whose pixels repeat the "mean" flux of a pixel or the "total" of the bin."""
    assert bins is not None
    sigma = np.broadcast_to(np.asarray(sigma, float), light.values.shape)
    flux, sigma, mask = common("LightMap", bins, light.values, sigma, light.mask)
    count = bins.totals(np.ones(light.values.shape)) if repeated == "mean" else 1.0
    return count * flux, count * sigma, mask
