"""The emission lines by name: wavelengths, and ratios that atomic physics fixes."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, described, unknown
from jaxmetal.quantities import as_number

# Wavelengths in air, Angstrom; [OII] is the sum of 3726 and 3729, and [NeIII] the brighter line.
WAVELENGTHS = {
    "Ha": 6562.8,
    "Hb": 4861.3,
    "Hg": 4340.5,
    "Hd": 4101.7,
    "OII3727": 3727.5,
    "NeIII3869": 3868.8,
    "OIII4959": 4958.9,
    "OIII5007": 5006.8,
    "OI6300": 6300.3,
    "NII6548": 6548.1,
    "NII6584": 6583.5,
    "SII6717": 6716.4,
    "SII6731": 6730.8,
}
# Names as they are written on axes and in reports.
LABELS = {
    "Ha": "Hα",
    "Hb": "Hβ",
    "Hg": "Hγ",
    "Hd": "Hδ",
    "OII3727": "[O II] 3727",
    "NeIII3869": "[Ne III] 3869",
    "OIII4959": "[O III] 4959",
    "OIII5007": "[O III] 5007",
    "OI6300": "[O I] 6300",
    "NII6548": "[N II] 6548",
    "NII6584": "[N II] 6584",
    "SII6717": "[S II] 6717",
    "SII6731": "[S II] 6731",
}
# Case B at 1e4 K and 100 cm⁻³, relative to Hb, of the lines whose ratio to it hardly varies
# (Osterbrock & Ferland 2006, table 4.4). Ha is a parameter.
CASE_B = {"Hb": 1.0, "Hg": 0.468, "Hd": 0.259}
BALMER = ("Ha", *CASE_B)
# The brighter line of each doublet by the fainter one.
BRIGHTER = {"OIII4959": "OIII5007", "NII6548": "NII6584", "SII6731": "SII6717"}
# Its flux over that of the fainter one, where both come from one upper level (Storey & Zeippen
# 2000, MNRAS 312, 813). That of [SII] depends on the density, and is a parameter.
FIXED_RATIOS = {"OIII4959": 2.984, "NII6548": 3.05}


# A sum of lights: (name, factor) of each, such as (("OIII4959", 1.0), ("OIII5007", 1.0)).
Blend = tuple[tuple[str, float], ...]


def parts_of(light: str | Blend) -> Blend:
    """The lights that a light, or a sum of lights, is made of.

    Parameters
    ----------
    light
        one name, or (name, factor) of each.

    Returns
    -------
    parts
        (name, factor) of each.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.emission.parts_of("Ha")
    (('Ha', 1.0),)
    """
    return ((light, 1.0),) if isinstance(light, str) else light


def is_of_lines(light: str | Blend) -> bool:
    """Whether a light is an emission line, or a sum of them.

    Parameters
    ----------
    light
        as for `parts_of`.

    Returns
    -------
    answer
        False for the name of any other light.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.emission.is_of_lines("Ha"), jm.emission.is_of_lines("continuum")
    (True, False)
    """
    return all(name in WAVELENGTHS for name, _ in parts_of(light))


def blend(line: str | Mapping[str, Any], where: str) -> str | Blend:
    """One line, or a weighted sum of lines, checked.

    Parameters
    ----------
    line
        a name, or {name: factor} of a sum, such as {"OIII4959": 1, "OIII5007": 1}.
    where
        the argument, for messages.

    Returns
    -------
    line
        the name, or (name, factor) of each.

    Raises
    ------
    InputError
        for a name that is no line, a factor that is no finite number, or an empty sum.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.emission.blend({"OIII4959": 1, "OIII5007": 1}, "line")
    (('OIII4959', 1.0), ('OIII5007', 1.0))
    """
    if isinstance(line, str):
        return check_line(line, where)
    if not isinstance(line, Mapping) or not line:
        expected = 'expected a line, such as "NII6584", or factors by line'
        raise InputError(f"{where}: {expected}, got {described(line)}.")
    factors = {check_line(name, where): as_number(f, f"{where}.{name}") for name, f in line.items()}
    for name, factor in factors.items():
        if not np.isfinite(factor) or factor == 0:
            raise InputError(f"{where}.{name}: expected a finite factor but 0, got {factor}.")
    return tuple(factors.items())


def check_line(name: Any, where: str) -> str:
    """The name, if it is that of a line.

    Raises
    ------
    InputError
        with the most similar name if it is not.
    """
    if not isinstance(name, str):
        raise InputError(f"{where}: expected the name of a line, got {described(name)}.")
    if name not in WAVELENGTHS:
        raise unknown("line", name, WAVELENGTHS, where)
    return name


def label_of(light: str | Blend) -> str:
    """A line, or a sum of lines, as it is written on an axis.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(jm.emission.label_of("NII6584"))
    [N II] 6584
    """
    names = [
        LABELS.get(name, name) if factor == 1 else f"{factor:g} {LABELS.get(name, name)}"
        for name, factor in parts_of(light)
    ]
    return " + ".join(names)
