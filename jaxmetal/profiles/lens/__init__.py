"""Deflection angles: how far mass in front of a galaxy moves its light on the sky."""

from jaxmetal.profiles.lens.halos import dpie, nfw, nfw_ellipse
from jaxmetal.profiles.lens.isothermals import epl, nie, sie, sis
from jaxmetal.profiles.lens.picture import deflection_map
from jaxmetal.profiles.lens.simple import convergence, point_mass, shear

__all__ = [
    "convergence",
    "deflection_map",
    "dpie",
    "epl",
    "nfw",
    "nfw_ellipse",
    "nie",
    "point_mass",
    "shear",
    "sie",
    "sis",
]
