"""The galaxy: components of light with the tracers that it carries, lenses in front, and paths."""

from jaxmetal.galaxy.component import LIGHT, Component
from jaxmetal.galaxy.galaxy import LENS, Galaxy
from jaxmetal.galaxy.paths import children, get, put, range_at

__all__ = ["LENS", "LIGHT", "Component", "Galaxy", "children", "get", "put", "range_at"]
