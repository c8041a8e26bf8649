"""The sections of a fit's HTML page: tables of numbers, and figures."""

import base64
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

import numpy as np

from jaxmetal.errors import surviving
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.gradients import Row, compared_disc, gradient_heads, gradients
from jaxmetal.io.scene import Scene
from jaxmetal.io.summary import count, parameter_table, verdict
from jaxmetal.view import style
from jaxmetal.view.document import table

DASH = "\N{EN DASH}"


def verdict_section(fit: Fit, posterior: Posterior | None) -> str:
    """A line each on the fit and the posterior: whether they converged."""
    results = [("fit", verdict(fit), fit.converged)]
    results += (
        [("posterior", verdict(posterior), posterior.converged)]
        if posterior
        else [("posterior", "not sampled", True)]
    )
    return "".join(
        f'<p class="{"" if good else "bad"}"><b>{subject}</b> {escape(text)}</p>'
        for subject, text, good in results
    )


def gradients_section(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """A table of the naive gradients and the forward-modelled one."""
    rows, disc = gradients(scene, fit, posterior), compared_disc(scene, fit)
    if not rows or disc is None:
        return ""
    heads = ["method", *gradient_heads(scene, disc), "radius"]
    cells = [[row.name, *_scaled(row, disc.scales), row.radius] for row in rows]
    return (
        table(f"Gradient of {disc.map}", heads, cells)
        + f'<p class="note">{escape(disc.describe())}</p>'
    )


def _scaled(row: Row, lengths: Iterable[str]) -> Iterator[str]:
    """A gradient and its error per each of the lengths, as texts."""
    for factor in (row.scales[length] for length in lengths):
        yield (
            style.number(factor * row.gradient, factor * row.error)
            if np.isfinite(row.gradient)
            else DASH
        )


def parameters_section(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """A table of the parameters at the maximum, and of their posterior."""
    rows = parameter_table(scene, fit, posterior)
    heads = [
        "parameter",
        "maximum",
        *(["median", "68 %", "ESS", "R-hat"] if posterior else []),
        "unit",
    ]
    single, large = fit.summary().without_large()
    cells = [_parameter(row, posterior is not None) for row in rows if str(row["name"]) in single]
    cells += [[text, *[DASH] * (len(heads) - 1)] for text in large]
    return table("Parameters", heads, cells)


def _parameter(row: Any, has_draws: bool) -> list[str]:
    cells = [str(row["name"]), style.number(row["value"], row["error"])]
    if has_draws:
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


def diagnostics_section(fit: Fit, posterior: Posterior | None) -> str:
    """A table of the quality of the fit and of the sampling."""
    return table("Diagnostics", ["quantity", "value"], _quantities(fit, posterior))


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
    rows, attributes = posterior.summary().values(), posterior.attributes
    chains, draws = next(iter(posterior.samples.values())).shape[:2]
    yield "method", str(attributes.get("method", DASH))
    yield "draws", f"{chains * draws}" if "k_hat" in attributes else f"{chains} chains of {draws}"
    yield "fewest effective samples", f"{min(row['ess'] for row in rows):.0f}"
    mixing = [row["r_hat"] for row in rows if np.isfinite(row["r_hat"])]
    yield "largest R-hat", f"{max(mixing):.3f}" if mixing else f"{DASH} (independent draws)"
    yield "divergent draws", str(posterior.divergences)
    if "k_hat" in attributes:
        yield "k-hat", f"{attributes['k_hat']:.2f}"


def comparison_section(comparison: Any) -> str:
    """A table of `jaxmetal.compare` and its odds; empty where there is none."""
    if comparison is None:
        return ""
    heads = [name.replace("_", " ") for name in comparison.colnames]
    cells = [[_cell(row, name) for name in comparison.colnames] for row in comparison]
    odds = escape(str(comparison.meta["odds"]))
    return table("Models of the same data", heads, cells) + f'<p class="note">{odds}</p>'


def _cell(row: Any, name: str) -> str:
    """A number of the table as the table writes it, or a dash where it is not known."""
    value, style_of = row[name], row.columns[name].format
    if np.ma.is_masked(value):
        return DASH
    return (format(value, style_of) if style_of else str(value)).replace("-", style.MINUS)


# {kind of figure: (title, alternative text)}.
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
    "rotation": (
        "Rotation of {}",
        "Velocities about the major axis of {}, the fit's there, and the curve without the PSF.",
    ),
    "slit": (
        "Position and velocity of {}",
        "Velocity and dispersion of {} in a slit along the major axis, of data and fit.",
    ),
    "lines": ("Emission lines", "Data, model and residual of every line."),
    "diagram": ("Line ratios", "The line ratios of data and fit in a diagnostic diagram."),
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


def picture(name: str, figure: Callable[[], style.Figure], failures: dict[str, str]) -> str:
    """A figure as an HTML element with its caption and the image inside; see `fit_page`."""
    kind, _, of = name.partition("_")
    head, text = (escape(part.format(of)) for part in TITLES[kind])
    task, image = f"picture {name}", ""
    with surviving(failures, task):
        image = f"data:image/png;base64,{base64.b64encode(figure()._repr_png_()).decode()}"
    if not image:
        reason = escape(failures[task])
        return (
            f'<figure class="{kind}"><figcaption>{head}</figcaption>'
            f'<p class="bad">could not be drawn: {reason}</p></figure>'
        )
    # On a narrow screen a wide picture is scrolled rather than shrunk.
    scroll = f'<div class="scroll" role="region" aria-label="{head}" tabindex="0">'
    return (
        f'<figure class="{kind}"><figcaption>{head}</figcaption>'
        f'{scroll}<img alt="{text}" src="{image}"></div></figure>'
    )
