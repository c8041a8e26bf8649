"""The data: a map of light, or of something that light carries; checked once, on construction."""

from jaxmetal.maps.map import LightMap, Map, TracerMap
from jaxmetal.maps.scales import scale_functions

__all__ = ["LightMap", "Map", "TracerMap", "scale_functions"]
