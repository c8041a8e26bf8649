"""The inclination of a disc with a thickness, from the axis ratio of its light."""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.inference.priors import Tied
from jaxmetal.profiles import numerics
from jaxmetal.profiles.profile import Numbers, as_array
from jaxmetal.quantities import DEGREES


def inclination(axis_ratio: Numbers, thickness: float = 0.0) -> Float[Array, "..."]:
    """The inclination of an oblate disc that is seen with an axis ratio.

        cos² i = (q² - q0²) / (1 - q0²)

    Parameters
    ----------
    axis_ratio
        q, minor over major axis of the light, above 0 and at most 1.
    thickness
        q0, the axis ratio of the disc seen edge-on, at least 0 and below 1; discs have 0.1 to 0.25.

    Returns
    -------
    inclination
        degrees, in the shape of the axis ratios; 90 where q is below q0.

    Raises
    ------
    InputError
        for a thickness that is not at least 0 and below 1.

    References
    ----------
    Hubble (1926), ApJ 64, 321.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(jm.kinematics.inclination([1.0, 0.5], 0.0).round(2).tolist())
    [0.0, 60.0]
    >>> print(f"{jm.kinematics.inclination(0.5, thickness=0.2):.2f}")
    62.11
    """
    return _tilt(as_array(axis_ratio, "inclination.axis_ratio"), _checked(thickness))


def axis_ratio(inclination: Numbers, thickness: float = 0.0) -> Float[Array, "..."]:
    """The axis ratio with which an oblate disc is seen; the inverse of `inclination`.

        q² = cos² i + q0² sin² i

    Parameters
    ----------
    inclination
        i, degrees, 0 for face-on.
    thickness
        q0, as for `inclination`.

    Returns
    -------
    axis_ratio
        minor over major axis, without a unit, in the shape of the inclinations.

    Raises
    ------
    InputError
        as for `inclination`.

    References
    ----------
    Hubble (1926), ApJ 64, 321.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.kinematics.axis_ratio(60.0, thickness=0.2):.3f}")
    0.529
    """
    tilt = jnp.deg2rad(as_array(inclination, "axis_ratio.inclination", DEGREES))
    return numerics.sqrt(jnp.cos(tilt) ** 2 + (_checked(thickness) * jnp.sin(tilt)) ** 2)


def tied_inclination(light: str, thickness: float = 0.0) -> Tied:
    """A prior by which an inclination follows the ellipticity of a light.

    Parameters
    ----------
    light
        path of a light with e1 and e2, such as "disc.light".
    thickness
        q0, as for `inclination`.

    Returns
    -------
    tie
        to be given as the prior of an inclination, such as "disc.velocity.inclination".

    Raises
    ------
    InputError
        as for `inclination`.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> tie = jm.kinematics.tied_inclination("disc.light", thickness=0.2)
    >>> tie.paths
    ('disc.light.e1', 'disc.light.e2')
    >>> print(f"{tie.function(1 / 3, 0.0):.2f}")  # an axis ratio of 1/2
    62.11
    """
    return Tied((f"{light}.e1", f"{light}.e2"), _Follows(_checked(thickness)))


@dataclasses.dataclass(frozen=True)
class _Follows:
    """The inclination of a disc from the ellipticity of its light.

    Two with the same thickness are equal, so that models that have them share compiled programs.
    """

    thickness: float

    def __call__(self, e1: Any, e2: Any) -> Array:
        size = numerics.sqrt(jnp.asarray(e1**2 + e2**2))
        return _tilt((1 - size) / (1 + size), self.thickness)


def _tilt(ratio: Array, thickness: float) -> Array:
    """The inclination, degrees, with finite slopes where it is 0 or 90."""
    squared = (ratio**2 - thickness**2) / (1 - thickness**2)
    return jnp.rad2deg(jnp.arctan2(numerics.sqrt(1 - squared), numerics.sqrt(squared)))


def _checked(thickness: Any) -> float:
    if not isinstance(thickness, int | float) or not 0 <= thickness < 1:
        raise InputError(f"thickness: expected a number from 0 to below 1, got {thickness!r}.")
    return float(thickness)
