"""Lenses without a shape: sheets of mass, shear, and points."""

import jax.numpy as jnp

from jaxmetal.profiles.geometry import CUSP, Coordinate, Deflection


def shear(x: Coordinate, y: Coordinate, gamma1, gamma2, ra_0=0.0, dec_0=0.0) -> Deflection:
    """External shear, the tide of mass far away.

        alpha = (gamma1 dx + gamma2 dy, gamma2 dx - gamma1 dy)

    Parameters
    ----------
    x, y
        position, arcsec.
    gamma1, gamma2
        (cos 2 phi, sin 2 phi) times the strength; images are stretched along phi, counted from +x
        towards +y.
    ra_0, dec_0
        where nothing is deflected, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Schneider, Ehlers & Falco (1992), Gravitational Lenses, section 5.1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.shear, gamma1=0.05, gamma2=-0.02)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.040, -0.045
    """
    dx, dy = x - ra_0, y - dec_0
    return gamma1 * dx + gamma2 * dy, gamma2 * dx - gamma1 * dy


def convergence(x: Coordinate, y: Coordinate, kappa, ra_0=0.0, dec_0=0.0) -> Deflection:
    """A sheet of mass.

        alpha = kappa (dx, dy)

    Parameters
    ----------
    x, y
        position, arcsec.
    kappa
        surface density over the critical one.
    ra_0, dec_0
        where nothing is deflected, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Falco, Gorenstein & Shapiro (1985), ApJ 289, L1.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.convergence, kappa=0.1)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.100, 0.050
    """
    return kappa * (x - ra_0), kappa * (y - dec_0)


def point_mass(x: Coordinate, y: Coordinate, theta_E, center_x=0.0, center_y=0.0) -> Deflection:
    """A point mass; it ends 1e-4 arcsec from its centre.

        alpha = theta_E² (dx, dy) / R²

    Parameters
    ----------
    x, y
        position, arcsec.
    theta_E
        Einstein radius, arcsec, not negative.
    center_x, center_y
        position, arcsec.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Einstein (1936), Science 84, 506.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(jm.lens.point_mass, theta_E=1.1)
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    0.968, 0.484
    """
    dx, dy = x - center_x, y - center_y
    factor = theta_E**2 / jnp.maximum(dx**2 + dy**2, CUSP**2)
    return factor * dx, factor * dy
