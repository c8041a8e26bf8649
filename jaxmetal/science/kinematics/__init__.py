"""Velocities of galaxies: their conventions, rotation curves, V over sigma, and inclinations."""

from jaxmetal.science.kinematics.rotation import (
    major_axis_velocity,
    rotating,
    rotation_curve,
    v_over_sigma,
)
from jaxmetal.science.kinematics.thickness import axis_ratio, inclination, tied_inclination
from jaxmetal.science.kinematics.velocities import (
    LIGHT_SPEED,
    VELOCITY,
    Convention,
    convert_velocity,
    convert_width,
)

__all__ = [
    "LIGHT_SPEED",
    "VELOCITY",
    "Convention",
    "axis_ratio",
    "convert_velocity",
    "convert_width",
    "inclination",
    "major_axis_velocity",
    "rotating",
    "rotation_curve",
    "tied_inclination",
    "v_over_sigma",
]
