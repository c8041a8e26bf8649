"""lenstronomy's dictionaries in and out: profiles, data, PSFs, masks, bounds and ties."""

from jaxmetal.io.lenstronomy.export import to_lenstronomy
from jaxmetal.io.lenstronomy.galaxies import galaxy_from_lenstronomy
from jaxmetal.io.lenstronomy.models import from_lenstronomy

__all__ = ["from_lenstronomy", "galaxy_from_lenstronomy", "to_lenstronomy"]
