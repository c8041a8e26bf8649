"""Published maps of a lens's deflection, from FITS files."""

import os
from typing import Any, Literal, get_args

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.io.fits import read_map
from jaxmetal.profiles import lens
from jaxmetal.profiles.profile import Profile
from jaxmetal.science.lensing import as_redshift, distance_ratio

Unit = Literal["arcsec", "pixel"]
Axes = Literal["array", "sky"]
Sense = Literal["image - source", "source - image"]


def read_deflection(
    x_path: str | os.PathLike,
    y_path: str | os.PathLike,
    *,
    unit: Unit,
    axes: Axes,
    scaled_to: float | Literal["infinity", "source"],
    center: tuple[float, float],
    lens_redshift: float | None = None,
    source_redshift: float | None = None,
    cosmology: Any = None,
    sense: Sense = "image - source",
    extension: str | int = 0,
) -> Profile:
    """A lens from two maps of its deflection.

    Their headers do not define the numbers, so that all of it is to be given.

        alpha = D_LS/D_S of the source / D_LS/D_S that the maps are scaled to × maps

    Parameters
    ----------
    x_path, y_path
        the files of the two components, on the same pixels with the same WCS.
    unit
        arcsec, or pixel for pixels of the maps.
    axes
        array if the components are along the maps' columns and rows (x to the west where CDELT1 is
        negative), sky if they are to the east and to the north.
    scaled_to
        infinity for D_LS/D_S = 1, source for maps that were made for this source, or the redshift
        that they are for.
    center
        (right ascension, declination) of (x, y) = (0, 0), degrees: the same as that of the galaxy's
        `Grid.from_wcs`.
    lens_redshift, source_redshift, cosmology
        as in `lensing.distance_ratio`; needed unless scaled_to is source.
    sense
        of the maps' numbers: image - source is the usual one, beta = theta - alpha.
    extension
        of both files, by name or number.

    Returns
    -------
    lens
        Profile(lens.deflection_map, ...), its distance_ratio in place.

    Raises
    ------
    InputError
        naming the file or the argument, for what cannot be read, does not fit together, or is
        missing.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> files = "alpha_east.fits", "alpha_north.fits"
    >>> how = {"unit": "arcsec", "axes": "sky", "scaled_to": "source"}
    >>> lens = jm.read_deflection(*files, **how, center=(342.18, -44.53))  # doctest: +SKIP
    """
    _check_choices(unit=(unit, Unit), axes=(axes, Axes), sense=(sense, Sense))
    ratio = _ratio(scaled_to, lens_redshift, source_redshift, cosmology)
    components, grid = _components(x_path, y_path, extension, center)
    matrix = np.asarray(grid.matrix, float)
    step = _step(matrix, unit, axes) * (1 if sense == "image - source" else -1)
    alpha_x, alpha_y = np.tensordot(step, components, axes=1)
    return Profile(
        lens.deflection_map,
        alpha_x=alpha_x,
        alpha_y=alpha_y,
        origin=grid.origin,
        matrix=matrix,
        distance_ratio=ratio,
    )


def _check_choices(**choices: tuple[Any, Any]) -> None:
    """Raise an InputError for a value that is none of its type's literals."""
    for name, (value, literals) in choices.items():
        if value not in get_args(literals):
            expected = " or ".join(map(repr, get_args(literals)))
            raise InputError(f"read_deflection.{name}: expected {expected}, got {value!r}.")


def _components(
    x_path: Any, y_path: Any, extension: str | int, center: tuple[float, float]
) -> tuple[np.ndarray, Grid]:
    """Both components as they are in their files, shape (2, rows, columns), and their grid."""
    files = {str(path): read_map(path, extension) for path in (x_path, y_path)}
    if len(files) < 2:
        raise InputError(f"{y_path}: the same file for both components.")
    for path, file in files.items():
        if file.wcs is None:
            raise InputError(f"{path}[{extension}]: the header has no celestial WCS.")
        if count := np.sum(~np.isfinite(file.values)):
            lack = f"{count} pixels have no deflection"
            raise InputError(f"{path}[{extension}]: {lack}; cut the map smaller.")
    x, y = files.values()
    if x.values.shape != y.values.shape:
        shapes = f"shape {y.values.shape} does not match {x.values.shape}"
        raise InputError(f"{y_path}: {shapes} of {x_path}.")
    grid, y_grid = (Grid.from_wcs(file.wcs, file.values.shape, center) for file in (x, y))
    apart = max(np.abs(a - b).max() for a, b in zip(_corners(grid), _corners(y_grid), strict=True))
    if apart > 0.01 * np.sqrt(abs(np.linalg.det(np.asarray(grid.matrix, float)))):
        raise InputError(f"{y_path}: its WCS differs from that of {x_path} by {apart:.2g} arcsec.")
    return np.stack([x.values, y.values]), grid


def _ratio(scaled_to: Any, lens_redshift: Any, source_redshift: Any, cosmology: Any) -> float:
    """The factor on the maps: D_LS/D_S of the source over that which they are scaled to."""
    if isinstance(scaled_to, str) and scaled_to == "source":
        return 1.0
    scaled_to = _infinity_or_redshift(scaled_to)
    for name, value in (("lens_redshift", lens_redshift), ("source_redshift", source_redshift)):
        if value is None:
            reason = f"needed for maps that are scaled to {scaled_to!r}"
            raise InputError(f"read_deflection.{name}: {reason}.")
    ratio = distance_ratio(lens_redshift, source_redshift, cosmology)
    if scaled_to == "infinity":
        return ratio
    try:
        return ratio / distance_ratio(lens_redshift, float(scaled_to), cosmology)
    except InputError:
        expected = f"the redshift must lie behind the lens at {lens_redshift}"
        raise InputError(f"read_deflection.scaled_to: {expected}, got {scaled_to}.") from None


def _infinity_or_redshift(scaled_to: Any) -> Any:
    """What the maps are scaled to, a redshift as a plain number."""
    if hasattr(scaled_to, "unit"):
        scaled_to = as_redshift(scaled_to, "read_deflection.scaled_to")
    number = isinstance(scaled_to, int | float | np.number) and not isinstance(scaled_to, bool)
    if scaled_to != "infinity" and not number:
        expected = "expected 'infinity', 'source' or a redshift"
        raise InputError(f"read_deflection.scaled_to: {expected}, got {scaled_to!r}.")
    return scaled_to


def _step(matrix: np.ndarray, unit: Unit, axes: Axes) -> np.ndarray:
    """The matrix that turns the maps' two numbers into a deflection towards +x and +y, arcsec."""
    if axes == "sky":
        return np.eye(2) * (np.sqrt(abs(np.linalg.det(matrix))) if unit == "pixel" else 1.0)
    return matrix if unit == "pixel" else matrix / np.linalg.norm(matrix, axis=0)


def _corners(grid: Grid) -> tuple[np.ndarray, ...]:
    rows, columns = jnp.meshgrid(*(jnp.array([0.0, n - 1.0]) for n in grid.shape))
    return tuple(np.asarray(value, float) for value in grid.position(columns, rows))
