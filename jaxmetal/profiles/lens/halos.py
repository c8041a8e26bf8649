"""Lenses with a scale radius: haloes of dark matter and truncated isothermals.

Their ellipses are those of the potential.
"""

import math

import jax.numpy as jnp

from jaxmetal.profiles.geometry import CUSP, Coordinate, Deflection


def _stretched(x, y, e1, e2, center_x, center_y):
    """A position times the matrix of an elliptical potential, and its squared elliptical radius.

    With eps = 2|e| / (1 + |e|²) the potential is round in (sqrt(1 - eps) x', sqrt(1 + eps) y')
    along its axes.
    """
    dx, dy = x - center_x, y - center_y
    size = e1**2 + e2**2
    a, b = 2 * e1 / (1 + size), 2 * e2 / (1 + size)
    along, across = (1 - a) * dx - b * dy, -b * dx + (1 + a) * dy
    return along, across, jnp.maximum(along * dx + across * dy, 0.0)


def nfw(x: Coordinate, y: Coordinate, Rs, alpha_Rs, center_x=0.0, center_y=0.0) -> Deflection:
    """Navarro, Frenk & White's halo; its logarithmic cusp ends 1e-4 arcsec from the centre.

        alpha = alpha_Rs / (1 - ln 2) [ln(X/2) + arccos(1/X) / sqrt(X² - 1)] / X along (dx, dy)
        X = R/Rs

    Parameters
    ----------
    x, y
        position, arcsec.
    Rs
        scale radius, arcsec, positive.
    alpha_Rs
        deflection at Rs, arcsec, not negative.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Navarro, Frenk & White (1997), ApJ 490, 493; Bartelmann (1996), A&A 313, 697.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.nfw, Rs=5.0, alpha_Rs=1.0)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.572, 0.286
    """
    return nfw_ellipse(x, y, Rs, alpha_Rs, 0.0, 0.0, center_x, center_y)


def nfw_ellipse(
    x: Coordinate, y: Coordinate, Rs, alpha_Rs, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Deflection:
    """Navarro, Frenk & White's halo with an elliptical potential (NFW_ELLIPSE_POTENTIAL).

        alpha = gradient of psi(R),   psi of `nfw`
        R² = (1 - eps) x'² + (1 + eps) y'²,   eps = 2|e| / (1 + |e|²)

    The name in brackets is lenstronomy's.

    Parameters
    ----------
    x, y
        position, arcsec.
    Rs
        scale radius, arcsec, positive.
    alpha_Rs
        deflection at Rs, arcsec, not negative.
    e1, e2
        ellipticity of the potential; the mass is about three times as elliptical, and takes a
        dumbbell's shape beyond 0.2.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Golse & Kneib (2002), A&A 390, 821.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.nfw_ellipse, Rs=5.0, alpha_Rs=1.0, e1=0.1)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.473, 0.354
    """
    along, across, squared = _stretched(x, y, e1, e2, center_x, center_y)
    factor = alpha_Rs / Rs * _nfw_ratio(jnp.maximum(squared, CUSP**2) / Rs**2) / (1 - math.log(2))
    return factor * along, factor * across


def _nfw_ratio(squared):
    """[ln(X/2) + arccos(1/X) / sqrt(X² - 1)] / X² as a function of X².

    It is smooth through X = 1 and free of cancellation.
    """
    t = squared - 1
    near, inside = jnp.abs(t) < 0.05, t < 0
    # arctan(sqrt t) / sqrt t about t = 0.
    close = jnp.where(near, t, 0.0)
    series = jnp.zeros_like(t)
    for n in range(11, -1, -1):
        series = (-1) ** n / (2 * n + 1) + close * series
    root = jnp.sqrt(jnp.where(near | inside, 1.0, t))
    logarithm = jnp.log(squared / 4) / 2
    outer = (logarithm + jnp.where(near, series, jnp.arctan(root) / root)) / squared
    inner = inside & ~near
    small = jnp.where(inner, squared, 0.5)
    root = jnp.sqrt(1 - small)
    core = -jnp.log(small / 4) / 2 / (1 + root) + jnp.log1p(-small / (2 * (1 + root))) / small
    return jnp.where(inner, core / root, outer)


def dpie(
    x: Coordinate, y: Coordinate, sigma0, Ra, Rs, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Deflection:
    """Dual pseudo-isothermal halo with an elliptical potential (PJAFFE_ELLIPSE_POTENTIAL).

        kappa = sigma0 Ra Rs / (Rs - Ra) [1/sqrt(Ra² + R²) - 1/sqrt(Rs² + R²)] where e = 0
        alpha = 2 sigma0 Ra Rs / (Rs - Ra) F × gradient of R²/2
        F = 1/(Ra + sqrt(Ra² + R²)) - 1/(Rs + sqrt(Rs² + R²))
        R² = (1 - eps) x'² + (1 + eps) y'²,   eps = 2|e| / (1 + |e|²)

    The name in brackets is lenstronomy's.

    Parameters
    ----------
    x, y
        position, arcsec.
    sigma0
        surface density over the critical one at the scale of Ra = Rs, not negative.
    Ra, Rs
        core and truncation radius, arcsec, not negative; the same if they change places.
    e1, e2
        ellipticity of the potential.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Eliasdottir et al. (2007), arXiv:0710.5636, appendix A.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.dpie, sigma0=0.5, Ra=0.1, Rs=3.0)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.068, 0.034
    """
    along, across, squared = _stretched(x, y, e1, e2, center_x, center_y)
    a, s = (jnp.sqrt(jnp.maximum(radius**2 + squared, CUSP**2)) for radius in (Ra, Rs))
    # The difference of the two terms, written without cancellation.
    factor = 2 * sigma0 * Ra * Rs * (1 + (Ra + Rs) / (a + s)) / ((Ra + a) * (Rs + s))
    return factor * along, factor * across
