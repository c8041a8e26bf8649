"""Projected densities: Hernquist, pseudo-Jaffe, power law, isothermal, and chameleons.

A chameleon is the difference of two isothermals.
"""

from typing import Literal

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import CUSP, Coordinate, elliptical_radius

# Of [(2 + X²) F - 3] / (X² - 1)² in 1 - X², F = arccos(1/X) / sqrt(X² - 1): the closed form is 0/0
# on X = 1.
_HERNQUIST = [4 * (k - 1) / (4 * k**2 - 1) for k in range(40, 1, -1)]


def _softened(radius, core):
    """sqrt(core² + R²), not below the radius at which a cusp ends."""
    return jnp.sqrt(jnp.maximum(core**2 + radius**2, CUSP**2))


def hernquist(
    x: Coordinate, y: Coordinate, amp, Rs, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Hernquist profile; its logarithmic cusp ends 1e-4 arcsec from the centre.

        I = amp [(2 + X²) F(X) - 3] / (X² - 1)²,   X = R/Rs,   F = arccos(1/X) / sqrt(X² - 1)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        15/4 of the surface brightness at Rs, per arcsec².
    Rs
        scale radius, 0.551 of the half-light radius, arcsec.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    References
    ----------
    Hernquist (1990), ApJ 356, 359.
    """
    X = jnp.maximum(elliptical_radius(x, y, e1, e2, center_x, center_y), CUSP) / Rs
    t = X**2 - 1
    near, inside = jnp.abs(t) < 0.4, t < 0
    root = jnp.sqrt(jnp.where(near, 1.0, jnp.abs(t)))
    safe = jnp.where(inside & ~near, X, 1.0)
    angle = jnp.where(inside, jnp.log((1 + root) / safe), jnp.arctan(root)) / root
    closed = ((2 + X**2) * angle - 3) / jnp.where(near, 1.0, t) ** 2
    series = jnp.polyval(jnp.asarray(_HERNQUIST, X.dtype), jnp.where(near, -t, 0.0), unroll=39)
    return amp * jnp.where(near, series, closed)


def pjaffe(
    x: Coordinate,
    y: Coordinate,
    amp,
    Ra,
    Rs,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    average: Literal["product", "square"] = "product",
) -> Coordinate:
    """Pseudo-Jaffe profile, the same if Ra and Rs change places.

        I = amp Ra Rs / (Rs - Ra) [1/sqrt(Ra² + R²) - 1/sqrt(Rs² + R²)]

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at the scale of Ra = Rs, per arcsec²; the total flux is 2 pi amp Ra Rs.
    Ra, Rs
        core and truncation radius, arcsec.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    average
        of the axes in R: product is sqrt(ab), square is sqrt((a² + b²)/2) as lenstronomy's
        PJAFFE_ELLIPSE has it.

    References
    ----------
    Jaffe (1983), MNRAS 202, 995; Keeton (2001), astro-ph/0102341.
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    if average == "square":
        squared = jnp.minimum(e1**2 + e2**2, 0.9998)
        radius = radius * jnp.sqrt((1 - squared) / (1 + squared))
    a, s = _softened(radius, Ra), _softened(radius, Rs)
    # The difference of the two roots, written without cancellation.
    return amp * Ra * Rs * (Ra + Rs) / (a * s * (a + s))


def power_law(
    x: Coordinate, y: Coordinate, amp, gamma, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Power law, softened within 1e-4 arcsec.

        I = amp (R² + 1e-8)^((1 - gamma)/2)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        surface brightness at 1 arcsec, per arcsec².
    gamma
        slope of the density in space; the brightness falls as R^(1 - gamma).
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    return amp * numerics.positive_power(radius**2 + CUSP**2, (1 - gamma) / 2)


def nie(
    x: Coordinate, y: Coordinate, amp, s_scale, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Isothermal ellipsoid with a core; without a core the cusp ends 1e-4 arcsec from the centre.

        I = amp / (2 sqrt(s_scale² + R²))

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        twice the surface brightness at 1 arcsec without a core, per arcsec².
    s_scale
        radius of the core (product average of the axes), arcsec.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    References
    ----------
    Kormann, Schneider & Bartelmann (1994), A&A 284, 285.
    """
    return amp / (2 * _softened(elliptical_radius(x, y, e1, e2, center_x, center_y), s_scale))


def chameleon(
    x: Coordinate, y: Coordinate, amp, w_c, w_t, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """The difference of two isothermal ellipsoids, the same if w_c and w_t change places.

        I = amp / (2 D) {1/sqrt[(1 + |e|)² w_c² + R²] - 1/sqrt[(1 + |e|)² w_t² + R²]}
        D = [sqrt(1 + w_c²) - w_c] - [sqrt(1 + w_t²) - w_t]

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        deflection at 1 arcsec if the light were mass.
    w_c, w_t
        core and truncation radius, arcsec.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    References
    ----------
    Dutton et al. (2011), MNRAS 417, 1621; Suyu et al. (2014), ApJ 788, L35.
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    size = 1 + numerics.sqrt(jnp.asarray(e1**2 + e2**2))
    a, b = _softened(radius, size * w_c), _softened(radius, size * w_t)
    c, t = jnp.sqrt(1 + w_c**2), jnp.sqrt(1 + w_t**2)
    # The factor w_t - w_c cancels, which leaves no differences at all.
    norm = (c + w_c) * (t + w_t) * (c + t) / (c + t + w_c + w_t)
    return amp / 2 * norm * size**2 * (w_c + w_t) / (a * b * (a + b))


def double_chameleon(
    x: Coordinate,
    y: Coordinate,
    amp,
    ratio,
    w_c1,
    w_t1,
    w_c2,
    w_t2,
    e11=0.0,
    e21=0.0,
    e12=0.0,
    e22=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """Two chameleons around one centre.

        I = amp [ratio C_1 + C_2] / (1 + ratio),   C_i = `chameleon` of amp 1

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        of both together, see `chameleon`.
    ratio
        of the amplitudes, first over second.
    w_c1, w_t1, w_c2, w_t2
        core and truncation radii, arcsec.
    e11, e21, e12, e22
        ellipticities: (e11, e21) of the first, (e12, e22) of the second.
    center_x, center_y
        centre, arcsec.
    """
    first = chameleon(x, y, ratio, w_c1, w_t1, e11, e21, center_x, center_y)
    second = chameleon(x, y, 1.0, w_c2, w_t2, e12, e22, center_x, center_y)
    return amp / (1 + ratio) * (first + second)


def triple_chameleon(
    x: Coordinate,
    y: Coordinate,
    amp,
    ratio12,
    ratio13,
    w_c1,
    w_t1,
    w_c2,
    w_t2,
    w_c3,
    w_t3,
    e11=0.0,
    e21=0.0,
    e12=0.0,
    e22=0.0,
    e13=0.0,
    e23=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """Three chameleons around one centre.

        I = amp [C_1 + C_2 / ratio12 + C_3 / ratio13] / (1 + 1/ratio12 + 1/ratio13)
        C_i = `chameleon` of amp 1

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        of all together, see `chameleon`.
    ratio12, ratio13
        of the amplitudes, first over second and first over third; at most one of them zero.
    w_c1, w_t1, w_c2, w_t2, w_c3, w_t3
        core and truncation radii, arcsec.
    e11, e21, e12, e22, e13, e23
        ellipticities: (e11, e21) of the first, and so on.
    center_x, center_y
        centre, arcsec.
    """
    first = chameleon(x, y, ratio12 * ratio13, w_c1, w_t1, e11, e21, center_x, center_y)
    second = chameleon(x, y, ratio13, w_c2, w_t2, e12, e22, center_x, center_y)
    third = chameleon(x, y, ratio12, w_c3, w_t3, e13, e23, center_x, center_y)
    return amp / (ratio12 * ratio13 + ratio12 + ratio13) * (first + second + third)
