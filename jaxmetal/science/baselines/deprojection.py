"""Radii in the plane of an inclined disc."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.compiling import compiled_soon
from jaxmetal.errors import check_type, unknown
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.profiles.geometry import disc_radius
from jaxmetal.quantities import ARCSEC, DEGREES, plain
from jaxmetal.science.lensing import source_position

# Radii of an ellipse: its semi-major axis, or the product average of its axes.
MAJOR_AXIS = "major axis"
MEAN = "sqrt(ab)"


def radius_map(
    grid: Grid,
    center_x: float = 0.0,
    center_y: float = 0.0,
    inclination: float = 0.0,
    position_angle: float = 0.0,
) -> Float[np.ndarray, "ny nx"]:
    """The deprojected radius in an inclined thin disc of every pixel's centre.

    Parameters
    ----------
    grid
        where the pixels lie.
    center_x, center_y
        the disc's centre, arcsec.
    inclination
        degrees; 0 is face-on.
    position_angle
        of the major axis, degrees, from +y (north) towards +x (east).

    Returns
    -------
    radius
        arcsec along the major axis.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.baselines.radius_map(jm.Grid.regular((3, 3), 1.0))[1].round(2).tolist()
    [1.0, 0.0, 1.0]
    """
    check_type(grid, Grid, "radius_map: grid")
    disc = _disc("radius_map", inclination, position_angle, center_x, center_y)
    return np.asarray(_disc_radii(grid, disc), dtype=float)


def radii(
    instrument: Instrument,
    center_x: float = 0.0,
    center_y: float = 0.0,
    inclination: float = 0.0,
    position_angle: float = 0.0,
    galaxy: Galaxy | None = None,
    *,
    radius: str = MAJOR_AXIS,
    distance_ratio: Any = 1.0,
) -> Float[np.ndarray, "..."]:
    """The deprojected radius of every measurement of an instrument.

    It is that of the pixel's centre, or the mean over the pixels of an aperture.

    Parameters
    ----------
    instrument
        grid and apertures.
    center_x, center_y, inclination, position_angle
        as for `radius_map`.
    galaxy
        behind whose lenses the disc lies; on the sky if left out.
    radius
        "major axis", as `tracer.disc_gradient` counts it, or "sqrt(ab)", as `tracer.gradient` does:
        the product average of the axes, shorter by the square root of the axis ratio.
    distance_ratio
        of a disc with a redshift of its own; see `Component`.

    Returns
    -------
    radius
        in the shape of the instrument's maps, arcsec.

    Raises
    ------
    InputError
        for anything but an instrument, or another kind of radius.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> radius = jm.baselines.radii(jm.examples.telescope(), inclination=60.0)
    >>> radius[7].round(1).tolist()[7:10]  # along the minor axis
    [0.0, 0.8, 1.6]
    """
    check_type(instrument, Instrument, "radii: instrument")
    if radius not in (MAJOR_AXIS, MEAN):
        raise unknown("radius", str(radius), (MAJOR_AXIS, MEAN), "radii")
    grid, disc = instrument.grid, _disc("radii", inclination, position_angle, center_x, center_y)
    if galaxy is not None and galaxy.lens:
        along = disc_radius(*source_position(galaxy, *grid.coordinates, distance_ratio), *disc)
    else:
        along = _disc_radii(grid, disc)
    shorter = np.sqrt(abs(np.cos(np.deg2rad(float(disc[0]))))) if radius == MEAN else 1.0
    distance = shorter * np.asarray(along, dtype=float)
    return distance if instrument.apertures is None else instrument.apertures.means(distance)


@compiled_soon
def _disc_radii(grid: Grid, disc: tuple[Array, ...]) -> Float[Array, "ny nx"]:
    """The radius of every pixel's centre in a disc on the sky."""
    return disc_radius(*grid.coordinates, *disc)


def _disc(
    where: str, inclination: Any, position_angle: Any, center_x: Any, center_y: Any
) -> tuple[Array, ...]:
    """The numbers of a disc in degrees and arcsec; arrays, which compile no program each."""
    angles = {"inclination": inclination, "position_angle": position_angle}
    places = {"center_x": center_x, "center_y": center_y}
    numbers = (
        *(plain(value, f"{where}.{name}", DEGREES) for name, value in angles.items()),
        *(plain(value, f"{where}.{name}", ARCSEC) for name, value in places.items()),
    )
    return tuple(jnp.asarray(number, float) for number in numbers)
