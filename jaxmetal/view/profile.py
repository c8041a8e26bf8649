"""The figure of a tracer's radial profile: data, naive line and intrinsic profile."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fields import without_fields
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map
from jaxmetal.quantities import ARCSEC, DEGREES, plain
from jaxmetal.science import baselines
from jaxmetal.science.baselines import MAJOR_AXIS, MEAN
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.view import style
from jaxmetal.view.maps import chosen_map
from jaxmetal.view.profile_curves import (
    draw_blurred,
    draw_data,
    draw_fit,
    draw_naive,
    draw_truth,
)
from jaxmetal.view.radial import Center, Curve, draws, expected_annuli, intrinsic_profile, ring

# Points along the radius of the curves.
RADII = 80
# Annuli of the data.
ANNULI = 12
# Errors of a typical pixel by which the axis extends beyond the curves.
REACH = 2.0


@style.styled
def profile_figure(
    fit: Fit,
    name: str,
    posterior: Posterior | None = None,
    center: Center | None = None,
    inclination: float | None = None,
    position_angle: float | None = None,
    unit: str | None = None,
    truth: Galaxy | None = None,
    *,
    disc: Disc | None = None,
) -> style.Figure:
    """The radial profile of a tracer map: pixels, annuli, naive line and intrinsic profile.

    Two pairs are to be compared: the annuli (squares) with the annuli that the fit predicts for
    noisy data through the PSF, and the naive line through the pixels with the intrinsic profile.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map in the model.
    posterior
        whose draws make the band; the fit's covariance does if left out.
    center
        (x, y) of the disc, arcsec; the model's if left out, as are the next two.
    inclination, position_angle
        of the disc, degrees; the angle from +y (north) towards +x (east).
    unit
        of the tracer, for the labels; that of 12 + log(O/H) may be left out.
    truth
        the galaxy of a simulation, to compare with.
    disc
        in place of the three numbers, with the redshift or effective radius for a second axis; the
        model's if left out.

    Returns
    -------
    figure
        tracer over radius in the plane of the disc; the legend gives the gradients.

    Raises
    ------
    InputError
        for a name that the fit does not have, or a map of light.
    """
    tracer_map = chosen_map(fit, name, "profile_figure")
    if tracer_map.tracer is None:
        raise InputError(
            f"profile_figure: {name!r} is a map of light; the profile is that of a tracer map."
        )
    angles = {"inclination": inclination, "position_angle": position_angle}
    disc = _chosen_disc(disc or disc_of_model(fit.galaxy, tracer_map.tracer), center, angles)
    radius = np.where(tracer_map.valid, disc.radii(tracer_map.instrument, fit.galaxy), np.nan)
    bins = _Bins.up_to(float(np.nanmax(radius)))
    per = style.per_arcsec(tracer_map, unit)
    figure = style.new_figure(6.4, 5.2)
    axes = style.tidy(figure.add_subplot())
    annuli = draw_data(axes, tracer_map, radius, bins.edges)
    curves = _draw_curves(axes, fit, name, posterior, disc, radius, bins, per)
    if truth is not None:
        curves.append(intrinsic_profile(truth, tracer_map, *_ring_of(disc, bins.radii)))
        draw_truth(axes, bins.radii, curves[-1], per)
    axes.set(
        xlim=(0, bins.reach),
        ylim=shown_range(tracer_map, curves, annuli),
        xlabel=_radius_label(disc),
        ylabel=style.quantity(tracer_map, unit),
    )
    _second_axis(axes, disc)
    _legend(figure, axes)
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


class _Bins(NamedTuple):
    """The largest radius, the radii of the curves, and the edges of the annuli, arcsec."""

    reach: float
    radii: Curve
    edges: Curve

    @classmethod
    def up_to(cls, reach: float) -> "_Bins":
        edges = np.linspace(0.0, reach * (1 + 1e-6), ANNULI + 1)
        return cls(reach, np.linspace(0.0, reach, RADII), edges)


def _chosen_disc(disc: Disc, center: Center | None, angles: dict[str, float | None]) -> Disc:
    """A disc with those of its center and angles replaced that the caller gives."""
    numbers = {
        key: plain(value, f"profile_figure.{key}", DEGREES)
        for key, value in angles.items()
        if value is not None
    }
    if center is not None:
        numbers["center"] = plain(center, "profile_figure.center", ARCSEC)
    return disc.told("the caller", **numbers)


def _ring_of(disc: Disc, radii: Curve) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of points at these radii all around a disc, arcsec."""
    return ring(radii * disc.to_major_axis, disc.center, disc.inclination, disc.position_angle)


def _draw_curves(
    axes: Axes,
    fit: Fit,
    name: str,
    posterior: Posterior | None,
    disc: Disc,
    radius: np.ndarray,
    bins: _Bins,
    per: str,
) -> list[Curve]:
    """Draw the naive line, the intrinsic profile and the predicted annuli; gives their values."""
    tracer_map, places = fit.maps[name], _ring_of(disc, bins.radii)
    line = draw_naive(axes, tracer_map, radius, bins.radii, per)
    best, *samples = (
        intrinsic_profile(galaxy, tracer_map, *places)
        for galaxy in map(without_fields, (fit.galaxy, *draws(fit, posterior)))
    )
    draw_fit(axes, bins.radii, best, samples, per)
    convolved = expected_annuli(radius, tracer_map, fit.predicted[name], bins.edges)
    draw_blurred(axes, convolved)
    return [best, line, convolved.median]


def _legend(figure: style.Figure, axes: Axes) -> None:
    handles, _ = axes.get_legend_handles_labels()
    # Error bars come last; the annuli belong beside the pixels.
    figure.legend(
        handles=[handles[0], handles[-1], *handles[1:-1]],
        loc="outside lower center",
        ncols=2,
        frameon=False,
        columnspacing=1.2,
    )


def _radius_label(disc: Disc) -> str:
    """The label of the radius axis."""
    words = {
        MAJOR_AXIS: "radius along the major axis, in the plane of the disc",
        MEAN: r"radius $\sqrt{ab}$",
        "circle": "radius",
    }
    return f"{words[disc.radius_name]} [arcsec]"


def _second_axis(axes: Axes, disc: Disc) -> None:
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


def shown_range(
    one_map: Map, curves: Sequence[Curve], annuli: baselines.Annuli
) -> tuple[float, float]:
    """The limits of the axis of values, from the curves and the annuli with small errors.

    Pixels and annuli that are dominated by noise do not widen the range.

    Parameters
    ----------
    one_map
        whose pixels are drawn.
    curves
        values along the radius; NaN where there is none.
    annuli
        the annuli of the data.
    """
    # The error of a pixel with the mean weight.
    typical = float(1 / np.sqrt(np.mean(1 / one_map.total_errors()[one_map.valid] ** 2)))
    precise = annuli.p84 - annuli.p16 <= typical * np.sqrt(np.maximum(annuli.count, 1))
    values = np.concatenate([*curves, annuli.median[precise]])
    values = values[np.isfinite(values)]
    low, high = (
        (values.min(), values.max()) if values.size else np.nanpercentile(one_map.data, [5, 95])
    )
    return float(low - REACH * typical), float(high + REACH * typical)
