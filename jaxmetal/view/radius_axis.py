"""The axis of radius in a figure, in arcsec and in kpc or effective radii, and its legend."""

from typing import Any

from matplotlib.axes import Axes

from jaxmetal.science.baselines import MAJOR_AXIS, MEAN
from jaxmetal.science.discs import Disc
from jaxmetal.view import style


def legend_below(figure: style.Figure, axes: Axes) -> None:
    """A legend below the axes, the first entry and the last beside each other."""
    handles, _ = axes.get_legend_handles_labels()
    # Error bars come last; the annuli belong beside the pixels.
    figure.legend(
        handles=[handles[0], handles[-1], *handles[1:-1]],
        loc="outside lower center",
        ncols=2,
        frameon=False,
        columnspacing=1.2,
    )


def radius_label(disc: Disc) -> str:
    """The label of the radius axis."""
    words = {
        MAJOR_AXIS: "radius along the major axis, in the plane of the disc",
        MEAN: r"radius $\sqrt{ab}$",
        "circle": "radius",
    }
    return f"{words[disc.radius_name]} [arcsec]"


def second_axis(axes: Axes, disc: Disc) -> None:
    """A second axis of radius in kpc, or else in effective radii, as far as the disc has scales.

    With kpc, a line marks the effective radius.
    """
    scales = disc.scales
    unit = next((name for name in ("kpc", "R_e") if name in scales), None)
    if unit is not None:
        factor = 1 / scales[unit]

        def forward(radius: Any) -> Any:
            return radius * factor

        def inverse(radius: Any) -> Any:
            return radius / factor

        top = axes.secondary_xaxis("top", functions=(forward, inverse))
        top.set_xlabel("radius [kpc]" if unit == "kpc" else r"radius / $R_\mathrm{e}$")
        top.tick_params(
            labelsize=style.SMALL, width=0.7, length=3, color=style.INK, labelcolor=style.INK
        )
    if unit == "kpc" and "R_e" in scales and scales["R_e"] < axes.get_xlim()[1]:
        axes.axvline(
            scales["R_e"], color=style.FAINT, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1
        )
        place: dict[str, Any] = {
            "xycoords": ("data", "axes fraction"),
            "textcoords": "offset points",
            "xytext": (3, -3),
        }
        axes.annotate(
            r"$R_\mathrm{e}$",
            (scales["R_e"], 1.0),
            va="top",
            fontsize=style.SMALL,
            color=style.INK,
            **place,
        )
