"""The position-velocity diagram: a slit along the major axis of a rotating disc."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.fit import Fit
from jaxmetal.maps import Map
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.science.kinematics import major_axis_velocity, rotating
from jaxmetal.view import style
from jaxmetal.view.maps import chosen_map, systemic_velocity
from jaxmetal.view.rotation import disc_places, shows_spread

# Full width of the slit in pixels, where the PSF is not wider.
SLIT_PIXELS = 2.0
# Points of the curve without the PSF.
CURVE_POINTS = 201


class Cut(NamedTuple):
    """A map in a slit, averaged in steps along it with the weights of its errors.

    Parameters
    ----------
    position
        along the major axis, arcsec, positive where the disc recedes.
    data, error, model
        in the unit of the map.
    """

    position: np.ndarray
    data: np.ndarray
    error: np.ndarray
    model: np.ndarray


@style.styled
def position_velocity_figure(fit: Fit, name: str, unit: str | None = None) -> style.Figure:
    """The position-velocity diagram along the major axis, of data and model.

    Parameters
    ----------
    fit, name, unit
        as for `draw_position_velocity`.

    Returns
    -------
    figure
        velocity over position.
    """
    figure = style.new_figure(6.4, 4.8)
    draw_position_velocity(style.tidy(figure.add_subplot()), fit, name, unit)
    if not fit.converged:
        style.note(figure, fit.message)
    return figure


def draw_position_velocity(axes: Axes, fit: Fit, name: str, unit: str | None = None) -> None:
    """Draw velocity, and velocity ± dispersion, of data and model in a slit on the major axis.

    The slit is as wide as the PSF (FWHM), and at least two pixels. Both are averaged over steps of
    a pixel along it. The dispersion is that of the map that is fitted together with the
    velocity, with the instrument's in it as measured; without such a map velocities stand alone.

    Parameters
    ----------
    axes
        to draw into.
    fit
        what `optimise` gave.
    name
        of a velocity map in the model, whose tracer rotates.
    unit
        of the velocity, for the label.

    Raises
    ------
    InputError
        for a name that the fit does not have, a map whose tracer does not rotate, or a slit without
        measurements.
    """
    where = "position_velocity"
    one_map = chosen_map(fit, name, where)
    component = rotating(fit.galaxy, one_map.tracer or "")
    if component is None or one_map.tracer is None:
        raise InputError(f"{where}: nothing that {name!r} shows is a rotating disc.")
    disc = disc_of_model(fit.galaxy, one_map.tracer, component)
    steps = _steps(one_map, disc, fit.galaxy)
    velocity = _cut(fit, name, disc, steps)
    if not velocity.position.size:
        raise InputError(f"{where}: {name!r} has nothing on the major axis.")
    for other, candidate in fit.maps.items():
        if shows_spread(candidate, one_map.tracer):
            _draw_dispersion(axes, velocity, _cut(fit, other, disc, steps))
            break
    ends = float(velocity.position.min()), float(velocity.position.max())
    places = np.linspace(*ends, CURVE_POINTS)
    sharp = major_axis_velocity(fit.galaxy, places, one_map.tracer, component)
    axes.plot(places, sharp, color=style.ORANGE, linestyle="--", label="velocity without the PSF")
    axes.plot(velocity.position, velocity.model, color=style.BLUE, label="velocity of the fit")
    axes.errorbar(
        velocity.position,
        velocity.data,
        velocity.error,
        fmt="o",
        markersize=3.5,
        linewidth=0.8,
        color=style.INK,
        label="velocity in the slit",
    )
    axes.axhline(systemic_velocity(fit, one_map) or 0.0, color=style.FAINT, linewidth=0.6)
    axes.axvline(0.0, color=style.FAINT, linewidth=0.6)
    axes.set_xlabel("position along the major axis [arcsec], receding side positive")
    axes.set_ylabel(style.quantity(one_map, unit))
    axes.legend(loc="upper left", frameon=False)


def _draw_dispersion(axes: Axes, velocity: Cut, dispersion: Cut) -> None:
    """Draw velocity ± dispersion: a band of the model, and bars of the data."""
    _, first, second = np.intersect1d(
        velocity.position, dispersion.position, assume_unique=True, return_indices=True
    )
    position, middle = velocity.position[first], velocity.model[first]
    spread = dispersion.model[second]
    axes.fill_between(
        position,
        middle - spread,
        middle + spread,
        color=style.SKY,
        alpha=0.35,
        linewidth=0,
        label="± dispersion of the fit",
    )
    for side, label in ((1, "± dispersion in the slit"), (-1, None)):
        edge = velocity.data[first] + side * dispersion.data[second]
        axes.plot(position, edge, "_", color=style.INK, markersize=6, label=label)


def _steps(one_map: Map, disc: Disc, galaxy: Galaxy) -> np.ndarray:
    """The edges of the steps along the major axis, one of them centred on the disc, arcsec."""
    along, _ = disc_places(one_map, disc, galaxy)
    inside = along[np.asarray(one_map.valid)]
    if not inside.size:
        raise InputError("position_velocity: the map has no valid measurement.")
    step = _pixel(one_map)
    count = int(np.ceil(float(np.abs(inside).max()) / step))
    return (np.arange(-count, count + 2) - 0.5) * step


def _pixel(one_map: Map) -> float:
    return float(one_map.instrument.grid.pixel_area) ** 0.5


def _cut(fit: Fit, name: str, disc: Disc, steps: np.ndarray) -> Cut:
    """A map and what the fit shows of it in the slit, averaged over the steps."""
    one_map = fit.maps[name]
    along, across = disc_places(one_map, disc, fit.galaxy)
    on_sky = across * np.cos(np.deg2rad(disc.inclination))
    fwhm = float(np.max(getattr(one_map.instrument.psf, "fwhm", 0.0)))
    half = max(SLIT_PIXELS * _pixel(one_map), fwhm) / 2
    used = np.asarray(one_map.valid) & (np.abs(on_sky) <= half)
    used &= (along >= steps[0]) & (along < steps[-1])
    index = np.digitize(along[used], steps) - 1
    weight = np.asarray(one_map.errors, float)[used] ** -2.0

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(index, values, minlength=len(steps) - 1)

    sum_of_weights = total(weight)
    known = sum_of_weights > 0
    images = (np.asarray(image, float)[used] for image in (one_map.data, fit.predicted[name]))
    data, model = (total(weight * image)[known] / sum_of_weights[known] for image in images)
    error = sum_of_weights[known] ** -0.5
    if "dispersion" in one_map.tracers and not one_map.tracers_in_its_unit:
        # The values are squares.
        data, model = (np.sqrt(np.maximum(image, 0.0)) for image in (data, model))
        error = error / (2 * np.maximum(data, error**0.5))
    return Cut(((steps[1:] + steps[:-1]) / 2)[known], data, error, model)
