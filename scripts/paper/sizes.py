"""Figure 4, how small a galaxy may be: a hundred noise draws of six sizes, in batches."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from paper.fitting import GRADIENT, draws, fit_each, gradient_model
from paper.gradients import TITLES, TRUTH, straight
from paper.report import write
from validation.yardsticks import SIZES

import jaxmetal as jm
from jaxmetal.view import style

# Cramér-Rao sigma of the gradient, of the central value, and the straight-line gradient of a
# noise-free map, by R_e in pixels: independent calculations with numpy. The paper prints no numbers
# for this figure, nor the unit of its gradient.
EXPECTED = {
    "half-light": SIZES,
    "scale-length": {
        1: (0.0421, 0.0753, -0.1374),
        1.4: (0.0242, 0.0486, -0.1688),
        2: (0.0167, 0.0343, -0.1842),
        3: (0.0108, 0.0228, -0.1933),
        5: (0.0064, 0.0138, -0.1977),
        8: (0.0040, 0.0086, -0.1991),
    },
}
COUNT = 100


def size(pixels: float, reading: str, count: int) -> tuple[np.ndarray, np.ndarray, dict]:
    """Posterior medians and straight-line gradients of all noise draws, and their table row."""
    galaxy, maps = jm.simulate.size_case(pixels, supersampling=(4, 2), reading=reading)
    z = maps["z"]
    images = draws(z, count)
    fits = fit_each(gradient_model(galaxy, z), images)
    radius = jm.baselines.radius_map(z.instrument.grid)
    naive = np.array([jm.baselines.wls(radius, image, z.errors).gradient for image in images])
    # A statistic of all draws of the noise leaves none of them out.
    sampled = jm.sample_batch(fits.models, fits, chains=2, draws=250, allow_unconverged=True)
    posteriors = [posterior.summary()[GRADIENT] for posterior in sampled]
    medians, low, high = (
        np.array([row[name] for row in posteriors]) for name in ("50%", "16%", "84%")
    )
    bound, _, expected = EXPECTED[reading][pixels]
    linear = gradient_model(galaxy, jm.TracerMap(z.data, z.errors, z.instrument, scale="linear"))
    return (
        medians,
        naive,
        {
            "reading": reading,
            "pixels": float(pixels),
            "fwhm_over_re": 2 / pixels,
            "mean": medians.mean(),
            "bias_over_bound": (medians.mean() - TRUTH) / bound,
            "median": np.median(medians),
            "sd": medians.std(ddof=1),
            "laplace": np.median(fits.errors[GRADIENT]),
            "cramer_rao": bound,
            "inside_68": float(np.mean((low < TRUTH) & (high > TRUTH))),
            "gain": fits.gains.max(),
            "straight_line_mean": naive.mean(),
            "straight_line_noise_free": straight(z).gradient,
            "expected_straight_line": expected,
            "linear_fit_of_log_mock": float(
                fit_each(linear, np.asarray(z.data)[None]).parameters[GRADIENT][0]
            ),
        },
    )


@style.styled
def figure_4(out: Path, count: int = COUNT) -> None:
    """Both readings of R_e side by side."""
    figure, rows = style.new_figure(7.2, 3.4), []
    for axes, reading in zip(figure.subplots(1, 2, sharey=True), EXPECTED, strict=True):
        axes.axhline(TRUTH, color=style.INK, linewidth=0.8, linestyle="--", label="truth")
        for at, pixels in enumerate(EXPECTED[reading]):
            medians, naive, row = size(pixels, reading, count)
            rows.append(row)
            _draw(
                style.tidy(axes),
                at - 0.16,
                naive,
                style.ORANGE,
                "s",
                "straight line" if at == 0 else None,
            )
            _draw(axes, at + 0.16, medians, style.BLUE, "o", "forward model" if at == 0 else None)
        axes.set(
            xlabel=r"$R_e$ [pixels = FWHM/2]",
            xticks=range(len(EXPECTED[reading])),
            xticklabels=[f"{n:g}" for n in EXPECTED[reading]],
        )
        axes.set_title(TITLES[reading])
    figure.axes[0].set_ylabel(r"gradient [dex/$R_e$]")
    figure.axes[1].legend(frameon=False, loc="upper right")
    write(
        out,
        "figure_4",
        rows,
        figure,
        truth=TRUTH,
        draws=count,
        expected="independent calculation",
        bars="median, 16 to 84 %",
    )


def _draw(
    axes: Axes, at: float, values: np.ndarray, colour: str, marker: str, label: str | None
) -> None:
    """All draws as points, their median and central 68 %."""
    low, middle, high = np.percentile(values, [16, 50, 84])
    spread = np.linspace(-0.09, 0.09, len(values))
    axes.plot(at + spread, values, ".", color=colour, alpha=0.3, markersize=2.5, markeredgewidth=0)
    axes.errorbar(
        at,
        middle,
        [[middle - low], [high - middle]],
        fmt=marker,
        color=colour,
        markeredgecolor="white",
        markersize=5,
        label=label,
    )
