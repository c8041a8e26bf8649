"""Inspection of maps of velocity: units of speed that are not what the numbers say."""

from typing import Any

import numpy as np

from jaxmetal.maps.findings import Finding, Inspected
from jaxmetal.maps.sentinels import quantiles

# No galaxy rotates faster than this, km/s; in m/s most do.
FASTEST = 3000.0
# In which the velocities of galaxies are given.
USUAL = "km/s"


def speed_findings(data: Inspected) -> list[Finding]:
    """What is strange about the unit of a map of velocity or dispersion; nothing of other maps.

    Parameters
    ----------
    data
        the map.
    """
    size = _in_km_s(data.unit)
    if data.light or size is None or not data.usable.any():
        return []
    low, _, high = quantiles(data.values[data.usable])
    if size != 1.0:
        text = (
            f"the values are in {data.unit}, and so must be the galaxy's velocities and their "
            f'priors; unit="{USUAL}" (unit: in a configuration) converts values that have a unit.'
        )
        return [Finding(False, text)]
    if high - low < FASTEST:
        return []
    text = (
        f"velocities from {low:.4g} to {high:.4g} {USUAL} are none of one galaxy; if they are in "
        "m/s, say so: values * astropy.units.m / astropy.units.s (BUNIT: m/s in a file)."
    )
    return [Finding(False, text)]


def _in_km_s(unit: Any) -> float | None:
    """The size of a unit of speed in km/s; None for other units."""
    if unit is None or getattr(unit, "physical_type", None) != "speed":
        return None
    return float(np.round(unit.to(USUAL), 12))
