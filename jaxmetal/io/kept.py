"""The input of a fit as its folder of results keeps it, so that the folder is complete by itself.

Figures, reports and another fit need no file outside of it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.instrument.elliptical_psf import ellipse_of
from jaxmetal.instrument.kernel_psf import KernelPSF
from jaxmetal.instrument.psf import GaussianPSF, MoffatPSF
from jaxmetal.io.copies import Copies
from jaxmetal.io.correlations import named
from jaxmetal.io.entries import FromReader
from jaxmetal.io.fits import write_maps
from jaxmetal.io.kept_profiles import keep_deflections, keep_profiles
from jaxmetal.io.observations import Observed
from jaxmetal.io.scene import FROM_FILE, Scene
from jaxmetal.maps.correlations import MatrixCorrelation

# The folder of the maps that were fitted, relative to the folder of results.
MAPS = "maps"
# Keys of a map's entry that say where in which file its numbers are.
_PLACES = ("file", "value", "error", "variance", "ivar", "sigma", "mask", "bins", "channel", "flux")
# What is kept is in the rest frame.
_PLACES += ("limits", "convention", "redshift")


def keep_input(
    folder: Path, scene: Scene, samplings: Mapping[str, tuple[Any, int]]
) -> dict[str, Any]:
    """Copy what a scene was read from into a folder of results.

    The maps themselves are those that `write_map` leaves in the folder; deflection maps are cut to
    the region that the frames cover.

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
        the configuration with every default written out, whose files are those of the folder.
    """
    config = scene.config.model_dump(mode="json", exclude_none=True)
    config["sample"] = False if scene.config.sample is None else config["sample"]
    copies = Copies(folder, scene.folder)
    config["maps"] = dict(_entries(scene, copies, samplings))
    if scene.reference is not None:
        config["reference"] = [float(angle) for angle in scene.reference]
    if (disc := scene.disc) is not None:
        # The reader's file is not copied; what the model says of the disc comes from the fitted
        # model again.
        config["baseline"] |= {
            key: getattr(disc, key) for key, source in disc.sources.items() if source == FROM_FILE
        }
    keep_profiles(config, scene, copies)
    margins = {name: margin for name, (_, margin) in samplings.items()}
    keep_deflections(config, scene, copies, margins)
    _keep_kernel(config.get("simulate", {}), copies)
    return config


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
    if (apertures := instrument.apertures) is not None and apertures.whole:
        numbers = apertures.paint(np.asarray(apertures.ids, float))
        images["BINS"] = (np.where(np.isfinite(numbers), numbers, -1).astype(np.int32), "")
    for key, plane in observed.map.planes.items():
        image = instrument.image(np.asarray(plane, float))
        flags = plane.dtype == bool
        images[key.upper()] = (np.nan_to_num(image).astype(np.int32) if flags else image, "")
    write_maps(path, images, observed.wcs, header)


def _entries(
    scene: Scene, copies: Copies, samplings: Mapping[str, tuple[Any, int]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of all maps, each map in a file of the folder, in the configuration's order."""
    maps = {**scene.maps, **scene.pictures}
    for entry in scene.config.maps:
        for name, observed in maps.items():
            if observed.entry != entry:
                continue
            if name in scene.maps:
                place = f"{MAPS}/{name}.fits"
            else:
                place = copies.place(f"{name}.fits")
                columns = {"DATA": observed.map.data, "ERROR": observed.map.errors}
                images = {
                    key: (observed.map.image(values), observed.unit)
                    for key, values in columns.items()
                }
                write_map(copies.folder / place, observed, images)
            yield name, _entry(scene, name, observed, place, copies, samplings.get(name))


def _entry(
    scene: Scene,
    name: str,
    observed: Observed,
    place: str,
    copies: Copies,
    sampling: tuple[Any, int] | None,
) -> dict[str, Any]:
    """The configuration of a map that lies in the folder."""
    entry = observed.block
    settings = entry.model_dump(mode="json", exclude_none=True)
    _keep_kernel(settings, copies)
    if isinstance(entry, FromReader):
        settings = _without_reader(settings, entry, name, observed, copies)
    _keep_classes(settings, copies)
    if observed.map.instrument.measurements != "apertures":
        _keep_correlation(settings, name, observed.map, copies)
    kept = {key: value for key, value in settings.items() if key not in _PLACES}
    kept |= _written(place, observed)
    if sampling is not None:
        (evaluate, convolve), margin = sampling
        kept |= {"supersampling": [evaluate, convolve], "margin": margin}
    return kept


def _written(place: str, observed: Observed) -> dict[str, Any]:
    """Where the numbers of a map are in the folder: in images, or of apertures in a table."""
    parts = ("value", "DATA"), ("error", "ERROR"), *((k, k.upper()) for k in observed.map.planes)
    measurements = observed.map.instrument.measurements
    if measurements == "apertures":
        table = str(Path(place).with_suffix(".ecsv"))
        return {"file": table, "unit": observed.unit, **{key: name.lower() for key, name in parts}}
    written = {"file": place, "unit": observed.unit, **dict(parts)}
    if measurements == "bins":
        written["bins"] = "BINS"
        # What is written of a bin is the flux of its mean pixel.
        written |= {"flux": "mean"} if observed.map.is_flux else {}
    return written


def _without_reader(
    settings: Mapping[str, Any],
    entry: FromReader,
    name: str,
    observed: Observed,
    copies: Copies,
) -> dict[str, Any]:
    """The configuration of one of a reader's maps, without the reader."""
    keys = ("supersampling", "margin", "likelihood", "correlation")
    common = {key: settings[key] for key in keys if key in settings}
    scatter = entry.light_scatter if observed.map.is_flux else entry.scatter
    common |= {} if scatter is None else {"scatter": scatter}
    if observed.wcs is None:
        common["pixel_scale"] = float(observed.map.instrument.grid.pixel_scale)
    # The PSF of the reader, which the configuration need not name.
    common["psf"] = settings["psf"] if "psf" in settings else _psf_entry(name, observed, copies)
    own = observed.map.entry
    if "relative_to" in own:
        own["relative_to"] = entry.base(name)
    return own | common


def _psf_entry(name: str, observed: Observed, copies: Copies) -> Any:
    """The configuration of a map's PSF; its kernel is written into the folder."""
    from astropy.wcs import WCS

    instrument = observed.map.instrument
    psf, ellipse = ellipse_of(instrument.psf)
    if isinstance(psf, GaussianPSF):
        return {"gaussian": {"fwhm": float(psf.fwhm), **ellipse}}
    if isinstance(psf, MoffatPSF):
        return {"moffat": {"fwhm": float(psf.fwhm), "beta": float(psf.beta), **ellipse}}
    if not isinstance(psf, KernelPSF):
        return "none"
    # The scale of the kernel's square pixels; those of the map need not be squares.
    side = float(np.linalg.norm(np.asarray(instrument.grid.matrix, float)[:, 0]))
    scale = side / float(np.ravel(psf.oversampling)[0]) / 3600
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-scale, scale]
    place = copies.write_image(f"{name}-psf", np.asarray(psf.kernel, float), wcs)
    return {"kernel": {"file": place, "extension": "IMAGE", "includes_pixel": psf.includes_pixel}}


def _keep_kernel(settings: dict[str, Any], copies: Copies) -> None:
    """Copy the kernel of a PSF with its header, if a part of the configuration names one."""
    psf = settings.get("psf")
    if isinstance(psf, dict) and "kernel" in psf:
        settings["psf"] = {"kernel": psf["kernel"] | {"file": copies.copy(psf["kernel"]["file"])}}


def _keep_correlation(settings: dict[str, Any], name: str, one_map: Any, copies: Copies) -> None:
    """The correlation of a map's errors: by name, by the user's function, or as a matrix."""
    correlation, entry = one_map.correlation, settings.get("correlation")
    function = entry.get("function") if isinstance(entry, dict) else None
    if correlation is None:
        settings["correlation"] = "none"
    elif function is not None and not isinstance(correlation, MatrixCorrelation):
        settings["correlation"] = {
            "function": function | {"name": copies.copy_function(function["name"])}
        }
    elif (numbers := named(correlation)) is not None:
        settings["correlation"] = numbers
    else:
        count = jnp.arange(one_map.values.size)
        matrix = np.asarray(correlation.among(one_map.instrument.grid, count), float)
        place = copies.write_image(f"{name}-correlation", matrix, None)
        settings["correlation"] = {"file": {"file": place, "extension": "IMAGE"}}


def _keep_classes(entry: dict[str, Any], copies: Copies) -> None:
    """Copy the user's modules that a map's kind and likelihood come from."""
    if "type" in entry:
        entry["type"] = copies.copy_function(entry["type"])
    likelihood = entry.get("likelihood", "")
    if isinstance(likelihood, dict):
        entry["likelihood"] = {copies.copy_function(k): v for k, v in likelihood.items()}
    else:
        entry["likelihood"] = copies.copy_function(likelihood)
