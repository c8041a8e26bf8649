"""What a fit of emission lines implies: fluxes, ratios, dust and metallicities without noise.

Beside them the classical way: the metallicity of each pixel by itself, and a line through these.
"""

from jaxmetal.science.lines.gradients import naive_gradients
from jaxmetal.science.lines.pixels import pixel_metallicity
from jaxmetal.science.lines.products import fluxes, log_ratio, metallicity, reddening

__all__ = [
    "fluxes",
    "log_ratio",
    "metallicity",
    "naive_gradients",
    "pixel_metallicity",
    "reddening",
]
