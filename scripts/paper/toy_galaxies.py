"""Figures 1 and 2: four galaxies with the same straight-line fit, without and with a PSF."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from paper.report import write

import jaxmetal as jm
from jaxmetal.science import baselines, toys
from jaxmetal.view import style
from jaxmetal.view.maps import draw_map

# The paper gives no numbers for its toys. These are of an independent calculation with numpy of the
# same definitions: central value and gradient of the line through the annuli's medians; the
# patches' are the mean of 40 seeds.
MEDIAN_LINE = {
    "smooth": (8.0, -0.1),
    "companion": (8.0927, -0.1245),
    "arms": (8.0008, -0.1073),
    "patches": (np.nan, -0.0996),
}
# Azimuthal rms left by PSFs of 0.6 and 1.3 R_e, of the same calculation (rings of 0.2 R_e from 0.2
# to 3.4).
RMS_LEFT = {"companion": (0.93, 0.77), "arms": (0.68, 0.30), "patches": (0.34, 0.15)}
WIDTHS = (0.6, 1.3)
EDGES, RINGS = np.linspace(0.0, toys.EDGE, 6), np.linspace(0.2, 3.4, 17)
TITLES = {
    "smooth": "(a) gradient",
    "companion": "(b) companion",
    "arms": "(c) spiral arms",
    "patches": "(d) patches",
}
COLOURS = Normalize(7.4, 8.15)
LABEL = "12 + log(O/H) [dex]"


def lines(
    kind: str, seed: int = 0
) -> tuple[baselines.LineFit, baselines.Annuli, baselines.LineFit]:
    """The least-squares line over all pixels, the annuli, and the line through their medians."""
    z, radius, outside = (
        toys.metallicity(kind, seed),
        baselines.radius_map(toys.frame()),
        ~toys.inside(),
    )
    annuli = baselines.annuli(radius, z, EDGES, outside)
    return baselines.ols(radius, z, outside), annuli, baselines.line_through(annuli)


def smeared(kind: str, fwhm: float, seed: int = 0) -> np.ndarray:
    """What a telescope with this PSF (in R_e) shows, weighted by the light e^{-R}."""
    instrument = jm.Instrument(toys.frame(), jm.GaussianPSF(fwhm), (2, 1), toys.BORDER - 10)
    blank = jm.TracerMap(np.zeros(instrument.grid.shape), 1.0, instrument)
    return np.asarray(jm.predict(toys.galaxy(kind, seed), blank), float)


def azimuthal_rms(z: np.ndarray) -> float:
    """The scatter along circles, root mean square over the rings."""
    radius = baselines.radius_map(toys.frame())
    return float(
        np.sqrt(np.mean([z[(radius >= a) & (radius < b)].var() for a, b in pairwise(RINGS)]))
    )


def rms_left(kind: str, fwhm: float, seed: int = 0) -> float:
    """The part of the azimuthal scatter that a PSF leaves."""
    return azimuthal_rms(smeared(kind, fwhm, seed)) / azimuthal_rms(toys.metallicity(kind, seed))


@style.styled
def figure_1(out: Path) -> None:
    """Maps above, radial profiles with three ways to see a gradient below."""
    rows, figure = [], style.new_figure(7.2, 4.1)
    grid = figure.subplots(2, 4, sharey="row", height_ratios=[1.15, 1])
    for (upper, lower), kind in zip(grid.T, toys.KINDS, strict=True):
        line, annuli, median = lines(kind)
        image = toys.metallicity(kind)
        mesh = _draw_disc(upper, image)
        upper.set(title=TITLES[kind], xlabel=r"x [$R_e$]")
        _draw_profile(style.tidy(lower), image, line, annuli, median)
        expected = MEDIAN_LINE[kind]
        rows.append(
            {
                "galaxy": kind,
                "ols_central": line.central,
                "ols_gradient": line.gradient,
                "ols_deviation": max(
                    abs(line.central - toys.CENTRAL), abs(line.gradient - toys.GRADIENT)
                ),
                "median_central": median.central,
                "expected_central": expected[0],
                "median_gradient": median.gradient,
                "expected_gradient": expected[1],
            }
        )
    grid[0, 0].set_ylabel(r"y [$R_e$]")
    grid[1, 0].set_ylabel(LABEL)
    style.tidy(figure.colorbar(mesh, ax=grid[0], label=LABEL, extend="min", pad=0.01).ax)
    handles, texts = grid[1, 0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4, frameon=False)
    write(
        out,
        "figure_1",
        rows,
        figure,
        expected="independent calculation; the paper publishes no numbers",
    )


def _draw_disc(axes: Axes, image: np.ndarray) -> Any:
    """The pixels that are fitted; what lies outside is no mask, and stays white."""
    mesh = draw_map(
        style.tidy(axes),
        toys.frame(),
        np.where(toys.inside(), image, np.nan),
        style.TRACER,
        COLOURS,
    )
    axes.patches[0].set_visible(False)
    return mesh


def _draw_profile(
    axes: Axes,
    image: np.ndarray,
    line: baselines.LineFit,
    annuli: baselines.Annuli,
    median: baselines.LineFit,
) -> None:
    radius = baselines.radius_map(toys.frame())
    axes.plot(
        radius[::3, ::3].ravel(),
        image[::3, ::3].ravel(),
        ".",
        color=style.SKY,
        alpha=0.5,
        markersize=2.5,
        markeredgewidth=0,
    )
    ends = np.array([0.0, toys.EDGE])
    axes.plot(
        ends,
        median.central + median.gradient * ends,
        color=style.FAINT,
        linewidth=2.0,
        label="line through the medians",
    )
    axes.plot(
        ends,
        line.central + line.gradient * ends,
        color=style.ORANGE,
        linewidth=1.5,
        label="least squares, all pixels",
    )
    spread = [annuli.median - annuli.p16, annuli.p84 - annuli.median]
    axes.errorbar(
        annuli.radius,
        annuli.median,
        spread,
        fmt="o",
        color="black",
        markersize=3.5,
        linewidth=1,
        label="medians, 16 to 84 %",
    )
    axes.set(xlabel=r"R [$R_e$]", xlim=(0, toys.EDGE), ylim=(7.3, 8.2))


@style.styled
def figure_2(out: Path) -> None:
    """The same galaxies without and through two PSFs."""
    rows, figure = [], style.new_figure(6.2, 5.0)
    grid = figure.subplots(3, 4, sharex=True, sharey=True)
    for column, kind in zip(grid.T, toys.KINDS, strict=True):
        images = [toys.metallicity(kind), *(smeared(kind, fwhm) for fwhm in WIDTHS)]
        column[0].set_title(TITLES[kind])
        for axes, image in zip(column, images, strict=True):
            mesh = _draw_disc(axes, image)
        for axes, fwhm, i in zip(column[1:], WIDTHS, (0, 1), strict=True):
            if kind == "smooth":
                continue
            part = rms_left(kind, fwhm)
            rows.append(
                {
                    "galaxy": kind,
                    "fwhm": fwhm,
                    "rms_left": part,
                    "expected": RMS_LEFT[kind][i],
                    "difference": part - RMS_LEFT[kind][i],
                }
            )
            axes.text(0.02, 0.02, f"{part:.0%}", transform=axes.transAxes, fontsize=style.SMALL)
        column[-1].set_xlabel(r"x [$R_e$]")
    for axes, text in zip(
        grid[:, 0],
        ("no PSF", rf"FWHM = {WIDTHS[0]} $R_e$", rf"FWHM = {WIDTHS[1]} $R_e$"),
        strict=True,
    ):
        axes.set_ylabel(f"{text}\ny [$R_e$]")
    style.tidy(figure.colorbar(mesh, ax=grid, label=LABEL, extend="both", pad=0.01, shrink=0.6).ax)
    write(
        out,
        "figure_2",
        rows,
        figure,
        rms_left="azimuthal rms with the PSF over that without",
        expected="independent calculation",
    )
