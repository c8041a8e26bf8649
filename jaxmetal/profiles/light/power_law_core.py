"""A Sersic profile whose density in space is a power law inside a break."""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import CUSP, Coordinate, elliptical_radius

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def _integral(function, low, high):
    """Gauss-Legendre over the last axis; `function` must be smooth on the scale of a few nodes."""
    low, half = jnp.asarray(low)[..., None], jnp.asarray(high - low)[..., None] / 2
    nodes, weights = (
        numerics.along_last(jnp.asarray(numbers, half.dtype), half.ndim)
        for numbers in (_NODES, _WEIGHTS)
    )
    return jnp.sum(function(low + half * (1 + nodes)) * half * weights, axis=-1)


def pl_sersic(
    x: Coordinate,
    y: Coordinate,
    amp,
    R_sersic,
    n_sersic,
    alpha_c,
    r_c,
    e1=0.0,
    e2=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    b_n: Literal["exact", "lenstronomy"] = "exact",
) -> Coordinate:
    """The projection of a density: a power law inside r_c, a deprojected Sersic profile outside.

        j = amp (r/r_c)^(-alpha_c)   where r < r_c
        j = amp (r/r_c)^(-u) exp[(r_c/s)^nu - (r/s)^nu]   beyond
        I = 2 ∫ j dz   where R < r_c
        I = 2 s amp (r_c/s)^u Γ((3-u) n)/Γ(2n) exp[(r_c/s)^nu - (R/s)^nu]   beyond
        nu = 1/n,   u = 1 - 0.6097 nu + 0.054635 nu²,   s = R_sersic / b_n^n

    The outer brightness is exactly of Sersic's form and its density only nearly so: the brightness
    steps at r_c, by 8 % for n = 1 and r_c = R_sersic / 50. Where alpha_c >= 1 the cusp ends 1e-4
    arcsec from the centre.

    Parameters
    ----------
    x, y
        position, arcsec.
    amp
        density at r_c, per arcsec³, not negative.
    R_sersic
        half-light radius of the outer profile (product average of the axes), arcsec, positive.
    n_sersic
        Sersic index of the outer profile, at least 0.3 and at most 20.
    alpha_c
        slope of the density inside the break.
    r_c
        radius of the break, arcsec, positive.
    e1, e2
        ellipticity.
    center_x, center_y
        centre, arcsec.
    b_n
        exact, or lenstronomy for its s = R_sersic / (2n): half the light then lies within 0.84
        R_sersic for n = 1 and 432 for n = 4.

    Returns
    -------
    brightness
        surface brightness per arcsec², in the shape of x.

    References
    ----------
    Terzić & Graham (2005), MNRAS 362, 197; Prugniel & Simien (1997), A&A 321, 111.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> light = jm.Profile(
    ...     jm.light.pl_sersic,
    ...     amp=2.0, R_sersic=1.0, n_sersic=3.0, alpha_c=0.2, r_c=0.1
    ... )
    >>> print(f"{light(1.0, 0.5):.3f}")
    0.025
    """
    radius = jnp.maximum(elliptical_radius(x, y, e1, e2, center_x, center_y), CUSP)
    nu = 1 / n_sersic
    u = 1 - 0.6097 * nu + 0.054635 * nu**2
    b = numerics.sersic_b(n_sersic)
    s = R_sersic / (numerics.positive_power(b, n_sersic) if b_n == "exact" else 2 * n_sersic)
    turn = (r_c / s) ** nu
    height = 2 * s * (r_c / s) ** u * jnp.exp(gammaln((3 - u) * n_sersic) - gammaln(2 * n_sersic))
    outer = height * jnp.exp(turn - (radius / s) ** nu)

    X = jnp.minimum(radius / r_c, 1.0)
    depth = numerics.sqrt(1 - X**2)
    # Along z = X sinh t inside the break and z = sinh t beyond it, in units of r_c, both integrands
    # are smooth.
    core = X ** (1 - alpha_c) * _integral(
        lambda t: jnp.cosh(t) ** (1 - alpha_c), jnp.zeros_like(X), jnp.arcsinh(depth / X)
    )

    def beyond(t):
        r = jnp.sqrt(X[..., None] ** 2 + jnp.sinh(t) ** 2)
        return r**-u * jnp.exp(turn * (1 - r**nu)) * jnp.cosh(t)

    # Where the density has fallen by e^-40 nothing is left.
    halo = _integral(beyond, jnp.arcsinh(depth), jnp.arcsinh((1 + 40 / turn) ** n_sersic))
    return amp * jnp.where(radius < r_c, 2 * r_c * (core + halo), outer)
