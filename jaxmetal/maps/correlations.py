"""How the errors of neighbouring pixels are correlated: by separation, or by a matrix."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.errors import InputError
from jaxmetal.instrument.grid import Grid
from jaxmetal.profiles import numerics
from jaxmetal.profiles.profile import as_array, is_traced

UNITS = ("pixel", "arcsec")
# The part of each pixel's variance that its neighbours do not share, where none is given: read-out
# and photon noise that resampling has not spread. A smooth correlation without it asks for
# differences of neighbours that no real map has.
WHITE = 0.05
# Eigenvalues of a circulant that are negative by less than this part of the largest are rounding.
ROUNDING = 1e-5


class Correlation(eqx.Module):
    """The correlation matrix R of a map's errors; their covariance is D R D, D the quoted errors.

    Masked measurements drop out of R by their rows and columns.
    """

    @abstractmethod
    def among(self, grid: Grid, index: Int[Array | np.ndarray, " k"]) -> Float[Array, "k k"]:
        """R among some of the measurements.

        Parameters
        ----------
        grid
            of the map.
        index
            their numbers, row by row.

        Returns
        -------
        matrix
            differentiable in the parameters of the correlation.
        """

    @abstractmethod
    def times(self, grid: Grid, images: Float[Array, "..."], power: int = 1) -> Array:
        """R times images, without the matrix where it is not needed.

        Parameters
        ----------
        grid
            of the map.
        images
            in the shape of the map, with any dimensions before it.
        power
            2 for the squares of R's elements.

        Returns
        -------
        images
            of the same shape.
        """

    @abstractmethod
    def drawn(self, grid: Grid, rng: np.random.Generator) -> Float[np.ndarray, "..."]:
        """Noise of unit variance with this correlation.

        Parameters
        ----------
        grid
            of the map.
        rng
            of random numbers.

        Returns
        -------
        noise
            in the shape of the map, or in a row for measurements that are no pixels.
        """


class BySeparation(Correlation):
    """A correlation that depends on the separation of two pixels alone.

        rho(d) = (1 - white) k(d) for d > 0,   rho(0) = 1

    A subclass has the function `of_separation`, k(d), with k(0) = 1; its arrays are parameters,
    such as "z.correlation.length".

    Parameters
    ----------
    white
        the part of the variance that is not shared, at least 0 and below 1; it makes the
        matrix positive definite.
    unit
        of the separation: "pixel" or "arcsec".
    """

    white: Float[Array, ""] = eqx.field(
        default=WHITE, kw_only=True, converter=lambda value: _fraction(value)
    )
    unit: str = eqx.field(static=True, default="pixel", kw_only=True)

    def __check_init__(self) -> None:
        if self.unit not in UNITS:
            raise InputError(
                f"{type(self).__name__}.unit: expected 'pixel' or 'arcsec', got {self.unit!r}."
            )

    @abstractmethod
    def of_separation(self, distance: Float[Array, "..."]) -> Float[Array, "..."]:
        """The correlation k at a separation.

        Parameters
        ----------
        distance
            zero or positive, in the unit of the correlation.

        Returns
        -------
        correlation
            1 at a separation of zero.
        """

    def of_offset(self, dx: Float[Array, "..."], dy: Float[Array, "..."]) -> Array:
        """The correlation k at an offset along x and y, for those that depend on its direction."""
        square = dx**2 + dy**2
        return self.of_separation(numerics.sqrt(square))

    def at(self, grid: Grid, rows: Array, columns: Array) -> Array:
        """The correlation rho of pixels so many rows and columns apart."""
        dx, dy = columns.astype(grid.matrix.dtype), rows.astype(grid.matrix.dtype)
        if self.unit == "arcsec":
            (a, b), (c, d) = grid.matrix
            dx, dy = a * dx + b * dy, c * dx + d * dy
        apart = (rows != 0) | (columns != 0)
        return jnp.where(apart, (1 - self.white) * self.of_offset(dx, dy), 1.0)

    def among(self, grid: Grid, index: Int[Array | np.ndarray, " k"]) -> Float[Array, "k k"]:
        row, column = jnp.divmod(index, grid.shape[1])
        rows, columns = row[:, None] - row[None, :], column[:, None] - column[None, :]
        return self.at(grid, rows, columns)

    def lattice(self, grid: Grid, shape: tuple[int, int]) -> Float[Array, "ny nx"]:
        """rho at the offsets of a periodic frame, that of zero first."""
        rows, columns = (jnp.arange(n) - n * (jnp.arange(n) > n // 2) for n in shape)
        return self.at(grid, rows[:, None], columns[None, :])

    def times(self, grid: Grid, images: Float[Array, "..."], power: int = 1) -> Array:
        shape = _padded(grid.shape)
        transfer = jnp.fft.rfft2(self.lattice(grid, shape) ** power)
        transfer = transfer.reshape((1,) * (images.ndim - 2) + transfer.shape)
        spread = jnp.fft.irfft2(jnp.fft.rfft2(images, s=shape) * transfer, s=shape)
        return spread[..., : grid.shape[0], : grid.shape[1]]

    def spectrum(self, grid: Grid, factor: int = 2) -> Float[np.ndarray, "ny nx"]:
        """The eigenvalues of R on a periodic frame so many times as wide.

        If none is negative, R is positive definite whatever is masked.
        """
        shape = _padded(grid.shape, factor)
        lattice = np.asarray(self.lattice(grid, shape), float)
        return np.fft.fft2(lattice).real

    def drawn(self, grid: Grid, rng: np.random.Generator) -> Float[np.ndarray, "..."]:
        # A wider frame where the correlation has not vanished at its edge.
        for factor in (2, 4, 8):
            power = self.spectrum(grid, factor)
            if power.min() > -ROUNDING * power.max():
                break
        white = rng.standard_normal(power.shape)
        noise = np.fft.ifft2(np.fft.fft2(white) * np.sqrt(np.maximum(power, 0.0))).real
        return noise[: grid.shape[0], : grid.shape[1]]


class FunctionOfSeparation(BySeparation):
    """k(d) as a user's function of separation, which must take arrays of jax.numpy.

    Parameters
    ----------
    function
        k, with k(0) = 1.
    """

    function: Callable = eqx.field(static=True)

    def of_separation(self, distance: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.function(distance)


class MatrixCorrelation(Correlation):
    """A correlation matrix, by its Cholesky root.

    Parameters
    ----------
    root
        lower triangular L with R = L Lᵀ, shape (n, n) over all measurements of a map in a row.
    """

    adjustable: ClassVar = ()
    root: Float[Array, "n n"]

    def among(self, grid: Grid, index: Int[Array | np.ndarray, " k"]) -> Float[Array, "k k"]:
        rows = self.root[index]
        return numerics.product(rows, rows.T)

    def times(self, grid: Grid, images: Float[Array, "..."], power: int = 1) -> Array:
        matrix = numerics.product(self.root, self.root.T) ** power
        return numerics.product(images.reshape(-1, len(matrix)), matrix).reshape(images.shape)

    def drawn(self, grid: Grid, rng: np.random.Generator) -> Float[np.ndarray, "..."]:
        return np.asarray(self.root, float) @ rng.standard_normal(len(self.root))


def _padded(shape: tuple[int, int], factor: int = 2) -> tuple[int, int]:
    """A frame in which no pixel sees another across the edge."""
    return factor * shape[0], factor * shape[1]


def _fraction(value: Any) -> Array:
    array = as_array(value, "noise: white")
    if array.shape != () or not (is_traced(array) or 0 <= float(array) < 1):
        raise InputError(f"noise: white must be at least 0 and below 1, got {value!r}.")
    return array
