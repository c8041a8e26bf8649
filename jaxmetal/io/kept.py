"""What a folder of results keeps of its input, so that it can be mailed: pictures, reports and another fit need nothing else."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.galaxy import LENS
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import GaussianPSF, MoffatPSF
from jaxmetal.io.entries import FromReader
from jaxmetal.io.fits import read_map, write_maps
from jaxmetal.io.galaxies import named_numbers
from jaxmetal.io.observations import Observed
from jaxmetal.io.paths import file_path, module_file, with_imports
from jaxmetal.io.scene import FROM_FILE, Scene
from jaxmetal.profiles.geometry import pixel_of

# Folders of the results: the maps that were fitted, and what else the configuration names.
MAPS, INPUT = "maps", "input"
# Pixels of a deflection map that are kept around the frames that look through it, and what part of
# their width.
RIM, SLACK = 8, 0.1
# Keys of a map's entry that say where in which file its numbers are.
_PLACES = ("file", "value", "error", "variance", "ivar", "sigma", "mask", "bins", "channel", "flux")


def keep_input(
    folder: Path, scene: Scene, samplings: Mapping[str, tuple[Any, int]]
) -> dict[str, Any]:
    """Copy what a scene was read from into a folder of results.

    The maps themselves are those that `write_map` leaves in the folder; deflection maps are cut to
    what the frames see of them.

    Parameters
    ----------
    folder
        of the results.
    scene
        what was fitted.
    samplings
        {map: ((evaluate, convolve), margin)}, as they were chosen.

    Returns
    -------
    config
        the configuration as it was understood, every default said, whose files are those of the
        folder.
    """
    said = scene.config.model_dump(mode="json", exclude_none=True)
    said["sample"] = False if scene.config.sample is None else said["sample"]
    shelf = _Shelf(folder, scene.folder)
    said["maps"] = dict(_entries(scene, shelf, samplings))
    if scene.reference is not None:
        said["reference"] = [float(angle) for angle in scene.reference]
    if (disc := scene.disc) is not None:
        # The reader's file stays behind; what the model says of the disc comes from the fitted
        # model again.
        said["baseline"] |= {
            key: getattr(disc, key) for key, source in disc.sources.items() if source == FROM_FILE
        }
    _keep_profiles(said, scene, shelf)
    _keep_lenses(said, scene, shelf, {name: margin for name, (_, margin) in samplings.items()})
    _keep_kernel(said.get("simulate", {}), shelf)
    return said


class _Shelf:
    """The part of a folder for copies of the input; a file that is named twice is copied once."""

    def __init__(self, folder: Path, source: Path):
        self.folder, self.source = folder, source
        self._places: dict[Path, str] = {}
        self._taken: set[str] = set()

    def place(self, name: str) -> str:
        """A free path in the folder, relative to it."""
        stem, dot, suffix = name.partition(".")
        free, number = f"{INPUT}/{name}", 2
        while free in self._taken:
            free, number = f"{INPUT}/{stem}-{number}{dot}{suffix}", number + 1
        self._taken.add(free)
        (self.folder / INPUT).mkdir(parents=True, exist_ok=True)
        return free

    def copy(self, text: str) -> str:
        """A file as it is; its path in the folder."""
        path = file_path(text, self.source).resolve()
        if path not in self._places:
            self._places[path] = self.place(path.name)
            shutil.copyfile(path, self.folder / self._places[path])
        return self._places[path]

    def copy_code(self, path: Path) -> str:
        """A user's module with the modules beside it that it imports; its path in the folder."""
        path = path.resolve()
        home = path.parent
        if home not in self._places:
            self._places[home] = self.place("code")
        for module in with_imports(path):
            target = self.folder / self._places[home] / module.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, target)
        return f"{self._places[home]}/{path.name}"

    def write_image(self, name: str, values: np.ndarray, wcs: Any) -> str:
        """An image in a file of its own, extension IMAGE; its path in the folder."""
        place = self.place(f"{name}.fits")
        write_maps(self.folder / place, {"IMAGE": (_compact(values), "")}, wcs)
        return place


def _compact(values: np.ndarray) -> np.ndarray:
    """In single precision if that loses nothing."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single.astype(float), values, equal_nan=True) else values


def write_map(
    path: Path,
    observed: Observed,
    images: Mapping[str, tuple[Any, str]],
    header: Mapping[str, Any] | None = None,
) -> None:
    """A map as images that can be read again, with the numbers of its bins if it has any.

    Parameters
    ----------
    path
        of the FITS file.
    observed
        the map as it was read.
    images
        {extension: (image, unit)}, such as its DATA and ERROR.
    header
        further cards.
    """
    instrument, images = observed.map.instrument, dict(images)
    if instrument.apertures is not None:
        numbers = instrument.image(np.asarray(instrument.apertures.ids, float))
        images["BINS"] = (np.where(np.isfinite(numbers), numbers, -1).astype(np.int32), "")
    write_maps(path, images, observed.wcs, header)


def _entries(
    scene: Scene, shelf: _Shelf, samplings: Mapping[str, tuple[Any, int]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The maps of a configuration, each in a file of the folder, in the order in which they were named."""
    known = {**scene.maps, **scene.pictures}
    for entry in scene.config.maps:
        for name, observed in known.items():
            if observed.entry != entry:
                continue
            if name in scene.maps:
                place = f"{MAPS}/{name}.fits"
            else:
                place = shelf.place(f"{name}.fits")
                columns = {"DATA": observed.map.data, "ERROR": observed.map.errors}
                images = {
                    key: (observed.map.image(values), observed.unit)
                    for key, values in columns.items()
                }
                write_map(shelf.folder / place, observed, images)
            yield name, _entry(scene, name, observed, place, shelf, samplings.get(name))


def _entry(
    scene: Scene,
    name: str,
    observed: Observed,
    place: str,
    shelf: _Shelf,
    sampling: tuple[Any, int] | None,
) -> dict[str, Any]:
    """What a configuration says of a map that lies in the folder."""
    entry = scene.config.maps[observed.entry]
    said = entry.model_dump(mode="json", exclude_none=True)
    _keep_kernel(said, shelf)
    if isinstance(entry, FromReader):
        said = _without_reader(said, entry, name, observed, shelf)
    _keep_classes(said, scene.folder, shelf)
    found = {key: value for key, value in said.items() if key not in _PLACES}
    found |= {"file": place, "value": "DATA", "error": "ERROR", "unit": observed.unit}
    if observed.map.instrument.apertures is not None:
        found["bins"] = "BINS"
        # What is written of a bin is the flux of its mean pixel.
        found |= {"flux": "mean"} if observed.map.additive else {}
    if sampling is not None:
        (evaluate, convolve), margin = sampling
        found |= {"supersampling": [evaluate, convolve], "margin": margin}
    return found


def _without_reader(
    said: Mapping[str, Any],
    entry: FromReader,
    name: str,
    observed: Observed,
    shelf: _Shelf,
) -> dict[str, Any]:
    """One of the maps that a reader gave as a map of its own."""
    common = {
        key: said[key]
        for key in ("supersampling", "margin", "light", "likelihood", "calibration")
        if key in said
    }
    light = observed.map.additive
    scatter = entry.light_scatter if light else entry.scatter
    common |= {} if scatter is None else {"scatter": scatter}
    if observed.wcs is None:
        common["pixel_scale"] = float(observed.map.instrument.grid.pixel_scale)
    # The PSF of the reader, which the configuration need not name.
    common["psf"] = said["psf"] if "psf" in said else _psf_entry(name, observed, shelf)
    if observed.map.tracer is not None:
        scale = observed.map.scale
        return {"kind": "tracer", "tracer": observed.map.tracer, "scale": scale, **common}
    return {"kind": "light", **common}


def _psf_entry(name: str, observed: Observed, shelf: _Shelf) -> Any:
    """The PSF of a map as a configuration names it; an image of it is written into the folder."""
    from astropy.wcs import WCS

    instrument = observed.map.instrument
    psf = instrument.psf
    if isinstance(psf, GaussianPSF):
        return {"gaussian": {"fwhm": float(psf.fwhm)}}
    if isinstance(psf, MoffatPSF):
        return {"moffat": {"fwhm": float(psf.fwhm), "beta": float(psf.beta)}}
    if not isinstance(psf, KernelPSF):
        return "none"
    # The scale of the kernel's square pixels; those of the map need not be squares.
    side = float(np.linalg.norm(np.asarray(instrument.grid.matrix, float)[:, 0]))
    scale = side / float(np.ravel(psf.oversampling)[0]) / 3600
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-scale, scale]
    place = shelf.write_image(f"{name}-psf", np.asarray(psf.kernel, float), wcs)
    return {"kernel": {"file": place, "extension": "IMAGE", "includes_pixel": psf.includes_pixel}}


def _keep_kernel(said: dict[str, Any], shelf: _Shelf) -> None:
    """The picture of a PSF, header and all, if a part of the configuration names one."""
    psf = said.get("psf")
    if isinstance(psf, dict) and "kernel" in psf:
        said["psf"] = {"kernel": psf["kernel"] | {"file": shelf.copy(psf["kernel"]["file"])}}


def _keep_classes(entry: dict[str, Any], folder: Path, shelf: _Shelf) -> None:
    """The user's modules that a map's kind and likelihood come from."""
    if "type" in entry:
        entry["type"] = _keep_code(entry["type"], folder, shelf)
    likelihood = entry.get("likelihood", "")
    if isinstance(likelihood, dict):
        entry["likelihood"] = {_keep_code(k, folder, shelf): v for k, v in likelihood.items()}
    else:
        entry["likelihood"] = _keep_code(likelihood, folder, shelf)


def _keep_code(text: str, folder: Path, shelf: _Shelf) -> str:
    """A class or function of a user's file, whose copy is in the folder; others as they are."""
    source, _, name = text.rpartition(":")
    path = module_file(source, folder) if source else None
    return text if path is None else f"{shelf.copy_code(path)}:{name}"


def _keep_profiles(said: dict[str, Any], scene: Scene, shelf: _Shelf) -> None:
    """Pictures of light, users' functions, and numbers that only the file of a map knows, of components and lenses."""
    numbers = named_numbers({**scene.maps, **scene.pictures})
    for component, parts in said["galaxy"].items():
        for kind, profile in parts.items():
            if isinstance(profile, dict):
                _keep_profile(profile, f"{component}-{kind}", numbers, shelf)
    for name, profile in said.get(LENS, {}).items():
        _keep_profile(profile, f"{LENS}-{name}", numbers, shelf)


def _keep_profile(
    profile: dict[str, Any], name: str, numbers: Mapping[str, float], shelf: _Shelf
) -> None:
    for key, value in profile.items():
        if isinstance(value, str) and value in numbers:
            profile[key] = numbers[value]
    if "profile" in profile:
        profile["profile"] = _keep_code(profile["profile"], shelf.source, shelf)
    if "file" in profile:
        found = read_map(file_path(profile["file"], shelf.source), profile.get("extension", 0))
        profile |= {"file": shelf.write_image(name, found.values, found.wcs), "extension": "IMAGE"}


def _keep_lenses(
    said: dict[str, Any], scene: Scene, shelf: _Shelf, margins: Mapping[str, int]
) -> None:
    """Published deflection maps, cut to the frames that look through them."""
    for name, lens in said.get(LENS, {}).items():
        if (deflection := lens.get("deflection")) is None:
            continue
        rows, columns = _seen(scene, name, margins)
        for axis in ("x", "y"):
            found = read_map(
                file_path(deflection[f"{axis}_file"], shelf.source), deflection["extension"]
            )
            wcs = None if found.wcs is None else found.wcs[rows, columns]
            deflection[f"{axis}_file"] = shelf.write_image(
                f"{LENS}-{name}-{axis}", found.values[rows, columns], wcs
            )
        deflection["extension"] = "IMAGE"


def _seen(scene: Scene, name: str, margins: Mapping[str, int]) -> tuple[slice, slice]:
    """The rows and columns of a deflection map through which the frames are seen, and some more."""
    lens = scene.galaxy.lens[name].parameters
    place, step = (np.asarray(lens[key], float) for key in ("origin", "matrix"))
    corners = []
    for label, observed in scene.maps.items():
        grid, margin = observed.map.instrument.grid, margins.get(label, 0)
        across, up = (np.array([-0.5 - margin, n + margin - 0.5]) for n in grid.shape[::-1])
        pixels = np.stack(np.meshgrid(across, up)).reshape(2, -1)
        x, y = np.asarray(grid.origin, float)[:, None] + np.asarray(grid.matrix, float) @ pixels
        corners.append(np.stack([np.asarray(p, float) for p in pixel_of(x, y, place, step)]))
    low, high = np.min(np.hstack(corners), axis=1), np.max(np.hstack(corners), axis=1)
    rim = RIM + SLACK * (high - low)
    first, last = np.floor(low - rim).astype(int), np.ceil(high + rim).astype(int)
    sizes = np.asarray(lens["alpha_x"]).shape[::-1]
    columns, rows = (
        slice(max(a, 0), min(b + 1, n)) for a, b, n in zip(first, last, sizes, strict=True)
    )
    return rows, columns
