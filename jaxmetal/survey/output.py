"""The results of a survey: one table of all galaxies, and their maps and draws one by one."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.forward.criterion import LIGHT_ERROR
from jaxmetal.io.tables import ecsv_text
from jaxmetal.survey import store
from jaxmetal.survey.catalogue import Catalogue
from jaxmetal.survey.fits_table import hdu_list
from jaxmetal.survey.identity import Plan
from jaxmetal.survey.plan import settings
from jaxmetal.survey.state import missing

log = logging.getLogger("jaxmetal")

# Files of the table in the folder of the survey.
ECSV = "catalogue.ecsv"
FITS = "catalogue.fits"
# Columns for each parameter, named PATH.q16 and so on.
OF_PARAMETERS = ("q16", "q50", "q84", "mean", "sd", "ess", "r_hat", "value", "error")
# Those of them that have no unit.
DIMENSIONLESS = ("ess", "r_hat")
# Columns of numbers for each galaxy, copied from the shards.
NUMBERS = (
    "naive_gradient",
    "naive_gradient_error",
    "reduced_chi_square",
    "log_likelihood",
    "pixels",
    "k_hat",
)
# All columns for each galaxy.
OUR_OWN = (
    "converged",
    "method",
    "message",
    "note",
    "shard",
    "sampling",
    "sampling_error",
    "light_sampling_error",
    *NUMBERS,
)


def collect(folder: str | os.PathLike) -> Any:
    """Write the results of a survey as one table, catalogue.ecsv and catalogue.fits in its folder.

    Parameters
    ----------
    folder
        of the survey, finished or not.

    Returns
    -------
    table
        an astropy Table with the rows of the catalogue: its own columns; for each parameter the
        16th, 50th and 84th percentiles, mean, standard deviation, effective samples and R-hat of
        the posterior, the value of the fit and its error; reduced chi-square, method, k-hat,
        whether it converged and what to know about it.

    Raises
    ------
    InputError
        if there is no survey, a shard is damaged, or the tables cannot be written.
    """
    folder = Path(folder)
    results = table(folder)
    with store.writing(folder):
        with whole_file(folder / ECSV) as part:
            part.write_text(ecsv_text(results), "utf-8", newline="")
        with whole_file(folder / FITS) as part:
            hdu_list(results).writeto(part)
    return results


def table(folder: str | os.PathLike) -> Any:
    """The table that `collect` writes."""
    plan, catalogue = store.read_plan(folder), store.read_input(folder)
    absent = missing(folder, plan)
    if absent:
        log.warning(
            "%d of %d shards are not there yet; their galaxies are rows that say so",
            len(absent),
            len(plan.shards),
        )
    result, rows = _own_columns(catalogue.table), len(catalogue)
    columns = _blank(plan, rows)
    units: dict[str, str] = {}
    for number in range(len(plan.shards)):
        if number not in absent:
            _fill(columns, units, store.read_shard(folder, number, plan), plan, number)
    for name, values in columns.items():
        result[name] = values
        result[name].unit = units.get(name) or None
    result.meta = _meta(plan, catalogue)
    return _plain_texts(result)


def _own_columns(table: Any) -> Any:
    """The columns of the input catalogue, renamed where results have the same name.

    A position or a time is divided into columns of numbers and texts.
    """
    from astropy.table.serialize import represent_mixins_as_columns

    result = represent_mixins_as_columns(table.copy())
    ours = tuple(f".{key}" for key in OF_PARAMETERS)
    for name in list(result.colnames):
        if name in OUR_OWN or name.endswith(ours):
            new_name = f"input_{name}"
            while new_name in result.colnames:
                new_name = f"input_{new_name}"
            result.rename_column(name, new_name)
    return result


def _plain_texts(table: Any) -> Any:
    """The table with its columns of text as strings.

    ECSV would write Python objects as JSON, in three pairs of quotes.
    """
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "O" and all(
            isinstance(value, str) for value in np.ma.compressed(column)
        ):
            table.replace_column(name, column.astype(str))
    return table


def _blank(plan: Plan, rows: int) -> dict[str, np.ndarray]:
    """The columns of galaxies that are not computed yet."""
    columns: dict[str, np.ndarray] = {"converged": np.zeros(rows, bool)}
    columns |= {
        name: np.full(rows, "", object) for name in ("method", "message", "note", "sampling")
    }
    columns |= {
        name: np.full(rows, np.nan) for name in (*NUMBERS, "sampling_error", "light_sampling_error")
    }
    columns["shard"] = np.full(rows, -1)
    columns["message"][:] = "not computed yet"
    for row, reason in plan.bad.items():
        columns["message"][int(row)] = "left out: " + reason.replace("\n", "; ")
    return columns


def _fill(
    columns: dict[str, np.ndarray], units: dict[str, str], tree: Any, plan: Plan, number: int
) -> None:
    """Put a shard's results into the columns."""
    results, group = tree["galaxies"], plan.groups[plan.shards[number]["group"]]
    rows = np.asarray(results["row"])
    columns["shard"][rows] = number
    columns["converged"][rows] = np.asarray(results["converged"]) != 0
    for name in ("method", "message", "note", "sampling", *NUMBERS):
        columns[name][rows] = np.asarray(results[name])
    for errors in group["errors"].values():
        for label, error in errors.items():
            column = "light_sampling_error" if label == LIGHT_ERROR else "sampling_error"
            # The largest of all maps; NaN is that of no map.
            columns[column][rows] = np.fmax(columns[column][rows], error)
    if "parameter" in results.coords:
        _fill_parameters(columns, units, results, rows)


def _fill_parameters(
    columns: dict[str, np.ndarray], units: dict[str, str], results: Any, rows: np.ndarray
) -> None:
    """Put the values of all parameters, with their units, into some rows of the columns."""
    for i, label in enumerate(map(str, np.asarray(results["parameter"]))):
        for key in OF_PARAMETERS:
            name = f"{label}.{key}"
            column = columns.setdefault(name, np.full(len(columns["shard"]), np.nan))
            column[rows] = np.asarray(results[key])[:, i]
            units[name] = "" if key in DIMENSIONLESS else str(np.asarray(results["unit"])[i])
        if label.endswith(".gradient"):
            units["naive_gradient"] = units["naive_gradient_error"] = units[f"{label}.value"]


def _meta(plan: Plan, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "id": catalogue.id,
        **plan.versions,
        "configuration": plan.configuration,
        "catalogue": plan.catalogue,
        "seed": _seed(plan.raw.get("sample")),
        "fit_seed": _seed(plan.raw.get("fit")),
    }


def _seed(settings: Any) -> int:
    """The seed in a part of a configuration, which may be true or false instead."""
    return settings.get("seed", 0) if isinstance(settings, dict) else 0


def galaxies(folder: str | os.PathLike) -> Iterator[dict[str, Any]]:
    """Iterate over the galaxies that were computed, with one shard in memory at a time.

    Parameters
    ----------
    folder
        of the survey.

    Returns
    -------
    galaxies
        of dictionaries {"id", "row", "message", "pixel_scale", "maps": {name: {"data", "sigma",
        "model", "unit", "light"}}, "profile"}: the images in the galaxy's own frame, NaN where a
        pixel takes no part, sigma as it was measured, without a fitted scatter; the pixel scale of
        the first map, arcsec. Empty maps for a galaxy that was not fitted, or if the survey keeps
        none.
    """
    plan = store.read_plan(folder)
    with_maps = settings(plan.raw).maps
    for number in sorted(set(range(len(plan.shards))) - set(missing(folder, plan))):
        tree = store.read_shard(folder, number, plan)
        results = tree["galaxies"]
        for i, row in enumerate(np.asarray(results["row"]).tolist()):
            images = _pictures(tree, i) if with_maps and "maps" in tree.children else {"maps": {}}
            yield {
                "id": str(results["id"].values[i]),
                "row": row,
                "message": str(results["message"].values[i]),
                **images,
            }


def _pictures(tree: Any, i: int) -> dict[str, Any]:
    """The images and the radial profile of the i-th galaxy of a shard."""
    maps, scale = {}, None
    for name, node in tree["maps"].children.items():
        rows, columns = np.asarray(node["shape"])[i].tolist()
        if rows:
            images = {
                key: np.asarray(node[key])[i, :rows, :columns] for key in ("data", "sigma", "model")
            }
            maps[name] = {
                **images,
                "unit": node.attrs["unit"],
                "light": bool(node.attrs["additive"]),
            }
            scale = float(node["pixel_scale"][i]) if scale is None else scale
    profile = {key: np.asarray(values)[i] for key, values in tree["profile"].data_vars.items()}
    profile |= {"label": tree["profile"].attrs.get("label", "")}
    return {
        "maps": maps,
        "pixel_scale": scale,
        **({"profile": profile} if np.isfinite(profile["data"]).any() else {}),
    }


def posteriors(folder: str | os.PathLike, path: str) -> Iterator[tuple[int, np.ndarray]]:
    """Iterate over (row, draws of one parameter) of every galaxy that was sampled.

    Raises
    ------
    InputError
        if no galaxy has draws of such a parameter.
    """
    plan = store.read_plan(folder)
    paths: set[str] = set()
    for number in sorted(set(range(len(plan.shards))) - set(missing(folder, plan))):
        tree = store.read_shard(folder, number, plan)
        variables = tree["posterior"] if "posterior" in tree.children else {}
        paths |= {str(name) for name in getattr(variables, "data_vars", ())}
        if path in paths and path in variables:
            samples = np.asarray(variables[path])
            for i, row in enumerate(np.asarray(tree["galaxies"]["row"]).tolist()):
                if np.all(np.isfinite(samples[i])):
                    yield row, samples[i].reshape(-1)
    if path not in paths:
        raise InputError(
            f"{path!r}: no draws of such a parameter; there are "
            f"{', '.join(sorted(paths)) or 'none'}."
        )
