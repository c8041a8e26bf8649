"""The radial profile: what the pixels say, what a straight line through them says, and what the galaxy is like."""

from statistics import NormalDist
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from matplotlib.axes import Axes

from jaxmetal.compiling import compiled
from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.results import Fit, Posterior
from jaxmetal.maps import TracerMap, scale_functions
from jaxmetal.profiles.profile import as_array
from jaxmetal.quantities import ARCSEC, DEGREES, plain
from jaxmetal.science import baselines
from jaxmetal.view import style
from jaxmetal.view.maps import chosen_map

DRAWS, RADII, ANGLES, ANNULI = 400, 80, 128, 12
# Noises of every size that stand for all of them.
NOISES = 15
# A profile that leaves its straight line by no more than this part of its range is called a gradient.
STRAIGHT = 0.02

Center = tuple[float, float]
Curve = Float[np.ndarray, " radii"]


@style.styled
def profile_figure(
    fit: Fit, name: str, posterior: Posterior | None = None, center: Center = (0.0, 0.0), inclination: float = 0.0,
    position_angle: float = 0.0, unit: str | None = None, truth: Galaxy | None = None,
) -> style.Figure:  # fmt: skip
    """The radial profile of a tracer map: pixels, annuli, the line that ignores the PSF, and the fit's intrinsic profile.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a tracer map in the model.
    posterior
        whose draws make the band; the fit's covariance does if left out.
    center
        (x, y) of the disc, arcsec.
    inclination, position_angle
        of the disc, degrees; the angle from +y (north) towards +x (east).
    unit
        of the tracer, for the labels; 12 + log(O/H) is known.
    truth
        the galaxy of a simulation, to compare with.

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
    if not isinstance(map, TracerMap):
        raise InputError(f"profile_figure: {name!r} is a map of light; the profile is that of a tracer map.")
    angles = {"inclination": inclination, "position_angle": position_angle}
    disc = {key: plain(value, f"profile_figure.{key}", DEGREES) for key, value in angles.items()}
    center = plain(center, "profile_figure.center", ARCSEC)
    radius = np.where(map.valid, baselines.radii(map.instrument, *center, **disc, galaxy=fit.galaxy), np.nan)
    reach, per = float(np.nanmax(radius)), style.per_arcsec(map, unit)
    radii, edges = np.linspace(0.0, reach, RADII), np.linspace(0.0, reach * (1 + 1e-6), ANNULI + 1)
    places = ring(radii, center, **disc)
    figure = style.new_figure(6.4, 4.9)
    axes = style.tidy(figure.add_subplot())
    _draw_data(axes, map, radius, edges)
    _draw_naive(axes, map, radius, radii, per)
    best, *drawn = (intrinsic_profile(galaxy, map, *places) for galaxy in (fit.galaxy, *draws(fit, posterior)))
    _draw_fit(axes, radii, best, drawn, per)
    seen = expected_annuli(radius, map, fit.predicted[name], edges)
    axes.plot(seen.radius, seen.median, color=style.BLUE, linewidth=1.2, linestyle=":", zorder=3, label="the same, seen through the PSF")
    if truth is not None:
        curve = intrinsic_profile(truth, map, *places)
        text = f"truth: {_gradient(radii, curve, [])} {per}"
        axes.plot(radii, curve, color=style.INK, linestyle=(0, (5, 4)), linewidth=1.0, zorder=7, label=text)
    axes.set(xlim=(0, reach), xlabel="radius in the plane of the disc [arcsec]", ylabel=style.quantity(map, unit))
    handles, _ = axes.get_legend_handles_labels()
    # Bars are listed last; the annuli belong beside the pixels.
    figure.legend(handles=[handles[0], handles[-1], *handles[1:-1]], loc="outside lower center", ncols=2, frameon=False)
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def ring(radii: Curve, center: Center, inclination: float, position_angle: float) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of points on circles in the plane of an inclined disc, arcsec, each of shape (angles, radii)."""
    angle = np.arange(ANGLES)[:, None] * 2 * np.pi / ANGLES
    along, across = radii * np.cos(angle), radii * np.sin(angle) * np.cos(np.deg2rad(inclination))
    pa = np.deg2rad(position_angle)
    return center[0] + along * np.sin(pa) + across * np.cos(pa), center[1] + along * np.cos(pa) - across * np.sin(pa)


def intrinsic_profile(galaxy: Galaxy, map: TracerMap, x: Any, y: Any) -> Curve:
    """The tracer before any blur, averaged by light over the components and over the first axis of the positions.

        Z = g⁻¹(Σ I g(Z) / Σ I)

    Where a single component carries the tracer and is the same all around, this is its profile on the major axis.

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
    profile = np.asarray(_profile(galaxy, map.tracer, map.scale, x, y), float)
    return np.where(np.isfinite(profile), profile, np.nan)


@compiled
def _profile(galaxy: Galaxy, tracer: str, scale: Any, x: Array, y: Array) -> Array:
    g, inverse = scale_functions(scale)
    carriers = [component for component in galaxy.components.values() if tracer in component.tracers]
    light = jnp.stack([component.light(x, y) * jnp.ones_like(x) for component in carriers])
    # A component of its own needs no weights against others: its tracer is known also where its light is too faint to compute.
    light = jnp.ones_like(light) if len(carriers) == 1 else light
    weighted = light * jnp.stack([g(component.tracers[tracer](x, y)) for component in carriers])
    return inverse(weighted.sum(axis=(0, 1)) / light.sum(axis=(0, 1)))


def expected_annuli(radius: np.ndarray, map: TracerMap, predicted: np.ndarray, edges: Curve) -> baselines.Annuli:
    """The annuli that a model leads one to expect of the data, noise included.

    Noise moves a median towards the mean of a lopsided distribution, so the model's own medians would not do.
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
    return [posterior.at(fit.galaxy, int(i)) for i in np.unique(np.linspace(0, count - 1, DRAWS).astype(int))]


def _laplace(fit: Fit) -> Posterior:
    """Draws from the Gaussian around the fit, as if they were a posterior."""
    values = np.concatenate([value.ravel() for value in fit.parameters.values()])
    drawn = np.random.default_rng(0).multivariate_normal(values, fit.covariance, size=(1, DRAWS), method="eigh")
    samples, at = {}, 0
    for name, value in fit.parameters.items():
        samples[name] = drawn[..., at : at + value.size].reshape(1, DRAWS, *value.shape)
        at += value.size
    return Posterior(samples, {})


def _draw_data(axes: Axes, map: TracerMap, radius: np.ndarray, edges: Curve) -> None:
    """The pixels, and their annuli."""
    dots: dict[str, Any] = {"color": style.FAINT, "markersize": 3, "markeredgewidth": 0, "linestyle": "none", "marker": "."}
    alpha = float(np.clip(600 / map.size, 0.1, 0.6))
    axes.plot(radius.ravel(), map.data.ravel(), **dots, alpha=alpha, rasterized=True)
    # Dots as faint as in the picture could not be seen in the legend.
    axes.plot([], [], **dots, label="pixels" if map.instrument.apertures is None else "apertures")
    found = baselines.annuli(radius, map.data, edges)
    bars = np.stack([found.median - found.p16, found.p84 - found.median])
    bar: dict[str, Any] = {"fmt": "s", "color": style.INK, "markersize": 3.5, "elinewidth": 0.9, "zorder": 4}
    axes.errorbar(found.radius, found.median, bars, **bar, label="annuli: median, 16 to 84 %")
    low, high = np.nanpercentile(map.data, [0.5, 99.5])
    axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def _draw_naive(axes: Axes, map: TracerMap, radius: np.ndarray, radii: Curve, per: str) -> None:
    """The line through the pixels with the fit's own weights: it knows all that the fit knows but the PSF."""
    naive = baselines.wls(radius, map.data, map.total_errors())
    label = f"naive line: {style.number(naive.gradient, naive.gradient_error)} {per}"
    axes.plot(radii, naive.central + naive.gradient * radii, color=style.ORANGE, linewidth=1.6, label=label, zorder=5)


def _draw_fit(axes: Axes, radii: Curve, best: Curve, drawn: list[Curve], per: str) -> None:
    """The intrinsic profile, with the band that holds the middle 68 % of the draws."""
    known = np.isfinite(drawn).any(axis=0) if drawn else np.zeros(radii.shape, bool)
    if known.any():
        low, high = np.nanpercentile(np.array(drawn)[:, known], [16, 84], axis=0)
        axes.fill_between(radii[known], low, high, color=style.BLUE, alpha=0.25, linewidth=0, zorder=5)
    axes.plot(radii, best, color=style.BLUE, linewidth=1.6, zorder=6, label=f"forward-modelled: {_gradient(radii, best, drawn)} {per}")
    _include(axes, best)


def _include(axes: Axes, curve: Curve) -> None:
    """Make room for a curve."""
    low, high = axes.get_ylim()
    gap = 0.03 * (high - low)
    axes.set_ylim(min(low, float(np.nanmin(curve)) - gap), max(high, float(np.nanmax(curve)) + gap))


def _gradient(radii: Curve, curve: Curve, drawn: list[Curve]) -> str:
    """The slope of a curve with its error from the draws, as text."""
    line = baselines.ols(radii, curve)
    slopes = [baselines.ols(radii, one).gradient for one in drawn if np.all(np.isfinite(one))]
    error = float(np.std(slopes, ddof=1)) if len(slopes) > 1 else 0.0
    bend = np.nanmax(np.abs(curve - line.central - line.gradient * radii))
    mean = "" if bend <= STRAIGHT * (np.nanmax(curve) - np.nanmin(curve)) + 1e-4 else "mean "
    return mean + style.number(line.gradient, error)
