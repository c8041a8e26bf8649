"""Chameleons: differences of two isothermals, which look like Sersic profiles."""

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, elliptical_radius
from jaxmetal.profiles.light.isothermals import softened


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
        deflection at 1 arcsec if the light were mass, not negative.
    w_c, w_t
        core and truncation radius, arcsec, not negative.
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
    Dutton et al. (2011), MNRAS 417, 1621; Suyu et al. (2014), ApJ 788, L35.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.chameleon, amp=2.0, w_c=0.2, w_t=1.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.527
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    size = 1 + numerics.sqrt(jnp.asarray(e1**2 + e2**2))
    a, b = softened(radius, size * w_c), softened(radius, size * w_t)
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
        of both together, see `chameleon`, not negative.
    ratio
        of the amplitudes, first over second, not negative.
    w_c1, w_t1, w_c2, w_t2
        core and truncation radii, arcsec, not negative.
    e11, e21, e12, e22
        ellipticities: (e11, e21) of the first, (e12, e22) of the second.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(
    ...     jm.light.double_chameleon,
    ...     amp=2.0, ratio=3.0, w_c1=0.1, w_t1=0.5, w_c2=0.2, w_t2=1.0
    ... )
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.326
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
        of all together, see `chameleon`, not negative.
    ratio12, ratio13
        of the amplitudes, first over second and first over third, not negative; at most one of them
        zero.
    w_c1, w_t1, w_c2, w_t2, w_c3, w_t3
        core and truncation radii, arcsec, not negative.
    e11, e21, e12, e22, e13, e23
        ellipticities: (e11, e21) of the first, and so on.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(
    ...     jm.light.triple_chameleon,
    ...     amp=2.0, ratio12=3.0, ratio13=5.0, w_c1=0.1, w_t1=0.5, w_c2=0.2, w_t2=1.0,
    ...     w_c3=0.3, w_t3=2.0
    ... )
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.393
    """
    first = chameleon(x, y, ratio12 * ratio13, w_c1, w_t1, e11, e21, center_x, center_y)
    second = chameleon(x, y, ratio13, w_c2, w_t2, e12, e22, center_x, center_y)
    third = chameleon(x, y, ratio12, w_c3, w_t3, e13, e23, center_x, center_y)
    return amp / (ratio12 * ratio13 + ratio12 + ratio13) * (first + second + third)
