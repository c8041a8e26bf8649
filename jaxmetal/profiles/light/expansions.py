"""Shapelets: light as a sum of orthogonal functions."""

from math import factorial, isqrt, pi, sqrt

import jax.numpy as jnp

from jaxmetal.errors import InputError
from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, elliptical_coordinates


def _order(amp, size, name: str) -> int:
    """n_max from the number of amplitudes."""
    count = len(amp) if jnp.ndim(amp) == 1 else 0
    order = next((n for n in range(isqrt(2 * count) + 1) if size(n) == count), None)
    if order is None or count == 0:
        raise InputError(
            f"{name}: expected {size(0)}, {size(1)}, {size(2)}, … amp for n_max = 0, 1, 2, …, "
            f"got shape {jnp.shape(amp)}."
        )
    return order


def triangle(n_max: int) -> int:
    """How many shapelets there are up to an order."""
    return (n_max + 1) * (n_max + 2) // 2


def square(n_max: int) -> int:
    """How many exponential shapelets there are up to an order."""
    return (n_max + 1) ** 2


def _hermite(t, n_max: int) -> list:
    """The orthonormal Hermite functions, by a stable recurrence."""
    functions = [pi**-0.25 * jnp.exp(-(t**2) / 2)]
    before = jnp.zeros_like(t)
    for n in range(n_max):
        last = functions[-1]
        functions.append(sqrt(2 / (n + 1)) * t * last - sqrt(n / (n + 1)) * before)
        before = last
    return functions


def _laguerre(t, degree: int, alpha: int):
    """The generalised Laguerre polynomial."""
    previous, value = jnp.zeros_like(t), jnp.ones_like(t)
    for k in range(degree):
        previous, value = (
            value,
            ((2 * k + 1 + alpha - t) * value - (k + alpha) * previous) / (k + 1),
        )
    return value


def _harmonics(u, v, m: int):
    """Real and imaginary part of (u - i v)^m: smooth on the centre, where the angle is not."""
    real, imaginary = jnp.ones_like(u), jnp.zeros_like(u)
    for _ in range(m):
        real, imaginary = real * u + imaginary * v, imaginary * u - real * v
    return real, imaginary


def shapelets(
    x: Coordinate, y: Coordinate, amp, beta, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Cartesian shapelets.

        I = sum amp_(n1 n2) phi_n1(x'/beta) phi_n2(y'/beta)
        phi_n(t) = H_n(t) exp(-t²/2) / sqrt(2^n n! sqrt(pi))

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        1, 3, 6, … amplitudes for n_max = 0, 1, 2, …, per arcsec², in the order (n1, n2) = (0,0),
        (1,0), (0,1), (2,0), (1,1), (0,2), …
    beta
        scale, arcsec, positive.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Refregier (2003), MNRAS 338, 35.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.shapelets, amp=[1.0, 0.2, 0.1], beta=0.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.079
    """
    u, v = elliptical_coordinates(x, y, e1, e2, center_x, center_y)
    n_max = _order(amp, triangle, "shapelets")
    along, across = _hermite(u / beta, n_max), _hermite(v / beta, n_max)
    orders = [(n - n2, n2) for n in range(n_max + 1) for n2 in range(n + 1)]
    return sum(
        (amp[i] * along[n1] * across[n2] for i, (n1, n2) in enumerate(orders)),
        start=jnp.zeros_like(u),
    )


def shapelets_polar(
    x: Coordinate, y: Coordinate, amp, beta, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Polar shapelets.

        I = sum amp_(nm) chi_nm {cos m phi or -sin m phi},   r = R/beta,   p = (n - m)/2
        chi_nm = (-1)^p / beta sqrt(p! / [pi (n-p)!]) r^m L_p^m(r²) exp(-r²/2)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        1, 3, 6, … amplitudes for n_max = 0, 1, 2, …: for each n its m = n mod 2, …, n, the cosine
        before the sine.
    beta
        scale, arcsec, positive.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Massey & Refregier (2005), MNRAS 363, 197.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.shapelets_polar, amp=[1.0, 0.2, 0.1], beta=0.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.120
    """
    u, v = (c / beta for c in elliptical_coordinates(x, y, e1, e2, center_x, center_y))
    n_max = _order(amp, triangle, "shapelets_polar")
    squared, total, i = u**2 + v**2, 0.0, 0
    for n in range(n_max + 1):
        for m in range(n % 2, n + 1, 2):
            p = (n - m) // 2
            size = (-1) ** p * sqrt(factorial(p) / (pi * factorial(n - p)))
            radial = size * _laguerre(squared, p, m)
            cosine, sine = _harmonics(u, v, m)
            total = total + radial * (amp[i] * cosine + (amp[i + 1] * sine if m else 0.0))
            i += 2 if m else 1
    return total * jnp.exp(-squared / 2) / beta


def shapelets_polar_exp(
    x: Coordinate, y: Coordinate, amp, beta, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Exponential polar shapelets.

        I = sum amp_(nm) chi_nm {cos m phi or -sin m phi},   r = 2 R / [beta (2n + 1)],   p = n - m
        chi_nm = (-1)^p / beta sqrt(2 p! / [pi (2n+1)³ (n+m)!]) r^m L_p^(2m)(r) exp(-r/2)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        1, 4, 9, … amplitudes for n_max = 0, 1, 2, …: for each n its m = 0, …, n, the sine before
        the cosine.
    beta
        scale, arcsec, positive.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Bergé et al. (2019), A&A 628, A61.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.shapelets_polar_exp, amp=[1.0, 0.3, 0.2, 0.1], beta=0.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.192
    """
    u, v = elliptical_coordinates(x, y, e1, e2, center_x, center_y)
    radius, total, i = numerics.sqrt(u**2 + v**2), 0.0, 0
    for n in range(_order(amp, square, "shapelets_polar_exp") + 1):
        scale = 2 / (beta * (2 * n + 1))
        for m in range(n + 1):
            norm = pi * (2 * n + 1) ** 3 * factorial(n + m)
            size = (-1) ** (n - m) * sqrt(2 * factorial(n - m) / norm)
            cosine, sine = _harmonics(u * scale, v * scale, m)
            radial = size * _laguerre(radius * scale, n - m, 2 * m) * jnp.exp(-radius * scale / 2)
            total = total + radial * (amp[i] * sine + amp[i + 1] * cosine if m else amp[i] * cosine)
            i += 2 if m else 1
    return total / beta
