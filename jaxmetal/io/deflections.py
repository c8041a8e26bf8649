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
    """A lens from two maps of its deflection; nothing about them is guessed, because no header says it.

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
    """
    for name, value, allowed in (
        ("unit", unit, Unit),
        ("axes", axes, Axes),
        ("sense", sense, Sense),
    ):
        if value not in get_args(allowed):
            raise InputError(
                f"read_deflection.{name}: expected {' or '.join(map(repr, get_args(allowed)))}, got {value!r}."
            )
    ratio = _ratio(scaled_to, lens_redshift, source_redshift, cosmology)
    maps = {str(path): read_map(path, extension) for path in (x_path, y_path)}
    if len(maps) < 2:
        raise InputError(f"{y_path}: the same file for both components.")
    for path, found in maps.items():
        if found.wcs is None:
            raise InputError(f"{path}[{extension}]: the header has no celestial WCS.")
        if not np.all(np.isfinite(found.values)):
            raise InputError(
                f"{path}[{extension}]: {np.sum(~np.isfinite(found.values))} pixels have no deflection; cut the map smaller."
            )
    first, second = maps.values()
    if first.values.shape != second.values.shape:
        raise InputError(
            f"{y_path}: shape {second.values.shape} does not match {first.values.shape} of {x_path}."
        )
    grid, other = (
        Grid.from_wcs(found.wcs, found.values.shape, center) for found in (first, second)
    )
    matrix = np.asarray(grid.matrix, float)
    apart = max(np.abs(a - b).max() for a, b in zip(_corners(grid), _corners(other), strict=True))
    if apart > 0.01 * np.sqrt(abs(np.linalg.det(matrix))):
        raise InputError(f"{y_path}: its WCS differs from that of {x_path} by {apart:.2g} arcsec.")
    step = _step(matrix, unit, axes) * (1 if sense == "image - source" else -1)
    alpha_x, alpha_y = np.tensordot(step, np.stack([first.values, second.values]), axes=1)
    return Profile(
        lens.deflection_map,
        alpha_x=alpha_x,
        alpha_y=alpha_y,
        origin=grid.origin,
        matrix=matrix,
        distance_ratio=ratio,
    )


def _ratio(scaled_to: Any, lens_redshift: Any, source_redshift: Any, cosmology: Any) -> float:
    """What to multiply the maps with."""
    if isinstance(scaled_to, str) and scaled_to == "source":
        return 1.0
    if hasattr(scaled_to, "unit"):
        scaled_to = as_redshift(scaled_to, "read_deflection.scaled_to")
    number = isinstance(scaled_to, int | float | np.number) and not isinstance(scaled_to, bool)
    if scaled_to != "infinity" and not number:
        raise InputError(
            f"read_deflection.scaled_to: expected 'infinity', 'source' or a redshift, got {scaled_to!r}."
        )
    for name, value in (("lens_redshift", lens_redshift), ("source_redshift", source_redshift)):
        if value is None:
            raise InputError(
                f"read_deflection.{name}: needed for maps that are scaled to {scaled_to!r}."
            )
    wanted = distance_ratio(lens_redshift, source_redshift, cosmology)
    if scaled_to == "infinity":
        return wanted
    try:
        return wanted / distance_ratio(lens_redshift, float(scaled_to), cosmology)
    except InputError:
        raise InputError(
            f"read_deflection.scaled_to: the redshift must lie behind the lens at {lens_redshift}, got {scaled_to}."
        ) from None


def _step(matrix: np.ndarray, unit: Unit, axes: Axes) -> np.ndarray:
    """The matrix that turns the maps' two numbers into a deflection towards +x and +y, arcsec."""
    if axes == "sky":
        return np.eye(2) * (np.sqrt(abs(np.linalg.det(matrix))) if unit == "pixel" else 1.0)
    return matrix if unit == "pixel" else matrix / np.linalg.norm(matrix, axis=0)


def _corners(grid: Grid) -> tuple[np.ndarray, ...]:
    rows, columns = jnp.meshgrid(*(jnp.array([0.0, n - 1.0]) for n in grid.shape))
    return tuple(np.asarray(value, float) for value in grid.position(columns, rows))
