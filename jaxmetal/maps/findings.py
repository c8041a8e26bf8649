"""A map under inspection before a fit, and the findings."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxmetal.instrument.aperture import Apertures


class Finding(NamedTuple):
    """Something strange about a map.

    Parameters
    ----------
    refused
        whether no fit of such a map can mean anything.
    text
        what it is and what to do, for a user.
    about
        "errors" if the errors are invalid, so that no other check can use them.
    """

    refused: bool
    text: str
    about: str = ""


@dataclass(frozen=True)
class Inspected:
    """A map under inspection.

    Parameters
    ----------
    kind
        the name of its class.
    light
        whether it shows a flux, or another sum over the light.
    values, sigma, masked, usable
        of each pixel or aperture.
    error_map
        whether there is an error for each of them, not one for all and no covariance.
    apertures
        of the instrument, or None.
    unit
        an astropy unit, or None.
    tracer, scale
        of a tracer map.
    line
        whether the light is that of emission lines.
    """

    kind: str
    light: bool
    values: np.ndarray
    sigma: np.ndarray
    masked: np.ndarray
    usable: np.ndarray
    error_map: bool = False
    apertures: Apertures | None = None
    unit: Any = None
    tracer: str | None = None
    scale: Any = "linear"
    line: bool = False
