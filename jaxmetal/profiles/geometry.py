"""Where a point lies in a galaxy: elliptical radius, and the plane of an inclined disc."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from jaxmetal.profiles import numerics

Coordinate = Float[Array, "..."]
# A pair of angles towards +x and +y, arcsec.
Deflection = tuple[Coordinate, Coordinate]

# A cusp has no value on its own centre: inside this radius (arcsec) it has the value it has here,
# as in lenstronomy.
CUSP = 1e-4


def elliptical_coordinates(
    x: Coordinate, y: Coordinate, e1, e2, center_x, center_y
) -> tuple[Coordinate, Coordinate]:
    """Coordinates in which an ellipse is a circle of the same area, as lenstronomy counts them.

        (e1, e2) = (1-q)/(1+q) (cos 2 phi, sin 2 phi)
        x' = [(1-e1) dx - e2 dy] / N,   y' = [-e2 dx + (1+e1) dy] / N,   N^2 = 1 - e1^2 - e2^2

    Parameters
    ----------
    x, y
        position on the sky, arcsec.
    e1, e2
        ellipticity; phi is the angle of the major axis from +x towards +y.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    x', y'
        arcsec.
    """
    dx, dy = x - center_x, y - center_y
    # Beyond |e| = 1 there is no ellipse; an optimiser may still look there and must come back with
    # finite numbers.
    norm = jnp.sqrt(jnp.maximum(jnp.abs(1 - e1**2 - e2**2), 1e-6))
    return ((1 - e1) * dx - e2 * dy) / norm, (-e2 * dx + (1 + e1) * dy) / norm


def elliptical_radius(x: Coordinate, y: Coordinate, e1, e2, center_x, center_y) -> Coordinate:
    """The product-average radius sqrt(a b) of the ellipse through a point, arcsec.

    Its gradient is zero on the centre itself.
    """
    along, across = elliptical_coordinates(x, y, e1, e2, center_x, center_y)
    return numerics.sqrt(along**2 + across**2)


def major_axis(e1, e2) -> Float[Array, ""]:
    """The semi-major axis of an ellipse over its product-average radius.

    1/sqrt(q) = sqrt[(1 + |e|)/(1 - |e|)]
    """
    size = jnp.minimum(numerics.sqrt(jnp.asarray(e1**2 + e2**2)), 0.9999)
    return jnp.sqrt((1 + size) / (1 - size))


def disc_plane(
    x: Coordinate, y: Coordinate, inclination, position_angle, center_x, center_y
) -> tuple[Coordinate, Coordinate]:
    """Coordinates in the plane of a thin disc: along its major axis, and deprojected across it.

        X = dx sin PA + dy cos PA,   Y = (dx cos PA - dy sin PA) / cos i

    Parameters
    ----------
    x, y
        position on the sky, arcsec.
    inclination
        degrees; 0 is face-on.
    position_angle
        degrees, of the major axis from +y towards +x: north through east where x is east and y
        north (a grid made from a WCS), from up towards the right on a plain grid.
    center_x, center_y
        centre, arcsec.

    Returns
    -------
    X, Y
        arcsec in the plane of the disc.
    """
    dx, dy = x - center_x, y - center_y
    pa = jnp.deg2rad(position_angle)
    along = dx * jnp.sin(pa) + dy * jnp.cos(pa)
    across = dx * jnp.cos(pa) - dy * jnp.sin(pa)
    return along, across / jnp.cos(jnp.deg2rad(inclination))


def disc_radius(
    x: Coordinate, y: Coordinate, inclination, position_angle, center_x, center_y
) -> Coordinate:
    """The deprojected (major-axis) radius in an inclined disc, arcsec; see `disc_plane`.

    R = sqrt(X^2 + Y^2)
    """
    along, across = disc_plane(x, y, inclination, position_angle, center_x, center_y)
    return numerics.sqrt(along**2 + across**2)


def ellipticity(q, position_angle) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """(e1, e2) of an ellipse with axis ratio q whose major axis has this position angle.

    Parameters
    ----------
    q
        minor over major axis, 0 < q <= 1.
    position_angle
        degrees, from +y towards +x (see `disc_plane`).
    """
    phi = jnp.deg2rad(90.0 - position_angle)
    size = (1 - q) / (1 + q)
    return size * jnp.cos(2 * phi), size * jnp.sin(2 * phi)


def pixel_of(
    x: Float[ArrayLike, "..."], y: Float[ArrayLike, "..."], origin, matrix
) -> tuple[Any, Any]:
    """(column, row) of a position on a frame: the inverse of origin + matrix · (column, row).

    Of NumPy or of JAX, as the arguments are.
    """
    determinant = matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]
    dx, dy = x - origin[0], y - origin[1]
    column = (matrix[1, 1] * dx - matrix[0, 1] * dy) / determinant
    row = (matrix[0, 0] * dy - matrix[1, 0] * dx) / determinant
    return column, row
