"""The figure of a rotation curve: the major axis as it is seen, and the curve behind the PSF."""

from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fields import without_fields
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.maps import Map
from jaxmetal.profiles.geometry import disc_plane
from jaxmetal.science import baselines
from jaxmetal.science.baselines import MAJOR_AXIS
from jaxmetal.science.discs import ROUND, Disc, disc_of_model
from jaxmetal.science.kinematics import rotating, rotation_curve, v_over_sigma
from jaxmetal.science.lensing import source_position
from jaxmetal.view import style
from jaxmetal.view.maps import chosen_map, systemic_velocity
from jaxmetal.view.profile_curves import draw_band, draw_blurred, draw_data, draw_truth
from jaxmetal.view.radial import Bins, Curve, draws
from jaxmetal.view.radius_axis import legend_below, radius_label, second_axis

# Degrees about the major axis, in the plane of the disc, of the measurements that are drawn.
WEDGE = 20.0
# Of the range of the curves, above and below them.
ROOM = 0.08


@style.styled
def rotation_figure(
    fit: Fit,
    name: str,
    posterior: Posterior | None = None,
    unit: str | None = None,
    truth: Galaxy | None = None,
    *,
    scales: Disc | None = None,
) -> style.Figure:
    """The rotation curve of a velocity map: what its major axis shows, and what the fit finds.

    The squares are the naive curve, velocities within 20 degrees of the major axis over
    sin i cos theta, the circles what the fit shows there through the PSF; the line is the curve
    without the PSF. Where the map of a dispersion is fitted too, the legend gives V over sigma.

    Parameters
    ----------
    fit
        what `optimise` gave.
    name
        of a velocity map in the model, whose tracer rotates.
    posterior
        whose draws make the band; the fit's covariance does if left out.
    unit
        of the velocity, for the labels.
    truth
        the galaxy of a simulation, to compare with.
    scales
        with the redshift or effective radius for a second axis.

    Returns
    -------
    figure
        velocity in the plane of the disc over radius.

    Raises
    ------
    InputError
        for a name that the fit does not have, a map whose tracer does not rotate, or a disc that is
        face-on.
    """
    one_map = chosen_map(fit, name, "rotation_figure")
    component = rotating(fit.galaxy, one_map.tracer or "")
    if component is None or one_map.tracer is None:
        raise InputError(f"rotation_figure: nothing that {name!r} shows is a rotating disc.")
    disc = _disc(fit, one_map.tracer, component, scales)
    radius, factor = _cut(one_map, disc, fit.galaxy)
    reach = float(np.nanmax(radius, initial=0.0))
    if not reach > 0:
        raise InputError(f"rotation_figure: {name!r} has nothing on the major axis.")
    bins = Bins.up_to(reach)
    figure = style.new_figure(6.4, 5.2)
    axes = style.tidy(figure.add_subplot())
    images = (np.asarray(image, float) for image in (one_map.data, fit.predicted[name]))
    middle = systemic_velocity(fit, one_map)
    measured, predicted = ((image - (middle or 0.0)) / factor for image in images)
    label = "major axis as seen: median, 16 to 84 %"
    annuli = draw_data(axes, one_map, radius, measured, bins.edges, label)
    draw_blurred(axes, baselines.annuli(radius, predicted, bins.edges))
    samples = [without_fields(galaxy) for galaxy in draws(fit, posterior)]
    ratio = _ratio(fit, samples, one_map, component, disc, reach)
    curves_of = partial(_curves, bins=bins, one_map=one_map, component=component)
    galaxies = [without_fields(fit.galaxy), *samples]
    label = f"rotation curve without the PSF{ratio}"
    curves = [annuli.median, *_draw_curves(axes, bins.radii, curves_of, galaxies, truth, label)]
    words = f"rotation {style.quantity(one_map, unit)}, in the plane of the disc"
    axes.set(xlim=(0, bins.reach), ylim=_range(curves), xlabel=radius_label(disc), ylabel=words)
    second_axis(axes, disc)
    legend_below(figure, axes)
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def _draw_curves(
    axes: Axes,
    radii: np.ndarray,
    curves_of: Callable[[list[Galaxy]], list[Curve]],
    galaxies: list[Galaxy],
    truth: Galaxy | None,
    label: str,
) -> list[Curve]:
    """Draw the curve of the first galaxy, the band of the others, and the truth; the curves."""
    best, *others = curves_of(galaxies)
    draw_band(axes, radii, best, others, label)
    curves = [best]
    if others:
        curves.append(np.nanpercentile(others, 84, axis=0))
    if truth is not None:
        curves += curves_of([truth])
        draw_truth(axes, radii, curves[-1], "truth")
    return curves


def _range(curves: list[np.ndarray]) -> tuple[float, float]:
    """The limits of the axis of velocity, zero among them."""
    values = np.concatenate([[0.0], *curves])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = ROOM * (high - low)
    return low - room, high + room


def _disc(fit: Fit, tracer: str, component: str, scales: Disc | None) -> Disc:
    """The rotating disc with the redshift and the effective radius of another one."""
    disc = disc_of_model(fit.galaxy, tracer, component)
    if disc.inclination < ROUND:
        raise InputError("rotation_figure: the disc is face-on, which shows no rotation.")
    if scales is None:
        return disc
    sizes = {key: getattr(scales, key) for key in ("redshift", "effective_radius")}
    return disc.told("the configuration", **sizes, radius=MAJOR_AXIS)


def shows_spread(one_map: Map, tracer: str) -> bool:
    """Whether a map shows the dispersion about a velocity.

    Parameters
    ----------
    one_map
        of a fit.
    tracer
        the velocity's.
    """
    return "dispersion" in one_map.tracers and one_map.tracers["velocity"] == tracer


def disc_places(one_map: Map, disc: Disc, galaxy: Galaxy) -> tuple[np.ndarray, np.ndarray]:
    """Where the measurements of a map lie in the plane of a disc, behind the lens if there is one.

    Parameters
    ----------
    one_map, disc, galaxy
        of a fit.

    Returns
    -------
    along, across
        towards the receding side of the major axis and at right angles to it, arcsec, of each pixel
        or aperture.
    """
    instrument, ratio = one_map.instrument, None
    x, y = instrument.grid.coordinates
    if disc.component is not None and galaxy.is_lensed(disc.component):
        ratio = galaxy.components[disc.component].distance_ratio
        x, y = source_position(galaxy, x, y, 1.0 if ratio is None else ratio)
    plane = disc_plane(x, y, disc.inclination, disc.position_angle, *map(jnp.asarray, disc.center))
    along, across = (np.asarray(part, float) for part in plane)
    if instrument.apertures is not None:
        along, across = (instrument.apertures.means(part) for part in (along, across))
    return along, across


def _cut(one_map: Map, disc: Disc, galaxy: Galaxy) -> tuple[np.ndarray, np.ndarray]:
    """Radius of each measurement near the major axis, NaN elsewhere, and sin i cos theta there."""
    along, across = disc_places(one_map, disc, galaxy)
    radius = np.hypot(along, across)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = along / radius
    near = np.abs(cosine) >= np.cos(np.deg2rad(WEDGE))
    used = near & np.asarray(one_map.valid)
    sin_i = np.sin(np.deg2rad(disc.inclination))
    return np.where(used, radius, np.nan), np.where(used, sin_i * cosine, np.nan)


def _curves(galaxies: list[Galaxy], bins: Bins, one_map: Map, component: str) -> list[Curve]:
    """The rotation curves of galaxies."""
    arguments = (bins.radii, str(one_map.tracer), component)
    return [np.asarray(rotation_curve(galaxy, *arguments), float) for galaxy in galaxies]


def _ratio(
    fit: Fit, samples: list[Galaxy], one_map: Map, component: str, disc: Disc, reach: float
) -> str:
    """V over sigma at the effective radius, or half of what is seen, as a text; "" without it."""
    others = [one for one in fit.maps.values() if shows_spread(one, str(one_map.tracer))]
    names = [one.tracers["dispersion"] for one in others]
    if not names or names[0] not in fit.galaxy.components[component].tracers:
        return ""
    size = disc.effective_radius
    radius = size if size is not None and size < reach else reach / 2
    value, *others = (
        float(v_over_sigma(galaxy, radius, str(one_map.tracer), names[0], component))
        for galaxy in (fit.galaxy, *samples)
    )
    # Laplace's draws may reach beyond what the parameters may be, where a ratio is anything.
    low, high = np.nanpercentile(others, [16, 84]) if others else (value, value)
    error = float(high - low) / 2
    return rf"; $V/\sigma$ = {style.number(value, error)} at {radius:.1f}″"
