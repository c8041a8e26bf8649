"""What the map of a tracer says by itself: a line in radius, or the motion of a disc."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputError
from jaxmetal.maps import Map
from jaxmetal.science.baselines import ols, wls
from jaxmetal.science.baselines.line_ratios import calibrated
from jaxmetal.science.calibrations import LINES
from jaxmetal.science.starts.shapes import BRIGHT, usable

# Calibrations by which lines alone tell a first metallicity, the most robust first.
CALIBRATIONS = ("o3n2_m13", "n2_m13")
# Pixels that a first line needs.
FEWEST = 6


class Trend(NamedTuple):
    """A tracer as a straight line in radius, the naive baseline.

    Parameters
    ----------
    central, gradient
        in the tracer's unit, and per arcsec.
    spread
        of the values, from the 5th to the 95th percentile.
    rms
        of the values about the line.
    extent
        radius inside of which 95 % of the values lie, arcsec.
    slope
        of a plane through the values, along x and y, unit per arcsec.
    source
        in words.
    """

    central: float
    gradient: float
    spread: float
    rms: float
    extent: float
    slope: tuple[float, float]
    source: str

    @property
    def steepest(self) -> float:
        """A gradient that is certainly not too small, unit per arcsec."""
        return max(abs(self.gradient), self.spread / max(self.extent, 1e-6), 1e-6)


class Motion(NamedTuple):
    """A velocity field as a plane.

    Parameters
    ----------
    systemic
        in the middle of the field, in the unit of the map.
    amplitude
        half of the range of velocities along the line of sight.
    position_angle
        of the receding side, degrees, from +y (north) towards +x (east).
    source
        in words.
    """

    systemic: float
    amplitude: float
    position_angle: float
    source: str


def positions(one_map: Map) -> tuple[Float[np.ndarray, "*map"], Float[np.ndarray, "*map"]]:
    """Where the measurements of a map lie, (x, y) in arcsec; of an aperture its mean place."""
    x, y = (np.asarray(axis, float) for axis in one_map.instrument.grid.coordinates)
    apertures = one_map.instrument.apertures
    return (x, y) if apertures is None else (apertures.means(x), apertures.means(y))


def trend(
    name: str, values: np.ndarray, errors: np.ndarray, radius: np.ndarray, one_map: Map
) -> Trend | None:
    """The straight line through a tracer, which ignores the PSF.

    Parameters
    ----------
    name
        of the map, for the source.
    values, errors, radius
        of each measurement, NaN where there is none; the radius in arcsec.
    one_map
        whose measurements they are.

    Returns
    -------
    trend
        None if there are too few values for a line.
    """
    known = np.isfinite(values) & np.isfinite(radius)
    if known.sum() < FEWEST:
        return None
    low, high = np.percentile(values[known], [5, 95])
    _, *slope = _plane(values, known, one_map)
    extent = float(np.percentile(radius[known], 95))
    try:
        first = ols(radius, values)
        rms = float(np.sqrt(first.chi_square / first.count))
        # Real galaxies scatter about any line: measurement errors alone would follow few pixels.
        line = wls(radius, values, np.hypot(errors, rms))
    except InputError:
        return None
    numbers = line.central, line.gradient, float(high - low), rms, extent
    return Trend(*numbers, (slope[0], slope[1]), f"straight line through {name}, PSF ignored")


def motion(name: str, one_map: Map) -> Motion | None:
    """The motion in a velocity field.

    Parameters
    ----------
    name, one_map
        a tracer map of velocities.

    Returns
    -------
    motion
        None if there are too few values for a plane.
    """
    known = usable(one_map)
    if known.sum() < FEWEST:
        return None
    level, along_x, along_y = _plane(one_map.data, known, one_map)
    low, high = np.percentile(one_map.data[known], [3, 97])
    return Motion(
        level,
        max(0.5 * float(high - low), 1e-6),
        float(np.degrees(np.arctan2(along_x, along_y)) % 360),
        f"plane through {name}",
    )


def _plane(values: np.ndarray, known: np.ndarray, one_map: Map) -> list[float]:
    """A plane through those values of a map that are known: in their middle, along x, along y."""
    x, y = (axis[known] for axis in positions(one_map))
    terms = np.stack([np.ones_like(x), x - x.mean(), y - y.mean()], axis=-1)
    return [float(term) for term in np.linalg.lstsq(terms, values[known], rcond=None)[0]]


def metallicity_of_lines(
    maps: Mapping[str, Map],
) -> tuple[str, np.ndarray, np.ndarray, Map] | None:
    """A metallicity map that line fluxes give by a calibration.

    Parameters
    ----------
    maps
        by name: of lines, or of lines relative to others.

    Returns
    -------
    found
        (calibration, values, errors, one of the maps); None if the lines of no calibration are
        there, in pixels that they share.
    """
    fluxes, errors, one_map = _lines(maps)
    for name in CALIBRATIONS:
        try:
            values, sigma = calibrated(fluxes, errors, name, BRIGHT)
        except (InputError, ValueError):
            continue
        if np.isfinite(values).sum() >= FEWEST and one_map is not None:
            return name, values, sigma, one_map
    return None


def _lines(
    maps: Mapping[str, Map],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], Map | None]:
    """Fluxes and errors of lines by the names of calibrations, and one of their maps."""
    fluxes: dict[Any, np.ndarray] = {}
    errors: dict[Any, np.ndarray] = {}
    last = None
    for one_map in maps.values():
        for light, (flux, error) in one_map.fluxes.items():
            fluxes[light], errors[light], last = flux, error, one_map
    # A line may be written as a sum of one.
    keys = {
        name: key for name, line in LINES.items() for key in (((line, 1.0),), line) if key in fluxes
    }
    return (
        {name: fluxes[key] for name, key in keys.items()},
        {name: errors[key] for name, key in keys.items()},
        last,
    )
