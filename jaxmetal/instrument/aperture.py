"""Apertures of a measurement: bins, fibres, slitlets or masks, as weights of pixels."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.errors import InputError
from jaxmetal.instrument.footprints import Shapes, columns, covered_pixels
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.overlap import disc_area, square_area
from jaxmetal.profiles.numerics import along_last
from jaxmetal.quantities import as_numbers


class Apertures(eqx.Module):
    """Weighted sums over the pixels of a grid; apertures may overlap and may take parts of pixels.

        sum_i = Σ_p weight_ip · pixel_p

    They are made by `bins`, `circles`, `rectangles` or `weights`, once and exactly. They are given
    in pixels of their grid: if the grid of an instrument is moved by a fit, they move with it.

    Parameters
    ----------
    aperture, pixel, weight
        a row for each part of a pixel that counts: the number of the aperture, the number of the
        pixel (row by row), and its weight, 1 for a whole pixel.
    ids
        what the apertures are called where they come from, such as the numbers in a map of bins.
    shape
        (rows, columns) of the grid.
    """

    aperture: Int[Array, " parts"]
    pixel: Int[Array, " parts"]
    weight: Float[Array, " parts"]
    ids: Int[Array, " n"]
    shape: tuple[int, int] = eqx.field(static=True)

    @classmethod
    def bins(cls, ids: Any) -> "Apertures":
        """The bins of a map of bin numbers, such as MaNGA's BINID or what Voronoi binning gives.

        Parameters
        ----------
        ids
            the number of each pixel's bin, any whole numbers, shape (rows, columns); negative, NaN
            or masked where a pixel is in no bin. The bins are in the order of their numbers.

        Returns
        -------
        apertures
            one per bin, in the order of their numbers.

        Raises
        ------
        InputError
            for an array that is not such a map, or has no bin.
        """
        numbers = as_numbers(ids, "Apertures.ids")
        if numbers.ndim != 2:
            raise InputError(
                "Apertures.bins: expected a map of bin numbers (rows, columns), "
                f"got shape {numbers.shape}."
            )
        inside = np.isfinite(numbers) & (numbers >= 0)
        if not inside.any():
            raise InputError("Apertures.bins: no bin: every pixel is negative, NaN or masked.")
        if np.any(numbers[inside] % 1):
            first = numbers[inside][numbers[inside] % 1 != 0][0]
            raise InputError(f"Apertures.bins: expected whole numbers, got {first:g}.")
        names, which = np.unique(numbers[inside], return_inverse=True)
        # Every pixel has a row, so that other bins of as many pixels compile nothing.
        aperture = np.zeros(numbers.size, int)
        aperture[inside.ravel()] = which.ravel()
        return cls._of(aperture, np.arange(numbers.size), inside.ravel(), names, numbers.shape)

    @classmethod
    def circles(cls, grid: Grid, x: Any, y: Any, radius: Any) -> "Apertures":
        """Circles on the sky, such as fibres.

        Parameters
        ----------
        grid
            of the pixels; they may be turned or sheared.
        x, y
            centres, arcsec, shape (n,); here as below an astropy Quantity is converted.
        radius
            arcsec, one for all or shape (n,).

        Returns
        -------
        apertures
            one per circle, numbered from 0.

        Raises
        ------
        InputError
            for a radius that is not positive, or a circle that is not wholly inside the frame; the
            grid may be as large as it needs to be, since no data belong to its pixels.
        """
        x, y, radius = columns("circles", x=x, y=y, radius=radius)
        to_disc = np.eye(2) / radius[:, None, None]
        return cls._covering("circles", grid, Shapes(x, y, to_disc, disc_area, np.pi))

    @classmethod
    def rectangles(
        cls, grid: Grid, x: Any, y: Any, width: Any, height: Any, angle: Any = 0.0
    ) -> "Apertures":
        """Rectangles on the sky, such as slitlets.

        Parameters
        ----------
        grid
            of the pixels; they may be turned or sheared.
        x, y
            centres, arcsec, shape (n,); here as below an astropy Quantity is converted.
        width, height
            across and along the direction of `angle`, arcsec, one for all or shape (n,).
        angle
            of the height, degrees, from +y (north) towards +x (east).

        Returns
        -------
        apertures
            one per rectangle, numbered from 0.

        Raises
        ------
        InputError
            for a side that is not positive, or a rectangle that is not wholly inside the frame; the
            grid may be as large as it needs to be, since no data belong to its pixels.
        """
        x, y, width, height, angle = columns(
            "rectangles", x=x, y=y, width=width, height=height, angle=angle
        )
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        to_square = 2 * np.stack(
            [
                np.stack([cos, -sin], -1) / width[:, None],
                np.stack([sin, cos], -1) / height[:, None],
            ],
            axis=1,
        )
        return cls._covering("rectangles", grid, Shapes(x, y, to_square, square_area, 4.0))

    @classmethod
    def weights(cls, array: Any) -> "Apertures":
        """Apertures of any kind, by the weight of each pixel in each of them.

        Parameters
        ----------
        array
            weights, zero or positive, shape (n, rows, columns); 1 takes the whole pixel.

        Returns
        -------
        apertures
            n of them, numbered from 0.

        Raises
        ------
        InputError
            for a negative weight, one that is not finite, or an aperture without any.
        """
        weight = as_numbers(array, "Apertures.weights")
        if weight.ndim != 3:
            raise InputError(
                f"Apertures.weights: expected shape (n, rows, columns), got {weight.shape}."
            )
        bad = ~(np.isfinite(weight) & (weight >= 0)).all(axis=(1, 2))
        if bad.any():
            raise InputError(
                f"Apertures.weights: aperture {int(np.argmax(bad))} has a weight that is negative "
                "or not finite."
            )
        empty = ~weight.any(axis=(1, 2))
        if empty.any() or not len(weight):
            which = f"aperture {int(np.argmax(empty))} is empty: it" if len(weight) else "it"
            raise InputError(f"Apertures.weights: {which} has no positive weight.")
        aperture, pixel = np.nonzero(weight.reshape(len(weight), -1))
        return cls._of(
            aperture,
            pixel,
            weight.reshape(len(weight), -1)[aperture, pixel],
            np.arange(len(weight)),
            weight.shape[1:],
        )

    @classmethod
    def _of(
        cls, aperture: Any, pixel: Any, weight: Any, ids: Any, shape: tuple[int, ...]
    ) -> "Apertures":
        number = jnp.result_type(float)
        return cls(
            jnp.asarray(aperture, jnp.int32),
            jnp.asarray(pixel, jnp.int32),
            jnp.asarray(weight, number),
            jnp.asarray(ids, jnp.int32),
            (int(shape[0]), int(shape[1])),
        )

    @classmethod
    def _covering(cls, kind: str, grid: Grid, shapes: Shapes) -> "Apertures":
        """Apertures of shapes on the sky, checked to lie inside the frame."""
        aperture, pixel, weight = covered_pixels(kind, grid, shapes)
        ids = np.arange(len(shapes.x))
        return cls._of(aperture, pixel, np.minimum(weight, 1.0), ids, grid.shape)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.ids.shape[-1]

    def sums(self, images: Float[Array, "... ny nx"]) -> Float[Array, "... n"]:
        """The weighted sum of the pixels of each image in each aperture."""
        images = jnp.asarray(images)
        parts = images.reshape(*images.shape[:-2], -1)[..., self.pixel]
        parts = along_last(self.weight, parts.ndim) * parts
        return (
            jnp.zeros((*images.shape[:-2], self.count), parts.dtype)
            .at[..., self.aperture]
            .add(parts)
        )

    def paint(self, values: Any) -> Float[np.ndarray, "ny nx"]:
        """An image of one value per aperture.

        A pixel holds the weighted mean of the apertures that cover it.

        Parameters
        ----------
        values
            shape (n,); an aperture of which it is NaN is not drawn.

        Returns
        -------
        image
            shape (rows, columns); NaN where there is no aperture.
        """
        values, (aperture, pixel, weight) = np.asarray(values, float), self._parts
        finite_weight = np.where(np.isfinite(values[aperture]), weight, 0.0)
        size = self.shape[0] * self.shape[1]
        total = np.bincount(
            pixel, finite_weight * np.where(finite_weight > 0, values[aperture], 0.0), size
        )
        coverage = np.bincount(pixel, finite_weight, size)
        return np.where(
            coverage > 0, total / np.where(coverage > 0, coverage, 1.0), np.nan
        ).reshape(self.shape)

    @property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows on the host, without those of no weight."""
        weight = np.asarray(self.weight, float)
        counts = weight > 0
        return np.asarray(self.aperture)[counts], np.asarray(self.pixel)[counts], weight[counts]

    @property
    def whole(self) -> bool:
        """Whether each pixel is in one aperture at most, and in that as a whole.

        Such apertures are bins, whose maps may be given per pixel.
        """
        _, pixel, weight = self._parts
        return bool(np.all(weight == 1) and np.unique(pixel).size == pixel.size)

    def totals(self, image: Any) -> Float[np.ndarray, " n"]:
        """The weighted sum of an image's pixels in each aperture, in double precision."""
        aperture, pixel, weight = self._parts
        return np.bincount(aperture, weight * np.asarray(image, float).ravel()[pixel], self.count)

    def means(self, image: Any) -> Float[np.ndarray, " n"]:
        """The weighted mean of an image's pixels in each aperture, on the host."""
        return self.totals(image) / self.totals(np.ones(self.shape))

    def ranges(self, image: Any) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The smallest and the largest finite value of an image in each aperture, on the host.

        NaN where none is finite.
        """
        aperture, pixel, _ = self._parts
        values = np.asarray(image, float).ravel()[pixel]
        low, high = np.full(self.count, np.inf), np.full(self.count, -np.inf)
        finite = np.isfinite(values)
        np.minimum.at(low, aperture[finite], values[finite])
        np.maximum.at(high, aperture[finite], values[finite])
        return np.where(low <= high, low, np.nan), np.where(low <= high, high, np.nan)
