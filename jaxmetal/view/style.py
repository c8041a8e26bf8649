"""The style of all figures: colours, fonts, labels, colour scales and masked pixels."""

import io
import textwrap
from typing import Any

import numpy as np
from matplotlib import figure as mpl
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm, Normalize
from matplotlib.mathtext import MathTextParser
from matplotlib.patches import Patch

from jaxmetal.maps import Map

# Dots per inch.
DPI = 150
# Sizes of text, points.
TEXT = 9.0
SMALL = 8.0

# Colour maps for colour-blind readers: of increasing brightness, and diverging for residuals
# and velocities.
TRACER = "viridis"
LIGHT = "magma"
RESIDUAL = "RdBu_r"
VELOCITY = "RdBu_r"
# The colours of Okabe & Ito, which colour-blind readers can distinguish.
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#E69F00"
CHAINS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
# Text and lines; and pixels of a profile.
INK = "#222222"
FAINT = "#8c8c8c"
# Masked pixels: hatched grey, which is in none of the colour maps.
MASKED: dict[str, Any] = {
    "facecolor": "#e2e2e2",
    "edgecolor": "#b0b0b0",
    "hatch": "/////",
    "linewidth": 0.0,
}

# Inches from one tick of a colour bar to the next, at least.
ROOM = 0.4
MINUS = "\N{MINUS SIGN}"

# A decorator: texts, lines and hatches that are made inside have this style, and the user's
# settings are restored afterwards.
styled = rc_context(
    {
        "font.size": TEXT,
        "axes.titlesize": TEXT + 1,
        "axes.labelsize": TEXT,
        "legend.fontsize": SMALL,
        "hatch.linewidth": 0.6,
        "axes.linewidth": 0.7,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "axes.formatter.useoffset": False,
        "text.usetex": False,
        "axes.grid": False,
    }
)


class Figure(mpl.Figure):
    """A matplotlib figure without a window, which a notebook displays as PNG."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=DPI)
        return buffer.getvalue()


def new_figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """An empty figure, inches."""
    return Figure(figsize=(width, height), dpi=DPI, layout=layout, facecolor="white")


def add_axes(figure: mpl.Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place in the figure given in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def tidy(axes: Axes) -> Axes:
    """Small grey ticks."""
    # Ticks are made when the figure is drawn, after the decorator's settings have ended.
    axes.tick_params(which="both", labelsize=SMALL, width=0.7, length=3, color=INK, labelcolor=INK)
    return axes


def quantity(one_map: Map, unit: str | None) -> str:
    """The quantity of a map with its unit, for an axis or a colour bar."""
    if one_map.tracer is None:
        name = one_map.label
    else:
        name = one_map.tracer.replace("_", " ")
        # Abundances relative to the Sun, such as [Z/H], are near zero and keep the plain name.
        if is_oxygen(one_map) and unit in (None, "dex"):
            return "12 + log(O/H) [dex]"
    return f"{name} [{drawable(unit)}]" if unit else name


def drawable(text: str) -> str:
    """A text that matplotlib can draw: dollar signs are escaped unless they enclose a formula."""
    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def is_oxygen(one_map: Map) -> bool:
    """Whether a tracer is an oxygen abundance 12 + log(O/H), by its name, scale and size."""
    may_be = one_map.tracer == "metallicity" and one_map.scale == "log10"
    return may_be and float(np.nanmedian(one_map.data)) > 5


def per_arcsec(one_map: Map, unit: str | None) -> str:
    """The unit of a gradient."""
    unit = unit or ("dex" if one_map.scale == "log10" else None)
    return f"{drawable(unit)}/arcsec" if unit else "per arcsec"


def number(value: float, error: float) -> str:
    """value ± error with the digits that the error leaves, such as "-0.200 ± 0.004"."""
    if not (np.isfinite(error) and error > 0):
        # Adding zero removes the sign of a negative zero.
        return f"{round(value, 4) + 0.0:.4g}".replace("-", MINUS)
    places = decimals(error)
    return f"{value:.{places}f} ± {error:.{places}f}".replace("-", MINUS)


def decimals(error: float) -> int:
    """Decimal places for a number with this error.

    They show two digits of the error if it starts with 1 or 2, else one.
    """
    exponent = int(np.floor(np.log10(error)))
    return max(0, -exponent + (error < 3 * 10.0**exponent))


def tracer_norm(low: float, high: float) -> Normalize:
    """A linear colour scale."""
    if not high > low:
        low, high = low - 0.01, high + 0.01
    return Normalize(low, high)


def light_norm(low: float, high: float, noise: float) -> Normalize:
    """A colour scale that is linear in the noise and logarithmic above it."""
    if not high > low:
        return tracer_norm(low, high)
    # The lower limit of the width keeps the scale of light far above the noise below three decades.
    return AsinhNorm(
        linear_width=max(noise, 0.003 * high, 1e-6 * (high - low)), vmin=low, vmax=high
    )


def light_ticks(norm: AsinhNorm, room: float = np.inf) -> tuple[list[float], list[str]]:
    """Ticks and their labels for `light_norm`: zero, and the decades that stand apart from it.

    Parameters
    ----------
    norm
        the scale.
    room
        length of the bar, inches; ticks that would touch on it are left out, those of the brighter
        light last.
    """
    low, high, width = (float(x) for x in (norm.vmin or 0.0, norm.vmax or 0.0, norm.linear_width))
    decades = range(
        int(np.ceil(np.log10(2 * width))), int(np.floor(np.log10(max(high, width)))) + 1
    )
    steps = (1,) if len(decades) > 2 else (1, 3)
    ticks = [0.0, *(float(f"{n}e{k}") for k in decades for n in steps)]
    # A tick beyond the scale would extend the bar.
    ticks = _apart([tick for tick in ticks if low <= tick <= high], norm, room)
    return ticks, [_short(tick) for tick in ticks]


def _apart(ticks: list[float], norm: AsinhNorm, room: float) -> list[float]:
    """The ticks that do not touch one another, the brightest first to be kept."""
    ticks_apart: list[float] = []
    for tick in reversed(ticks):
        if all(
            abs(float(norm(tick)) - float(norm(accepted_tick))) * room > ROOM
            for accepted_tick in ticks_apart
        ):
            ticks_apart.append(tick)
    return ticks_apart[::-1]


def _short(value: float) -> str:
    """A round number as a label."""
    if value == 0 or 1e-3 <= value < 1e4:
        return f"{value:g}"
    mantissa, exponent = f"{value:e}".split("e")
    lead = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return rf"${lead}10^{{{int(exponent)}}}$"


def masked_patch() -> Patch:
    """The entry of masked pixels in a legend."""
    return Patch(**MASKED, label="masked, not in the fit")


def height(axes: Axes) -> float:
    """The height of axes, inches."""
    figure: Any = axes.get_figure()
    return float(axes.get_position().height * figure.get_size_inches()[1])


def headline(figure: mpl.Figure, text: str, warning: str | None = None) -> None:
    """Write a text in the upper left corner of a figure, below a warning, if there is one."""
    height = figure.get_size_inches()[1]
    if warning:
        note(figure, warning)
    figure.text(
        0.02,
        1 - (0.45 if warning else 0.1) / height,
        text,
        ha="left",
        va="top",
        fontsize=SMALL,
        color=INK,
    )


def note(figure: mpl.Figure, text: str) -> None:
    """Write a warning above the whole figure."""
    figure.suptitle(wrapped(figure, text), color=ORANGE, fontsize=TEXT)


def wrapped(figure: mpl.Figure, text: str) -> str:
    """A text in lines no wider than a figure."""
    return "\n".join(textwrap.wrap(text, int(13 * figure.get_size_inches()[0])))
