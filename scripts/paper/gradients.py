"""Figure 3: use case 1's gradient through eight PSFs, by posterior and straight-line fit."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from paper.fitting import GRADIENT, fit_each, gradient_model
from paper.report import write
from validation.yardsticks import WIDTHS

import jaxmetal as jm
from jaxmetal.view import style

# Cramér-Rao sigma of the gradient, and the straight-line gradient of a noise-free map, by FWHM:
# independent calculations with numpy (Fourier-exact Gaussian, block means). The paper prints no
# numbers for this figure.
EXPECTED = {
    "half-light": {fwhm: (row[0], row[2]) for fwhm, row in WIDTHS.items()},
    "scale-length": {
        0.1: (0.00214, -0.1999),
        0.2: (0.00215, -0.1995),
        0.3: (0.00215, -0.1989),
        0.5: (0.00218, -0.1967),
        0.7: (0.00221, -0.1934),
        1.0: (0.00231, -0.1859),
        1.5: (0.00258, -0.1670),
        2.0: (0.00308, -0.1418),
    },
}
TITLES = {
    "half-light": r"$R_e$ is the half-light radius",
    "scale-length": r"$R_e$ is the scale length",
}
TRUTH = -0.2
WARMUP, DRAWS = 60, 120


def case(fwhm: float, reading: str) -> tuple[jm.Galaxy, jm.TracerMap]:
    """A noise-free map.

    All sharp PSFs share a sampling, as do all wide ones, and with it their compiled programs.
    """
    supersampling, margin = ((4, 2), 8) if fwhm < 0.4 else ((2, 1), 56)
    galaxy, maps = jm.simulate.use_case_1(
        fwhm, supersampling=supersampling, reading=reading, margin=margin
    )
    return galaxy, maps["z"]


def straight(z: jm.TracerMap) -> jm.baselines.LineFit:
    """The paper's straight-line fit, weighted by the errors."""
    return jm.baselines.wls(jm.baselines.radius_map(z.instrument.grid), z.data, z.errors)


def row(fwhm: float, reading: str, seed: int) -> dict:
    """One PSF: posterior and straight line of the same noisy map, with their expected values."""
    galaxy, clean = case(fwhm, reading)
    noisy = jm.simulate.renoise(clean, seed)
    model = gradient_model(galaxy, noisy)
    posterior = jm.sample(
        model, jm.optimise(model, starts=1), method="nuts", warmup=WARMUP, draws=DRAWS, seed=seed
    )
    estimate, line = posterior.summary()[GRADIENT], straight(noisy)
    bound, naive = EXPECTED[reading][fwhm]
    linear = gradient_model(
        galaxy, jm.TracerMap(clean.data, clean.errors, clean.instrument, scale="linear")
    )
    bias = (straight(clean).gradient - TRUTH) / line.gradient_error
    return {
        "reading": reading,
        "fwhm": fwhm,
        "posterior": estimate["50%"],
        "low": estimate["16%"],
        "high": estimate["84%"],
        "sd": estimate["sd"],
        "cramer_rao": bound,
        "pull": (estimate["mean"] - TRUTH) / estimate["sd"],
        "ess": estimate["ess"],
        "r_hat": estimate["r_hat"],
        "straight_line": line.gradient,
        "straight_line_error": line.gradient_error,
        "bias_over_sd": bias,
        "straight_line_noise_free": straight(clean).gradient,
        "expected_straight_line": naive,
        "linear_fit_of_log_mock": float(
            fit_each(linear, np.asarray(clean.data)[None]).parameters[GRADIENT][0]
        ),
    }


@style.styled
def figure_3(out: Path) -> None:
    """Both readings of R_e side by side."""
    readings = jm.simulate.READINGS
    rows = [
        row(fwhm, reading, seed)
        for reading in readings
        for seed, fwhm in enumerate(WIDTHS, start=1)
    ]
    figure = style.new_figure(7.2, 3.3)
    for axes, reading in zip(figure.subplots(1, 2, sharey=True), readings, strict=True):
        _draw(style.tidy(axes), [r for r in rows if r["reading"] == reading])
        axes.set_title(TITLES[reading])
    figure.axes[0].set_ylabel("gradient [dex/arcsec]")
    figure.axes[0].legend(frameon=False, loc="upper left")
    write(
        out,
        "figure_3",
        rows,
        figure,
        truth=TRUTH,
        warmup=WARMUP,
        draws=4 * DRAWS,
        expected="independent calculation",
    )


def _draw(axes: Axes, rows: list[dict]) -> None:
    at = np.arange(len(rows))
    get = {name: np.array([r[name] for r in rows]) for name in rows[0] if name != "reading"}
    axes.axhline(TRUTH, color=style.INK, linewidth=0.8, linestyle="--", label="truth")
    line = get["straight_line"], get["straight_line_error"]
    axes.errorbar(
        at - 0.12, *line, fmt="s", color=style.ORANGE, markersize=4, label="straight line"
    )
    spread = [get["posterior"] - get["low"], get["high"] - get["posterior"]]
    axes.errorbar(
        at + 0.12,
        get["posterior"],
        spread,
        fmt="o",
        color=style.BLUE,
        markersize=4,
        label="forward model",
    )
    axes.set(
        xlabel=r"PSF FWHM [arcsec = $R_e$]", xticks=at, xticklabels=[f"{f:g}" for f in get["fwhm"]]
    )
