"""The classical answers, which know nothing of the PSF: straight lines and annuli."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from jaxmetal.errors import InputError, check_type, unknown
from jaxmetal.galaxy import Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.instrument import Instrument
from jaxmetal.maps.measured import in_one_unit
from jaxmetal.profiles.geometry import disc_radius
from jaxmetal.quantities import ANY, ARCSEC, DEGREES, as_numbers, contents, plain
from jaxmetal.science.lensing import source_position

# The two ways to count a radius in an ellipse: its semi-major axis, or the product average of its
# axes.
MAJOR_AXIS, MEAN = "major axis", "sqrt(ab)"
# Radii on the sky, or in units of an effective radius.
RADIUS = (ARCSEC, "")


@dataclass(frozen=True)
class LineFit:
    """A straight line Z = central + gradient · R.

    Parameters
    ----------
    central
        value at R = 0, in the unit of the values.
    gradient
        slope, per unit of the radius.
    covariance
        of (central, gradient), shape (2, 2).
    chi_square
        Σ (residual / sigma)²; without sigmas the sum of the squared residuals.
    count
        number of pixels used.
    """

    central: float
    gradient: float
    covariance: Float[np.ndarray, "2 2"]
    chi_square: float
    count: int

    @property
    def central_error(self) -> float:
        """Standard error of the central value."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def gradient_error(self) -> float:
        """Standard error of the gradient."""
        return float(np.sqrt(self.covariance[1, 1]))


@dataclass(frozen=True)
class Annuli:
    """A radial profile: what is found between circles of growing radius; NaN where an annulus is empty.

    Parameters
    ----------
    radius
        median radius of the pixels in each annulus.
    median, p16, p84
        of the values there.
    count
        number of pixels there.
    """

    radius: Float[np.ndarray, " annuli"]
    median: Float[np.ndarray, " annuli"]
    p16: Float[np.ndarray, " annuli"]
    p84: Float[np.ndarray, " annuli"]
    count: Int[np.ndarray, " annuli"]


def ols(radius: Any, values: Any, mask: Any = None) -> LineFit:
    """Ordinary least squares: every pixel counts the same, and the scatter about the line gives the errors.

        minimise Σ (Z - central - gradient R)²,   covariance = s² (XᵀX)⁻¹,   s² = Σ residual² /
        (count - 2)

    Parameters
    ----------
    radius
        of each pixel, any shape.
    values
        of the same shape.
    mask
        True where a pixel is to be left out; pixels that are not finite leave by themselves.

    Returns
    -------
    fit
        with an undefined (NaN) covariance if only two pixels are left.

    Raises
    ------
    InputError
        for shapes that do not match, or fewer than two usable pixels at different radii.
    """
    radius, values = _usable(
        "ols", mask, radius=radius, values=as_numbers(values, "ols.values", ANY)
    )
    fit = _line("ols", radius, values, np.ones_like(values))
    s2 = fit.chi_square / (fit.count - 2) if fit.count > 2 else np.nan
    return LineFit(fit.central, fit.gradient, s2 * fit.covariance, fit.chi_square, fit.count)


def wls(radius: Any, values: Any, sigma: Any, mask: Any = None) -> LineFit:
    """Weighted least squares: each pixel counts by its error.

        minimise Σ (Z - central - gradient R)² / sigma²,   covariance = (XᵀWX)⁻¹,   W = diag(1 /
        sigma²)

    Parameters
    ----------
    radius
        of each pixel, any shape.
    values
        of the same shape.
    sigma
        standard deviations, one number or the same shape.
    mask
        True where a pixel is to be left out; pixels that are not finite or have no positive sigma
        leave by themselves.

    Raises
    ------
    InputError
        for shapes that do not match, or fewer than two usable pixels at different radii.

    References
    ----------
    Metha et al. (2024), arXiv:2403.08175, eq. 4.
    """
    given = in_one_unit("wls", values, sigma, None, None)
    values = given.values if given.mask is None else np.where(given.mask, np.nan, given.values)
    assert given.sigma is not None
    sigma = np.broadcast_to(given.sigma, values.shape) if given.sigma.shape == () else given.sigma
    radius, values, sigma = _usable("wls", mask, radius=radius, values=values, sigma=sigma)
    return _line("wls", radius, values, 1 / sigma**2)


def annuli(radius: Any, values: Any, edges: Any, mask: Any = None) -> Annuli:
    """Medians in annuli, edges[i] <= R < edges[i + 1].

    Parameters
    ----------
    radius
        of each pixel, any shape.
    values
        of the same shape.
    edges
        growing radii of the circles between the annuli, one more than there are annuli.
    mask
        True where a pixel is to be left out; pixels that are not finite leave by themselves.

    Raises
    ------
    InputError
        for shapes that do not match, or edges that do not grow.
    """
    edges, values = (
        as_numbers(edges, "annuli.edges", RADIUS),
        as_numbers(values, "annuli.values", ANY),
    )
    if edges.ndim != 1 or edges.size < 2 or not np.all(np.diff(edges) > 0):
        raise InputError(f"annuli.edges: expected two or more growing radii, got {edges.tolist()}.")
    radius, values = _usable("annuli", mask, radius=radius, values=values)
    which = np.digitize(radius, edges) - 1
    profile = np.full((4, edges.size - 1), np.nan)
    for i in range(edges.size - 1):
        inside = which == i
        if inside.any():
            profile[:, i] = [
                np.median(radius[inside]),
                *np.percentile(values[inside], [50, 16, 84]),
            ]
    count = np.bincount(which[(which >= 0) & (which < edges.size - 1)], minlength=edges.size - 1)
    return Annuli(*profile, count=count)


def line_through(profile: Annuli) -> LineFit:
    """The line through the medians of the annuli, each counting the same; see `ols`."""
    return ols(profile.radius, profile.median)


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
    """
    check_type(grid, Grid, "radius_map: grid")
    disc = _disc("radius_map", inclination, position_angle, center_x, center_y)
    return np.asarray(disc_radius(*grid.coordinates, *disc), dtype=float)


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
    """The deprojected radius of every measurement: of its pixel's centre, or the mean over the pixels of its aperture.

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
    """
    check_type(instrument, Instrument, "radii: instrument")
    if radius not in (MAJOR_AXIS, MEAN):
        raise unknown("radius", str(radius), (MAJOR_AXIS, MEAN), "radii")
    x, y = instrument.grid.coordinates
    if galaxy is not None and galaxy.lens:
        x, y = source_position(galaxy, x, y, distance_ratio)
    numbers = _disc("radii", inclination, position_angle, center_x, center_y)
    along = disc_radius(x, y, *numbers)
    shorter = np.sqrt(abs(np.cos(np.deg2rad(numbers[0])))) if radius == MEAN else 1.0
    distance = shorter * np.asarray(along, dtype=float)
    return distance if instrument.apertures is None else instrument.apertures.means(distance)


def _disc(
    where: str, inclination: Any, position_angle: Any, center_x: Any, center_y: Any
) -> tuple[Any, ...]:
    """The numbers of a disc in degrees and arcsec."""
    angles = {"inclination": inclination, "position_angle": position_angle}
    places = {"center_x": center_x, "center_y": center_y}
    return (
        *(plain(value, f"{where}.{name}", DEGREES) for name, value in angles.items()),
        *(plain(value, f"{where}.{name}", ARCSEC) for name, value in places.items()),
    )


def _line(where: str, radius: np.ndarray, values: np.ndarray, weight: np.ndarray) -> LineFit:
    """The weighted line, with the covariance (XᵀWX)⁻¹."""
    if radius.size < 2 or np.ptp(radius) == 0:
        raise InputError(
            f"{where}: a line needs at least two usable pixels at different radii, got {radius.size} pixels."
        )
    # About the mean radius, where the two numbers are independent and nothing cancels.
    total = weight.sum()
    middle, mean = (weight * radius).sum() / total, (weight * values).sum() / total
    spread = (weight * (radius - middle) ** 2).sum()
    gradient = (weight * (radius - middle) * (values - mean)).sum() / spread
    covariance = np.array(
        [[1 / total + middle**2 / spread, -middle / spread], [-middle / spread, 1 / spread]]
    )
    residual = values - mean - gradient * (radius - middle)
    return LineFit(
        float(mean - gradient * middle),
        float(gradient),
        covariance,
        float((weight * residual**2).sum()),
        radius.size,
    )


def _usable(where: str, mask: Any, **columns: Any) -> list[np.ndarray]:
    """The columns, flattened, of the pixels that can be used."""
    arrays = {
        name: as_numbers(column, f"{where}.{name}", RADIUS if name == "radius" else "")
        for name, column in columns.items()
    }
    shape = arrays["radius"].shape
    masked = np.zeros(shape, bool) if mask is None else np.asarray(contents(mask).numbers)
    for name, array in (arrays | {"mask": masked}).items():
        if array.shape != shape:
            raise InputError(
                f"{where}.{name}: shape {array.shape} does not match the radii's {shape}."
            )
    if masked.dtype.kind not in "bui":
        raise InputError(
            f"{where}.mask: expected True (leave the pixel out) or False, got values of type {masked.dtype}."
        )
    keep = ~masked.astype(bool)
    for array in arrays.values():
        keep &= np.isfinite(array)
    if "sigma" in arrays:
        keep &= arrays["sigma"] > 0
    return [array[keep] for array in arrays.values()]
