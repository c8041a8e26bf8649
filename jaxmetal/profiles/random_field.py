"""A Gaussian random field of a tracer, or of the logarithm of light: modes and their power."""

import math
from collections.abc import Callable
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, disc_plane

Kernel = Literal["exponential", "matern32", "matern52", "squared_exponential", "krumholz_ting"]
# Points of the grid on which the modes are added up, for each period of the shortest of them.
POINTS_PER_PERIOD = 12


def field(
    x: Coordinate,
    y: Coordinate,
    amplitude,
    length,
    modes=(),
    extent=1.0,
    injection=0.05,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    kernel: Kernel = "matern32",
) -> Coordinate:
    """A stationary Gaussian random field in the plane of a disc, as a sum of standing waves.

        f = amplitude Σ_pq sqrt(P_pq) modes_pq cas(2π p X / extent) cas(2π q Y / extent)

        P_pq = S(k) / extent²,   k = 2π sqrt(p² + q²) / extent,   cas t = cos t + sin t

    Modes that are independent and of unit variance give a field of the standard deviation
    `amplitude`, less what lies in waves too short for them, which repeats after `extent`. `Model`
    chooses how many there are and integrates over them.

    Parameters
    ----------
    x, y
        position, arcsec.
    amplitude
        standard deviation of the field, in the tracer's unit, not negative.
    length
        correlation length in the plane of the disc, arcsec, positive.
    modes
        of order one, shape (2K + 1, 2K + 1) for q and p from -K to K; none, and no field, if left
        out.
    extent
        period of the field, arcsec, positive.
    injection
        radius of the bubbles of kernel "krumholz_ting", arcsec, positive.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the major axis, degrees, from +y (north) towards +x (east).
    center_x, center_y
        centre, arcsec.
    kernel
        of the covariance: "exponential" exp(-h / length), "matern32", "matern52",
        "squared_exponential" exp(-h² / 2 length²), or "krumholz_ting".

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.

    References
    ----------
    Krumholz & Ting (2018), MNRAS 475, 2236; Bracewell (1983), J. Opt. Soc. Am. 73, 1832 (cas).
    """
    modes = jnp.asarray(modes)
    if modes.size == 0:
        return jnp.zeros_like(x)
    numbers = wave_numbers(len(modes))
    power = mode_power(numbers[:, None], numbers[None, :], length, extent, injection, kernel)
    along, across = disc_plane(x, y, inclination, position_angle, center_x, center_y)
    # Added up on a grid of one period, and read between its points.
    size = POINTS_PER_PERIOD * max(len(numbers) // 2, 1)
    waves = _cas(2 * np.pi * np.outer(numbers, np.arange(size)) / size)
    waves = jnp.asarray(waves, modes.dtype)
    grid = numerics.product(waves.T, amplitude * numerics.sqrt(power) * modes, waves)
    row, column = (jnp.mod(place / extent, 1.0) * size for place in (across, along))
    around = jnp.pad(grid, 2, mode="wrap")
    return numerics.interpolate(around, row + 2, column + 2, numerics.cubic_weights)


def texture(
    x: Coordinate,
    y: Coordinate,
    amplitude,
    length,
    modes,
    extent,
    injection=0.05,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
    *,
    kernel: Kernel = "matern32",
) -> Coordinate:
    """A log-normal factor of light, of mean one, for galaxies with clumps.

        t = exp(f - amplitude² / 2)

    f is the random field of `field`.

    Parameters
    ----------
    x, y
        position, arcsec.
    amplitude
        standard deviation of ln t, not negative.
    length
        correlation length in the plane of the disc, arcsec, positive.
    modes
        of order one, shape (2K + 1, 2K + 1) for q and p from -K to K.
    extent
        period of the texture, arcsec, positive.
    injection
        radius of the bubbles of kernel "krumholz_ting", arcsec, positive.
    inclination
        degrees, at least 0 and below 90; 0 is face-on.
    position_angle
        of the major axis, degrees, from +y (north) towards +x (east).
    center_x, center_y
        centre, arcsec.
    kernel
        as for `field`.

    Returns
    -------
    values
        positive, in the shape of x.

    References
    ----------
    Coles & Jones (1991), MNRAS 248, 1.
    """
    geometry = inclination, position_angle, center_x, center_y
    f = field(x, y, amplitude, length, modes, extent, injection, *geometry, kernel=kernel)
    return jnp.exp(f - 0.5 * jnp.square(amplitude))


def wave(
    x: Coordinate,
    y: Coordinate,
    coefficient,
    p,
    q,
    extent,
    inclination=0.0,
    position_angle=0.0,
    center_x=0.0,
    center_y=0.0,
) -> Coordinate:
    """One of the standing waves of a field.

        f = coefficient · cas(2π p X / extent) cas(2π q Y / extent)

    Parameters
    ----------
    x, y
        position, arcsec.
    coefficient
        in the tracer's unit.
    p, q
        waves in a period along X and Y, whole numbers.
    extent, inclination, position_angle, center_x, center_y
        as for `field`.

    Returns
    -------
    values
        in the tracer's unit, in the shape of x.
    """
    along, across = disc_plane(x, y, inclination, position_angle, center_x, center_y)
    phases = (2 * np.pi * n * place / extent for n, place in ((p, along), (q, across)))
    return coefficient * math.prod(_cas(phase) for phase in phases)


def _cas(angle: Any) -> Any:
    """cos + sin, of NumPy or of JAX as the angle is."""
    sine, cosine = (np.sin, np.cos) if isinstance(angle, np.ndarray) else (jnp.sin, jnp.cos)
    return cosine(angle) + sine(angle)


def wave_numbers(size: int) -> Int[np.ndarray, " size"]:
    """The numbers of waves in a period, from -K to K, of so many modes along an axis."""
    return np.arange(size) - size // 2


def mode_power(q, p, length, extent, injection, kernel: str) -> Float[Array, "..."]:
    """The variance P_pq of each mode of a field of unit amplitude; see `field`."""
    k = 2 * np.pi * jnp.sqrt(jnp.asarray(p**2 + q**2, jnp.result_type(float))) / extent
    return SPECTRA[kernel](k, length, injection) / extent**2


def _matern(nu: float) -> Callable:
    """The spectrum of the Matern covariance, 4π ν l² (1 + k² l² / 2ν)^-(ν + 1) / 2ν."""

    def spectrum(k, length, _) -> Array:
        base = 1 + (k * length) ** 2 / (2 * nu)
        return 2 * np.pi * length**2 * jnp.exp(-(nu + 1) * jnp.log(base))

    return spectrum


def _squared_exponential(k, length, _) -> Array:
    return 2 * np.pi * length**2 * jnp.exp(-0.5 * (k * length) ** 2)


def _krumholz_ting(k, length, injection) -> Array:
    """4π exp(-k² w²) [1 - exp(-2 k² l²)] / k² / ln(1 + 2 l² / w²)."""
    squared = jnp.where(k > 0, k**2, 1.0)
    spread = jnp.where(k > 0, -jnp.expm1(-2 * squared * length**2) / squared, 2 * length**2)
    normalisation = 4 * np.pi / jnp.log1p(2 * (length / injection) ** 2)
    return normalisation * jnp.exp(-((k * injection) ** 2)) * spread


# S(k) of a field of unit variance, C(h) = ∫ S exp(i k h) d²k / (2π)², arcsec².
SPECTRA: dict[str, Callable] = {
    "exponential": _matern(0.5),
    "matern32": _matern(1.5),
    "matern52": _matern(2.5),
    "squared_exponential": _squared_exponential,
    "krumholz_ting": _krumholz_ting,
}
