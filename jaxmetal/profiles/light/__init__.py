"""Surface brightness: how brightly each spot of the sky shines, per arcsec²."""

from jaxmetal.profiles.light.chameleons import chameleon, double_chameleon, triple_chameleon
from jaxmetal.profiles.light.expansions import shapelets, shapelets_polar, shapelets_polar_exp
from jaxmetal.profiles.light.gaussians import gaussian, mge_set, moffat, multi_gaussian
from jaxmetal.profiles.light.isothermals import hernquist, nie, pjaffe, power_law
from jaxmetal.profiles.light.picture import image
from jaxmetal.profiles.light.power_law_core import pl_sersic
from jaxmetal.profiles.light.sersic_variants import core_sersic, sersic_flexion
from jaxmetal.profiles.light.sersics import exponential, sersic, sersic_q_phi
from jaxmetal.profiles.light.simple import ellipsoid, line_profile, linear, uniform

__all__ = [
    "chameleon",
    "core_sersic",
    "double_chameleon",
    "ellipsoid",
    "exponential",
    "gaussian",
    "hernquist",
    "image",
    "line_profile",
    "linear",
    "mge_set",
    "moffat",
    "multi_gaussian",
    "nie",
    "pjaffe",
    "pl_sersic",
    "power_law",
    "sersic",
    "sersic_flexion",
    "sersic_q_phi",
    "shapelets",
    "shapelets_polar",
    "shapelets_polar_exp",
    "triple_chameleon",
    "uniform",
]
