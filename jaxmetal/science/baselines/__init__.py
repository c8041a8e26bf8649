"""The classical answers, which ignore the PSF: straight lines and annuli."""

from jaxmetal.science.baselines.deprojection import MAJOR_AXIS, MEAN, radii, radius_map
from jaxmetal.science.baselines.line_fits import LineFit, ols, wls
from jaxmetal.science.baselines.line_ratios import metallicity_map
from jaxmetal.science.baselines.radial_profile import Annuli, annuli, line_through
from jaxmetal.science.baselines.semivariogram import Semivariogram, semivariogram

__all__ = [
    "MAJOR_AXIS",
    "MEAN",
    "Annuli",
    "LineFit",
    "Semivariogram",
    "annuli",
    "line_through",
    "metallicity_map",
    "ols",
    "radii",
    "radius_map",
    "semivariogram",
    "wls",
]
