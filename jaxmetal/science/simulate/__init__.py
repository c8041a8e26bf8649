"""Mock observations with noise: maps of any galaxy, and the paper's use cases by name."""

from jaxmetal.science.simulate.mocks import light_map, line_maps, renoise, tracer_map
from jaxmetal.science.simulate.use_cases import READINGS, size_case, use_case_1, use_case_2

__all__ = [
    "READINGS",
    "light_map",
    "line_maps",
    "renoise",
    "size_case",
    "tracer_map",
    "use_case_1",
    "use_case_2",
]
