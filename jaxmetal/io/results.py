"""A folder of results: written as a whole or not at all, added to file by file, read again."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, surviving
from jaxmetal.files import whole_file
from jaxmetal.forward import intrinsic
from jaxmetal.galaxy import get
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.inference.tables import labels
from jaxmetal.io.config import resolved, write
from jaxmetal.io.fits import read_image
from jaxmetal.io.kept import MAPS, keep_input, write_map
from jaxmetal.io.scene import Scene, load
from jaxmetal.io.summary import parameter_table
from jaxmetal.maps import Map

# Files of a folder of results.
CONFIG = "config.resolved.yaml"
TABLE = "parameters.ecsv"
POSTERIOR = "posterior.nc"
SUMMARY = "summary.txt"
# The configuration as it was written, without its suffix.
ORIGINAL = "config.original"
# The folder of figures.
PLOTS = "plots"
# Extensions of the file of a map, in their order.
IMAGES = ("DATA", "ERROR", "MODEL", "RESIDUAL", "INTRINSIC")


def check_free(folder: str | os.PathLike, overwrite: bool) -> Path:
    """The folder's path, if it may be written.

    Raises
    ------
    InputError
        if it is a file, is not empty and may not be replaced, or cannot be written.
    """
    folder = Path(folder)
    if "\0" in str(folder):
        raise InputError(f"{str(folder)!r}: no folder has a null character in its name.")
    ancestor = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not ancestor.is_dir():
        raise InputError(f"{ancestor}: expected a folder, it is a file.")
    parent = folder.absolute().parent if ancestor == folder else ancestor
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to write there.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(
            f"{folder}: the folder is not empty; --overwrite replaces it, --out names another."
        )
    return folder


@contextmanager
def whole_folder(folder: str | os.PathLike, overwrite: bool = False) -> Iterator[Path]:
    """An empty folder to fill, which replaces `folder` only if the block succeeds.

    Parameters
    ----------
    folder
        the path of the finished folder.
    overwrite
        whether a folder of that path may be replaced, as a whole.
    """
    folder = check_free(folder, overwrite).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        part = workshop / "new"
        part.mkdir(mode=0o700)
        yield part
        _exchange(folder, part, workshop / "old")
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _exchange(folder: Path, new: Path, old: Path) -> None:
    """Replace the old folder by the new one; if that fails the old one stays."""
    if not folder.exists():
        os.replace(new, folder)
        return
    os.replace(folder, old)
    try:
        os.replace(new, folder)
    except BaseException:
        os.replace(old, folder)
        raise


def write_fit(
    folder: Path, scene: Scene, fit: Fit, failures: dict[str, str], origin: Path | None = None
) -> None:
    """Write configuration, parameters and maps to an empty folder, with copies of the input.

    Parameters
    ----------
    folder
        from `whole_folder`.
    scene
        what was fitted.
    fit
        its results.
    failures
        {what could not be written: why}, to which is added what fails here.
    origin
        the file of the configuration, of which a copy is kept.
    """
    write_table(folder, scene, fit, None)
    samplings: dict[str, tuple[Any, int]] = {}
    for name in scene.maps:
        if (map_sampling := fit.maps[name].instrument.sampling) is not None:
            samplings[name] = ((map_sampling.evaluate, map_sampling.convolve), map_sampling.margin)
    config = None
    with surviving(failures, "copy of the input"):
        config = keep_input(folder, scene, samplings)
        if origin is not None:
            shutil.copyfile(origin, folder / f"{ORIGINAL}{origin.suffix}")
    if config is None:
        # The results are then read from the original files.
        by_entry = {scene.maps[name].entry: sampling for name, sampling in samplings.items()}
        config = resolved(scene.config, scene.folder, by_entry)
    write(folder / CONFIG, config)
    for name in fit.maps:
        with surviving(failures, f"map {name}"):
            _write_map(folder / MAPS, scene, fit, name, failures)


def write_table(folder: Path, scene: Scene, fit: Fit, posterior: Posterior | None) -> None:
    """Write the table of the parameters; see `parameter_table`."""
    with whole_file(folder / TABLE) as part:
        parameter_table(scene, fit, posterior).write(part, format="ascii.ecsv", overwrite=True)


def write_summary(folder: Path, text: str) -> None:
    """Write the text that `summary_text` makes."""
    with whole_file(folder / SUMMARY) as part:
        part.write_text(text, encoding="utf-8")


def _write_map(folder: Path, scene: Scene, fit: Fit, name: str, failures: dict[str, str]) -> None:
    """Write data, errors, model, residual and intrinsic map as images, NaN where masked.

    The numbers of apertures are written as a table too.
    """
    fitted_map, observed = fit.maps[name], scene.maps[name]
    instrument = fitted_map.instrument
    residual = np.where(np.asarray(fitted_map.valid), fit.residuals[name], np.nan)
    columns: dict[str, Any] = {"data": fitted_map.data, "error": fitted_map.errors}
    columns["model"] = fit.predicted[name]
    with surviving(failures, f"intrinsic map {name}"):
        columns["intrinsic"] = intrinsic(fit.galaxy, fitted_map)
    images: dict[str, Any] = {
        key.upper(): (fitted_map.image(values), observed.unit) for key, values in columns.items()
    }
    images["RESIDUAL"] = (instrument.image(residual), "")
    header = {"MAP": name, "CHISQ": fit.chi_square[name], "NPIX": fitted_map.size}
    sections = {key: images[key] for key in IMAGES if key in images}
    write_map(folder / f"{name}.fits", observed, sections, header)
    if instrument.apertures is not None:
        columns = {"id": instrument.apertures.ids, **columns, "residual": residual}
        columns |= fitted_map.planes
        arrays = {key: np.asarray(values) for key, values in columns.items()}
        _write_apertures(folder / f"{name}.ecsv", arrays)


def _write_apertures(path: Path, columns: dict[str, np.ndarray]) -> None:
    from astropy.table import QTable

    with whole_file(path) as part:
        QTable(columns).write(part, format="ascii.ecsv")


def _read_model(folder: Path, name: str, fitted_map: Map) -> np.ndarray:
    """The model of a map as it was written."""
    if fitted_map.instrument.apertures is None:
        return read_image(folder / f"{name}.fits", "MODEL")
    return np.asarray(_table(folder / f"{name}.ecsv")["model"], float)


def _table(path: Path) -> Any:
    from astropy.table import QTable

    try:
        return QTable.read(path, format="ascii.ecsv")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: cannot be read as a table ({str(error).splitlines()[0]})."
        ) from None


def _read_parameters(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers in the table of the parameters by label, and what it says of the fit."""
    table = _table(path)
    try:
        numbers = dict(zip(table["name"], table["value"], strict=True))
        meta = {key: table.meta[key] for key in ("converged", "message", "log_prior", "covariance")}
    except (ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read as a table of parameters ({reason}).") from None
    return numbers, meta


def read_results(folder: str | os.PathLike) -> tuple[Scene, Fit, Posterior | None]:
    """The scene, fit and posterior (None if there is none) of a folder of `write_fit`.

    The data are read again from the files that its configuration names.

    Parameters
    ----------
    folder
        of results.

    Raises
    ------
    InputError
        if it is not such a folder, or the data are missing.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file() or not (folder / TABLE).is_file():
        raise InputError(
            f"{folder}: not a folder of results; {CONFIG} and {TABLE} are expected in it."
        )
    numbers, meta = _read_parameters(folder / TABLE)
    scene = load(folder / CONFIG)
    model = scene.model()
    values = {}
    for path in model.names:
        start = get({**model.galaxy.named, **model.maps}, path)
        elements = [numbers[label] for label in labels(path, start.shape)]
        values[path] = np.reshape(elements, start.shape)
    arrays = {path: jnp.asarray(value, jnp.result_type(float)) for path, value in values.items()}
    galaxy, maps = model.scene_at(arrays)
    count = sum(value.size for value in values.values())
    fit = Fit(
        parameters=values,
        covariance=np.reshape(np.asarray(meta["covariance"], float), (count, count)),
        galaxy=galaxy,
        maps=maps,
        predicted={name: _read_model(folder / MAPS, name, m) for name, m in maps.items()},
        log_prior=float(meta["log_prior"]),
        converged=bool(meta["converged"]),
        message=str(meta["message"]),
        unconstrained=np.full(count, np.nan),
        unconstrained_covariance=np.full((count, count), np.nan),
    )
    posterior = Posterior.load(folder / POSTERIOR) if (folder / POSTERIOR).is_file() else None
    return scene, fit, posterior
