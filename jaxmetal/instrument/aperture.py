"""Apertures of a measurement: bins, fibres, slitlets or masks, as weights of pixels."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.instrument.aperture_parts import Parts, bin_parts, covered_parts, weight_parts
from jaxmetal.instrument.footprints import boxes, columns, discs
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.shutters import slitlet_pieces, slitlet_shapes
from jaxmetal.profiles.numerics import along_last


class Apertures(eqx.Module):
    """Weighted sums over the pixels of a grid; apertures may overlap and may take parts of pixels.

        sum_i = Σ_p weight_ip · pixel_p

    They are made by `bins`, `circles`, `rectangles`, `slitlets` or `weights`, once and exactly.
    They are given in pixels of their grid: if the grid of an instrument is moved by a fit, they
    move with it.

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
        return cls._of(bin_parts(ids))

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
        return cls._of(covered_parts("circles", grid, discs(x, y, radius)))

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
        return cls._of(covered_parts("rectangles", grid, boxes(x, y, width, height, angle)))

    @classmethod
    def slitlets(
        cls,
        grid: Grid,
        x: Any,
        y: Any,
        angle: Any = 0.0,
        *,
        across: Any = 0.0,
        along: Any = 0.0,
        shutters: int = 3,
        row_height: Any = None,
        transmission: float = 0.0,
    ) -> "Apertures":
        """Slitlets of NIRSpec's micro-shutters: shutters of 0.20" x 0.46" and the bars between.

        Shutters lie 0.530" apart along a slitlet; the bars of 0.07" between them are gaps.

        Parameters
        ----------
        grid
            of the pixels, no larger than about 0.05"; they may be turned or sheared.
        x, y
            centres, arcsec, one for all or shape (n,); an astropy Quantity is converted.
        angle
            position angle of the slitlet, degrees, from +y (north) towards +x (east).
        across, along
            steps from the centre, arcsec, one for all or shape (n,): along is in the direction of
            `angle`, across is that of the dispersion, which is +x at an angle of 0.
        shutters
            how many of them a slitlet has.
        row_height
            length along the slitlet of one measurement, arcsec: rows of the detector, of 0.1",
            counted around the middle of the slitlet; the whole slitlet if left out.
        transmission
            of the bars, from 0 to 1: a plain number, which no fit changes.

        Returns
        -------
        apertures
            numbered from 0: one per slitlet, or its rows one after the other along `angle`.

        Raises
        ------
        InputError
            for a slitlet that is not wholly inside the frame, a row wholly on a bar that lets
            nothing through, or numbers that are out of range.

        References
        ----------
        JWST User Documentation, NIRSpec Micro-Shutter Assembly.
        """
        x, y, angle, across, along = columns(
            "slitlets", x=x, y=y, angle=angle, across=across, along=along
        )
        pieces = slitlet_pieces(shutters, row_height, transmission)
        shapes = slitlet_shapes(x, y, angle, across, along, pieces)
        return cls._of(covered_parts("slitlets", grid, shapes))

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
        return cls._of(weight_parts(array))

    @classmethod
    def _of(cls, parts: Parts) -> "Apertures":
        number = jnp.result_type(float)
        return cls(
            jnp.asarray(parts.aperture, jnp.int32),
            jnp.asarray(parts.pixel, jnp.int32),
            jnp.asarray(parts.weight, number),
            jnp.asarray(parts.ids, jnp.int32),
            (int(parts.shape[0]), int(parts.shape[1])),
        )

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
