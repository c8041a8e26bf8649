"""The pixels that a straight line or an annulus can use."""

from typing import Any

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.quantities import ARCSEC, as_numbers, contents

# Units of radii: on the sky, or relative to an effective radius.
RADIUS = (ARCSEC, "")


def usable_pixels(where: str, mask: Any, **columns: Any) -> list[np.ndarray]:
    """The columns of the pixels that can be fitted, flattened.

    Parameters
    ----------
    where
        names the caller in messages.
    mask
        True where a pixel is left out; None leaves out none.
    columns
        "radius", "values" and perhaps "sigma", all of one shape. A pixel is left out if any of them
        is not finite, or sigma is not positive.

    Raises
    ------
    InputError
        for shapes that do not match, or a mask that is neither True nor False.
    """
    arrays = {
        name: as_numbers(column, f"{where}.{name}", RADIUS if name == "radius" else "")
        for name, column in columns.items()
    }
    shape = arrays["radius"].shape
    masked = np.zeros(shape, bool) if mask is None else np.asarray(contents(mask).numbers)
    for name, array in (arrays | {"mask": masked}).items():
        if array.shape != shape:
            raise InputError(
                f"{where}.{name}: shape {array.shape} does not match the radii's {shape}."
            )
    if masked.dtype.kind not in "bui":
        raise InputError(
            f"{where}.mask: expected True (leave the pixel out) or False, "
            f"got values of type {masked.dtype}."
        )
    keep = ~masked.astype(bool)
    for array in arrays.values():
        keep &= np.isfinite(array)
    if "sigma" in arrays:
        keep &= arrays["sigma"] > 0
    return [array[keep] for array in arrays.values()]
