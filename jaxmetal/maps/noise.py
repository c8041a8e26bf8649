"""The errors of a map in the forms that a likelihood needs: whitening, and the log determinant."""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from jaxmetal.maps.error_terms import Errors
from jaxmetal.profiles.numerics import product


class Noise(eqx.Module):
    """A form of a map's covariance C that is prepared for what a fit leaves free."""

    @abstractmethod
    def whitened(self, image: Float[Array, "*map"], errors: Errors) -> Float[Array, "*map"]:
        """A root of C⁻¹ times an image: independent numbers of unit variance if it is noise.

        Parameters
        ----------
        image
            in the unit of the map.
        errors
            what C depends on.

        Returns
        -------
        numbers
            in the map's shape; 0 where it is masked.
        """

    @abstractmethod
    def log_errors(self, errors: Errors) -> Float[Array, "*map"]:
        """ln of the error of each whitened number: their sum is ln |C| / 2.

        Parameters
        ----------
        errors
            what C depends on.

        Returns
        -------
        log_errors
            in the map's shape; of no meaning where it is masked.
        """

    def further_roots(self, errors: Errors) -> Float[Array, " m"]:
        """Roots of what C's parameters add to the information beside those of `log_errors`.

        F = ½ tr(C⁻¹ ∂C C⁻¹ ∂C) = 2 Σ ∂ln sᵢ ∂ln sᵢ + Σ ∂hₖ ∂hₖ
        """
        return jnp.zeros(0, errors.sigma.dtype)

    def as_pixels(self, numbers: Float[Array, "*map"]) -> Float[Array, "*map"]:
        """Whitened numbers turned to be as close to the pixels as they can be, to look at."""
        return numbers

    @property
    def counts(self) -> tuple[int, ...]:
        """The lengths of its arrays that are different for maps with other masked pixels."""
        return ()

    def filled(self, counts: tuple[int, ...], size: int) -> "Noise":
        """The same with arrays of these lengths, as all maps of a batch must have.

        Parameters
        ----------
        counts
            at least as large as its own.
        size
            of the map's measurements.
        """
        return self


class Independent(Noise):
    """Errors of which each pixel has its own."""

    def whitened(self, image: Float[Array, "*map"], errors: Errors) -> Float[Array, "*map"]:
        # One factor after the other: the derivative of a quotient by the total sigma has 1 /
        # sigma².
        return errors.in_sigma(image) / jnp.sqrt(errors.shared**2 + errors.alone**2)

    def log_errors(self, errors: Errors) -> Float[Array, "*map"]:
        errors = errors.normalised
        return jnp.log(errors.sigma) + 0.5 * jnp.log(errors.shared**2 + errors.alone**2)


class Indexed(Noise):
    """A matrix among the measurements that take part.

    Parameters
    ----------
    index
        their numbers, row by row; the size of the map where there are fewer than in another map,
        and the rows that are added are those of the unit matrix.
    """

    index: eqx.AbstractVar[Int[Array, " k"]]

    @property
    def counts(self) -> tuple[int, ...]:
        return (len(self.index),)

    def taken(self, image: Shaped[Array, "*map"]) -> Shaped[Array, " k"]:
        """The measurements of an image in a row."""
        return jnp.ravel(image).at[self.index].get(mode="fill", fill_value=0)

    def placed(self, numbers: Float[Array, " k"], like: Float[Array, "*map"], rest: float) -> Array:
        """An image of numbers in a row, and of the rest."""
        blank = jnp.full(like.size, rest, numbers.dtype)
        return blank.at[self.index].set(numbers, mode="drop").reshape(like.shape)


class Factor(Indexed):
    """The Cholesky factor of a fixed correlation, R = L Lᵀ, without scatter.

    Parameters
    ----------
    index
        the measurements that take part.
    inverse
        L⁻¹, shape (k, k): on a CPU XLA solves a triangular system twenty times more slowly than it
        multiplies.
    """

    index: Int[Array, " k"]
    inverse: Float[Array, "k k"]

    def filled(self, counts: tuple[int, ...], size: int) -> "Factor":
        (count,) = counts
        return Factor(_filled_index(self.index, count, size), _filled(self.inverse, count))

    def whitened(self, image: Float[Array, "*map"], errors: Errors) -> Float[Array, "*map"]:
        numbers = self.taken(errors.in_sigma(image) / errors.shared)
        return self.placed(product(self.inverse, numbers), image, 0.0)

    def log_errors(self, errors: Errors) -> Float[Array, "*map"]:
        log_root = self.placed(-jnp.log(jnp.diag(self.inverse)), errors.sigma, 0.0)
        return jnp.log(errors.sigma) + jnp.log(errors.scale) + log_root


class Modes(Indexed):
    """The eigenbasis in which correlated errors are independent, for a scatter that is free.

        D R D = Q Λ Qᵀ,   C = Q (scale² Λ + scatter²) Qᵀ

    Parameters
    ----------
    index
        the measurements that take part.
    vectors
        Q, shape (k, k).
    sigma
        the roots of Λ.
    """

    index: Int[Array, " k"]
    vectors: Float[Array, "k k"]
    sigma: Float[Array, " k"]

    def filled(self, counts: tuple[int, ...], size: int) -> "Modes":
        (count,) = counts
        sigma = jnp.concatenate([self.sigma, jnp.ones(count - len(self.sigma), self.sigma.dtype)])
        index = _filled_index(self.index, count, size)
        return Modes(index, _filled(self.vectors, count), sigma)

    def whitened(self, image: Float[Array, "*map"], errors: Errors) -> Float[Array, "*map"]:
        numbers = product(self.taken(jnp.where(errors.valid, image, 0.0)), self.vectors)
        return self.placed(numbers / self.sigma / self._inflation(errors), image, 0.0)

    def log_errors(self, errors: Errors) -> Float[Array, "*map"]:
        log_s = jnp.log(self.sigma) + jnp.log(self._inflation(errors))
        return self.placed(log_s, errors.sigma, 0.0)

    def as_pixels(self, numbers: Float[Array, "*map"]) -> Float[Array, "*map"]:
        return self.placed(product(self.vectors, self.taken(numbers)), numbers, 0.0)

    def _inflation(self, errors: Errors) -> Float[Array, " k"]:
        return jnp.sqrt(errors.scale**2 + (errors.scatter / self.sigma) ** 2)


class Dense(Indexed):
    """The covariance itself, factorised in every evaluation: anything may be free.

    Parameters
    ----------
    index
        the measurements that take part.
    """

    index: Int[Array, " k"]

    def filled(self, counts: tuple[int, ...], size: int) -> "Dense":
        (count,) = counts
        return Dense(_filled_index(self.index, count, size))

    def whitened(self, image: Float[Array, "*map"], errors: Errors) -> Float[Array, "*map"]:
        root = jnp.linalg.cholesky(self._relative(errors))
        numbers = self.taken(errors.in_sigma(image) / errors.shared)
        return self.placed(_solved(root, numbers), image, 0.0)

    def log_errors(self, errors: Errors) -> Float[Array, "*map"]:
        root = jnp.linalg.cholesky(self._relative(errors.normalised))
        log_root = self.placed(jnp.log(jnp.diag(root)), errors.sigma, 0.0)
        return jnp.log(errors.sigma) + jnp.log(errors.scale) + log_root

    def further_roots(self, errors: Errors) -> Float[Array, " m"]:
        matrix = self._relative(errors.normalised)
        root = jnp.linalg.cholesky(jax.lax.stop_gradient(matrix))
        change = _solved(root, _solved(root, matrix).T)
        # Those of the diagonal are in `log_errors`.
        return change[jnp.triu_indices(len(root), 1)]

    def _relative(self, errors: Errors) -> Float[Array, "k k"]:
        """R + (scatter / S)², unity where there is no measurement."""
        assert errors.correlation is not None
        size = errors.sigma.size
        index = jnp.minimum(self.index, size - 1)
        taken = (self.index < size) & self.taken(errors.valid)
        matrix = errors.correlation.among(errors.grid, index)
        extra = self.taken(errors.alone / errors.shared) ** 2
        matrix = jnp.where(taken[:, None] & taken[None, :], matrix, 0.0)
        diagonal = jnp.where(taken, extra, 1.0)
        return matrix + jnp.diag(diagonal)


def _solved(root: Float[Array, "k k"], numbers: Float[Array, "k ..."]) -> Float[Array, "k ..."]:
    return jax.scipy.linalg.solve_triangular(root, numbers, lower=True)


def _filled_index(index: Int[Array, " k"], count: int, size: int) -> Int[Array, " m"]:
    return jnp.concatenate([index, jnp.full(count - len(index), size, index.dtype)])


def _filled(matrix: Float[Array, "k k"], count: int) -> Float[Array, "m m"]:
    """A matrix with rows and columns of the unit matrix after its own."""
    old = len(matrix)
    return jnp.eye(count, dtype=matrix.dtype).at[:old, :old].set(matrix)
