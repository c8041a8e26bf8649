"""Where a point lies in a thin, inclined disc that moves."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array

from jaxmetal.profiles import numerics
from jaxmetal.profiles.geometry import Coordinate, disc_plane


class Inclined(NamedTuple):
    """A position in the plane of a disc.

    Parameters
    ----------
    along, across
        along its major axis towards the receding side, and at right angles to it, arcsec.
    radius
        arcsec.
    sin_i
        the part of a velocity in the plane that is along the line of sight.
    """

    along: Coordinate
    across: Coordinate
    radius: Coordinate
    sin_i: Array


def inclined(x: Coordinate, y: Coordinate, inclination, position_angle, center_x, center_y):
    """A position on the sky in the plane of a disc; see `disc_plane`."""
    along, across = disc_plane(x, y, inclination, position_angle, center_x, center_y)
    sin_i = jnp.sin(jnp.deg2rad(inclination))
    return Inclined(along, across, numerics.sqrt(along**2 + across**2), sin_i)
