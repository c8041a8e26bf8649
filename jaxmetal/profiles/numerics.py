"""Numerically delicate formulae, safe in value and gradient."""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Inexact, Num

LN10 = float(np.log(10.0))


def positive_power(x: Float[Array, "..."], power) -> Float[Array, "..."]:
    """x ** power for x > 0; 0 with zero gradient where x is not positive.

    The derivative of sqrt(0) is infinite, and 0 × inf in the chain rule is NaN: the base is
    replaced before the power is taken, not after. exp and log run on a CPU's vector units, a
    general power does not.
    """
    positive = x > 0
    return jnp.where(positive, jnp.exp(power * jnp.log(jnp.where(positive, x, 1.0))), 0.0)


def product(*factors: Inexact[Array, "..."]) -> Inexact[Array, "..."]:
    """The product of matrices and vectors in full precision.

    By default a GPU rounds float32 factors to ten bits.
    """
    return reduce(lambda a, b: jnp.matmul(a, b, precision="highest"), factors)


def along_last(numbers: Num[Array, " k"], dimensions: int) -> Num[Array, "..."]:
    """The numbers along the last of so many dimensions, the others of length 1."""
    return jnp.reshape(numbers, (1,) * (dimensions - 1) + (-1,))


def sqrt(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """The square root of x, with zero gradient where x is not positive."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


# b_n - (2n - 1/3) as Chebyshev coefficients in t = 2 · 0.6/(n + 0.3) - 1, fitted to 40-digit
# solutions of gamma(2n, b) = Gamma(2n)/2: within 2e-13 for every n >= 0.3. A root search would be
# exact too, and ten times slower to compile.
_SERSIC_B = (
    0.018703228703361587,
    0.023449036071969336,
    0.005662277284393663,
    0.0010512418979625124,
    0.0001505068149599519,
    1.731331902188432e-05,
    1.6820169621137693e-06,
    9.141882511389886e-08,
    -1.789494942505213e-08,
    -7.167580606413168e-09,
    -1.6871082960142377e-09,
    -3.558069041824511e-10,
    -6.110602930009522e-11,
    -9.732390164771042e-12,
    -1.537528698909806e-12,
    -1.8149908570178608e-13,
    -5.0869260836913254e-15,
)


def linear_sersic_b(n: Float[Array, ""]) -> Float[Array, ""]:
    """lenstronomy's linear approximation of the Sersic constant, 3 % low at n = 0.5.

    b_n = max(1.9992 n - 0.3271, 1e-5)
    """
    return jnp.maximum(1.9992 * n - 0.3271, 1e-5)


def sersic_b(n: Float[Array, "..."]) -> Float[Array, "..."]:
    """The exact Sersic constant, which makes R_sersic the half-light radius.

        gamma(2n, b_n) = Gamma(2n) / 2

    Parameters
    ----------
    n
        Sersic index, dimensionless, at least 0.3.

    Returns
    -------
    b_n
        dimensionless; 1.678347 for n = 1. Differentiable in n.

    References
    ----------
    Ciotti & Bertin (1999), A&A 352, 447, whose series has the same leading terms.
    """
    t = jnp.asarray(1.2 / (n + 0.3) - 1.0)
    # As one sum of powers, which is a tenth of the operations to compile that a recurrence is, and
    # as exact with these coefficients.
    t = t[..., None]
    powers = jnp.asarray(np.polynomial.chebyshev.cheb2poly(_SERSIC_B), t.dtype)
    terms = along_last(powers, t.ndim) * t ** along_last(jnp.arange(len(_SERSIC_B)), t.ndim)
    return 2 * n - 1 / 3 + jnp.sum(terms, axis=-1)


def cubic_weights(t: Float[Array, "..."]) -> list[Float[Array, "..."]]:
    """The four weights of Keys' (1981) cubic convolution at fraction t of a cell."""
    return [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]


def linear_weights(t: Float[Array, "..."]) -> list[Float[Array, "..."]]:
    """The two weights of linear interpolation at fraction t of a cell."""
    return [1 - t, t]


def interpolate(
    image: Float[Array, "ny nx"], row: Float[Array, "..."], column: Float[Array, "..."], weights
) -> Float[Array, "..."]:
    """Read an image between its pixels; 0 outside.

    Keys' cubic convolution is exact at the pixel centres and for quadratics, and its first
    derivative is continuous.

    Parameters
    ----------
    image
        values at integer (row, column).
    row, column
        where to read, in pixels; pixel (0, 0) has its centre at (0.0, 0.0).
    weights
        `cubic_weights` or `linear_weights`.

    References
    ----------
    Keys (1981), IEEE Trans. ASSP 29, 1153.
    """
    rows, columns = image.shape
    padded = jnp.pad(image, 2)
    row0 = jax.lax.stop_gradient(jnp.floor(row))
    column0 = jax.lax.stop_gradient(jnp.floor(column))
    row_weights = weights(row - row0)
    column_weights = weights(column - column0)
    # The first pixel that counts, in the padded image.
    first = 3 - len(row_weights) // 2
    i0 = row0.astype(int) + first
    j0 = column0.astype(int) + first
    total = jnp.zeros_like(row)
    for di, row_weight in enumerate(row_weights):
        i = jnp.clip(i0 + di, 0, rows + 3)
        for dj, column_weight in enumerate(column_weights):
            j = jnp.clip(j0 + dj, 0, columns + 3)
            total = total + row_weight * column_weight * padded[i, j]
    return total
