"""Results as one HTML page that needs no server, no network and no other file."""

import base64
import hashlib
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

import jaxmetal
from jaxmetal.errors import InputError, surviving
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.config import as_text, resolved
from jaxmetal.io.gradients import Row, gradient_heads, gradients
from jaxmetal.io.scene import Scene
from jaxmetal.io.summary import count, parameter_table, verdict
from jaxmetal.survey import output
from jaxmetal.survey.store import read_input, read_plan
from jaxmetal.view import pack, style
from jaxmetal.view.figures import fit_figures

SCRIPTS = ("format.js", "chart.js", "table.js", "plots.js", "galaxy.js", "start.js")
DASH = "\N{EN DASH}"


def survey_page(
    table: Any,
    galaxies: Mapping[str, Any] | Iterable[tuple[str, Any]],
    title: str,
    about: Mapping[str, Any],
) -> str:
    """A table of galaxies to sort and filter, plots of its columns, and pictures of every galaxy, as one HTML document.

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
        "error", "model": one value a radius}. Images with more than 128 pixels a side are averaged
        in blocks.
    title
        of the page.
    about
        {what: value} to be shown as it is: versions, seed, the configuration's text.

    Returns
    -------
    page
        HTML; pictures are decoded by the browser, each when it is looked at.

    Raises
    ------
    InputError
        for a table without `id` or with one id twice, a galaxy that is not in it, or maps that are
        no images.
    """
    if "id" not in table.colnames:
        raise InputError(
            f"survey_page: the table needs a column 'id'; it has {', '.join(table.colnames) or 'none'}."
        )
    columns = pack.columns(table)
    names = [
        str(name) for name in next(column["values"] for column in columns if column["name"] == "id")
    ]
    rows = {name: row for row, name in enumerate(names)}
    if twice := [name for row, name in enumerate(names) if rows[name] != row]:
        raise InputError(f"survey_page: the table has more than one row with id {twice[0]!r}.")
    blocks = [_block("table", {"columns": columns, "colours": pack.colour_maps()})]
    for name, content in galaxies.items() if isinstance(galaxies, Mapping) else galaxies:
        if str(name) not in rows:
            raise InputError(f"survey_page: galaxy {str(name)!r} has no row in the table.")
        blocks.append(
            _block(f"galaxy-{rows[str(name)]}", pack.galaxy(content, f"galaxy {str(name)!r}"))
        )
    body = Template(_file("survey.html")).substitute(title=escape(title), about=_facts(about))
    return _page(
        title,
        "survey",
        body,
        "\n".join(blocks),
        "(() => {\n" + "\n".join(map(_file, SCRIPTS)) + "})();",
    )


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
    plan, found = read_plan(folder), output.table(folder)
    if (name := read_input(folder).id) != "id":
        if "id" in found.colnames:
            found.rename_column("id", "input_id")
        found.rename_column(name, "id")
    about = {
        **found.meta,
        "configuration": as_text(plan.raw),
        "galaxies": len(found),
        "shards": len(plan.shards),
    }
    contents = ((galaxy["id"], galaxy) for galaxy in output.galaxies(folder))
    return survey_page(found, contents, Path(folder).resolve().name, about)


def fit_page(
    scene: Scene,
    fit: Fit,
    posterior: Posterior | None,
    title: str,
    failures: dict[str, str] | None = None,
) -> str:
    """The maps, profile, posterior, diagnostics, parameters and configuration of a fit, as one HTML document.

    Parameters
    ----------
    scene
        what was fitted.
    fit, posterior
        what came of it.
    title
        of the page.
    failures
        {picture: why}, to which is added what cannot be drawn; the page says so in its place.

    Returns
    -------
    page
        HTML; the pictures are inside.
    """
    failures = {} if failures is None else failures
    pictures = "\n".join(
        _picture(name, figure, failures)
        for name, figure in fit_figures(scene, fit, posterior).items()
    )
    said = as_text(resolved(scene.config, scene.folder, {}))
    parts = {
        "title": escape(title),
        "verdict": _verdict(fit, posterior),
        "gradients": _gradients(scene, fit, posterior),
        "parameters": _parameters(scene, fit, posterior),
        "diagnostics": _diagnostics(fit, posterior),
        "pictures": pictures,
        "about": _facts({"jaxmetal": jaxmetal.__version__, "configuration": said}),
    }
    return _page(title, "fit", Template(_file("fit.html")).substitute(parts), "", "")


def _page(title: str, kind: str, body: str, data: str, script: str) -> str:
    # Nothing is fetched from anywhere, and no script runs but this one, whatever the data say.
    allowed = (
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        if script
        else "'none'"
    )
    element = f"<script>{script}</script>" if script else ""
    parts = {
        "title": escape(title),
        "kind": kind,
        "allowed": allowed,
        "style": _file("report.css"),
        "body": body,
        "data": data,
    }
    return Template(_file("report.html")).substitute(parts, script=element)


def _file(name: str) -> str:
    return (pkgutil.get_data("jaxmetal.view", f"page/{name}") or b"").decode("utf-8")


def _block(name: str, data: Any) -> str:
    return f'<script type="application/json" id="{name}">{pack.inert(data)}</script>'


def _facts(facts: Mapping[str, Any]) -> str:
    """A list of what is known, long texts as they were written."""
    said = {key: value if isinstance(value, str) else str(value) for key, value in facts.items()}
    return "\n".join(
        f"<dt>{escape(str(key))}</dt><dd>"
        + (f'<pre tabindex="0">{escape(value)}</pre>' if "\n" in value else escape(value))
        + "</dd>"
        for key, value in said.items()
    )


def _table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """The first column names the rows."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "\n".join(_row(*row) for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _row(name: str, *cells: str) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
    )


def _verdict(fit: Fit, posterior: Posterior | None) -> str:
    said = [("fit", verdict(fit), fit.converged)]
    said += (
        [("posterior", verdict(posterior), posterior.converged)]
        if posterior
        else [("posterior", "not sampled", True)]
    )
    return "".join(
        f'<p class="{"" if good else "bad"}"><b>{what}</b> {escape(text)}</p>'
        for what, text, good in said
    )


def _gradients(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """The naive gradients beside the forward-modelled one."""
    rows, disc = gradients(scene, fit, posterior), scene.disc_of(fit.galaxy)
    if not rows or disc is None:
        return ""
    heads = ["method", *gradient_heads(scene, disc), "radius"]
    cells = [[row.name, *_scaled(row, disc.scales), row.radius] for row in rows]
    return (
        _table(f"Gradient of {disc.map}", heads, cells)
        + f'<p class="note">{escape(disc.describe())}</p>'
    )


def _scaled(row: Row, lengths: Iterable[str]) -> Iterator[str]:
    """A gradient per each of some lengths."""
    for factor in (row.scales[length] for length in lengths):
        yield (
            style.number(factor * row.gradient, factor * row.error)
            if np.isfinite(row.gradient)
            else DASH
        )


def _parameters(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    found = parameter_table(scene, fit, posterior)
    heads = [
        "parameter",
        "maximum",
        *(["median", "68 %", "ESS", "R-hat"] if posterior else []),
        "unit",
    ]
    return _table("Parameters", heads, [_parameter(row, posterior is not None) for row in found])


def _parameter(row: Any, drawn: bool) -> list[str]:
    cells = [str(row["name"]), style.number(row["value"], row["error"])]
    if drawn:
        half = 0.5 * (row["q84"] - row["q16"])
        places = style.decimals(half) if half > 0 else 4
        low, middle, high = (
            f"{row[key]:.{places}f}".replace("-", style.MINUS) for key in ("q16", "q50", "q84")
        )
        cells += [
            middle,
            f"{low} to {high}",
            f"{row['ess']:.0f}",
            f"{row['r_hat']:.3f}" if np.isfinite(row["r_hat"]) else DASH,
        ]
    return [*cells, str(row["unit"]) or DASH]


def _diagnostics(fit: Fit, posterior: Posterior | None) -> str:
    return _table("Diagnostics", ["quantity", "value"], _quantities(fit, posterior))


def _quantities(fit: Fit, posterior: Posterior | None) -> Iterator[tuple[str, str]]:
    yield "reduced chi-square", f"{fit.reduced_chi_square:.3f}"
    by_errors = fit.without_scatter.chi_square
    for name, value in fit.chi_square.items():
        yield f"chi-square of {name}", f"{value:.1f} ({count(fit.maps[name])})"
        if float(fit.maps[name].scatter) > 0:
            yield f"chi-square of {name}, measured errors alone", f"{by_errors[name]:.1f}"
    yield "BIC", f"{fit.bic:.1f}".replace("-", style.MINUS)
    if posterior is None:
        return
    rows, said = posterior.summary().values(), posterior.attributes
    chains, draws = next(iter(posterior.samples.values())).shape[:2]
    yield "method", str(said.get("method", DASH))
    yield "draws", f"{chains * draws}" if "k_hat" in said else f"{chains} chains of {draws}"
    yield "fewest effective samples", f"{min(row['ess'] for row in rows):.0f}"
    mixing = [row["r_hat"] for row in rows if np.isfinite(row["r_hat"])]
    yield "largest R-hat", f"{max(mixing):.3f}" if mixing else f"{DASH} (independent draws)"
    yield "divergent draws", str(posterior.divergences)
    if "k_hat" in said:
        yield "k-hat", f"{said['k_hat']:.2f}"


TITLES = {
    "map": ("Map {}", "Data, model, residual and intrinsic map of {}."),
    "light": (
        "Light that weights {}",
        "The model's light that carries what {} shows, without and through the PSF.",
    ),
    "planes": (
        "Image and source plane of {}",
        "The data of {} with the critical curves, and the source with the caustics.",
    ),
    "profile": (
        "Radial profile of {}",
        "Pixels, annuli, the line through them, and the forward-modelled profile of {}.",
    ),
    "corner": (
        "Posterior",
        "Every parameter against every other, with the regions that hold 68 and 95 % of the draws.",
    ),
    "trace": ("Chains", "Each chain draw by draw, and its histogram."),
}


def _picture(name: str, figure: Callable[[], style.Figure], failures: dict[str, str]) -> str:
    kind, _, of = name.partition("_")
    head, text = (escape(part.format(of)) for part in TITLES[kind])
    what, image = f"picture {name}", ""
    with surviving(failures, what):
        image = f"data:image/png;base64,{base64.b64encode(figure()._repr_png_()).decode()}"
    if not image:
        reason = escape(failures[what])
        return f'<figure class="{kind}"><figcaption>{head}</figcaption><p class="bad">could not be drawn: {reason}</p></figure>'
    # On a narrow screen a wide picture is moved about rather than shrunk.
    scroll = f'<div class="scroll" role="region" aria-label="{head}" tabindex="0">'
    return f'<figure class="{kind}"><figcaption>{head}</figcaption>{scroll}<img alt="{text}" src="{image}"></div></figure>'
