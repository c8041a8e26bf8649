"""How every figure looks: colours, fonts, labels, and the pixels that take no part."""

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

DPI = 150
TEXT, SMALL = 9.0, 8.0

# Colour maps that colour-blind readers can follow: of growing brightness, and blue-white-red for
# what has two signs.
TRACER, LIGHT, RESIDUAL = "viridis", "magma", "RdBu_r"
# Okabe & Ito's colours, told apart by everybody.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
)
CHAINS = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW)
INK, FAINT = "#222222", "#8c8c8c"
# Grey with stripes is in none of the colour maps.
MASKED: dict[str, Any] = {
    "facecolor": "#e2e2e2",
    "edgecolor": "#b0b0b0",
    "hatch": "/////",
    "linewidth": 0.0,
}

# Inches from one tick of a colour bar to the next, at least.
ROOM = 0.4
MINUS = "\N{MINUS SIGN}"

# Use as a decorator: the texts, lines and hatches made inside look like this, and the user's
# settings stay what they are.
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
    """A matplotlib figure that belongs to no window, and shows itself in a notebook."""

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
    # Ticks are made only when drawn, when the decorator's settings have gone: they are told here.
    axes.tick_params(which="both", labelsize=SMALL, width=0.7, length=3, color=INK, labelcolor=INK)
    return axes


def quantity(map: Map, unit: str | None) -> str:
    """What the map shows, with its unit, for an axis or a colour bar."""
    if map.tracer is None:
        name = map.label
    else:
        name = map.tracer.replace("_", " ")
        # [Z/H] and the like, relative to the Sun, lie about zero and keep the plain name.
        if is_oxygen(map) and unit in (None, "dex"):
            return "12 + log(O/H) [dex]"
    return f"{name} [{drawable(unit)}]" if unit else name


def drawable(text: str) -> str:
    """A text that matplotlib can draw: dollar signs are signs where what stands between them is no formula."""
    try:
        MathTextParser("path").parse(text)
    except ValueError:
        return text.replace("$", r"\$")
    return text


def is_oxygen(map: Map) -> bool:
    """Whether a tracer is an oxygen abundance 12 + log(O/H), by its name, scale and size."""
    named = map.tracer == "metallicity" and map.scale == "log10"
    return named and float(np.nanmedian(map.data)) > 5


def per_arcsec(map: Map, unit: str | None) -> str:
    """The unit of a gradient."""
    unit = unit or ("dex" if map.scale == "log10" else None)
    return f"{drawable(unit)}/arcsec" if unit else "per arcsec"


def number(value: float, error: float) -> str:
    """value ± error with the digits that the error leaves, such as "-0.200 ± 0.004"."""
    if not (np.isfinite(error) and error > 0):
        # What rounding has left of a zero is a zero.
        return f"{round(value, 4) + 0.0:.4g}".replace("-", MINUS)
    places = decimals(error)
    return f"{value:.{places}f} ± {error:.{places}f}".replace("-", MINUS)


def decimals(error: float) -> int:
    """Decimal places for a number with this error: two digits of the error if it starts with 1 or 2, else one."""
    exponent = int(np.floor(np.log10(error)))
    return max(0, -exponent + (error < 3 * 10.0**exponent))


def tracer_norm(low: float, high: float) -> Normalize:
    """A straight colour scale."""
    if not high > low:
        low, high = low - 0.01, high + 0.01
    return Normalize(low, high)


def light_norm(low: float, high: float, noise: float) -> Normalize:
    """A colour scale that is straight in the noise and logarithmic above it."""
    if not high > low:
        return tracer_norm(low, high)
    # Light far above the noise would otherwise be shown over five decades, most of them without
    # structure.
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
    # A tick beyond the scale would stretch the bar.
    ticks = [tick for tick in ticks if low <= tick <= high]
    kept = []
    for tick in reversed(ticks):
        if all(abs(float(norm(tick)) - float(norm(other))) * room > ROOM for other in kept):
            kept.append(tick)
    ticks = kept[::-1]
    return ticks, [_short(tick) for tick in ticks]


def _short(value: float) -> str:
    """A round number as a label."""
    if value == 0 or 1e-3 <= value < 1e4:
        return f"{value:g}"
    mantissa, exponent = f"{value:e}".split("e")
    lead = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return rf"${lead}10^{{{int(exponent)}}}$"


def masked_patch() -> Patch:
    """What masked pixels look like, for a legend."""
    return Patch(**MASKED, label="masked, not in the fit")


def height(axes: Axes) -> float:
    """The height of axes, inches."""
    return float(axes.get_position().height * axes.get_figure().get_size_inches()[1])  # type: ignore[union-attr]


def headline(figure: mpl.Figure, text: str, warning: str | None = None) -> None:
    """What is to be known of the whole figure, in its upper left corner; a warning, if any, stands above it."""
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
    """A remark over the whole figure, where it cannot be overlooked."""
    figure.suptitle(wrapped(figure, text), color=ORANGE, fontsize=TEXT)


def wrapped(figure: mpl.Figure, text: str) -> str:
    """A text on as many lines as it needs."""
    return "\n".join(textwrap.wrap(text, int(13 * figure.get_size_inches()[0])))
