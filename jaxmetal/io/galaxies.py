"""From the components of a configuration to a galaxy: profiles by name, users' own, and pictures used as the light."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, comma_hint, unknown
from jaxmetal.galaxy import Component, Galaxy
from jaxmetal.instrument.grid import Grid
from jaxmetal.io import schema
from jaxmetal.io.config import Mistakes, file_path
from jaxmetal.io.fits import read_map
from jaxmetal.io.observations import Observations, Observed
from jaxmetal.io.paths import imported_function
from jaxmetal.profiles import light, tracer
from jaxmetal.profiles.geometry import ellipticity
from jaxmetal.profiles.profile import Profile, options_of


def make_galaxy(
    config: schema.Config,
    folder: Path,
    observations: Observations,
    lens: dict[str, Profile],
    mistakes: Mistakes,
) -> Galaxy | None:
    """The galaxy of a configuration, or None if no component of it can be made.

    Parameters
    ----------
    config, folder
        the configuration, and the folder that its paths are relative to.
    observations
        whose light maps may serve as pictures, and whose files may know numbers.
    lens
        in front of it, by name.
    mistakes
        to which what is wrong is added.
    """
    components = {}
    for name, said in config.galaxy.items():
        if mistakes.spoils(f"galaxy.{name}"):
            continue
        made, profiles = dict[str, Any](), said.profiles
        for kind, given in profiles.items():
            where = f"galaxy.{name}.{kind}"
            with mistakes.at(where):
                function = find_function(
                    given.profile, [light] if kind == "light" else [tracer, light], folder
                )
                values = _picture(where, given, folder, observations, mistakes) | given.parameters
                if (
                    profile := make_profile(where, function, values, observations, mistakes)
                ) is not None:
                    made[kind] = profile
        if "light" not in profiles and not mistakes.touches(f"galaxy.{name}"):
            mistakes.add(f"galaxy.{name}.light", "is missing.")
        if "light" in made:
            with mistakes.at(f"galaxy.{name}"):
                place = {
                    "foreground": said.foreground,
                    "distance_ratio": said.distance_ratio,
                    "lensed_light": said.lensed_light,
                }
                components[name] = Component(**made, **place)
    return Galaxy(lens=lens, **components) if components else None


def make_profile(
    where: str,
    function: Callable,
    values: dict[str, Any],
    observations: Observations,
    mistakes: Mistakes,
) -> Profile | None:
    """A profile of what can be used of its values; None if something that it needs was a mistake."""
    rest = list(inspect.signature(function).parameters.values())[2:]
    names = [p.name for p in rest if p.kind is not p.VAR_KEYWORD]
    options = options_of(function)
    usable = {}
    for name, value in values.items():
        if (
            isinstance(value, str)
            and name not in options
            and mistakes.spoils(f"maps.{value.partition('.')[0]}")
        ):
            mistakes.broken.add(f"{where}.{name}")
            continue
        with mistakes.at(f"{where}.{name}"):
            if name not in names and len(names) == len(rest):
                raise unknown("parameter", name, names)
            usable[name] = value if name in options else _number(value, observations)
    missing = [
        p.name for p in rest if p.name in names and p.name not in usable and p.default is p.empty
    ]
    for name in missing:
        if not mistakes.spoils(f"{where}.{name}"):
            mistakes.add(f"{where}.{name}", "is missing.")
    return None if missing else Profile(function, **usable)


def find_function(text: str, homes: Sequence[ModuleType], folder: Path) -> Callable:
    """A profile by its name in the first of the homes that has it, or a user's own as "module:function" or "file.py:function".

    Raises
    ------
    InputError
        if there is none.
    """
    if ":" not in text:
        known = {
            name: function
            for home in reversed(homes)
            for name, function in inspect.getmembers(home, inspect.isfunction)
            if function.__module__.startswith(home.__name__)
        }
        if text not in known:
            raise unknown("profile", text, known)
        return known[text]
    return imported_function(text, folder, "profile")


def _number(value: Any, observations: Observations) -> Any:
    if isinstance(value, bool):
        raise InputError(f"expected a finite number or a list of numbers, got {value}.")
    return _named_number(value, observations) if isinstance(value, str) else value


def _named_number(text: str, observations: Observations) -> float:
    """A number that the file of a map knows, such as "manga.inclination"."""
    known, (entry, _, name) = named_numbers(observations.maps), text.rpartition(".")
    names = [full.removeprefix(f"{entry}.") for full in known if full.startswith(f"{entry}.")]
    if not names:
        hint = comma_hint(text)
        named = "name.inclination and the like of a map whose reader knows it, such as manga"
        raise InputError(f"expected a number, or the {named}, got {text!r}{hint}.")
    if name not in names:
        raise unknown("number", name, names, entry)
    return known[text]


def named_numbers(maps: Mapping[str, Observed]) -> dict[str, float]:
    """The geometry in the files of maps, by the texts that stand for it in a configuration.

    Parameters
    ----------
    maps
        by name, as they were read.

    Returns
    -------
    numbers
        such as {"manga.inclination": degrees}; "e1" and "e2" are those of the inclined disc.
    """
    numbers: dict[str, float] = {}
    for observed in maps.values():
        geometry = observed.geometry
        known = {
            "inclination": geometry.inclination,
            "position_angle": geometry.position_angle,
            "effective_radius": geometry.effective_radius,
        }
        if geometry.inclination is not None and geometry.position_angle is not None:
            axis_ratio = np.cos(np.deg2rad(geometry.inclination))
            e1, e2 = ellipticity(axis_ratio, geometry.position_angle)
            known |= {"e1": float(e1), "e2": float(e2)}
        for name, number in known.items():
            if number is not None:
                numbers[f"{observed.entry}.{name}"] = number
    return numbers


def _picture(
    where: str, given: schema.Profile, folder: Path, observations: Observations, mistakes: Mistakes
) -> dict[str, Any]:
    """The parameters of a picture of the light: its values, place, size and orientation."""
    if given.map is not None and given.file is not None:
        raise InputError("expected a picture from map or from file, got both.")
    if given.map is not None:
        lights = {
            name: observed.map
            for name, observed in observations.maps.items()
            if observed.map.additive
        }
        if given.map in lights:
            grid = lights[given.map].instrument.grid
            return picture(
                lights[given.map].image(lights[given.map].data) / float(grid.pixel_area), grid
            )
        # A map that could not be made has been reported already.
        if not mistakes.touches("maps"):
            raise unknown("light map", given.map, lights)
        mistakes.broken.add(f"{where}.image")
    if given.file is not None:
        return _picture_of_file(given, file_path(given.file, folder), observations.reference)
    return {}


def _picture_of_file(
    given: schema.Profile, path: Path, reference: tuple[float, float] | None
) -> dict[str, Any]:
    found = read_map(path, given.extension or 0)
    if reference is not None and found.wcs is not None:
        return picture(found.values, Grid.from_wcs(found.wcs, found.values.shape, reference))
    if "scale" not in given.parameters:
        lacking = "picture has no WCS" if found.wcs is None else "maps have no place on the sky"
        raise InputError(f"{path}: the {lacking}; give scale, arcsec per pixel of the picture.")
    return {"image": picture(found.values, Grid.regular(found.values.shape, 1.0))["image"]}


def picture(brightness: Any, grid: Grid) -> dict[str, Any]:
    """Parameters of `light.image` that show a picture where its grid lies on the sky.

    Parameters
    ----------
    brightness
        surface brightness per arcsec², shape (rows, columns); where it is not finite or negative it
        is dark.
    grid
        of the picture.

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
    return {
        "image": np.clip(
            np.nan_to_num(np.asarray(brightness, float), nan=0.0, posinf=0.0, neginf=0.0), 0.0, None
        ),
        "scale": size * float(np.sign(np.linalg.det(matrix))),
        "phi_G": float(np.arctan2(-matrix[0, 1], matrix[1, 1])),
        "center_x": float(x),
        "center_y": float(y),
    }
