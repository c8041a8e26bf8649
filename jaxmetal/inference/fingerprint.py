"""A short text that tells data apart: fits that have the same one can be compared."""

import hashlib
from collections.abc import Mapping

import numpy as np

from jaxmetal.maps import Map

# Characters of a fingerprint: by chance two of a billion data sets are alike once in 10^19.
CHARACTERS = 32


def fingerprint(maps: Mapping[str, Map]) -> str:
    """A text that is the same for maps of the same values and masks, whatever their names.

    Errors and instruments do not count: those belong to the model.

    Parameters
    ----------
    maps
        by name.
    """
    return hashlib.sha256("".join(sorted(map(_of_one, maps.values()))).encode()).hexdigest()[
        :CHARACTERS
    ]


def _of_one(one_map: Map) -> str:
    valid = np.asarray(one_map.valid)
    # In either precision the same.
    values = np.where(valid, np.asarray(one_map.values, np.float32), np.float32(0))
    return hashlib.sha256(values.tobytes() + valid.tobytes()).hexdigest()
