"""The data: maps of light, or of something that light carries; checked once, on construction."""

from jaxmetal.maps.calibration import Calibration
from jaxmetal.maps.dispersion import DispersionMap
from jaxmetal.maps.light import LightMap
from jaxmetal.maps.likelihood import Gaussian, Likelihood, StudentT
from jaxmetal.maps.line import LineMap, RatioMap
from jaxmetal.maps.map import Map
from jaxmetal.maps.moments import Moment, SmearedMoment
from jaxmetal.maps.relative import RelativeLineMap
from jaxmetal.maps.scales import scale_functions
from jaxmetal.maps.tracer import TracerMap

__all__ = [
    "Calibration",
    "DispersionMap",
    "Gaussian",
    "LightMap",
    "Likelihood",
    "LineMap",
    "Map",
    "Moment",
    "RatioMap",
    "RelativeLineMap",
    "SmearedMoment",
    "StudentT",
    "TracerMap",
    "scale_functions",
]
