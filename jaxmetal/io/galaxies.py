"""The galaxy of a configuration: profiles by name, users' own profiles, images of the light."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from jaxmetal.emission import Emission
from jaxmetal.errors import InputError, comma_hint, unknown
from jaxmetal.galaxy import LIGHT, Component, Galaxy
from jaxmetal.io import schema
from jaxmetal.io.automatic import AUTO, placeholder
from jaxmetal.io.config import Mistakes
from jaxmetal.io.galaxy_blocks import Component as ComponentBlock
from jaxmetal.io.galaxy_blocks import Emission as EmissionBlock
from jaxmetal.io.galaxy_blocks import LineGrid as LineGridBlock
from jaxmetal.io.galaxy_blocks import Profile as ProfileBlock
from jaxmetal.io.line_grids import read_line_grid
from jaxmetal.io.observations import Observations, Observed
from jaxmetal.io.paths import file_path, imported_function
from jaxmetal.io.pictures import picture_of_entry
from jaxmetal.profiles import light, random_field, tracer
from jaxmetal.profiles.combine import Product, Sum
from jaxmetal.profiles.geometry import ellipticity
from jaxmetal.profiles.profile import Profile, options_of
from jaxmetal.profiles.ranges import check_number
from jaxmetal.profiles.scatter import no_modes

# Keys of a component that say where it is.
PLACE = ("foreground", "distance_ratio", "lensed_light")
# What a profile may scatter by: the function, how it is joined, and whether it is for light.
SCATTERS: dict[str, tuple[Callable, Callable, bool]] = {
    "field": (random_field.field, Sum, False),
    "texture": (random_field.texture, Product, True),
}


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
        whose light maps may serve as images, and whose files may have numbers.
    lens
        in front of it, by name.
    mistakes
        to which what is wrong is added.
    """
    components = {}
    for name, entry in config.galaxy.items():
        if mistakes.spoils(f"galaxy.{name}"):
            continue
        profiles = _profiles(name, entry, folder, observations, mistakes)
        if entry.light is None and not mistakes.touches(f"galaxy.{name}"):
            mistakes.add(f"galaxy.{name}.light", "is missing.")
        if "light" in profiles:
            options = {key: getattr(entry, key) for key in PLACE}
            with mistakes.at(f"galaxy.{name}.emission"):
                options["emission"] = _emission(entry.emission, folder)
            with mistakes.at(f"galaxy.{name}"):
                components[name] = Component(**profiles, **options)
    return Galaxy(lens=lens, **components) if components else None


def _emission(entry: EmissionBlock | None, folder: Path) -> Emission | None:
    """The emission of a component; its relation and curve may be functions of a user's file."""
    if entry is None:
        return None
    options = entry.model_dump(exclude_none=True)
    if isinstance(entry.relation, LineGridBlock):
        grid = options["relation"]
        options["relation"] = read_line_grid(file_path(grid.pop("grid"), folder), **grid)
    for name in ("relation", "attenuation"):
        if isinstance(options[name], str) and ":" in options[name]:
            options[name] = imported_function(options[name], folder, name)
    return Emission(**options)


def _profiles(
    name: str,
    component: ComponentBlock,
    folder: Path,
    observations: Observations,
    mistakes: Mistakes,
) -> dict[str, Any]:
    """The light or the lights, if all can be made, and as many tracers of a component as can be."""
    profiles: dict[str, Any] = {}
    for path, entry in component.profiles.items():
        where = f"galaxy.{name}.{path}"
        with mistakes.at(where):
            homes = [light] if path.split(".")[0] == LIGHT else [tracer, light]
            function = find_function(entry.profile, homes, folder)
            values = (
                picture_of_entry(where, entry, folder, observations, mistakes) | entry.parameters
            )
            profile = make_profile(where, function, values, observations, mistakes)
            profile = profile and _with_scatter(where, profile, entry, observations, mistakes)
            if profile is not None:
                profiles[path] = profile
    if isinstance(component.light, dict):
        paths = {one: f"{LIGHT}.{one}" for one in component.light}
        if set(paths.values()) <= set(profiles):
            profiles[LIGHT] = {one: profiles.pop(path) for one, path in paths.items()}
    return profiles


def _with_scatter(
    where: str,
    profile: Profile,
    entry: ProfileBlock,
    observations: Observations,
    mistakes: Mistakes,
) -> Profile | None:
    """The profile with the random field or the texture of its entry; None if there is a mistake."""
    kind = next((kind for kind in SCATTERS if getattr(entry, kind) is not None), None)
    if kind is None:
        return profile
    function, join, of_light = SCATTERS[kind]
    with mistakes.at(f"{where}.{kind}"):
        if (where.split(".")[2] == LIGHT) is not of_light:
            raise InputError("a random field goes with a tracer, a texture goes with light.")
        numbers = dict(getattr(entry, kind).parameters)
        if of_light:
            numbers["modes"] = no_modes(numbers.pop("waves", None))
        scatter = make_profile(f"{where}.{kind}", function, numbers, observations, mistakes)
        return scatter and join(profile, scatter)
    return None


def make_profile(
    where: str,
    function: Callable,
    values: dict[str, Any],
    observations: Observations,
    mistakes: Mistakes,
) -> Profile | None:
    """A profile with those of its values that can be used.

    Parameters
    ----------
    where
        the place in the configuration.
    function
        of the profile.
    values
        by the name of the parameter: numbers, names of numbers, options.
    observations
        whose files may have the numbers that are named.
    mistakes
        to which what is wrong is added.

    Returns
    -------
    profile
        None if a parameter that it needs is missing.
    """
    # The first two are x and y.
    parameters = list(inspect.signature(function).parameters.values())[2:]
    usable = _usable(where, function, values, parameters, observations, mistakes)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    missing = [name for name in needed if name not in usable]
    for name in missing:
        if not mistakes.spoils(f"{where}.{name}"):
            mistakes.add(f"{where}.{name}", "is missing.")
    return None if missing else Profile(function, **usable)


def _usable(
    where: str,
    function: Callable,
    values: dict[str, Any],
    parameters: Sequence[inspect.Parameter],
    observations: Observations,
    mistakes: Mistakes,
) -> dict[str, Any]:
    """The numbers and options of a profile that can be used.

    Parameters
    ----------
    where, function, values, observations, mistakes
        as in `make_profile`.
    parameters
        of the function.
    """
    options = options_of(function)
    names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
    takes_any = len(names) < len(parameters)
    usable = {}
    for name, value in values.items():
        names_number = isinstance(value, str) and name not in options and value != AUTO
        if names_number and mistakes.spoils(f"maps.{value.partition('.')[0]}"):
            mistakes.broken.add(f"{where}.{name}")
            continue
        with mistakes.at(f"{where}.{name}"):
            if name not in names and not takes_any:
                raise unknown("parameter", name, names)
            in_use = value if name in options else _checked(function, name, value, observations)
            usable[name] = in_use
    return usable


def _checked(function: Callable, name: str, value: Any, observations: Observations) -> Any:
    """The number of a parameter, or one in the place of the word auto, inside of its range."""
    automatic = isinstance(value, str) and value == AUTO
    number = placeholder(function, name) if automatic else _number(value, observations)
    check_number(function, name, number)
    return number


def find_function(text: str, homes: Sequence[ModuleType], folder: Path) -> Callable:
    """A profile by its name in the first of the homes that has it, or a user's own.

    Parameters
    ----------
    text
        the name, or "module:function" or "file.py:function".
    homes
        modules of profiles.
    folder
        that files are relative to.

    Raises
    ------
    InputError
        if there is none.
    """
    if ":" not in text:
        functions = {
            name: function
            for home in reversed(homes)
            for name, function in inspect.getmembers(home, inspect.isfunction)
            if function.__module__.startswith(home.__name__)
        }
        if text not in functions:
            raise unknown("profile", text, functions)
        return functions[text]
    return imported_function(text, folder, "profile")


def _number(value: Any, observations: Observations) -> Any:
    if isinstance(value, bool):
        raise InputError(f"expected a finite number or a list of numbers, got {value}.")
    return _named_number(value, observations) if isinstance(value, str) else value


def _named_number(text: str, observations: Observations) -> float:
    """A number from the file of a map, such as "manga.inclination"."""
    numbers, (entry, _, name) = named_numbers(observations.maps), text.rpartition(".")
    names = [full.removeprefix(f"{entry}.") for full in numbers if full.startswith(f"{entry}.")]
    if not names:
        hint = comma_hint(text)
        form = "name.inclination and the like of a map whose reader knows it, such as manga"
        raise InputError(f"expected a number, or the {form}, got {text!r}{hint}.")
    if name not in names:
        raise unknown("number", name, names, entry)
    return numbers[text]


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
        values = {
            "inclination": geometry.inclination,
            "position_angle": geometry.position_angle,
            "effective_radius": geometry.effective_radius,
        }
        if geometry.inclination is not None and geometry.position_angle is not None:
            axis_ratio = np.cos(np.deg2rad(geometry.inclination))
            e1, e2 = ellipticity(axis_ratio, geometry.position_angle)
            values |= {"e1": float(e1), "e2": float(e2)}
        for name, number in values.items():
            if number is not None:
                numbers[f"{observed.entry}.{name}"] = number
    return numbers
