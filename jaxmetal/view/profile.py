"""The figure of a tracer's radial profile: data, naive line and intrinsic profile."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fields import without_fields
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map
from jaxmetal.quantities import ARCSEC, DEGREES, plain
from jaxmetal.science import baselines
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.view import style
from jaxmetal.view.profile_curves import (
    draw_blurred,
    draw_data,
    draw_fit,
    draw_naive,
    draw_truth,
    truth_label,
)
from jaxmetal.view.profile_data import Shown, shown_pixels
from jaxmetal.view.radial import (
    Bins,
    Center,
    Curve,
    draws,
    intrinsic_profile,
    ring,
)
from jaxmetal.view.radius_axis import legend_below, radius_label, second_axis

# Errors of a typical pixel by which the axis extends beyond the curves.
REACH = 2.0


@style.styled
def profile_figure(
    fit: Fit,
    name: str | None = None,
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
    Where there are only lines, the pixels are those in which each line has S/N > 3, with the
    metallicity that their own fluxes have (`lines.pixel_metallicity`).

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map in the model, or of a map of a line for the metallicity; the first tracer
        map if left out, else the metallicity of the lines.
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
        for a name that the fit does not have, a map of light, or lines that are too faint.
    """
    shown = shown_pixels(fit, name)
    tracer_map = shown.map
    assert tracer_map.tracer is not None
    angles = {"inclination": inclination, "position_angle": position_angle}
    disc = _chosen_disc(disc or disc_of_model(fit.galaxy, tracer_map.tracer), center, angles)
    radius = np.where(tracer_map.valid, disc.radii(tracer_map.instrument, fit.galaxy), np.nan)
    bins = Bins.up_to(float(np.nanmax(radius)))
    per = style.per_arcsec(tracer_map, unit)
    figure = style.new_figure(6.4, 5.2)
    axes = style.tidy(figure.add_subplot())
    annuli = draw_data(axes, tracer_map, radius, tracer_map.data, bins.edges)
    curves = _draw_curves(axes, fit, shown, posterior, disc, radius, bins, per)
    if truth is not None:
        curves.append(intrinsic_profile(truth, tracer_map, *_ring_of(disc, bins.radii)))
        draw_truth(axes, bins.radii, curves[-1], truth_label(bins.radii, curves[-1], per))
    axes.set(
        xlim=(0, bins.reach),
        ylim=shown_range(tracer_map, curves, annuli),
        xlabel=radius_label(disc),
        ylabel=style.quantity(tracer_map, unit),
    )
    second_axis(axes, disc)
    legend_below(figure, axes)
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


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
    shown: Shown,
    posterior: Posterior | None,
    disc: Disc,
    radius: np.ndarray,
    bins: Bins,
    per: str,
) -> list[Curve]:
    """Draw the naive line, the intrinsic profile and the predicted annuli; gives their values."""
    tracer_map, places = shown.map, _ring_of(disc, bins.radii)
    line = draw_naive(axes, tracer_map, radius, bins.radii, per, shown.naive)
    best, *samples = (
        intrinsic_profile(galaxy, tracer_map, *places)
        for galaxy in map(without_fields, (fit.galaxy, *draws(fit, posterior)))
    )
    draw_fit(axes, bins.radii, best, samples, per)
    around = np.broadcast_to(radius, shown.expected.shape)
    convolved = baselines.annuli(around, shown.expected, bins.edges)
    draw_blurred(axes, convolved)
    return [best, line, convolved.median]


def shown_range(
    one_map: Map, curves: Sequence[np.ndarray], annuli: baselines.Annuli
) -> tuple[float, float]:
    """The limits of the axis of values, from the curves and the annuli with small errors.

    Pixels and annuli that are dominated by noise do not widen the range.

    Parameters
    ----------
    one_map
        whose pixels are drawn.
    curves
        values along radii of their own; NaN where there is none.
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
