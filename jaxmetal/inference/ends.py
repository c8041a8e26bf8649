"""Where the ascents of a fit ended."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Ends(NamedTuple):
    """Where ascents ended.

    Parameters
    ----------
    points
        in the coordinates of `Model.log_density`.
    heights
        the log posterior there, in the parameters' own units.
    """

    points: Float[np.ndarray, "ascents n"]
    heights: Float[np.ndarray, " ascents"]
