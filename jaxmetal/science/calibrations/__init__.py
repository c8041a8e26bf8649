"""Strong-line calibrations: from ratios of emission lines to 12 + log(O/H).

The lines are halpha (6563), hbeta (4861), oiii (5007) and nii (6584), as fluxes in any one unit;
the pairs lie so close in wavelength that dust hardly changes their ratios. The two of a pair may be
astropy Quantities, converted to one unit.

    N2 = log10(nii / halpha),   O3N2 = log10(oiii / hbeta) - N2
"""

from jaxmetal.science.calibrations.domains import (
    CALIBRATIONS,
    Calibration,
    calibration,
    in_range,
)
from jaxmetal.science.calibrations.ratios import (
    n2,
    n2_marino13,
    n2_pettini04,
    o3n2,
    o3n2_marino13,
    o3n2_pettini04,
    star_forming,
)

# The lines of this package by their names in `emission.WAVELENGTHS`.
LINES = {"halpha": "Ha", "hbeta": "Hb", "oiii": "OIII5007", "nii": "NII6584"}

__all__ = [
    "CALIBRATIONS",
    "LINES",
    "Calibration",
    "calibration",
    "in_range",
    "n2",
    "n2_marino13",
    "n2_pettini04",
    "o3n2",
    "o3n2_marino13",
    "o3n2_pettini04",
    "star_forming",
]
