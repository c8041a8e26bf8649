"""Apertures of a measurement: bins, fibres, slitlets or masks, as weights of pixels."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxmetal.instrument.aperture_parts import (
    Parts,
    bin_parts,
    covered_parts,
    extremes,
    painted,
    weight_parts,
)
from jaxmetal.instrument.footprints import boxes, columns, discs
from jaxmetal.instrument.grid import Grid
from jaxmetal.instrument.shutters import slitlet_pieces, slitlet_shapes
from jaxmetal.profiles.numerics import along_last


class Apertures(eqx.Module):
    """Weighted sums over the pixels of a grid; apertures may overlap and may take parts of pixels.

        sum_i = Σ_p (weight_ip + transmission · bar_ip) · pixel_p

    They are made by `bins`, `circles`, `rectangles`, `slitlets` or `weights`, once and exactly.
    They are given in pixels of their grid: if the grid of an instrument is moved by a fit, they
    move with it.

    Parameters
    ----------
    aperture, pixel, weight
        a row for each part of a pixel that counts: the number of the aperture, the number of the
        pixel (row by row), and its weight, 1 for a whole pixel.
    ids
        numbers of the apertures where they come from, such as a map of bins.
    shape
        (rows, columns) of the grid.
    bar
        the weight of the bars of slitlets in each part.
    transmission
        the share of the light that passes these bars, at least 0 and at most 1; None for dark bars.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> jm.Apertures.bins([[1, 1, 2]]).sums([[1.0, 2.0, 3.0]]).tolist()
    [3.0, 3.0]
    """

    adjustable: ClassVar = ("transmission",)
    aperture: Int[Array, " parts"]
    pixel: Int[Array, " parts"]
    weight: Float[Array, " parts"]
    ids: Int[Array, " n"]
    shape: tuple[int, int] = eqx.field(static=True)
    bar: Float[Array, " parts"] | None = None
    transmission: Float[Array, ""] | None = None

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
            for a size that is not positive, or a shape that is not wholly inside the frame; the
            grid may be as large as it needs to be, since no data belong to its pixels.
        """
        x, y, radius = columns("circles", x=x, y=y, radius=radius)
        return cls._of(covered_parts("circles", grid, discs(x, y, radius)))

    @classmethod
    def rectangles(
        cls, grid: Grid, x: Any, y: Any, width: Any, height: Any, angle: Any = 0.0
    ) -> "Apertures":
        """Rectangles on the sky, such as slits.

        Parameters
        ----------
        grid, x, y
            as for `circles`.
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
            as for `circles`.
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
        transmission: float | None = None,
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
            of the bars, from 0 to 1, and then a parameter of fits; if left out they are dark.

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
        return cls._of(covered_parts("slitlets", grid, shapes), transmission)

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
    def _of(cls, parts: Parts, transmission: float | None = None) -> "Apertures":
        number, bars = jnp.result_type(float), transmission is not None
        aperture, pixel, ids = (
            jnp.asarray(a, jnp.int32) for a in (parts.aperture, parts.pixel, parts.ids)
        )
        shape = int(parts.shape[0]), int(parts.shape[1])
        bar = jnp.asarray(parts.bar, number) if bars else None
        passing = jnp.asarray(transmission, number) if bars else None
        return cls(aperture, pixel, jnp.asarray(parts.weight, number), ids, shape, bar, passing)

    @property
    def shares(self) -> Float[Array, " parts"]:
        """How much of its pixel each part lets through, with what passes the bars."""
        if self.bar is None or self.transmission is None:
            return self.weight
        return self.weight + self.transmission * self.bar

    @property
    def count(self) -> int:
        """How many there are."""
        return self.ids.shape[-1]

    def sums(self, images: Float[Array, "... ny nx"]) -> Float[Array, "... n"]:
        """The weighted sum of the pixels of each image in each aperture."""
        images = jnp.asarray(images)
        parts = images.reshape(*images.shape[:-2], -1)[..., self.pixel]
        parts = along_last(self.shares, parts.ndim) * parts
        empty = jnp.zeros((*images.shape[:-2], self.count), parts.dtype)
        return empty.at[..., self.aperture].add(parts)

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
        return painted(self._parts, np.asarray(values, float), self.shape)

    @property
    def _parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The rows on the host, without those of no weight."""
        weight = np.asarray(self.shares, float)
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
        """The smallest and the largest finite value in each aperture, NaN where none is finite."""
        return extremes(self._parts, np.asarray(image, float), self.count)
