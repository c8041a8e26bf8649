"""What the light carries: metallicity, velocity, age, colour, as a function of position."""

from jaxmetal.profiles.tracer.composite import disc_halo_rotation, spline_rotation
from jaxmetal.profiles.tracer.motions import bar_flow, radial_flow, warped_rotation
from jaxmetal.profiles.tracer.patterns import dipole, polynomial, spiral_arms
from jaxmetal.profiles.tracer.rotation import (
    courteau_rotation,
    polyex_rotation,
    pressure_rotation,
    rotation,
)
from jaxmetal.profiles.tracer.simple import broken_gradient, disc_gradient, gradient, uniform
from jaxmetal.profiles.tracer.smooth import exponential
from jaxmetal.profiles.tracer.thickness import thick_disc

__all__ = [
    "bar_flow",
    "broken_gradient",
    "courteau_rotation",
    "dipole",
    "disc_gradient",
    "disc_halo_rotation",
    "exponential",
    "gradient",
    "polyex_rotation",
    "polynomial",
    "pressure_rotation",
    "radial_flow",
    "rotation",
    "spiral_arms",
    "spline_rotation",
    "thick_disc",
    "uniform",
    "warped_rotation",
]
