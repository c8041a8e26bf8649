"""Units of parameters as the docstrings of their profiles state them, and what follows from that.

A description has a unit as one of its parts: "half-light radius, arcsec", "slope, unit per arcsec"
(of what the light carries), "value at the centre, in the tracer's unit".
"""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from jaxmetal.quantities import ARCSEC, DEGREES, PIXEL_SCALE, Unit

# How a description states a unit: one of its parts, between commas, begins with these words.
_STATED = (
    ("arcsec per pixel", PIXEL_SCALE),
    ("arcsec", ARCSEC),
    ("degrees per arcsec", "deg / arcsec"),
    ("degrees", DEGREES),
    ("radians", "rad"),
    ("per arcsec²", "flux / arcsec2"),
    ("per arcsec³", "flux / arcsec3"),
    ("per arcsec", "1 / arcsec"),
    ("total flux", "flux"),
    ("in the tracer's unit", "tracer"),
    ("unit per arcsec^order", "tracer / arcsec^order"),
    ("unit per arcsec", "tracer / arcsec"),
)
# Units that depend on those of the maps begin with these words.
_OF_THE_MAPS = ("flux", "tracer")
# Declared units as they are written with that of a tracer's maps.
_BY_TRACER = {"tracer": "{}", "tracer / arcsec": "{}/arcsec"}
# How the description of a place, or of a deflection, begins: in arcsec, but the size of nothing.
_PLACES = ("centre", "position", "where", "(x, y)", "deflection")
# Units of instruments, and of users' functions that state none.
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
# Brightness, whatever its description says of it.
_BRIGHTNESS = ("amp", "image")


def declared_unit(function: Callable, name: str) -> Unit:
    """The unit of a parameter as the docstring of its profile declares it.

    Parameters
    ----------
    function
        of the profile, or whatever else has the parameter.
    name
        of the parameter.

    Returns
    -------
    unit
        such as "arcsec", or several to choose from; "flux", "flux / arcsec2", "flux / arcsec3",
        "tracer", "tracer / arcsec" or "tracer / arcsec^order" where it depends on the unit of the
        maps; "" where nothing is declared.
    """
    return _units(owner_of(function, name)).get(name, "")


def accepted_unit(function: Callable, name: str) -> Unit:
    """The unit to which a profile converts a quantity that is given for a parameter.

    Parameters
    ----------
    function, name
        as for `declared_unit`.

    Returns
    -------
    unit
        such as "arcsec", several to choose from, or "" for a number without a unit; None where no
        quantity is accepted, because the unit is that of the maps, or a user's function does not
        declare it.
    """
    unit = declared_unit(function, name)
    if isinstance(unit, str) and unit.startswith(_OF_THE_MAPS):
        return None
    return unit if unit or is_own(owner_of(function, name)) else None


def known_unit(function: Any, name: str, tracer_unit: str = "") -> str | None:
    """The unit of a parameter's numbers, as it is declared or else by the parameter's name.

    Parameters
    ----------
    function, name
        as for `declared_unit`.
    tracer_unit
        of the maps of the profile's tracer, such as "dex"; "" if it is not known.

    Returns
    -------
    unit
        such as "arcsec", "dex" or "dex/arcsec", or "" for a number without a unit; None where it
        depends on the maps' unknown unit, or is not known itself.
    """
    declared = declared_unit(function, name)
    if tracer_unit and declared in _BY_TRACER:
        return _BY_TRACER[declared].format(tracer_unit)
    if not declared and not is_own(owner_of(function, name)):
        return BY_NAME.get(name)
    unit = accepted_unit(function, name)
    return unit[0] if isinstance(unit, tuple) else unit


def is_length(function: Callable, name: str) -> bool:
    """Whether a parameter is a size on the sky, such as a radius or the width of an arm.

    Parameters
    ----------
    function
        of the profile.
    name
        of the parameter.

    Returns
    -------
    length
        False for places and deflections, which are in arcsec too, and for the size of a pixel.
    """
    per_pixel = declared_unit(function, name) == PIXEL_SCALE
    in_arcsec = known_unit(function, name) == ARCSEC and not per_pixel
    owner = owner_of(function, name)
    if name not in _units(owner):
        return in_arcsec and not name.startswith("center")
    return in_arcsec and not descriptions(owner)[name].startswith(_PLACES)


def is_ellipticity(function: Callable, name: str) -> bool:
    """Whether a parameter is a component of an ellipticity, 0 for what is round.

    Parameters
    ----------
    function
        of the profile.
    name
        of the parameter.

    Returns
    -------
    ellipticity
        whether its description begins with this word.
    """
    return descriptions(owner_of(function, name)).get(name, "").startswith("ellipticit")


def is_own(function: Any) -> bool:
    """Whether a function is one of jaxmetal's own profiles."""
    home = "jaxmetal.profiles."
    return inspect.isfunction(function) and (function.__module__ or "").startswith(home)


def owner_of(function: Any, name: str) -> Any:
    """The function whose docstring tells of a parameter: of a sum, the part that has it."""
    find = None if inspect.isclass(function) else getattr(function, "owner", None)
    return function if find is None else find(name)


def _units(function: Any) -> dict[str, Unit]:
    """The units that a docstring states; none for what is no function, such as an instrument."""
    return _read_units(function) if inspect.isfunction(function) else {}


@functools.cache
def descriptions(documented: Any) -> dict[str, str]:
    """The description of each parameter in the Parameters section of a docstring.

    Parameters
    ----------
    documented
        a function, or a class.

    Returns
    -------
    texts
        by the name of the parameter.
    """
    section = _SECTION.search(inspect.getdoc(documented) or "")
    texts = {}
    for names, description in _ENTRY.findall(section[1] if section else ""):
        for name in names.split(","):
            # numpydoc allows "name : type".
            texts[name.partition(":")[0].strip()] = " ".join(description.split())
    return texts


def stated_parts(text: str) -> list[str]:
    """The parts of a description, between commas and the like, one of which may be the unit."""
    return re.split(r"[,;.](?:\s|$)", text)


@functools.cache
def _read_units(function: Callable) -> dict[str, Unit]:
    return {name: _unit(name, text) for name, text in descriptions(function).items()}


def _unit(name: str, text: str) -> Unit:
    """The unit that a description states."""
    if name in _BRIGHTNESS:
        return "flux"
    for part in stated_parts(text):
        for words, unit in _STATED:
            if part.startswith(words):
                # The size of a pixel may be stated per pixel.
                return PIXEL_SCALE if unit == ARCSEC and "of a pixel" in text else unit
    return ""
