"""Correlated errors of large maps: a sparse root of the inverse correlation, without a matrix.

Vecchia (1988), J. R. Stat. Soc. B 50, 297; Katzfuss & Guinness (2021), Stat. Sci. 36, 124.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxmetal.instrument.grid import Grid
from jaxmetal.maps.correlations import Correlation
from jaxmetal.maps.error_terms import Errors
from jaxmetal.maps.noise import Noise

# The farthest neighbour of a pixel, pixels.
REACH = 13


class Vecchia(Noise):
    """A fixed correlation by separation, R, of any number of pixels, without scatter.

        w = p(W R Wᵀ) W r,   p(x) ≈ 1 / sqrt(x)

    A row of W takes from a pixel what its neighbours above and to the left predict of it, over the
    error of that prediction: Vecchia's approximation, Wᵀ W ≈ R⁻¹. The polynomial p makes of it a
    root of R⁻¹ to the accuracy of `prepared`; products with R are Fourier transforms.

    Parameters
    ----------
    weights
        W, of the pixel itself and of its neighbours; 0 for those that are masked.
    offsets
        where these pixels lie in a frame with `REACH` more pixels on each side, row and column.
    coefficients
        of p, in Chebyshev polynomials on `interval`.
    interval
        that holds the eigenvalues of W R Wᵀ.
    log_rest
        what ln |W R Wᵀ| / 2 adds to `log_errors`, spread over the pixels.
    """

    weights: Float[Array, "m rows columns"]
    offsets: Int[Array, "m 2"]
    coefficients: Float[Array, " k"]
    interval: Float[Array, " 2"]
    log_rest: Float[Array, ""]

    @property
    def counts(self) -> tuple[int, ...]:
        return len(self.offsets), len(self.coefficients)

    def filled(self, counts: tuple[int, ...], size: int) -> "Vecchia":
        # Neighbours of no weight, and powers that do not occur.
        arrays = (self.weights, self.offsets, self.coefficients)
        lengths = (counts[0], counts[0], counts[1])
        longer = [
            jnp.pad(a, [(0, n - len(a))] + [(0, 0)] * (a.ndim - 1))
            for a, n in zip(arrays, lengths, strict=True)
        ]
        return eqx.tree_at(lambda v: (v.weights, v.offsets, v.coefficients), self, longer)

    def whitened(self, image: Float[Array, "*map"], errors: Errors) -> Float[Array, "*map"]:
        assert errors.correlation is not None
        numbers = self.innovations(errors.in_sigma(image) / errors.shared)
        return self.polynomial(self.coefficients, numbers, errors.correlation, errors.grid)

    def log_errors(self, errors: Errors) -> Float[Array, "*map"]:
        # The first neighbour is the pixel itself.
        own = jnp.where(errors.valid, self.weights[0], 1.0)
        return jnp.log(errors.sigma) + jnp.log(errors.scale) - jnp.log(own) + self.log_rest

    def innovations(self, image: Float[Array, "rows columns"]) -> Float[Array, "rows columns"]:
        """W times an image."""
        frame = jnp.pad(image, REACH)

        def add(total: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
            weight, at = part
            return total + weight * jax.lax.dynamic_slice(frame, at, image.shape), None

        return jax.lax.scan(add, jnp.zeros_like(image), (self.weights, self.offsets))[0]

    def spread(self, image: Float[Array, "rows columns"]) -> Float[Array, "rows columns"]:
        """Wᵀ times an image."""

        def add(frame: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
            weight, at = part
            total = jax.lax.dynamic_slice(frame, at, image.shape) + weight * image
            return jax.lax.dynamic_update_slice(frame, total, at), None

        frame = jnp.pad(jnp.zeros_like(image), REACH)
        frame = jax.lax.scan(add, frame, (self.weights, self.offsets))[0]
        return jax.lax.dynamic_slice(frame, (REACH, REACH), image.shape)

    def left_over(
        self, image: Float[Array, "rows columns"], correlation: Correlation, grid: Grid
    ) -> Float[Array, "rows columns"]:
        """W R Wᵀ times an image: the correlation that W leaves, close to none."""
        return self.innovations(correlation.times(grid, self.spread(image)))

    def polynomial(
        self,
        coefficients: Float[Array, " k"],
        image: Float[Array, "rows columns"],
        correlation: Correlation,
        grid: Grid,
    ) -> Float[Array, "rows columns"]:
        """A polynomial of W R Wᵀ times an image, by Clenshaw's recurrence.

        Parameters
        ----------
        coefficients
            in Chebyshev polynomials on the interval of the eigenvalues.
        image
            in the shape of the map.
        correlation, grid
            R, of the map.
        """
        low, high = self.interval
        center, half = (high + low) / 2, (high - low) / 2

        def scaled(image: Array) -> Array:
            return (self.left_over(image, correlation, grid) - center * image) / half

        def step(last: tuple[Array, Array], coefficient: Array) -> tuple[tuple[Array, Array], None]:
            first, second = last
            return (coefficient * image + 2 * scaled(first) - second, first), None

        blank = jnp.zeros_like(image)
        (first, second), _ = jax.lax.scan(step, (blank, blank), coefficients[:0:-1])
        return coefficients[0] * image + scaled(first) - second
