"""Velocities of galaxies: their conventions, rotation curves, and V over sigma."""

from jaxmetal.science.kinematics.rotation import (
    major_axis_velocity,
    rotating,
    rotation_curve,
    v_over_sigma,
)
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
    "convert_velocity",
    "convert_width",
    "major_axis_velocity",
    "rotating",
    "rotation_curve",
    "v_over_sigma",
]
