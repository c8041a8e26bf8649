"""Tables of lenstronomy's profiles and ours, and conversions in both directions."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.profiles import lens, light
from jaxmetal.profiles.geometry import major_axis
from jaxmetal.profiles.light.expansions import square, triangle
from jaxmetal.profiles.profile import Profile, options_of
from jaxmetal.profiles.units import is_ellipticity


class Entry(NamedTuple):
    """Our counterpart of one of lenstronomy's profiles, with parameters of the same names.

    Parameters
    ----------
    function
        ours.
    lacks
        parameters that lenstronomy's profile does not have; they keep their defaults.
    options
        that make ours the same as lenstronomy's.
    size
        number of amplitudes for n_max, if lenstronomy has that.
    """

    function: Callable
    lacks: tuple[str, ...] = ()
    options: Mapping[str, Any] = {}
    size: Callable[[int], int] | None = None


# What round profiles do not have.
ROUND = ("e1", "e2")

NAMES = {
    "GAUSSIAN": Entry(light.gaussian, ROUND),
    "GAUSSIAN_ELLIPSE": Entry(light.gaussian),
    "ELLIPSOID": Entry(light.ellipsoid),
    "MULTI_GAUSSIAN": Entry(light.multi_gaussian, ROUND),
    "MULTI_GAUSSIAN_ELLIPSE": Entry(light.multi_gaussian),
    "MGE_SET": Entry(light.mge_set, ROUND),
    "MGE_SET_ELLIPSE": Entry(light.mge_set),
    "SERSIC": Entry(light.sersic, ROUND),
    "SERSIC_ELLIPSE": Entry(light.sersic),
    "SERSIC_ELLIPSE_Q_PHI": Entry(light.sersic_q_phi),
    "SERSIC_ELLIPSE_FLEXION": Entry(light.sersic_flexion),
    "CORE_SERSIC": Entry(light.core_sersic),
    "PL_SERSIC": Entry(light.pl_sersic),
    "SHAPELETS": Entry(light.shapelets, ROUND, size=triangle),
    "SHAPELETS_ELLIPSE": Entry(light.shapelets, size=triangle),
    "SHAPELETS_POLAR": Entry(light.shapelets_polar, ROUND, size=triangle),
    "SHAPELETS_POLAR_EXP": Entry(light.shapelets_polar_exp, ROUND, size=square),
    "HERNQUIST": Entry(light.hernquist, ROUND),
    "HERNQUIST_ELLIPSE": Entry(light.hernquist),
    "PJAFFE": Entry(light.pjaffe, ROUND),
    "PJAFFE_ELLIPSE": Entry(light.pjaffe, options={"average": "square"}),
    "UNIFORM": Entry(light.uniform),
    "POWER_LAW": Entry(light.power_law),
    "NIE": Entry(light.nie),
    "CHAMELEON": Entry(light.chameleon),
    "DOUBLE_CHAMELEON": Entry(light.double_chameleon),
    "TRIPLE_CHAMELEON": Entry(light.triple_chameleon),
    "INTERPOL": Entry(light.image, options={"interpolation": "bilinear"}),
    "LINEAR": Entry(light.linear, ROUND),
    "LINEAR_ELLIPSE": Entry(light.linear),
    "LINE_PROFILE": Entry(light.line_profile),
}
LENSES = {
    "SIS": Entry(lens.sis),
    "SIE": Entry(lens.sie),
    "NIE": Entry(lens.nie),
    "EPL": Entry(lens.epl),
    "EPL_NUMBA": Entry(lens.epl),
    "SHEAR": Entry(lens.shear),
    "CONVERGENCE": Entry(lens.convergence),
    "POINT_MASS": Entry(lens.point_mass),
    "NFW": Entry(lens.nfw),
    "NFW_ELLIPSE_POTENTIAL": Entry(lens.nfw_ellipse),
    "PJAFFE": Entry(lens.dpie, ROUND),
    "PJAFFE_ELLIPSE_POTENTIAL": Entry(lens.dpie),
}
Table = Mapping[str, Entry]


def profile_from_lenstronomy(
    name: str,
    kwargs: Mapping[str, Any],
    numerics: Literal["jaxmetal", "lenstronomy"] = "jaxmetal",
    profile_kwargs: Mapping[str, Any] | None = None,
    table: Table = NAMES,
) -> Profile:
    """Our profile for one of lenstronomy's.

    Parameters
    ----------
    name
        lenstronomy's name of the profile, such as SERSIC_ELLIPSE.
    kwargs
        its parameters. The centre, the flexion, and alpha of CORE_SERSIC may be left out, as
        lenstronomy allows.
    numerics
        jaxmetal for the exact Sersic constant; lenstronomy for its linear approximation, which
        reproduces its numbers.
    profile_kwargs
        arguments of lenstronomy's class: sersic_major_axis of the Sersic profiles, n_comp of
        MGE_SET.
    table
        NAMES for light, LENSES for lenses.

    Raises
    ------
    InputError
        for a name or a parameter that lenstronomy does not have, for one that is missing, and for a
        number of amplitudes that does not belong to n_max or n_comp.
    """
    if numerics not in ("jaxmetal", "lenstronomy"):
        raise InputError(f"numerics: expected 'jaxmetal' or 'lenstronomy', got {numerics!r}.")
    entry, values = _entry(name, table), dict(kwargs)
    _check_parameters(name, entry, values)
    if entry.size:
        _check_count(name, values, "n_max", entry.size(int(values.pop("n_max"))))
    if entry.function is light.image and not float(values.get("scale", 1.0)) > 0:
        raise InputError(f"{name}.scale: expected a positive number, got {values['scale']}.")
    options = _options(name, entry, values, numerics, dict(profile_kwargs or {}))
    return Profile(entry.function, **values, **options)


def _check_parameters(name: str, entry: Entry, values: Mapping[str, Any]) -> None:
    """Raise for a parameter that lenstronomy's profile does not have, or one that is missing."""
    ours, optional = _parameters(entry)
    valid_names = [*ours, "n_max"] if entry.size else ours
    for key in values:
        if key not in valid_names:
            raise unknown("parameter", key, valid_names, name)
    missing = [key for key in valid_names if key not in values and key not in optional]
    if missing:
        raise InputError(f"{name}: missing parameter {', '.join(map(repr, missing))}.")


def _entry(name: str, table: Table) -> Entry:
    if name not in table:
        kind = "lens model" if table is LENSES else "light profile"
        raise unknown(f"lenstronomy {kind}", str(name), table)
    return table[name]


def profile_to_lenstronomy(profile: Profile) -> tuple[str, dict[str, Any]]:
    """lenstronomy's name and parameters for one of our profiles or lenses.

    A round profile gets the round name. The exact Sersic constant has no counterpart: the
    parameters are unchanged and lenstronomy uses its linear approximation. Radii along the major
    axis become geometric means of the axes, its default.

    Raises
    ------
    InputError
        if lenstronomy has no such profile.
    """
    values = {key: np.asarray(value, float) for key, value in profile.parameters.items()}
    table = LENSES if profile.deflects else NAMES
    name = _name_for(profile, values, table)
    entry = table[name]
    if profile.options.get("major_axis"):
        values |= _geometric_radii(values)
    kwargs = {
        key: value if value.ndim else float(value)
        for key, value in values.items()
        if key not in entry.lacks
    }
    if entry.size:
        count = len(values["amp"])
        kwargs["n_max"] = next(n for n in range(count) if entry.size(n) == count)
    return name, kwargs


def parameters_of(name: str, table: Table = NAMES) -> tuple[list[str], set[str]]:
    """The numeric parameters of one of lenstronomy's profiles, and those that may be left out.

    Raises
    ------
    InputError
        for a profile that lenstronomy does not have.
    """
    return _parameters(_entry(name, table))


def _name_for(profile: Profile, values: dict[str, Any], table: Table) -> str:
    """The name of the first of lenstronomy's profiles that is equivalent to ours."""
    for name, entry in table.items():
        if entry.function is profile.function and all(
            profile.options[key] == value for key, value in entry.options.items()
        ):
            defaults = inspect.signature(entry.function).parameters
            if all(values[key] == defaults[key].default for key in entry.lacks):
                return name
    options = ", ".join(f"{key}={value!r}" for key, value in profile.options.items())
    with_options = options and f" with {options}"
    raise InputError(f"{profile.name}: lenstronomy has no such profile{with_options}.")


def _parameters(entry: Entry) -> tuple[list[str], set[str]]:
    """The parameters that an entry shares with lenstronomy, and those that may be left out."""
    options = options_of(entry.function)
    # The first two are x and y.
    parameters = list(inspect.signature(entry.function).parameters.values())[2:]
    shared = [p for p in parameters if p.name not in (*entry.lacks, *options)]
    # Ellipticities have defaults here, but not in lenstronomy.
    optional = {
        p.name
        for p in shared
        if p.default is not p.empty and not is_ellipticity(entry.function, p.name)
    }
    return [p.name for p in shared], optional


def _options(
    name: str, entry: Entry, values: dict[str, Any], numerics: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Our options for the arguments of lenstronomy's class of a profile."""
    available, options = options_of(entry.function), dict(entry.options)
    if numerics == "lenstronomy" and "b_n" in available:
        options["b_n"] = "lenstronomy"
    if "major_axis" in available:
        options["major_axis"] = bool(arguments.pop("sersic_major_axis", False))
    if entry.function is light.mge_set and "n_comp" in arguments:
        _check_count(name, values, "n_comp", int(arguments.pop("n_comp")))
    if arguments:
        names = ", ".join(map(repr, arguments))
        raise InputError(f"{name}: {names} of lenstronomy's profile class has no counterpart.")
    return options


def _check_count(name: str, values: dict[str, Any], key: str, count: int) -> None:
    shape = np.shape(values["amp"])
    if shape != (count,):
        expected = f"expected {count} numbers for this {key}"
        raise InputError(f"{name}.amp: {expected}, got shape {shape}.")


def _geometric_radii(values: dict[str, Any]) -> dict[str, Any]:
    """Radii along the major axis as geometric means of the axes."""
    stretch = np.asarray(major_axis(*_ellipticity(values)), float)
    return {key: values[key] / stretch for key in ("R_sersic", "Rb") if key in values}


def _ellipticity(values: dict[str, Any]) -> tuple[Any, Any]:
    if "q" not in values:
        return values["e1"], values["e2"]
    e = (1 - values["q"]) / (1 + values["q"])
    return e * np.cos(2 * values["phi"]), e * np.sin(2 * values["phi"])
