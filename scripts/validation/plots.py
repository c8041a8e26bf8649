"""Figures of the tables of validation."""

from pathlib import Path

import numpy as np
from astropy.table import Table
from matplotlib.ticker import PercentFormatter

from jaxmetal.view import style
from jaxmetal.view.save import save_figure

COLOURS = {"laplace": style.BLUE, "auto": style.ORANGE, "nuts": style.GREEN}
NAMES = {"laplace": "MAP and Laplace", "auto": "importance sampling", "nuts": "NUTS"}


@style.styled
def fits(table: Table, folder: Path) -> None:
    """Bias less chance, width and coverage of every scene, with errors by the number of draws."""
    figure = style.new_figure(7.2, 5.4)
    scenes = list(dict.fromkeys(_scene(row) for row in table))
    panels = figure.subplots(3, 1, sharex=True)
    bands = {
        "bias [Cramér-Rao σ]": (-0.1, 0.1),
        "sd of the pulls": (0.95, 1.05),
        "truths inside 68.3 %": (0.65, 0.71),
    }
    for axes, (label, band) in zip(panels, bands.items(), strict=True):
        style.tidy(axes).axhspan(*band, color=style.FAINT, alpha=0.2, linewidth=0)
        axes.axhline(
            np.mean(band) if "inside" not in label else 0.682689,
            color=style.INK,
            linewidth=0.8,
            linestyle="--",
        )
        axes.set_ylabel(label)
    # Less chance, the bias of a sampler is as uncertain as that of all maxima.
    uncertain = {_scene(row): row["bias_error"] for row in table if row["method"] == "laplace"}
    for i, method in enumerate(name for name in NAMES if name in table["method"]):
        subset = table[table["method"] == method]
        at = np.array([scenes.index(_scene(row)) for row in subset]) + 0.2 * (i - 1)
        look = {"fmt": "o", "color": COLOURS[method], "markersize": 4, "linewidth": 1}
        inside, count = subset["inside_68"], subset["fits"]
        panels[0].errorbar(
            at,
            subset["bias"] - subset["chance"],
            [uncertain[_scene(row)] for row in subset],
            **look,
            label=NAMES[method],
        )
        panels[1].errorbar(at, subset["pull_sd"], subset["pull_sd"] / np.sqrt(2 * count), **look)
        panels[2].errorbar(at, inside, np.sqrt(inside * (1 - inside) / count), **look)
    panels[0].legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0.0, 1.0))
    panels[2].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    panels[2].set_xticks(range(len(scenes)), scenes, rotation=50, ha="right")
    save_figure(figure, folder / "fits.png")


def _scene(row: Table.Row) -> str:
    if row["case"] == "random field":
        return row["case"]
    if row["case"] == "use case 2":
        return f"use case 2, {row['parameter'].split('.')[0]}"
    return (
        f"$R_e$ {row['pixels']:g} pixels" if row["case"] == "figure 4" else f'FWHM {row["fwhm"]:g}"'
    )


def calibration(table: Table, folder: Path) -> None:
    """Ranks of the parameters of several scenes."""
    _draw_ranks(table, folder / "calibration.png")


def field_calibration(table: Table, folder: Path) -> None:
    """Ranks of the parameters of a random field."""
    _draw_ranks(table, folder / "field_calibration.png")


@style.styled
def _draw_ranks(table: Table, path: Path) -> None:
    """The ranks' deviation from uniform, with the band that holds 95 % of all such curves."""
    scenes = list(dict.fromkeys((_scene(row).split(",")[0], row["parameter"]) for row in table))
    rows = -(-len(scenes) // 4)
    figure = style.new_figure(7.2, 1.7 * rows)
    grid = figure.subplots(rows, 4, sharex=True, sharey=True, squeeze=False)
    for axes, (scene, parameter) in zip(grid.flat, scenes, strict=False):
        subset = [
            row
            for row in table
            if _scene(row).split(",")[0] == scene and row["parameter"] == parameter
        ]
        bins = len(subset[0]["counts"])
        at = np.linspace(0, 1, bins + 1)
        band = subset[0]["band_95"] * np.sqrt(at * (1 - at) / subset[0]["simulations"])
        style.tidy(axes).fill_between(at, -band, band, color=style.FAINT, alpha=0.25, linewidth=0)
        axes.axhline(0.0, color=style.INK, linewidth=0.8, linestyle="--")
        for row in subset:
            below = np.concatenate([[0.0], np.cumsum(row["counts"]) / row["simulations"]])
            axes.plot(
                at,
                below - at,
                color=COLOURS[row["method"]],
                linewidth=1.2,
                label=NAMES[row["method"]],
            )
        axes.set_title(f"{scene}\n{parameter.replace('.metallicity.', ' ')}", fontsize=style.SMALL)
    for axes in grid.flat[len(scenes) :]:
        axes.set_visible(False)
    handles = {
        label: line
        for axes in grid.flat
        for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), frameon=False, ncols=3, loc="outside upper center"
    )
    figure.supxlabel("rank of the truth", fontsize=style.TEXT)
    figure.supylabel("ECDF less uniform", fontsize=style.TEXT)
    save_figure(figure, path)
