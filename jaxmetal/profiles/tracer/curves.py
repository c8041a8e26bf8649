"""Rotation curves as angular velocities, V(x) / (V_0 x), which are smooth where velocities are.

x is the radius over the turnover radius. Inside x = 1e-5 every curve rises like a solid body, so
that value and gradient are finite on the centre itself.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmetal.profiles import bessel

Radius = Float[Array, "..."]

# Inside this fraction of the turnover radius a curve is a straight line, as most curves are there.
CORE = 1e-5
# The peaks of y²(I0 K0 - I1 K1), with y half the radius in scale lengths, and of the squared
# velocity of a halo, [ln(1 + x) - x/(1 + x)] / x.
FREEMAN_PEAK = 0.1935227014879529
NFW_PEAK = 0.2162165955018731
# Below this x/(1 + x) a series keeps the digits of a halo's mass.
_NFW_SERIES, _NFW_TERMS = 0.1, 16


def arctan(x: Radius) -> Radius:
    """(2/pi) arctan(x) / x."""
    return 2 / jnp.pi * jnp.arctan(x) / x


def tanh(x: Radius) -> Radius:
    """tanh(x) / x."""
    return jnp.tanh(x) / x


def freeman(x: Radius) -> Radius:
    """Of an exponential disc, with x in scale lengths; the peak, at 2.150, is 1."""
    return 0.5 * jnp.sqrt(bessel.disc_difference(x / 2) / FREEMAN_PEAK)


def nfw(x: Radius) -> Radius:
    """Of Navarro, Frenk & White's halo, with x in scale radii; the peak, at 2.163, is 1."""
    u = x / (1 + x)
    near = u < _NFW_SERIES
    small = jnp.where(near, u, _NFW_SERIES)
    # -ln(1 - u) - u, over u².
    series = jnp.zeros_like(x)
    for n in range(_NFW_TERMS, 1, -1):
        series = 1 / n + small * series
    far = jnp.where(near, 1.0, x)
    mass = jnp.where(near, series / (1 + x) ** 2, (jnp.log1p(far) - far / (1 + far)) / far**2)
    return jnp.sqrt(mass / (NFW_PEAK * x))


def courteau(x: Radius, beta, gamma) -> Radius:
    """(1 + 1/x)^beta / (1 + x^gamma)^(1/gamma)."""
    flat = jnp.logaddexp(0.0, gamma * jnp.log(x)) / gamma
    return jnp.exp(beta * jnp.log1p(1 / x) - flat)


def polyex(x: Radius, outer_slope) -> Radius:
    """(1 - e^-x) (1 + a x) / x."""
    return -jnp.expm1(-x) * (1 + outer_slope * x) / x


def spline(radius: Radius, knots: Float[Array, " k"], values: Float[Array, " k"]) -> Radius:
    """A natural cubic spline through (0, 0) and the knots, constant beyond the last of them."""
    places = jnp.concatenate([jnp.zeros(1, knots.dtype), knots])
    heights = jnp.concatenate([jnp.zeros(1, values.dtype), values])
    steps, slopes = jnp.diff(places), jnp.diff(heights) / jnp.diff(places)
    # Second derivatives: none on the centre, where an odd curve has none, nor at the last knot.
    matrix = jnp.diag(2 * (steps[:-1] + steps[1:])) + jnp.diag(steps[1:-1], 1)
    matrix += jnp.diag(steps[1:-1], -1)
    inner = jnp.linalg.solve(matrix, 6 * jnp.diff(slopes))
    bends = jnp.pad(inner, 1)
    inside = jnp.minimum(radius, places[-1])
    index = jnp.clip(jnp.searchsorted(places, inside, side="right") - 1, 0, len(knots) - 1)
    step, left, right = steps[index], bends[index], bends[index + 1]
    distance = inside - places[index]
    rise = slopes[index] - step * (2 * left + right) / 6
    return heights[index] + distance * (
        rise + distance * (left / 2 + distance * (right - left) / (6 * step))
    )


def scaled(radius: Radius, r_turn, curve: Callable[..., Radius], *shape) -> Radius:
    """The angular velocity of a curve per unit of its velocity, 1/arcsec.

    Parameters
    ----------
    radius, r_turn
        arcsec.
    curve
        one of this module.
    shape
        its further numbers.
    """
    return curve(jnp.maximum(radius / r_turn, CORE), *shape) / r_turn
