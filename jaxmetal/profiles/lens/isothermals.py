"""Isothermal lenses and power laws, whose ellipses are those of the mass.

With z = dx + i dy and the complex ellipticity e = e1 + i e2, u = (z - e z*)/sqrt(1 - |e|²) is the
elliptical coordinate in which they are round. Written with u and e alone, without an axis ratio and
an angle, their deflections have no singular point at e = 0.
"""

import jax
import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import CUSP, Coordinate, Deflection, elliptical_coordinates

# An ellipticity beyond this (an axis ratio of 0.005) is taken for this: further out there is no
# ellipse.
FLATTEST = 0.99
# Terms of the power law's series, which falls as |e|^n: within 1e-9 up to |e| = 0.7, an axis ratio
# of 0.18.
TERMS = 61


def sis(x: Coordinate, y: Coordinate, theta_E, center_x=0.0, center_y=0.0) -> Deflection:
    """Singular isothermal sphere; it ends 1e-4 arcsec from its centre.

        alpha = theta_E (dx, dy) / R

    Parameters
    ----------
    x, y
        position, arcsec.
    theta_E
        Einstein radius, arcsec, not negative.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Schneider, Ehlers & Falco (1992), Gravitational Lenses, section 8.1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.sis, theta_E=1.1)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.984, 0.492
    """
    dx, dy = x - center_x, y - center_y
    factor = theta_E / jnp.sqrt(jnp.maximum(dx**2 + dy**2, CUSP**2))
    return factor * dx, factor * dy


def sie(
    x: Coordinate, y: Coordinate, theta_E, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Deflection:
    """Singular isothermal ellipsoid; it ends 1e-4 arcsec from its centre.

        kappa = theta_E / 2R,   R² = q x'² + y'²/q
        alpha = theta_E sqrt(1 - |e|²) arctan(sqrt(e*) u/|u|) / sqrt(e*)

    Parameters
    ----------
    x, y
        position, arcsec.
    theta_E
        Einstein radius (product average of the axes), arcsec, not negative.
    e1, e2
        ellipticity of the mass.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Kormann, Schneider & Bartelmann (1994), A&A 284, 285.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.sie, theta_E=1.1, e1=0.1)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.935, 0.535
    """
    return nie(x, y, theta_E, 0.0, e1, e2, center_x, center_y)


def nie(
    x: Coordinate, y: Coordinate, theta_E, s_scale, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Deflection:
    """Isothermal ellipsoid with a core.

        kappa = theta_E / 2 sqrt(s_scale² + R²),   R² = q x'² + y'²/q
        alpha = theta_E sqrt(1 - |e|²) arctan(sqrt(e*) p) / sqrt(e*)
        p = u / [s_scale + sqrt(s_scale² + |u|²)]

    Parameters
    ----------
    x, y
        position, arcsec.
    theta_E
        Einstein radius without a core (product average of the axes), arcsec, not negative.
    s_scale
        radius of the core (product average of the axes), arcsec, not negative.
    e1, e2
        ellipticity of the mass.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Keeton & Kochanek (1998), ApJ 495, 157, whose arctan and artanh are the real and imaginary part.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.nie, theta_E=1.1, s_scale=0.2)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.823, 0.412
    """
    e1, e2 = _bounded(e1, e2)
    u, v = elliptical_coordinates(x, y, e1, e2, center_x, center_y)
    reach = s_scale + jnp.sqrt(jnp.maximum(s_scale**2 + u**2 + v**2, CUSP**2))
    p, r = u / reach, v / reach
    real, imaginary = _arctan_ratio(*_times_squared(e1, -e2, p, r))
    norm = theta_E * jnp.sqrt(1 - e1**2 - e2**2)
    return norm * (p * real - r * imaginary), norm * (p * imaginary + r * real)


def epl(
    x: Coordinate, y: Coordinate, theta_E, gamma, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Deflection:
    """Elliptical power law; it ends 1e-4 arcsec from its centre.

        kappa = (3 - gamma)/2 (theta_E/R)^(gamma - 1),   R² = q x'² + y'²/q
        alpha = sqrt(1 - |e|²) (theta_E/|u|)^t u F(1, t/2; 2 - t/2; -e* u/u*),   t = gamma - 1

    Parameters
    ----------
    x, y
        position, arcsec.
    theta_E
        Einstein radius (product average of the axes), arcsec, not negative.
    gamma
        slope of the density in space, between 1 and 3; 2 is isothermal.
    e1, e2
        ellipticity of the mass.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Tessore & Metcalf (2015), A&A 580, A79.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.epl, theta_E=1.1, gamma=2.1, e1=0.1)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.938, 0.532
    """
    e1, e2 = _bounded(e1, e2)
    u, v = elliptical_coordinates(x, y, e1, e2, center_x, center_y)
    radius = jnp.sqrt(jnp.maximum(u**2 + v**2, CUSP**2))
    t = gamma - 1
    a, b = _times_squared(-e1, e2, u / radius, v / radius)
    # The series of the hypergeometric function; a real polynomial at a complex point w needs only
    # 2 Re w and |w|².
    n = jnp.arange(1, TERMS, dtype=radius.dtype)
    coefficients = jnp.cumprod((2 * n + t - 2) / (2 * n + 2 - t))
    double, modulus2 = 2 * a, a**2 + b**2

    def step(last, coefficient):
        return (coefficient + double * last[0] - modulus2 * last[1], last[0]), None

    # Unrolled in part: all of it would take long to compile, none of it long to run.
    (last_sum, previous_sum), _ = jax.lax.scan(
        step, (jnp.zeros_like(a), jnp.zeros_like(a)), coefficients, reverse=True, unroll=12
    )
    real, imaginary = 1 + last_sum * a - modulus2 * previous_sum, last_sum * b
    factor = jnp.sqrt(1 - e1**2 - e2**2) * numerics.positive_power(theta_E / radius, t)
    return factor * (u * real - v * imaginary), factor * (u * imaginary + v * real)


def _bounded(e1, e2):
    """The ellipticity, limited to FLATTEST.

    An optimiser may step beyond it, where there is no ellipse, and must find finite values there.
    """
    size = jnp.asarray(e1**2 + e2**2)
    beyond = size > FLATTEST**2
    factor = jnp.where(beyond, FLATTEST / jnp.sqrt(jnp.where(beyond, size, 1.0)), 1.0)
    return e1 * factor, e2 * factor


def _times_squared(a, b, u, v):
    """(a + ib)(u + iv)², real and imaginary part."""
    real, imaginary = u**2 - v**2, 2 * u * v
    return a * real - b * imaginary, a * imaginary + b * real


def _arctan_ratio(a: jax.Array, b: jax.Array) -> Deflection:
    """arctan(w)/w for w² = a + ib, |w| < 1: real and imaginary part."""
    size = jnp.asarray(a**2 + b**2)
    near = size < 0.01**2
    # 1 - w²/3 + w⁴/5 - …
    real, imaginary = jnp.zeros_like(size), jnp.zeros_like(size)
    close_a, close_b = jnp.where(near, a, 0.0), jnp.where(near, b, 0.0)
    for n in range(7, -1, -1):
        coefficient = (-1) ** n / (2 * n + 1)
        real, imaginary = (
            coefficient + close_a * real - close_b * imaginary,
            close_a * imaginary + close_b * real,
        )
    far_a, far_b = jnp.where(near, 0.5, a), jnp.where(near, 0.0, b)
    # The root's larger part first, from which the other one follows without a difference; its sign
    # does not matter.
    larger = jnp.sqrt((jnp.sqrt(far_a**2 + far_b**2) + jnp.abs(far_a)) / 2)
    smaller = far_b / (2 * larger)
    c, d = jnp.where(far_a > 0, larger, smaller), jnp.where(far_a > 0, smaller, larger)
    squared = c**2 + d**2
    angle = jnp.arctan2(2 * c, 1 - squared) / 2
    height = jnp.log1p(4 * d / (c**2 + (1 - d) ** 2)) / 4
    far_real, far_imaginary = (angle * c + height * d) / squared, (height * c - angle * d) / squared
    return jnp.where(near, real, far_real), jnp.where(near, imaginary, far_imaginary)
