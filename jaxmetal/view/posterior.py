"""Figures of a posterior: the corner plot, and the traces of the chains."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from jaxmetal.errors import InputError, unknown
from jaxmetal.inference.posterior import Posterior
from jaxmetal.inference.tables import single_and_large
from jaxmetal.view import style
from jaxmetal.view.density import Draws, density

# Parameters in a figure, at most: panels of more could not be read.
MOST = 10
# Fractions of the draws inside the contours.
PARTS = (0.68, 0.95)
# Inches left of and below the panels.
LEFT = 1.1
# Inches between two panels.
GAP = 0.27


@style.styled
def corner_figure(
    posterior: Posterior,
    truths: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
) -> style.Figure:
    """Histograms of all parameters, and the regions with 68 and 95 % of the draws of each pair.

    Parameters
    ----------
    posterior
        what `sample` gave; of more than ten parameters the first ten are drawn.
    truths
        {path: value} of a simulation, to compare with.
    labels
        {path: text} in place of the last two parts of the path.

    Returns
    -------
    figure
        parameters in the posterior's order; over each histogram the median and the distances to the
        16th and 84th percentile.

    Raises
    ------
    InputError
        for paths that the posterior does not have, or a posterior without draws that are finite.
    """
    draws, left_out = drawn(posterior, "corner_figure")
    truths = by_path(truths, posterior, "corner_figure.truths")
    texts = names(list(draws)) | by_path(labels, posterior, "corner_figure.labels")
    figure, grid = _triangle(len(draws))
    draw_corner(grid, draws, truths, texts)
    _legend(figure, truths, left_out, len(draws))
    return figure


def draw_corner(
    grid: Any, draws: Mapping[str, Draws], truths: Mapping[str, Any], texts: Mapping[str, str]
) -> None:
    """Draw the panels on and below the diagonal.

    Parameters
    ----------
    grid
        axes of matplotlib by (row, column).
    draws, truths, texts
        of each parameter by its path: the draws, a value to compare with, a label.
    """
    ranges = {name: _range(values, truths.get(name)) for name, values in draws.items()}
    for row, below in enumerate(draws):
        for column, beside in enumerate(list(draws)[: row + 1]):
            axes = grid[row, column]
            if column == row:
                _draw_histogram(axes, draws[below])
            else:
                _draw_regions(axes, draws[beside], draws[below])
                axes.set_ylim(ranges[below])
            axes.set_xlim(ranges[beside])
            _draw_truth(axes, truths.get(beside), truths.get(below) if column < row else None)
            _label(
                axes,
                texts[beside] if row == len(draws) - 1 else "",
                texts[below] if column == 0 < row else "",
                column == row,
            )


@style.styled
def trace_figure(posterior: Posterior) -> style.Figure:
    """The chains draw by draw, and the histogram of each.

    The chains of a converged posterior have the same distribution and no trend.

    Parameters
    ----------
    posterior
        what `sample` gave; of more than ten parameters the first ten are drawn.

    Returns
    -------
    figure
        a row for each parameter, with its R-hat and effective sample size; divergent draws are
        marked at the lower edge.

    Raises
    ------
    InputError
        for a posterior without draws that are finite.
    """
    draws, left_out = drawn(posterior, "trace_figure")
    texts, rows = names(list(draws)), posterior.summary()
    figure = style.new_figure(8.4, 0.6 + 1.0 * len(draws))
    grid = figure.subplots(len(draws), 2, squeeze=False, sharey="row", width_ratios=[4, 1])
    diverging = np.asarray(posterior.statistics["diverging"], bool).any(axis=0)
    for (trace, marginal), name in zip(grid, draws, strict=True):
        _draw_chains(trace, marginal, np.asarray(posterior.by_chain[name], float))
        for draw in np.flatnonzero(diverging):
            trace.axvline(draw, ymax=0.06, color=style.INK, linewidth=0.8)
        trace.set_ylabel(texts[name])
        # Independent draws have no R-hat.
        mixing = (
            rf"$\hat{{R}}$ = {rows[name]['r_hat']:.3f},  "
            if np.isfinite(rows[name]["r_hat"])
            else ""
        )
        quality = f"{mixing}{rows[name]['ess']:.0f} effective samples"
        trace.set_title(quality, fontsize=style.SMALL, loc="right", pad=2)
        trace.tick_params(axis="x", labelbottom=trace is grid[-1, 0])
    grid[-1, 0].set_xlabel(f"draw ({posterior.by_chain[next(iter(draws))].shape[0]} chains)")
    figure.align_labels()
    remarks = [f"{posterior.divergences} divergent draws"] * bool(posterior.divergences) + [
        left_out
    ] * bool(left_out)
    if remarks:
        style.note(figure, "; ".join(remarks))
    return figure


def names(paths: list[str]) -> dict[str, str]:
    """{path: label}: the last two parts of the path on two lines, or all of it if ambiguous."""
    short = ["\n".join(path.split(".")[-2:]) for path in paths]
    return {
        path: text if short.count(text) == 1 else path.replace(".", "\n")
        for path, text in zip(paths, short, strict=True)
    }


def drawn(posterior: Posterior, where: str) -> tuple[dict[str, Draws], str]:
    """The draws of the parameters in the figure, and a remark if there are more."""
    draws = {name: np.asarray(values, float) for name, values in posterior.flat.items()}
    for name, values in draws.items():
        if values.size < 2 or not np.all(np.isfinite(values)):
            count = int(np.isfinite(values).sum())
            raise InputError(
                f"{where}: {name!r} needs two or more finite draws, got {count} of {values.size}."
            )
    if not draws:
        raise InputError(f"{where}: the posterior has no parameters.")
    # The elements of a large array come last.
    ordered = dict.fromkeys([*single_and_large(draws)[0], *draws])
    first = {name: draws[name] for name in list(ordered)[:MOST]}
    return first, f"the first {MOST} of {len(draws)} parameters" if len(draws) > MOST else ""


def by_path(values: Mapping[str, Any] | None, posterior: Posterior, where: str) -> dict[str, Any]:
    """A mapping whose keys are checked to be parameters of the posterior."""
    for path in values or {}:
        if path not in posterior.flat:
            raise unknown("parameter", path, posterior.flat, where)
    return dict(values or {})


def _range(values: Draws, truth: float | None) -> tuple[float, float]:
    """The limits of an axis, which include nearly all draws, and the truth."""
    low, high = np.percentile(values, [0.3, 99.7])
    if truth is not None:
        low, high = min(low, truth), max(high, truth)
    gap = 0.12 * (high - low) or 0.01 * max(abs(high), 1.0)
    return float(low - gap), float(high + gap)


def _bins(values: Draws) -> int:
    return int(np.clip(2 * values.size ** (1 / 3), 8, 40))


def _draw_histogram(axes: Axes, values: Draws) -> None:
    """The histogram of one parameter, with its 16th, 50th and 84th percentile."""
    axes.hist(
        values,
        _bins(values),
        range=_range(values, None),
        color=_tint(0.35),
        edgecolor=style.BLUE,
        histtype="stepfilled",
        linewidth=1.0,
    )
    low, middle, high = np.percentile(values, [16, 50, 84])
    for value, line in ((low, ":"), (middle, "-"), (high, ":")):
        axes.axvline(value, color=style.INK, linewidth=0.9, linestyle=line)
    places = style.decimals(0.5 * (high - low)) if high > low else 3
    # A median that rounds to zero has no sign.
    middle_text = f"{round(middle, places) + 0.0:.{places}f}"
    text = rf"${middle_text}^{{+{high - middle:.{places}f}}}_{{-{middle - low:.{places}f}}}$"
    axes.set_title(text, fontsize=style.TEXT, pad=5)


def _draw_chains(trace: Axes, marginal: Axes, chains: Float[np.ndarray, "chains draws"]) -> None:
    """Each chain in its own colour, over the draws and as a histogram."""
    edges = np.histogram_bin_edges(chains, _bins(chains[0])).tolist()
    for i, chain in enumerate(chains):
        colour = style.CHAINS[i % len(style.CHAINS)]
        trace.plot(chain, color=colour, linewidth=0.6, alpha=0.8, rasterized=True)
        marginal.hist(
            chain, edges, orientation="horizontal", histtype="step", color=colour, linewidth=1.0
        )
    style.tidy(trace).set_xlim(0, max(chains.shape[1] - 1, 1))
    trace.yaxis.set_major_locator(MaxNLocator(3))
    style.tidy(marginal).set_xticks([])


def _draw_regions(axes: Axes, x: Draws, y: Draws) -> None:
    """The regions that hold 68 and 95 % of the draws."""
    across, up, parts = density(x, y)
    inner, outer = PARTS
    axes.contourf(across, up, parts, levels=(0.0, inner, outer), colors=[_tint(0.6), _tint(0.25)])
    axes.contour(across, up, parts, levels=PARTS, colors=style.BLUE, linewidths=0.8)


def _tint(strength: float) -> tuple[float, float, float]:
    """The colour of the draws, mixed with white."""
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(style.BLUE))
    return red, green, blue


def _draw_truth(axes: Axes, x: float | None, y: float | None) -> None:
    line = {"color": style.ORANGE, "linewidth": 1.1}
    if x is not None:
        axes.axvline(x, **line)
    if y is not None:
        axes.axhline(y, **line)


def _triangle(n: int) -> tuple[style.Figure, dict[tuple[int, int], Axes]]:
    """Square panels on and below the diagonal, by (row, column)."""
    # The figure of ten rows still fits a page without being scaled down.
    side = min(1.25, 9.0 / n - GAP)
    size = LEFT + n * (side + GAP) + 0.15
    figure = style.new_figure(size, size, layout=None)
    places = [(row, column) for row in range(n) for column in range(row + 1)]
    return figure, {
        (row, column): style.tidy(
            style.add_axes(
                figure,
                LEFT + column * (side + GAP),
                LEFT + (n - 1 - row) * (side + GAP),
                side,
                side,
            )
        )
        for row, column in places
    }


def _label(axes: Axes, below: str, beside: str, histogram: bool) -> None:
    """Labels and tick labels, at the edge of the figure only."""
    axes.set(xlabel=below, ylabel=beside)
    side = axes.get_window_extent().width / style.DPI
    # At the same distance from all panels, however long their tick labels.
    axes.xaxis.set_label_coords(0.5, -0.52 / side)
    axes.yaxis.set_label_coords(-0.6 / side, 0.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(3, prune="both"))
        axis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.tick_params(axis="x", labelrotation=45, labelbottom=bool(below))
    axes.tick_params(axis="y", labelleft=bool(beside), left=not histogram)


def _legend(figure: style.Figure, truths: dict[str, Any], left_out: str, n: int) -> None:
    """The legend, in the empty corner."""
    handles: list[Any] = [
        Patch(facecolor=_tint(0.6), edgecolor=style.BLUE, label="68 % of the draws")
    ] * (n > 1)
    handles += [Patch(facecolor=_tint(0.25), edgecolor=style.BLUE, label="95 % of the draws")] * (
        n > 1
    )
    handles += [Line2D([], [], color=style.ORANGE, label="truth")] * bool(truths)
    handles += [Patch(fill=False, linewidth=0, label=left_out)] * bool(left_out)
    if handles:
        figure.legend(handles=handles, loc="upper right", frameon=False)
