"""The conventions in which surveys state velocities.

A measured velocity is a redshift z in one of four ways:

    optical         v = c z
    radio           v = c z / (1 + z)
    relativistic    v = c [(1 + z)² - 1] / [(1 + z)² + 1]
    rest            v = c (z - z_ref) / (1 + z_ref), in the rest frame of a galaxy at z_ref

At z = 0.03 the first two are 260 km/s apart, and a rotation curve read in "optical" is too high by
3 %, 1 + z_ref, because wavelengths between the two sides of a galaxy are stretched by its redshift.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.quantities import as_number, as_numbers

LIGHT_SPEED = 299792.458
Convention = Literal["optical", "radio", "relativistic", "rest"]
VELOCITY = "km/s"


class _Form(NamedTuple):
    """1 + z of v / c, v / c of 1 + z, and the derivative of the second."""

    stretch: Callable[[Any], Any]
    velocity: Callable[[Any], Any]
    slope: Callable[[Any], Any]


_FORMS = {
    "optical": _Form(lambda v: 1 + v, lambda s: s - 1, np.ones_like),
    "radio": _Form(lambda v: 1 / (1 - v), lambda s: 1 - 1 / s, lambda s: 1 / s**2),
    "relativistic": _Form(
        lambda v: np.sqrt((1 + v) / (1 - v)),
        lambda s: (s**2 - 1) / (s**2 + 1),
        lambda s: 4 * s / (s**2 + 1) ** 2,
    ),
}


def convert_velocity(
    velocity: Any, convention: Convention, to: Convention = "rest", redshift: Any = None
) -> np.ndarray:
    """Velocities in another convention.

    Parameters
    ----------
    velocity
        km/s, or a Quantity; NaN stays NaN.
    convention, to
        "optical", "radio", "relativistic" or "rest": of the velocities, and of what is returned.
    redshift
        z_ref of the rest frame; not needed if neither convention is "rest".

    Returns
    -------
    converted
        km/s, in the shape of the velocities, in double precision.

    Raises
    ------
    InputError
        for an unknown convention, a rest frame without a redshift, or a velocity that no source of
        light has, such as c in "radio".

    References
    ----------
    Greisen et al. (2006), A&A 446, 747.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.kinematics.convert_velocity([8808.6, 9008.6], "optical", "rest", 0.02938).round(1)
    array([  0.7, 195. ])
    """
    stretch = _stretch(velocity, convention, redshift, "convert_velocity")
    return np.asarray(LIGHT_SPEED * _form(to, redshift, "convert_velocity").velocity(stretch))


def convert_width(
    width: Any,
    convention: Convention,
    to: Convention = "rest",
    redshift: Any = None,
    velocity: Any = None,
) -> np.ndarray:
    """Differences of velocity in another convention: errors, dispersions.

        width · |dv_to / dv_from|

    Parameters
    ----------
    width
        km/s, or a Quantity, small beside c.
    convention, to
        as for `convert_velocity`: of the width and its velocity, and of what is returned.
    redshift
        z_ref of the rest frame.
    velocity
        at which the widths are, km/s, one number or in their shape; that of the redshift if left
        out.

    Returns
    -------
    converted
        km/s, in double precision.

    Raises
    ------
    InputError
        as `convert_velocity`, and without both redshift and velocity.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.kinematics.convert_width([10.0, 20.0], "optical", "rest", 0.25).tolist()
    [8.0, 16.0]
    """
    where = "convert_width"
    before, after = (_form(name, redshift, where) for name in (convention, to))
    if velocity is not None:
        stretch = _stretch(velocity, convention, redshift, where)
    elif redshift is not None:
        stretch = np.asarray(1 + _checked_redshift(redshift, where))
    else:
        raise InputError(f"{where}: give the velocity of the widths, or the redshift.")
    numbers = as_numbers(width, f"{where}.width", VELOCITY)
    return np.asarray(numbers * np.abs(after.slope(stretch) / before.slope(stretch)))


def _stretch(velocity: Any, convention: str, redshift: Any, where: str) -> np.ndarray:
    """1 + z of velocities."""
    numbers = as_numbers(velocity, f"{where}.velocity", VELOCITY) / LIGHT_SPEED
    with np.errstate(divide="ignore", invalid="ignore"):
        stretch = np.asarray(_form(convention, redshift, where).stretch(numbers))
    wrong = np.isfinite(numbers) & ~(np.isfinite(stretch) & (stretch > 0))
    if wrong.any():
        first = LIGHT_SPEED * np.ravel(numbers[wrong])[0]
        raise InputError(f"{where}.velocity: {first:.6g} km/s is not possible in {convention!r}.")
    return stretch


def _form(convention: str, redshift: Any, where: str) -> _Form:
    """The relations of a convention."""
    if convention in _FORMS:
        return _FORMS[convention]
    if convention != "rest":
        raise unknown("convention", str(convention), (*_FORMS, "rest"), where)
    if redshift is None:
        raise InputError(f"{where}: 'rest' is the frame of a redshift; give redshift.")
    frame = 1 + _checked_redshift(redshift, where)
    return _Form(
        lambda v: frame * (1 + v), lambda s: s / frame - 1, lambda s: np.ones_like(s) / frame
    )


def _checked_redshift(redshift: Any, where: str) -> float:
    number = as_number(redshift, f"{where}.redshift")
    if not (np.isfinite(number) and number > -1):
        raise InputError(f"{where}.redshift: expected a number above -1, got {number:g}.")
    return number
