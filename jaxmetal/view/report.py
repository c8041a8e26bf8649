"""Results as one HTML page: of a survey, and of a fit."""

import os
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from astropy.table import Table

import jaxmetal
from jaxmetal.errors import InputError
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.config import as_text, resolved
from jaxmetal.io.scene import Scene
from jaxmetal.survey import output
from jaxmetal.survey.store import read_input, read_plan
from jaxmetal.view import pack
from jaxmetal.view.document import block, definition_list, file_text, page
from jaxmetal.view.figures import fit_figures
from jaxmetal.view.fit_sections import (
    comparison_section,
    diagnostics_section,
    gradients_section,
    parameters_section,
    picture,
    verdict_section,
)

# JavaScript files of a survey's page, in the order in which they are joined.
SCRIPTS = ("format.js", "chart.js", "table.js", "plots.js", "galaxy.js", "start.js")

# Characters of the maps of all galaxies on a page: about 40,000 galaxies of 20 x 20 pixels.
MOST_OF_MAPS = 100_000_000


def survey_page(
    table: Any,
    galaxies: Mapping[str, Any] | Iterable[tuple[str, Any]],
    title: str,
    about: Mapping[str, Any],
) -> str:
    """A survey as one HTML document: a table, plots of its columns, and images of every galaxy.

    The table can be sorted and filtered.

    Parameters
    ----------
    table
        an astropy Table, a row for each galaxy, with a column `id`; masked values and NaN are shown
        as a dash. Columns `p.q16`, `p.q50`, `p.q84` are shown as one, p with its error, and so are
        `p` and `p_error`. A column of Booleans is a flag.
    galaxies
        {id: content} or pairs of the same, for any of the table's galaxies; content has, as far as
        known, "maps": {name: {"data", "model": images; "sigma": image or number, the error by which
        residuals are divided; "unit": text; "light": whether it is light}}, rows upwards and NaN
        where a pixel takes no part; "pixel_scale": arcsec; "profile": {"radius" in arcsec, "data",
        "error", "model": one value a radius; "label": text of its axis, that of the first map of no
        light if left out}. Images with more than 128 pixels a side are averaged in blocks, and
        beyond 100 MB of them galaxies have none, which the page says.
    title
        of the page.
    about
        {what: value} to be shown as it is: versions, seed, the configuration's text.

    Returns
    -------
    page
        HTML; the browser decodes the images of a galaxy when it is selected.

    Raises
    ------
    InputError
        for a table without `id` or with one id twice, a galaxy that is not in it, or maps that are
        no images.
    """
    if "id" not in table.colnames:
        raise InputError(
            "survey_page: the table needs a column 'id'; "
            f"it has {', '.join(table.colnames) or 'none'}."
        )
    columns = pack.columns(table)
    rows = _rows(columns)
    blocks = [block("table", {"columns": columns, "colours": pack.colour_maps()})]
    size = 0
    for name, content in galaxies.items() if isinstance(galaxies, Mapping) else galaxies:
        if str(name) not in rows:
            raise InputError(f"survey_page: galaxy {str(name)!r} has no row in the table.")
        if size > MOST_OF_MAPS:
            shown = f"of the first {len(blocks) - 1} galaxies; more would not open in a browser"
            about = {**about, "maps": shown}
            break
        blocks.append(
            block(f"galaxy-{rows[str(name)]}", pack.galaxy(content, f"galaxy {str(name)!r}"))
        )
        size += len(blocks[-1])
    body = Template(file_text("survey.html")).substitute(
        title=escape(title), about=definition_list(about)
    )
    return page(
        title,
        "survey",
        body,
        "\n".join(blocks),
        "(() => {\n" + "\n".join(map(file_text, SCRIPTS)) + "})();",
    )


def _rows(columns: list[dict[str, Any]]) -> dict[str, int]:
    """The row of each galaxy in a table with an id."""
    ids = next(column["values"] for column in columns if column["name"] == "id")
    names = [str(name) for name in ids]
    rows = {name: row for row, name in enumerate(names)}
    repeats = [name for row, name in enumerate(names) if rows[name] != row]
    if repeats:
        raise InputError(f"survey_page: the table has more than one row with id {repeats[0]!r}.")
    return rows


def survey_report(folder: str | os.PathLike) -> str:
    """The page of a survey, finished or not.

    Parameters
    ----------
    folder
        of the survey.

    Raises
    ------
    InputError
        if there is no survey, or a shard is damaged.
    """
    plan, table = read_plan(folder), output.table(folder)
    if (name := read_input(folder).id) != "id":
        if "id" in table.colnames:
            table.rename_column("id", "input_id")
        table.rename_column(name, "id")
    about = {
        **table.meta,
        "configuration": as_text(plan.raw),
        "galaxies": len(table),
        "shards": len(plan.shards),
    }
    contents = ((galaxy["id"], galaxy) for galaxy in output.galaxies(folder))
    return survey_page(table, contents, Path(folder).resolve().name, about)


def fit_page(
    scene: Scene,
    fit: Fit,
    posterior: Posterior | None,
    title: str,
    failures: dict[str, str] | None = None,
    comparison: Table | None = None,
) -> str:
    """A fit as one HTML document: figures, parameters, diagnostics and configuration.

    Parameters
    ----------
    scene
        galaxy, maps and priors of the configuration.
    fit, posterior
        the results.
    title
        of the page.
    failures
        {figure: why}, to which figures that cannot be drawn are added; the page shows the reason
        in their place.
    comparison
        of this and other models of the same data, as `jaxmetal.compare` gives it.

    Returns
    -------
    page
        HTML; the images are embedded.
    """
    failures = {} if failures is None else failures
    pictures = "\n".join(
        picture(name, figure, failures)
        for name, figure in fit_figures(scene, fit, posterior).items()
    )
    configuration = as_text(resolved(scene.config, scene.folder, {}))
    parts = {
        "title": escape(title),
        "verdict": verdict_section(fit, posterior),
        "gradients": gradients_section(scene, fit, posterior),
        "parameters": parameters_section(scene, fit, posterior),
        "diagnostics": diagnostics_section(fit, posterior),
        "comparison": comparison_section(comparison),
        "pictures": pictures,
        "about": definition_list(
            {"jaxmetal": jaxmetal.__version__, "configuration": configuration}
        ),
    }
    return page(title, "fit", Template(file_text("fit.html")).substitute(parts), "", "")
