"""Correlated errors, and the eigenbasis in which they are independent."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxmetal.errors import InputError
from jaxmetal.profiles.numerics import product
from jaxmetal.profiles.profile import as_array

# A matrix from a file is symmetric to the rounding of single precision.
ASYMMETRY = 1e-5


class Modes(eqx.Module):
    """The eigenbasis in which correlated errors are independent, computed once.

        C = Q Λ Qᵀ,   C + s² = Q (Λ + s²) Qᵀ

    so that a free extra scatter s costs nothing.

    Parameters
    ----------
    vectors
        Q, shape (n, n) over all measurements of a map in a row; one that takes no part is a
        direction of its own.
    sigma
        the roots of Λ, in the map's shape.
    """

    vectors: Float[Array, "n n"]
    sigma: Float[Array, "..."]

    def along(self, images: Float[Array, "..."]) -> Float[Array, "..."]:
        """Qᵀ of one or more images of the map's shape."""
        return self._turned(images, self.vectors)

    def back(self, images: Float[Array, "..."]) -> Float[Array, "..."]:
        """Q of one or more images: the inverse of `along`."""
        return self._turned(images, self.vectors.T)

    def _turned(self, images: Array, matrix: Array) -> Array:
        return product(images.reshape(-1, len(matrix)), matrix).reshape(images.shape)


def checked(covariance: Any, size: int, where: str) -> Float[np.ndarray, "n n"]:
    """The matrix, if it is one of numbers, square, and as large as the map."""
    try:
        matrix = np.asarray(covariance, float)
    except (TypeError, ValueError):
        raise InputError(
            f"{where}: expected a matrix of numbers, got {type(covariance).__name__}."
        ) from None
    if matrix.shape != (size, size):
        raise InputError(
            f"{where}: expected shape ({size}, {size}) for the {size} measurements row by row, got "
            f"{matrix.shape}."
        )
    return matrix


def decomposed(
    matrix: Float[np.ndarray, "n n"], usable: Bool[np.ndarray, "..."], where: str
) -> Modes:
    """The modes of the measurements that are usable.

    Raises
    ------
    InputError
        if the matrix among them is not finite, not symmetric, or not positive definite.
    """
    indices = np.flatnonzero(usable)
    block = matrix[np.ix_(indices, indices)]
    if not np.all(np.isfinite(block)):
        i, j = np.argwhere(~np.isfinite(block))[0]
        raise InputError(f"{where}: not finite between measurements {indices[i]} and {indices[j]}.")
    size = np.sqrt(np.abs(np.diag(block)))
    uneven = np.abs(block - block.T) > ASYMMETRY * np.maximum(
        np.outer(size, size), np.finfo(float).tiny
    )
    if uneven.any():
        i, j = np.argwhere(uneven)[0]
        raise InputError(
            f"{where}: not symmetric: {block[i, j]:g} and {block[j, i]:g} between measurements "
            f"{indices[i]} and {indices[j]}."
        )
    values, vectors = np.linalg.eigh(0.5 * (block + block.T))
    if not values[0] > len(indices) * np.finfo(float).eps * values[-1]:
        raise InputError(
            f"{where}: not positive definite: its smallest eigenvalue is {values[0]:.3g}, its "
            f"largest {values[-1]:.3g}."
        )
    whole, sigma = np.eye(len(matrix)), np.ones(len(matrix))
    whole[np.ix_(indices, indices)] = vectors
    sigma[indices] = np.sqrt(values)
    return Modes(as_array(whole, where), jnp.reshape(as_array(sigma, where), usable.shape))
