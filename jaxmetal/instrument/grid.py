"""Where the pixels lie on the sky."""

import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.errors import InputError, InputWarning
from jaxmetal.instrument import sky
from jaxmetal.instrument.headers import celestial
from jaxmetal.profiles.geometry import pixel_of
from jaxmetal.profiles.profile import as_array
from jaxmetal.quantities import ARCSEC, DEGREES, PIXEL_SCALE, PIXELS, Unit, plain

# Sides of pixels below and above which a WCS is doubtful, arcsec.
FINE = 1e-3
WIDE = 360.0


class Grid(eqx.Module):
    """A regular grid of pixels.

        (x, y) = origin + matrix · (column, row)

    Parameters
    ----------
    origin
        position of the centre of pixel [0, 0], arcsec or a Quantity, shape (2,).
    matrix
        arcsec per pixel, shape (2, 2): a step of one column moves by matrix[:, 0], one row by
        matrix[:, 1].
    shape
        (rows, columns).

    Raises
    ------
    InputError
        for a shape that is not two positive whole numbers, a matrix that maps the pixels onto a
        line, or a unit that cannot be converted.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(f"{jm.Grid.regular((31, 21), pixel_scale=0.2).pixel_scale:.1f}")
    0.2
    """

    origin: Float[Array, "2"]
    matrix: Float[Array, "2 2"]
    shape: tuple[int, int] = eqx.field(static=True)

    def __init__(self, origin: Any, matrix: Any, shape: tuple[int, int]):
        self.shape = _checked_shape(shape)
        origin, matrix = (
            plain(origin, "Grid.origin", ARCSEC),
            plain(matrix, "Grid.matrix", PIXEL_SCALE),
        )
        self.origin = as_array(origin, "Grid.origin")
        self.matrix = as_array(matrix, "Grid.matrix")
        if self.origin.shape != (2,) or self.matrix.shape != (2, 2):
            raise InputError(
                f"Grid: origin must have shape (2,) and matrix (2, 2), got {self.origin.shape} and "
                f"{self.matrix.shape}."
            )
        numbers = np.append(np.asarray(matrix, float), np.asarray(origin, float))
        if not np.all(np.isfinite(numbers)) or abs(np.linalg.det(np.asarray(matrix, float))) == 0:
            raise InputError(
                "Grid: origin and matrix must be finite and the pixels must have an area, got "
                f"{matrix!r}."
            )

    @classmethod
    def regular(
        cls, shape: tuple[int, int], pixel_scale: ArrayLike, center: Any = (0.0, 0.0)
    ) -> "Grid":
        """Square pixels, x to the right and y up, with `center` in the middle of the frame.

        Parameters
        ----------
        shape
            (rows, columns).
        pixel_scale
            arcsec per pixel, positive; or an astropy Quantity.
        center
            (x, y) of the middle of the frame, arcsec; or astropy Quantities.

        Returns
        -------
        grid
            with a diagonal matrix.

        Raises
        ------
        InputError
            for a shape that is not two positive whole numbers, a pixel_scale that is not one
            positive number, or a center that is not two numbers.
        """
        rows, columns = _checked_shape(shape)
        side = _numbers(
            pixel_scale,
            (),
            "Grid.regular: pixel_scale must be one positive number (arcsec)",
            PIXEL_SCALE,
        )
        if side <= 0:
            raise InputError(
                "Grid.regular: pixel_scale must be one positive number (arcsec), got "
                f"{pixel_scale!r}."
            )
        middle = _numbers(center, (2,), "Grid.regular: center must be two numbers (arcsec)", ARCSEC)
        origin = middle - side * np.array([(columns - 1) / 2, (rows - 1) / 2])
        return cls(origin, side * np.eye(2), (rows, columns))

    @classmethod
    def from_wcs(cls, wcs: Any, shape: tuple[int, int] | None = None, center: Any = None) -> "Grid":
        """The grid of a celestial WCS.

        x is to the east and y to the north of a reference position.

        Parameters
        ----------
        wcs
            an astropy.wcs.WCS or a FITS header; a cube's is reduced to its celestial part.
        shape
            (rows, columns); the WCS's own if left out.
        center
            (right ascension, declination) of (x, y) = (0, 0), ICRS, in degrees, as Quantities or as
            sexagesimal texts, or a SkyCoord; the middle of the frame if left out. Maps of one
            galaxy from different instruments must name the same position.

        Returns
        -------
        grid
            its matrix the best linear approximation of the WCS over the frame.

        Raises
        ------
        InputError
            if there are no celestial axes, no shape, the centre lies far away, or the WCS bends by
            more than 0.05 pixel over the frame.

        Warns
        -----
        InputWarning
            if pixels are larger than 0.1 degrees or smaller than 0.001 arcsec.
        """
        where = "Grid.from_wcs"
        celestial_wcs = celestial(wcs, where)
        if celestial_wcs is None:
            example = "such as CTYPE1 = 'RA---TAN' and CTYPE2 = 'DEC--TAN'"
            raise InputError(f"{where}: the WCS has no celestial axes, {example}.")
        if shape is None and celestial_wcs.array_shape is None:
            problem = "the WCS does not know its shape; give shape=(rows, columns)"
            raise InputError(f"{where}: {problem}.")
        rows, columns = _checked_shape(celestial_wcs.array_shape if shape is None else shape)
        column, row = (
            a.ravel()
            for a in np.meshgrid(np.linspace(0, columns - 1, 7), np.linspace(0, rows - 1, 7))
        )
        places = sky.positions(celestial_wcs, column, row, where)
        middle = sky.positions(celestial_wcs, (columns - 1) / 2, (rows - 1) / 2, where)
        if center is None:
            origin = float(middle.ra.deg), float(middle.dec.deg)
        else:
            if not hasattr(center, "transform_to"):
                center = plain(center, f"{where}.center", DEGREES)
            origin = sky.as_position(center, f"{where}: center: ")
            size = float(places[0].separation(places[-1]).deg)
            sky.check_near(origin, middle, size, f"{where}: center ")
        plane = sky.offsets(places, origin)
        if not np.all(np.isfinite(plane)):
            far = f"the frame does not lie within 90 degrees of the center {center}"
            raise InputError(f"{where}: {far}.")
        terms = np.stack([np.ones_like(column), column, row], axis=-1)
        solution = np.linalg.lstsq(terms, plane, rcond=None)[0]
        matrix = solution[1:].T
        bend = np.abs(plane - terms @ solution).max() / np.sqrt(abs(np.linalg.det(matrix)))
        if not bend < 0.05:
            bent = f"the WCS bends by {bend:.2g} pixel over the frame"
            raise InputError(f"{where}: {bent}; resample the map or cut it smaller.")
        grid = cls(solution[0], matrix, (rows, columns))
        _remark_on_size(float(np.sqrt(abs(np.linalg.det(matrix)))), where)
        return grid

    @property
    def pixel_area(self) -> Float[Array, ""]:
        """Solid angle of a pixel, arcsec²."""
        return _area(self.matrix)

    @property
    def pixel_scale(self) -> Float[Array, ""]:
        """Side of a square pixel of the same area, arcsec."""
        return _side(self.matrix)

    @property
    def coordinates(self) -> tuple[Float[Array, "ny nx"], Float[Array, "ny nx"]]:
        """(x, y) of the pixel centres, arcsec."""
        rows, columns = self.shape
        return self.position(
            jnp.arange(columns, dtype=self.origin.dtype)[None, :],
            jnp.arange(rows, dtype=self.origin.dtype)[:, None],
        )

    def position(self, column: ArrayLike, row: ArrayLike) -> tuple[Array, Array]:
        """(x, y) of a point given in pixels, arcsec.

        Parameters
        ----------
        column, row
            pixels, counted from 0 at the centre of pixel [0, 0].

        Returns
        -------
        x, y
            arcsec, broadcast together.
        """
        column, row = (
            plain(column, "Grid.position.column", PIXELS),
            plain(row, "Grid.position.row", PIXELS),
        )
        m = self.matrix
        return self.origin[0] + m[0, 0] * column + m[0, 1] * row, self.origin[1] + m[
            1, 0
        ] * column + m[1, 1] * row

    def pixel(self, x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        """(column, row) of a point on the sky, arcsec: the inverse of `position`.

        Parameters
        ----------
        x, y
            arcsec.

        Returns
        -------
        column, row
            pixels, broadcast together; not rounded.
        """
        x, y = plain(x, "Grid.pixel.x", ARCSEC), plain(y, "Grid.pixel.y", ARCSEC)
        return pixel_of(x, y, self.origin, self.matrix)

    def squared_frequency(self, kx: ArrayLike, ky: ArrayLike) -> Array:
        """`|f|²` on the sky, per arcsec², of a Fourier mode.

        Parameters
        ----------
        kx, ky
            cycles per pixel along the axes of the array.

        Returns
        -------
        squared
            per arcsec², broadcast together.
        """
        # In full: the inverse of a general matrix takes longer to compile than all that follows.
        m = self.matrix
        along, across = m[1, 1] * kx - m[1, 0] * ky, m[0, 0] * ky - m[0, 1] * kx
        return (along**2 + across**2) / (m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]) ** 2


def _checked_shape(shape: Any) -> tuple[int, int]:
    try:
        rows, columns = (int(n) for n in shape)
        whole = all(float(n) == int(n) for n in shape)
    except (TypeError, ValueError):
        raise InputError(f"Grid.shape: expected (rows, columns), got {shape!r}.") from None
    if rows < 1 or columns < 1 or not whole:
        raise InputError(f"Grid.shape: expected two positive whole numbers, got {shape!r}.")
    return rows, columns


def _remark_on_size(side: float, where: str) -> None:
    """Warn of a pixel size, arcsec, that no map of a galaxy has."""
    if FINE <= side <= WIDE:
        return
    size = f"{side / 3600:.3g} degrees" if side > WIDE else f"{side:.2g} arcsec"
    text = f"the WCS has pixels of {size}; are CDELT and CD in the unit of CUNIT?"
    warnings.warn(f"{where}: {text}", InputWarning, stacklevel=3)


def _numbers(value: Any, shape: tuple[int, ...], expected: str, unit: Unit) -> np.ndarray:
    value = plain(value, expected.partition(" must")[0].replace(": ", "."), unit)
    try:
        numbers = np.asarray(value, float)
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if numbers.shape != shape or not np.all(np.isfinite(numbers)):
        raise InputError(f"{expected}, got {value!r}.")
    return numbers


# As one program each: operations by themselves would be compiled one by one.
_area = jax.jit(lambda matrix: jnp.abs(jnp.linalg.det(matrix)))
_side = jax.jit(lambda matrix: jnp.sqrt(_area(matrix)))
