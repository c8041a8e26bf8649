"""Attenuation by dust: k(λ) = A(λ) / E(B-V)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxmetal.emission.lines import WAVELENGTHS
from jaxmetal.errors import InputError, described, unknown

Curve = Callable[[Any], Any]
# Coefficients of y, y², …, y = 1 / λ - 1.82 per micron, in the optical.
_CCM_A = (0.17699, -0.50447, -0.02427, 0.72085, 0.01979, -0.77530, 0.32999)
_CCM_B = (1.41338, 2.28305, 1.07233, -5.38434, -0.62251, 5.30260, -2.09002)


def ccm89(wavelength: Any, r_v: float = 3.1) -> Any:
    """The extinction curve of the Milky Way.

        k = R_V a(x) + b(x),   x = 1 / λ

    Parameters
    ----------
    wavelength
        Angstrom, 3030 to 33000.
    r_v
        R_V = A_V / E(B-V).

    Returns
    -------
    k
        A(λ) / E(B-V), in the shape of wavelength.

    References
    ----------
    Cardelli, Clayton & Mathis (1989), ApJ 345, 245, eq. 2 and 3.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.emission.ccm89(4861.0):.2f}")
    3.61
    """
    inverse = 1e4 / np.asarray(wavelength, float)
    y = inverse - 1.82
    optical_a = 1 + sum(c * y**n for n, c in enumerate(_CCM_A, 1))
    optical_b = sum(c * y**n for n, c in enumerate(_CCM_B, 1))
    infrared = inverse < 1.1
    a = np.where(infrared, 0.574 * inverse**1.61, optical_a)
    b = np.where(infrared, -0.527 * inverse**1.61, optical_b)
    return r_v * a + b


def calzetti00(wavelength: Any, r_v: float = 4.05) -> Any:
    """The attenuation curve of starburst galaxies.

        k = 2.659 (-2.156 + 1.509/λ - 0.198/λ² + 0.011/λ³) + R_V,   0.12 to 0.63 micron
        k = 2.659 (-1.857 + 1.040/λ) + R_V,                         0.63 to 2.2 micron

    Parameters
    ----------
    wavelength
        Angstrom, 1200 to 22000.
    r_v
        R_V = A_V / E(B-V).

    Returns
    -------
    k
        A(λ) / E(B-V), in the shape of wavelength.

    References
    ----------
    Calzetti et al. (2000), ApJ 533, 682, eq. 4.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.emission.calzetti00(4861.0):.2f}")
    4.60
    """
    inverse = 1e4 / np.asarray(wavelength, float)
    blue = -2.156 + 1.509 * inverse - 0.198 * inverse**2 + 0.011 * inverse**3
    red = -1.857 + 1.040 * inverse
    return 2.659 * np.where(inverse > 1 / 0.63, blue, red) + r_v


def power_law(wavelength: Any, index: float = 1.3, r_v: float = 4.05) -> Any:
    """A power law in wavelength.

        k = R_V (λ / 5500 Å)^(-index)

    Parameters
    ----------
    wavelength
        Angstrom.
    index
        1.3 for the birth clouds of Charlot & Fall, 0.7 for their diffuse medium.
    r_v
        A_V / E(B-V).

    Returns
    -------
    k
        A(λ) / E(B-V), in the shape of wavelength.

    References
    ----------
    Charlot & Fall (2000), ApJ 539, 718.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.emission.power_law(5500.0):.2f}")
    4.05
    """
    return r_v * (np.asarray(wavelength, float) / 5500.0) ** -index


def balmer_slope(curve: Curve) -> float:
    """How many dex of H-alpha over H-beta a colour excess E(B-V) of 1 mag adds: 0.4 (k_Hb - k_Ha).

    Parameters
    ----------
    curve
        a function of the wavelength in Angstrom.

    Returns
    -------
    slope
        dex/mag.
    """
    return float(0.4 * (curve(WAVELENGTHS["Hb"]) - curve(WAVELENGTHS["Ha"])))


CURVES: dict[str, Curve] = {"ccm89": ccm89, "calzetti00": calzetti00, "power_law": power_law}


def attenuation_curve(choice: Any) -> Curve:
    """An attenuation curve by name, or a user's own function of the wavelength in Angstrom.

    Parameters
    ----------
    choice
        one of CURVES, or a function, such as `functools.partial(power_law, index=0.7)`.

    Returns
    -------
    curve
        k(wavelength).

    Raises
    ------
    InputError
        for an unknown name, or a function that gives no finite number for a line.
    """
    if isinstance(choice, str):
        if choice not in CURVES:
            raise unknown("attenuation curve", choice, CURVES, "Emission.attenuation")
        return CURVES[choice]
    if not callable(choice):
        expected = "expected the name of a curve or a function of the wavelength"
        raise InputError(f"Emission.attenuation: {expected}, got {described(choice)}.")
    k = np.asarray(choice(np.array(list(WAVELENGTHS.values()))), float)
    if k.shape != (len(WAVELENGTHS),) or not np.isfinite(k).all():
        problem = "expected one finite number for each wavelength"
        raise InputError(f"Emission.attenuation: {problem}, got {k!r}.")
    return choice
