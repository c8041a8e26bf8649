"""Polynomials of calibrations, continued by their tangents outside of the range they were made for.

Beyond its range a fifth-order polynomial explodes, and a clipped one has no gradient for a sampler.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def continued(
    metallicity: Float[Array, "..."],
    coefficients: Sequence[float],
    zero: float,
    valid: tuple[float, float],
) -> Float[Array, "..."]:
    """A polynomial inside of a range, and its tangents outside.

        p(Z) = Σ c_k (Z - zero)^k,   p(Z_end) + p'(Z_end) (Z - Z_end) beyond an end

    Parameters
    ----------
    metallicity
        12 + log(O/H), dex.
    coefficients
        c_0, c_1, …
    zero
        the metallicity from which the polynomial counts.
    valid
        lowest and highest metallicity of the range.

    Returns
    -------
    values
        of a continuous first derivative, in the shape of metallicity.
    """
    middle = 0.5 * (valid[0] + valid[1])
    # Around the middle of the range and in double precision: terms of hundreds that cancel would
    # leave four digits in single precision.
    shifted = np.polynomial.Polynomial(coefficients)(np.polynomial.Polynomial([middle - zero, 1.0]))
    half = 0.5 * (valid[1] - valid[0])
    offset = metallicity - middle
    inside = jnp.clip(offset, -half, half)
    # The slopes of the tangents are numbers: there is one polynomial to evaluate, not two.
    below, above = (float(shifted.deriv()(end)) for end in (-half, half))
    return _horner(shifted.coef, inside) + jnp.where(offset > 0, above, below) * (offset - inside)


def _horner(coefficients: np.ndarray, x: Float[Array, "..."]) -> Float[Array, "..."]:
    total = jnp.zeros_like(x)
    for coefficient in coefficients[::-1]:
        total = total * x + float(coefficient)
    return total
