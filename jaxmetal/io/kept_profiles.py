"""Copies of the input of profiles in a folder of results: images, functions, deflection maps."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jaxmetal.galaxy import LENS
from jaxmetal.io.copies import Copies
from jaxmetal.io.fits import read_map
from jaxmetal.io.galaxies import named_numbers
from jaxmetal.io.paths import file_path
from jaxmetal.io.scene import Scene
from jaxmetal.profiles.geometry import pixel_of

# Pixels of a deflection map that are kept around the region that the frames cover.
RIM = 8
# Further pixels, as a part of the width of that region.
SLACK = 0.1


def keep_profiles(config: dict[str, Any], scene: Scene, copies: Copies) -> None:
    """Copy what the profiles of components and lenses are read from, and name the copies.

    Parameters
    ----------
    config
        the configuration as a dictionary, which is changed: images of light and users' functions
        are named by their copies, and numbers from the file of a map are written out.
    scene
        what was fitted.
    copies
        of the folder of results.
    """
    numbers = named_numbers({**scene.maps, **scene.pictures})
    for component, parts in config["galaxy"].items():
        for name, profile in _profiles(component, parts):
            _keep_profile(profile, name, numbers, copies)
        _keep_emission(parts.get("emission", {}), copies)
    for name, profile in config.get(LENS, {}).items():
        _keep_profile(profile, f"{LENS}-{name}", numbers, copies)


def _keep_emission(emission: dict[str, Any], copies: Copies) -> None:
    """Copy a grid of line ratios, or users' functions, and name the copies."""
    if isinstance(grid := emission.get("relation"), dict):
        grid["grid"] = copies.copy(grid["grid"])
    for key in ("relation", "attenuation"):
        if isinstance(emission.get(key), str):
            emission[key] = copies.copy_function(emission[key])


def _profiles(name: str, block: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over (name of a copy, block) of the profiles in a part of the galaxy."""
    for key, part in block.items():
        if not isinstance(part, dict):
            continue
        if "profile" in part:
            yield f"{name}-{key}", part
        else:
            # Lights by name.
            yield from _profiles(f"{name}-{key}", part)


def _keep_profile(
    profile: dict[str, Any], name: str, numbers: Mapping[str, float], copies: Copies
) -> None:
    for key, value in profile.items():
        if isinstance(value, str) and value in numbers:
            profile[key] = numbers[value]
    if "profile" in profile:
        profile["profile"] = copies.copy_function(profile["profile"])
    if "file" in profile:
        image = read_map(file_path(profile["file"], copies.source), profile.get("extension", 0))
        place = copies.write_image(name, image.values, image.wcs)
        profile |= {"file": place, "extension": "IMAGE"}


def keep_deflections(
    config: dict[str, Any], scene: Scene, copies: Copies, margins: Mapping[str, int]
) -> None:
    """Copy published deflection maps, cut to the region that the frames cover.

    Parameters
    ----------
    config
        the configuration as a dictionary, in which the files are replaced by their copies.
    scene
        what was fitted.
    copies
        of the folder of results.
    margins
        {map: pixels by which its frame is padded}.
    """
    for name, lens in config.get(LENS, {}).items():
        if (deflection := lens.get("deflection")) is None:
            continue
        rows, columns = _covered(scene, name, margins)
        for axis in ("x", "y"):
            path = file_path(deflection[f"{axis}_file"], copies.source)
            image = read_map(path, deflection["extension"])
            wcs = None if image.wcs is None else image.wcs[rows, columns]
            label = f"{LENS}-{name}-{axis}"
            deflection[f"{axis}_file"] = copies.write_image(label, image.values[rows, columns], wcs)
        deflection["extension"] = "IMAGE"


def _covered(scene: Scene, name: str, margins: Mapping[str, int]) -> tuple[slice, slice]:
    """The rows and columns of a deflection map that the frames cover, with a margin."""
    lens = scene.galaxy.lens[name].parameters
    origin, step = (np.asarray(lens[key], float) for key in ("origin", "matrix"))
    corners = []
    for label, observed in scene.maps.items():
        grid, margin = observed.map.instrument.grid, margins.get(label, 0)
        across, up = (np.array([-0.5 - margin, n + margin - 0.5]) for n in grid.shape[::-1])
        pixels = np.stack(np.meshgrid(across, up)).reshape(2, -1)
        x, y = np.asarray(grid.origin, float)[:, None] + np.asarray(grid.matrix, float) @ pixels
        corners.append(np.stack([np.asarray(p, float) for p in pixel_of(x, y, origin, step)]))
    low, high = np.min(np.hstack(corners), axis=1), np.max(np.hstack(corners), axis=1)
    rim = RIM + SLACK * (high - low)
    first, last = np.floor(low - rim).astype(int), np.ceil(high + rim).astype(int)
    sizes = np.asarray(lens["alpha_x"]).shape[::-1]
    columns, rows = (
        slice(max(a, 0), min(b + 1, n)) for a, b, n in zip(first, last, sizes, strict=True)
    )
    return rows, columns
