"""Units of the parameters of jaxmetal's own profiles, as their docstrings state them."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from jaxmetal.quantities import ARCSEC, DEGREES, PIXEL_SCALE, Unit

# How a description states a unit: one of its parts, between commas, begins with these words.
_STATED = (
    ("arcsec per pixel", PIXEL_SCALE),
    ("arcsec", ARCSEC),
    ("degrees", DEGREES),
    ("radians", "rad"),
    ("per arcsec", "1 / arcsec"),
)
# Units of what is no parameter of jaxmetal's own profiles: of instruments, and of users' functions.
BY_NAME = {
    "center_x": "arcsec",
    "center_y": "arcsec",
    "R_sersic": "arcsec",
    "scale_length": "arcsec",
    "sigma": "arcsec",
    "alpha": "arcsec",
    "break_radius": "arcsec",
    "smoothness": "arcsec",
    "width": "arcsec",
    "inner_radius": "arcsec",
    "fwhm": "arcsec",
    "origin": "arcsec",
    "scale": "arcsec",
    "inclination": "deg",
    "position_angle": "deg",
    "pitch": "deg",
    "phase": "deg",
    "phi_G": "rad",
    "matrix": "arcsec/pixel",
}
# The Parameters section of a docstring, and its entries: a line of names and indented lines below.
_SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[^\n]*\n-+$|\Z)", re.M | re.S)
_ENTRY = re.compile(r"^(\w[^\n]*)\n((?:[ ]+[^\n]*\n?|\n)*)", re.M)
# What depends on the unit of the maps: brightness, and what the light carries.
_OF_THE_MAPS = re.compile(r"tracer's unit|unit per arcsec|per arcsec[²³]|flux")
_BRIGHTNESS = ("amp", "image")


def unit_of(function: Callable, name: str) -> Unit:
    """The unit of a parameter of a profile.

    Parameters
    ----------
    function
        of the profile.
    name
        of the parameter.

    Returns
    -------
    unit
        such as "arcsec", several to choose from, or "" for a number without a unit; None where it
        depends on the unit of the maps, and for functions that are not jaxmetal's own.
    """
    return _units(function).get(name) if is_own(function) else None


def stated_unit(function: Any, name: str) -> str | None:
    """The unit of a parameter as its profile states it, or else by its name.

    Parameters
    ----------
    function
        of the profile, or whatever else has the parameter.
    name
        of the parameter.

    Returns
    -------
    unit
        None if it depends on the maps or is not known.
    """
    if not is_own(function):
        return BY_NAME.get(name)
    unit = unit_of(function, name)
    return unit[0] if isinstance(unit, tuple) else unit


def is_own(function: Any) -> bool:
    """Whether a function is one of jaxmetal's own profiles."""
    return inspect.isfunction(function) and (function.__module__ or "").startswith("jaxmetal.profiles.")


@functools.cache
def _units(function: Callable) -> dict[str, Unit]:
    return {name: _unit(name, text) for names, text in _described(function) for name in names}


def _described(function: Callable) -> Iterator[tuple[list[str], str]]:
    """(names, description) of each entry in the Parameters section of a docstring."""
    section = _SECTION.search(inspect.getdoc(function) or "")
    for entry in _ENTRY.finditer(section[1] if section else ""):
        yield [name.strip() for name in entry[1].split(",")], " ".join(entry[2].split())


def _unit(name: str, text: str) -> Unit:
    """The unit that a description states."""
    if name in _BRIGHTNESS or _OF_THE_MAPS.search(text):
        return None
    for part in re.split(r"[,;.](?:\s|$)", text):
        for words, unit in _STATED:
            if part.startswith(words):
                # The size of a pixel may be told per pixel.
                return PIXEL_SCALE if unit == ARCSEC and "of a pixel" in text else unit
    return ""
