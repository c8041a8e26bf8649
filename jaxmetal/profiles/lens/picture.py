"""A lens given by maps of its deflection."""

import jax.numpy as jnp

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, Deflection, pixel_of


def deflection_map(
    x: Coordinate, y: Coordinate, alpha_x, alpha_y, origin, matrix, distance_ratio=1.0
) -> Deflection:
    """Maps of the deflection, interpolated with continuous first derivatives.

        alpha = distance_ratio · (alpha_x, alpha_y)(column, row)
        (x, y) = origin + matrix · (column, row)

    Beyond the edge of the maps the deflection stays what it is on the edge; a frame that reaches
    there is refused before anything is computed.

    Parameters
    ----------
    x, y
        position, arcsec.
    alpha_x, alpha_y
        deflection towards +x and +y at the pixel centres, arcsec, shape (rows, columns).
    origin
        (x, y) of pixel [0, 0], arcsec, shape (2,).
    matrix
        arcsec per pixel, shape (2, 2), as a `Grid` has it.
    distance_ratio
        factor on the maps, such as D_LS/D_S of the source, not negative.

    Returns
    -------
    alpha_x, alpha_y
        deflection towards +x and +y, arcsec, in the shape of x.

    References
    ----------
    Keys (1981), IEEE Trans. ASSP 29, 1153.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> lens = jm.Profile(
    ...     jm.lens.deflection_map,
    ...     alpha_x=[[-1.0, 1.0], [-1.0, 1.0]],
    ...     alpha_y=[[-1.0, -1.0], [1.0, 1.0]],
    ...     origin=[-1.0, -1.0],
    ...     matrix=[[2.0, 0.0], [0.0, 2.0]],
    ... )
    >>> print(", ".join(f"{alpha:.3f}" for alpha in lens(1.0, 0.5)))
    1.000, 0.500
    """
    rows, columns = alpha_x.shape
    column, row = pixel_of(x, y, origin, matrix)
    # Two pixels more on each side, continued in a straight line, so that the outermost cells are as
    # smooth as the others.
    column, row = jnp.clip(column, 0, columns - 1) + 2, jnp.clip(row, 0, rows - 1) + 2
    padded = (jnp.pad(image, 2, mode="reflect", reflect_type="odd") for image in (alpha_x, alpha_y))
    along, across = (
        numerics.interpolate(image, row, column, numerics.cubic_weights) for image in padded
    )
    return distance_ratio * along, distance_ratio * across
