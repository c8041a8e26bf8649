"""Images of the light in a configuration: from a light map, or from a file."""

from pathlib import Path
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.instrument.grid import Grid
from jaxmetal.io.fits import read_map
from jaxmetal.io.galaxy_blocks import Profile
from jaxmetal.io.mistakes import Mistakes
from jaxmetal.io.observations import Observations
from jaxmetal.io.paths import file_path


def picture_of_entry(
    where: str, entry: Profile, folder: Path, observations: Observations, mistakes: Mistakes
) -> dict[str, Any]:
    """The parameters of an image of the light: its values, place, size and orientation.

    Parameters
    ----------
    where
        the place of the profile in the configuration.
    entry, folder
        the profile, and the folder that its file is relative to.
    observations
        whose light maps may be the image.
    mistakes
        to which a light map that could not be made is added.

    Returns
    -------
    parameters
        of `light.image`; none for a profile without an image.

    Raises
    ------
    InputError
        if both a map and a file are given, or the image has no place.
    """
    if entry.map is not None and entry.file is not None:
        raise InputError("expected a picture from map or from file, got both.")
    if entry.map is not None:
        observed = observations.maps.items()
        lights = {name: one.map for name, one in observed if one.map.additive}
        if entry.map in lights:
            light_map = lights[entry.map]
            grid = light_map.instrument.grid
            return picture(light_map.image(light_map.data) / float(grid.pixel_area), grid)
        # A map that could not be made has been reported already.
        if not mistakes.touches("maps"):
            raise unknown("light map", entry.map, lights)
        mistakes.broken.add(f"{where}.image")
    if entry.file is not None:
        return _picture_of_file(entry, file_path(entry.file, folder), observations.reference)
    return {}


def _picture_of_file(
    entry: Profile, path: Path, reference: tuple[float, float] | None
) -> dict[str, Any]:
    file = read_map(path, entry.extension or 0)
    if reference is not None and file.wcs is not None:
        return picture(file.values, Grid.from_wcs(file.wcs, file.values.shape, reference))
    if "scale" not in entry.parameters:
        lack = "picture has no WCS" if file.wcs is None else "maps have no place on the sky"
        raise InputError(f"{path}: the {lack}; give scale, arcsec per pixel of the picture.")
    return {"image": picture(file.values, Grid.regular(file.values.shape, 1.0))["image"]}


def picture(brightness: Any, grid: Grid) -> dict[str, Any]:
    """Parameters of `light.image` for an image of the light in the sky coordinates of its grid.

    Parameters
    ----------
    brightness
        surface brightness per arcsec², shape (rows, columns); zero where it is negative or not
        finite.
    grid
        of the image.

    Raises
    ------
    InputError
        if its pixels are not squares.
    """
    matrix = np.asarray(grid.matrix, float)
    size = float(grid.pixel_scale)
    if not np.allclose(matrix.T @ matrix, size**2 * np.eye(2), atol=1e-3 * size**2):
        raise InputError("the pixels of a picture must be squares.")
    rows, columns = grid.shape
    x, y = grid.position((columns - 1) / 2, (rows - 1) / 2)  # type: ignore[arg-type]
    values = np.nan_to_num(np.asarray(brightness, float), nan=0.0, posinf=0.0, neginf=0.0)
    return {
        "image": np.clip(values, 0.0, None),
        "scale": size * float(np.sign(np.linalg.det(matrix))),
        "phi_G": float(np.arctan2(-matrix[0, 1], matrix[1, 1])),
        "center_x": float(x),
        "center_y": float(y),
    }
