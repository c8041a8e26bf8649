"""The scale in which light averages a quantity: a function g, and its inverse.

A map shows g⁻¹(⟨g(Z)⟩), with ⟨⟩ a mean that is weighted by some light. Which g and which light are
right depends on the quantity, and on the code that made the map; `table` lists both for those that
have a name here, for `TracerMap(..., scale="density_sii")` and `scale: density_sii`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmetal.emission.attenuation import balmer_slope, calzetti00, ccm89
from jaxmetal.errors import InputError, unknown
from jaxmetal.profiles.numerics import LN10

# a, b and c of a density's line ratio R = a (b + n) / (c + n), n in cm⁻³; Sanders et al. 2016.
SII = (0.4315, 2107.0, 627.1)
OII = (0.3771, 2468.0, 638.4)
# Kelvin: the difference in energy of the levels of [OIII]4363 and 5007, as a temperature.
OIII_LEVELS = 32900.0


class Scale(NamedTuple):
    """How light averages a quantity.

    Parameters
    ----------
    function, inverse
        g and its inverse, of arrays.
    quantity, unit
        for which it is right, and in which unit.
    light
        what weights it.
    reference
        for the numbers in g; empty if there are none.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.scales.SCALES["density_sii"].unit
    'cm-3'
    """

    function: Callable
    inverse: Callable
    quantity: str
    unit: str
    light: str
    reference: str = ""


def table() -> Any:
    """The scales that have a name.

    Returns
    -------
    scales
        an astropy Table with the columns scale, quantity, unit, light and reference.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> list(jm.scales.table().columns)
    ['scale', 'quantity', 'unit', 'light', 'reference']
    """
    from astropy.table import Table

    columns = ("quantity", "unit", "light", "reference")
    rows = [(name, *(getattr(scale, key) for key in columns)) for name, scale in SCALES.items()]
    return Table(rows=rows, names=("scale", *columns))


def _ten_to_the(z: Array) -> Array:
    # Five times faster than a power of ten, which runs outside the CPU's vector units.
    return jnp.exp(LN10 * z)


def _same(z: Array) -> Array:
    return z


def _exponential(factor: float) -> tuple[Callable, Callable]:
    """10^(factor · z), and its inverse."""
    return lambda z: _ten_to_the(factor * z), lambda mean: jnp.log10(mean) / factor


def _line_ratio(a: float, b: float, c: float) -> tuple[Callable, Callable]:
    """The ratio of a doublet at a density, and its inverse."""
    return lambda n: a * (b + n) / (c + n), lambda r: (a * b - c * r) / (r - a)


_BOLTZMANN = (lambda t: jnp.exp(-OIII_LEVELS / t), lambda mean: -OIII_LEVELS / jnp.log(mean))
_LINEAR = (_same, _same)
_DEX = (_ten_to_the, jnp.log10)
_MAGNITUDES = _exponential(-0.4)
_SANDERS = "Sanders et al. 2016, ApJ 816, 23"

SCALES: dict[str, Scale] = {
    "log10": Scale(
        *_DEX,
        "12 + log(O/H) and log ratios of abundances; logarithms of means of values",
        "dex",
        "of the line in the denominator",
    ),
    "linear": Scale(
        *_LINEAR,
        "velocity, age, and any mean of values; logarithms whose mean a code took",
        "any",
        "the continuum, or the line that moves",
    ),
    "mean_log": Scale(
        *_LINEAR,
        "stellar age and [Z/H], of codes that average logarithms (Pipe3D)",
        "dex",
        "the continuum in the window of normalisation; mass for mass-weighted means",
    ),
    "log_mean": Scale(
        *_DEX,
        "log of stellar age and metallicity, of codes that average the values",
        "dex",
        "the continuum in the window of normalisation; mass for mass-weighted means",
    ),
    "d4000": Scale(*_LINEAR, "D4000n", "none", "the continuum of its blue window, 3850-3950 A"),
    "index": Scale(
        *_LINEAR, "absorption index or equivalent width", "Angstrom", "the local continuum"
    ),
    "index_magnitude": Scale(*_MAGNITUDES, "absorption index", "mag", "the local continuum"),
    "colour": Scale(
        *_MAGNITUDES,
        "colour A - B of two images with one PSF; with two PSFs give two light maps",
        "mag",
        "of band B",
    ),
    "reddening_ccm89": Scale(
        *_exponential(balmer_slope(ccm89)),
        "E(B-V) from Ha/Hb",
        "mag",
        "observed Hb",
        "Cardelli, Clayton & Mathis 1989, ApJ 345, 245",
    ),
    "reddening_calzetti": Scale(
        *_exponential(balmer_slope(calzetti00)),
        "E(B-V) from Ha/Hb",
        "mag",
        "observed Hb",
        "Calzetti et al. 2000, ApJ 533, 682",
    ),
    "density_sii": Scale(
        *_line_ratio(*SII), "electron density from [SII]", "cm-3", "[SII]6731", _SANDERS
    ),
    "density_oii": Scale(
        *_line_ratio(*OII), "electron density from [OII]", "cm-3", "[OII]3726", _SANDERS
    ),
    "temperature_oiii": Scale(
        *_BOLTZMANN, "electron temperature from [OIII]4363/5007", "K", "[OIII]5007"
    ),
}

# Scales that are right for a tracer by this name.
OF_TRACERS: dict[str, tuple[str, ...]] = {
    "velocity": ("linear",),
    "dispersion": ("linear",),
    "age": ("linear", "mean_log", "log_mean"),
    "d4000": ("d4000", "linear"),
    "colour": ("colour",),
    "reddening": ("reddening_ccm89", "reddening_calzetti"),
    "electron_density": ("density_sii", "density_oii"),
    "electron_temperature": ("temperature_oiii",),
}


def scale_functions(scale: Any) -> tuple[Callable, Callable]:
    """(g, inverse of g) of a scale given by name or as a pair of functions.

    Raises
    ------
    InputError
        if it is neither.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> g, inverse = jm.scales.scale_functions("log10")
    >>> print(f"{inverse(g(8.5)):.2f}")
    8.50
    """
    if isinstance(scale, str):
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        return SCALES[scale].function, SCALES[scale].inverse
    if not (
        isinstance(scale, tuple | list) and len(scale) == 2 and all(callable(f) for f in scale)
    ):
        raise InputError(
            "scale: expected a name of jm.scales.table(), such as log10 or linear, or a pair of "
            f"functions (g, inverse), got {scale!r}."
        )
    return tuple(scale)


def wrong_scale(tracer: str | None, scale: Any) -> str:
    """What is wrong with the scale of a tracer whose name says what it is; empty if nothing.

    Parameters
    ----------
    tracer
        its name; None for a map of something else.
    scale
        a name; a pair of functions is taken for right.

    Returns
    -------
    text
        for a user: what it is, and what to write instead.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(jm.scales.wrong_scale("age", "log10").partition(";")[0])
    light does not average age as "log10"
    """
    right = OF_TRACERS.get(tracer or "", ())
    if not right or not isinstance(scale, str) or scale in right:
        return ""
    choices = " or ".join(f'scale="{name}"' for name in right)
    key = f"scale: {right[0]} in a configuration"
    return f'light does not average {tracer} as "{scale}"; give {choices} ({key}).'
