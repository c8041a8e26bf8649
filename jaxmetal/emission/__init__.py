"""Emission lines: what gas of a given metallicity emits, and what dust leaves of it."""

from jaxmetal.emission.attenuation import calzetti00, ccm89, power_law
from jaxmetal.emission.emission import REDDENING, Emission
from jaxmetal.emission.grid import LineGrid
from jaxmetal.emission.lines import WAVELENGTHS, Blend, blend, is_of_lines, label_of, parts_of
from jaxmetal.emission.relations import RELATIONS, Relation

__all__ = [
    "REDDENING",
    "RELATIONS",
    "WAVELENGTHS",
    "Blend",
    "Emission",
    "LineGrid",
    "Relation",
    "blend",
    "calzetti00",
    "ccm89",
    "is_of_lines",
    "label_of",
    "parts_of",
    "power_law",
]
