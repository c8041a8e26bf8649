"""What may be wrong with any real map: its flux scale, its errors, its place on the sky."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.errors import InputError
from jaxmetal.profiles.profile import as_array, is_traced


class Calibration(eqx.Module):
    """Corrections of a map; each may have a prior, by its path such as "z.calibration.shift_x".

        predicted = flux_scale · A · (K ∗ Σ I),   sigma_total² = (error_scale · sigma)² + scatter²

    Parameters
    ----------
    flux_scale
        factor on the predicted flux, positive; of maps that show flux alone.
    error_scale
        factor on the quoted errors, positive.
    shift_x, shift_y
        how far the map lies from where its grid says, arcsec.

    Raises
    ------
    InputError
        for a factor that is not positive, or a shift that is not finite.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> shifted = jm.Calibration(shift_x=0.1)
    >>> shifted.shift_x.item()
    0.10000000149011612
    """

    flux_scale: Float[Array, ""]
    error_scale: Float[Array, ""]
    shift_x: Float[Array, ""]
    shift_y: Float[Array, ""]

    def __init__(
        self,
        flux_scale: Any = 1.0,
        error_scale: Any = 1.0,
        shift_x: Any = 0.0,
        shift_y: Any = 0.0,
    ):
        self.flux_scale = _number(flux_scale, "flux_scale", positive=True)
        self.error_scale = _number(error_scale, "error_scale", positive=True)
        self.shift_x = _number(shift_x, "shift_x", "arcsec")
        self.shift_y = _number(shift_y, "shift_y", "arcsec")


def _number(value: Any, name: str, unit: str = "", positive: bool = False) -> Array:
    where = f"Calibration.{name}"
    array = as_array(value, where, unit)
    if array.shape != ():
        raise InputError(f"{where}: expected one number, got shape {array.shape}.")
    if is_traced(array):
        return array
    if not np.isfinite(float(array)) or (positive and float(array) <= 0):
        kind = "a positive number" if positive else "a finite number"
        raise InputError(f"{where}: expected {kind}, got {value!r}.")
    return array
