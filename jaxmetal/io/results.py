"""A folder of results: the fit's as a whole or not at all, what is added later file by file; and read again."""

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

CONFIG, TABLE, POSTERIOR, SUMMARY = (
    "config.resolved.yaml",
    "parameters.ecsv",
    "posterior.nc",
    "summary.txt",
)
# The configuration as it was written, its suffix behind it.
ORIGINAL = "config.original"
PLOTS = "plots"
IMAGES = ("DATA", "ERROR", "MODEL", "RESIDUAL", "INTRINSIC")


def check_free(folder: str | os.PathLike, overwrite: bool) -> Path:
    """The folder's path, if it may be written.

    Raises
    ------
    InputError
        if it is a file, holds something and may not be replaced, or cannot be made where it is to
        stand.
    """
    folder = Path(folder)
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise InputError(f"{there}: expected a folder, it is a file.")
    if not os.access(folder.absolute().parent if there == folder else there, os.W_OK | os.X_OK):
        raise InputError(f"{folder}: no permission to write there.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise InputError(
            f"{folder}: the folder is not empty; --overwrite replaces it, --out names another."
        )
    return folder


@contextmanager
def whole_folder(folder: str | os.PathLike, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill; it takes the place of `folder` only if the block succeeds.

    Parameters
    ----------
    folder
        where the finished folder is to stand.
    overwrite
        whether what stands there may be replaced, as a whole.
    """
    folder = check_free(folder, overwrite).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        part = workshop / "new"
        part.mkdir()
        yield part
        _exchange(folder, part, workshop / "old")
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _exchange(folder: Path, new: Path, old: Path) -> None:
    """Put the new folder in the old one's place; if that fails the old one stays."""
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
    """Configuration, parameters and maps in an empty folder, with what they were made from.

    Parameters
    ----------
    folder
        from `whole_folder`.
    scene
        what was fitted.
    fit
        what came of it.
    failures
        {what could not be written: why}, to which is added what goes wrong here.
    origin
        the file of the configuration, of which a copy is kept.
    """
    write_table(folder, scene, fit, None)
    samplings: dict[str, tuple[Any, int]] = {}
    for name in scene.maps:
        if (chosen := fit.maps[name].instrument.sampling) is not None:
            samplings[name] = ((chosen.evaluate, chosen.convolve), chosen.margin)
    said = None
    with surviving(failures, "copy of the input"):
        said = keep_input(folder, scene, samplings)
        if origin is not None:
            shutil.copyfile(origin, folder / f"{ORIGINAL}{origin.suffix}")
    if said is None:
        # The results are then read with the files where they were.
        said = resolved(
            scene.config,
            scene.folder,
            {scene.maps[name].entry: sampling for name, sampling in samplings.items()},
        )
    write(folder / CONFIG, said)
    for name in fit.maps:
        with surviving(failures, f"map {name}"):
            _write_map(folder / MAPS, scene, fit, name, failures)


def write_table(folder: Path, scene: Scene, fit: Fit, posterior: Posterior | None) -> None:
    """The table of the parameters; see `parameter_table`."""
    with whole_file(folder / TABLE) as part:
        parameter_table(scene, fit, posterior).write(part, format="ascii.ecsv", overwrite=True)


def write_summary(folder: Path, text: str) -> None:
    """The page that `summary_text` makes."""
    with whole_file(folder / SUMMARY) as part:
        part.write_text(text, encoding="utf-8")


def _write_map(folder: Path, scene: Scene, fit: Fit, name: str, failures: dict[str, str]) -> None:
    """Data, errors, model, residual and intrinsic map as images, apertures also as a table; NaN where something takes no part."""
    found, observed = fit.maps[name], scene.maps[name]
    instrument, residual = (
        found.instrument,
        np.where(np.asarray(found.valid), fit.residuals[name], np.nan),
    )
    columns: dict[str, Any] = {
        "data": found.data,
        "error": found.errors,
        "model": fit.predicted[name],
    }
    with surviving(failures, f"intrinsic map {name}"):
        columns["intrinsic"] = intrinsic(fit.galaxy, found)
    images: dict[str, Any] = {
        key.upper(): (found.image(values), observed.unit) for key, values in columns.items()
    }
    images["RESIDUAL"] = (instrument.image(residual), "")
    header = {"MAP": name, "CHISQ": fit.chi_square[name], "NPIX": found.size}
    write_map(
        folder / f"{name}.fits",
        observed,
        {key: images[key] for key in IMAGES if key in images},
        header,
    )
    if instrument.apertures is not None:
        columns = {"id": instrument.apertures.ids, **columns, "residual": residual}
        _write_apertures(
            folder / f"{name}.ecsv", {key: np.asarray(values) for key, values in columns.items()}
        )


def _write_apertures(path: Path, columns: dict[str, np.ndarray]) -> None:
    from astropy.table import QTable

    with whole_file(path) as part:
        QTable(columns).write(part, format="ascii.ecsv")


def _read_model(folder: Path, name: str, found: Map) -> np.ndarray:
    """The model of a map as it was written."""
    if found.instrument.apertures is None:
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


def read_results(folder: str | os.PathLike) -> tuple[Scene, Fit, Posterior | None]:
    """What `write_fit` wrote, and the posterior if there is one; the data are read again from the files that the configuration names.

    Parameters
    ----------
    folder
        of results.

    Raises
    ------
    InputError
        if it is not such a folder, or the data are not where they were.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file() or not (folder / TABLE).is_file():
        raise InputError(
            f"{folder}: not a folder of results; {CONFIG} and {TABLE} are expected in it."
        )
    table = _table(folder / TABLE)
    try:
        found = dict(zip(table["name"], table["value"], strict=True))
        meta = {key: table.meta[key] for key in ("converged", "message", "log_prior", "covariance")}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / TABLE}: cannot be read as a table of parameters ({str(error).splitlines()[0]})."
        ) from None
    scene = load(folder / CONFIG)
    model = scene.model()
    values = {}
    for path in model.names:
        start = get({**model.galaxy.named, **model.maps}, path)
        values[path] = np.reshape(
            [found[label] for label in labels(path, start.shape)], start.shape
        )
    galaxy, maps = model.scene_at(
        {path: jnp.asarray(value, jnp.result_type(float)) for path, value in values.items()}
    )
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
