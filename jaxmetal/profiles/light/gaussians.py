"""Gaussians, one or many, and the Moffat profile."""

import jax.numpy as jnp

from jaxmetal.errors import InputError
from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, elliptical_radius


def gaussian(
    x: Coordinate, y: Coordinate, amp, sigma, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Gaussian.

        I = amp / (2 pi sigma²) exp(-R² / 2 sigma²)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        total flux, not negative.
    sigma
        standard deviation (product average of the axes), arcsec, positive.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.gaussian, amp=10.0, sigma=0.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.523
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    return amp / (2 * jnp.pi * sigma**2) * jnp.exp(-0.5 * (radius / sigma) ** 2)


def multi_gaussian(
    x: Coordinate, y: Coordinate, amp, sigma, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Gaussians of one shape and centre.

        I = sum_k amp_k / (2 pi sigma_k²) exp(-R² / 2 sigma_k²)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        total flux of each, shape (k,).
    sigma
        standard deviation of each (product average of the axes), arcsec, positive, shape (k,).
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Raises
    ------
    InputError
        for an amp that is not a list, or not of the shape of sigma.

    References
    ----------
    Cappellari (2002), MNRAS 333, 400.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.multi_gaussian, amp=[1.0, 3.0], sigma=[0.2, 1.0])
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.256
    """
    if jnp.ndim(amp) != 1 or jnp.shape(amp) != jnp.shape(sigma):
        raise InputError(
            f"multi_gaussian: expected as many amp as sigma, "
            f"got shapes {jnp.shape(amp)} and {jnp.shape(sigma)}."
        )
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)[..., None]
    amp, sigma = (numerics.along_last(array, radius.ndim) for array in (amp, sigma))
    terms = amp / (2 * jnp.pi * sigma**2) * jnp.exp(-0.5 * (radius / sigma) ** 2)
    return jnp.sum(terms, axis=-1)


def mge_set(
    x: Coordinate,
    y: Coordinate,
    amp,
    sigma_min,
    sigma_width,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """Gaussians whose widths are evenly spaced in their logarithm.

        I = sum_k amp_k / (2 pi sigma_k²) exp(-R² / 2 sigma_k²)
        sigma_k from sigma_min to sigma_min + sigma_width

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        total flux of each, shape (k,), at least two.
    sigma_min
        the smallest standard deviation, arcsec, positive.
    sigma_width
        the largest less the smallest, arcsec, not negative.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    Raises
    ------
    InputError
        for fewer than two amp.

    References
    ----------
    Cappellari (2002), MNRAS 333, 400.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.mge_set, amp=[1.0, 2.0, 1.0], sigma_min=0.1, sigma_width=1.0)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.088
    """
    if jnp.ndim(amp) != 1 or len(amp) < 2:
        raise InputError(f"mge_set: expected at least two amp, got shape {jnp.shape(amp)}.")
    sigma = sigma_min * (1 + sigma_width / sigma_min) ** jnp.linspace(0.0, 1.0, len(amp))
    return multi_gaussian(x, y, amp, sigma, e1, e2, center_x, center_y)


def moffat(
    x: Coordinate, y: Coordinate, amp, alpha, beta, e1=0.0, e2=0.0, center_x=0.0, center_y=0.0
) -> Coordinate:
    """Moffat profile.

        I = amp [1 + (R/alpha)²]^(-beta)

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        central surface brightness, per arcsec², not negative.
    alpha
        core radius, arcsec, positive.
    beta
        slope of the wings, positive.
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
    Moffat (1969), A&A 3, 455.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(jm.light.moffat, amp=5.0, alpha=1.0, beta=2.5)
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.658
    """
    radius = elliptical_radius(x, y, e1, e2, center_x, center_y)
    return amp * (1 + (radius / alpha) ** 2) ** (-beta)
