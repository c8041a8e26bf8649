"""The radial profile: what the pixels say, what a straight line through them says, and what the galaxy is like."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes

from jaxmetal.compiling import compiled
from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map, scale_functions
from jaxmetal.profiles.profile import as_array
from jaxmetal.quantities import ARCSEC, DEGREES, plain
from jaxmetal.science import baselines
from jaxmetal.science.baselines import MAJOR_AXIS, MEAN
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.view import style
from jaxmetal.view.maps import chosen_map

DRAWS, RADII, ANGLES, ANNULI = 400, 80, 128, 12
# Noises of every size that stand for all of them.
NOISES = 15
# A profile that leaves its straight line by no more than this part of its range is called a
# gradient.
STRAIGHT = 0.02
# So many errors of a usual pixel are shown beyond the curves.
REACH = 2.0

Center = tuple[float, float]
Curve = Float[np.ndarray, " radii"]


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
    """The radial profile of a tracer map: pixels, annuli, the line that ignores the PSF, and the fit's intrinsic profile.

    Beside the squares of the annuli stands what the fit leads one to expect there, blurred by the
    PSF and with noise: these two are to be compared, and the straight line through the pixels with
    the profile without PSF.

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
        of the tracer, for the labels; 12 + log(O/H) is known.
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
    map = chosen_map(fit, name, "profile_figure")
    if map.tracer is None:
        raise InputError(
            f"profile_figure: {name!r} is a map of light; the profile is that of a tracer map."
        )
    disc = disc or disc_of_model(fit.galaxy, map.tracer)
    angles = {"inclination": inclination, "position_angle": position_angle}
    told = {
        key: plain(value, f"profile_figure.{key}", DEGREES)
        for key, value in angles.items()
        if value is not None
    }
    if center is not None:
        told["center"] = plain(center, "profile_figure.center", ARCSEC)
    disc = disc.told("the caller", **told)
    radius = np.where(map.valid, disc.radii(map.instrument, fit.galaxy), np.nan)
    reach, per = float(np.nanmax(radius)), style.per_arcsec(map, unit)
    radii, edges = np.linspace(0.0, reach, RADII), np.linspace(0.0, reach * (1 + 1e-6), ANNULI + 1)
    places = ring(radii * disc.to_major_axis, disc.center, disc.inclination, disc.position_angle)
    figure = style.new_figure(6.4, 5.2)
    axes = style.tidy(figure.add_subplot())
    found = _draw_data(axes, map, radius, edges)
    line = _draw_naive(axes, map, radius, radii, per)
    best, *drawn = (
        intrinsic_profile(galaxy, map, *places) for galaxy in (fit.galaxy, *draws(fit, posterior))
    )
    _draw_fit(axes, radii, best, drawn, per)
    blurred = expected_annuli(radius, map, fit.predicted[name], edges)
    _draw_blurred(axes, blurred)
    curves = [best, line, blurred.median]
    if truth is not None:
        curves.append(intrinsic_profile(truth, map, *places))
        text = f"truth: {_gradient(radii, curves[-1], [])} {per}"
        axes.plot(
            radii,
            curves[-1],
            color=style.INK,
            linestyle=(0, (5, 4)),
            linewidth=1.0,
            zorder=7,
            label=text,
        )
    axes.set(
        xlim=(0, reach),
        ylim=shown_range(map, curves, found),
        xlabel=_radius_label(disc),
        ylabel=style.quantity(map, unit),
    )
    _second_axis(axes, disc)
    handles, _ = axes.get_legend_handles_labels()
    # Bars are listed last; the annuli belong beside the pixels.
    figure.legend(
        handles=[handles[0], handles[-1], *handles[1:-1]],
        loc="outside lower center",
        ncols=2,
        frameon=False,
        columnspacing=1.2,
    )
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def _radius_label(disc: Disc) -> str:
    words = {
        MAJOR_AXIS: "radius along the major axis, in the plane of the disc",
        MEAN: r"radius $\sqrt{ab}$",
        "circle": "radius",
    }
    return f"{words[disc.radius_name]} [arcsec]"


def _second_axis(axes: Axes, disc: Disc) -> None:
    """The radius in kpc above the picture, or else in effective radii; and where the effective radius is, if it is known."""
    scales = disc.scales
    unit = next((name for name in ("kpc", "R_e") if name in scales), None)
    if unit is not None:
        factor = 1 / scales[unit]

        def there(radius: Any) -> Any:
            return radius * factor

        def back(radius: Any) -> Any:
            return radius / factor

        top = axes.secondary_xaxis("top", functions=(there, back))
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


def shown_range(map: Map, curves: Sequence[Curve], found: baselines.Annuli) -> tuple[float, float]:
    """The ends of the axis of values: all curves and the annuli that are known well, with room for the errors of good pixels.

    Pixels whose errors are many times those of the best ones are noise, and must not press the
    others together.

    Parameters
    ----------
    map
        whose pixels are drawn.
    curves
        values along the radius; NaN where there is none.
    found
        the annuli of the data.
    """
    # The error of a pixel that weighs as much as the mean of all of them.
    usual = float(1 / np.sqrt(np.mean(1 / map.total_errors()[map.valid] ** 2)))
    known_well = found.p84 - found.p16 <= usual * np.sqrt(np.maximum(found.count, 1))
    shown = np.concatenate([*curves, found.median[known_well]])
    shown = shown[np.isfinite(shown)]
    low, high = (shown.min(), shown.max()) if shown.size else np.nanpercentile(map.data, [5, 95])
    return float(low - REACH * usual), float(high + REACH * usual)


def ring(
    radii: Curve, center: Center, inclination: float, position_angle: float
) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of points on circles in the plane of an inclined disc, arcsec, each of shape (angles, radii)."""
    angle = np.arange(ANGLES)[:, None] * 2 * np.pi / ANGLES
    along, across = radii * np.cos(angle), radii * np.sin(angle) * np.cos(np.deg2rad(inclination))
    pa = np.deg2rad(position_angle)
    return center[0] + along * np.sin(pa) + across * np.cos(pa), center[1] + along * np.cos(
        pa
    ) - across * np.sin(pa)


def intrinsic_profile(galaxy: Galaxy, map: Map, x: Any, y: Any) -> Curve:
    """The tracer before any blur, averaged by light over the components and over the first axis of the positions.

        Z = g⁻¹(Σ I g(Z) / Σ I)

    Where a single component carries the tracer and is the same all around, this is its profile on
    the major axis.

    Parameters
    ----------
    galaxy
        light and tracers.
    map
        whose tracer and scale to use.
    x, y
        positions, arcsec, shape (angles, radii).

    Returns
    -------
    profile
        in the tracer's unit; NaN where there is no light at all.
    """
    x, y = as_array(x, "intrinsic_profile.x"), as_array(y, "intrinsic_profile.y")
    profile = np.asarray(_profile(galaxy, map.light, map.tracer, map.scale, x, y), float)
    return np.where(np.isfinite(profile), profile, np.nan)


@compiled
def _profile(
    galaxy: Galaxy, light_name: str, tracer: str | None, scale: Any, x: Array, y: Array
) -> Array:
    g, inverse = scale_functions(scale)
    carriers = [
        component
        for component in galaxy.components.values()
        if tracer in component.tracers and light_name in component.lights
    ]
    light = jnp.stack(
        [component.lights[light_name](x, y) * jnp.ones_like(x) for component in carriers]
    )
    # A component of its own needs no weights against others: its tracer is known also where its
    # light is too faint to compute.
    light = jnp.ones_like(light) if len(carriers) == 1 else light
    weighted = light * jnp.stack(
        [g(component.tracers[str(tracer)](x, y)) for component in carriers]
    )
    return inverse(weighted.sum(axis=(0, 1)) / light.sum(axis=(0, 1)))


def expected_annuli(
    radius: np.ndarray, map: Map, predicted: np.ndarray, edges: Curve
) -> baselines.Annuli:
    """The annuli that a model leads one to expect of the data, noise included.

    Noise moves a median towards the mean of a lopsided distribution, so the model's own medians
    would not do.
    """
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / NOISES) for i in range(NOISES)])
    values = predicted + quantiles.reshape(-1, *np.ones(predicted.ndim, int)) * map.total_errors()
    return baselines.annuli(np.broadcast_to(radius, values.shape), values, edges)


def draws(fit: Fit, posterior: Posterior | None = None) -> list[Galaxy]:
    """The galaxy with up to DRAWS draws of its parameters, from the posterior or from the fit's covariance."""
    if posterior is None:
        if not fit.parameters or not np.all(np.isfinite(fit.covariance)):
            return []
        posterior = _laplace(fit)
    count = int(np.prod(next(iter(posterior.samples.values())).shape[:2]))
    return [
        posterior.at(fit.galaxy, int(i))
        for i in np.unique(np.linspace(0, count - 1, DRAWS).astype(int))
    ]


def _laplace(fit: Fit) -> Posterior:
    """Draws from the Gaussian around the fit, as if they were a posterior."""
    values = np.concatenate([value.ravel() for value in fit.parameters.values()])
    drawn = np.random.default_rng(0).multivariate_normal(
        values, fit.covariance, size=(1, DRAWS), method="eigh"
    )
    samples, at = {}, 0
    for name, value in fit.parameters.items():
        samples[name] = drawn[..., at : at + value.size].reshape(1, DRAWS, *value.shape)
        at += value.size
    return Posterior(samples, {})


def _draw_data(axes: Axes, map: Map, radius: np.ndarray, edges: Curve) -> baselines.Annuli:
    """The pixels, and their annuli, which are given back."""
    dots: dict[str, Any] = {
        "color": style.FAINT,
        "markersize": 3,
        "markeredgewidth": 0,
        "linestyle": "none",
        "marker": ".",
    }
    alpha = float(np.clip(600 / map.size, 0.1, 0.6))
    axes.plot(radius.ravel(), map.data.ravel(), **dots, alpha=alpha, rasterized=True)
    # Dots as faint as in the picture could not be seen in the legend.
    axes.plot([], [], **dots, label=map.instrument.measurements)
    found = baselines.annuli(radius, map.data, edges)
    bars = np.stack([found.median - found.p16, found.p84 - found.median])
    bar: dict[str, Any] = {
        "fmt": "s",
        "color": style.INK,
        "markersize": 3.5,
        "elinewidth": 0.9,
        "zorder": 4,
    }
    axes.errorbar(found.radius, found.median, bars, **bar, label="annuli: median, 16 to 84 %")
    return found


def _draw_naive(axes: Axes, map: Map, radius: np.ndarray, radii: Curve, per: str) -> Curve:
    """The line through the pixels with the fit's own weights: it knows all that the fit knows but the PSF."""
    try:
        naive = baselines.wls(radius, map.data, map.total_errors())
    except InputError:
        # Too few pixels for a line; the rest of the picture is worth having.
        return np.full(radii.shape, np.nan)
    label = f"naive line: {style.number(naive.gradient, naive.gradient_error)} {per}"
    line = naive.central + naive.gradient * radii
    axes.plot(
        radii, line, color=style.ORANGE, linewidth=1.6, linestyle=(0, (7, 2)), label=label, zorder=5
    )
    return line


def _draw_fit(axes: Axes, radii: Curve, best: Curve, drawn: list[Curve], per: str) -> None:
    """The intrinsic profile, with the band that holds the middle 68 % of the draws."""
    known = np.isfinite(drawn).any(axis=0) if drawn else np.zeros(radii.shape, bool)
    if known.any():
        low, high = np.nanpercentile(np.array(drawn)[:, known], [16, 84], axis=0)
        axes.fill_between(
            radii[known], low, high, color=style.BLUE, alpha=0.25, linewidth=0, zorder=5
        )
    axes.plot(
        radii,
        best,
        color=style.BLUE,
        linewidth=1.6,
        zorder=6,
        label=f"forward-modelled: {_gradient(radii, best, drawn)} {per}",
    )


def _draw_blurred(axes: Axes, blurred: baselines.Annuli) -> None:
    """What the fit leads one to expect in the annuli of the data, to be compared with the squares."""
    marks: dict[str, Any] = {
        "marker": "o",
        "markersize": 5.5,
        "markerfacecolor": "white",
        "markeredgewidth": 1.2,
    }
    label = "fit through the PSF: compare with squares"
    axes.plot(
        blurred.radius,
        blurred.median,
        color=style.BLUE,
        linewidth=1.4,
        linestyle=":",
        zorder=3.5,
        label=label,
        **marks,
    )


def _gradient(radii: Curve, curve: Curve, drawn: list[Curve]) -> str:
    """The slope of a curve with its error from the draws, as text."""
    line = baselines.ols(radii, curve)
    slopes = [baselines.ols(radii, one).gradient for one in drawn if np.all(np.isfinite(one))]
    error = float(np.std(slopes, ddof=1)) if len(slopes) > 1 else 0.0
    bend = np.nanmax(np.abs(curve - line.central - line.gradient * radii))
    mean = "" if bend <= STRAIGHT * (np.nanmax(curve) - np.nanmin(curve)) + 1e-4 else "mean "
    return mean + style.number(line.gradient, error)
