"""Maps that are given per pixel but measured per bin: one measurement of each bin."""

from collections.abc import Callable

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.aperture import Apertures

# Copies of one measurement differ by the rounding of a file at most.
ROUNDING = 1e-6
# A map of which more than this part repeats its neighbours was measured in bins.
REPEATED = 0.5

# (values, sigma, masked) per pixel to the same per bin; the first argument names the map in messages.
Gather = Callable[[str, Apertures, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


def check_whole(kind: str, apertures: Apertures) -> None:
    """Values per pixel mean something only where the apertures are bins."""
    if not apertures.whole:
        raise InputError(
            f"{kind}.values: given per pixel, but the apertures overlap or take parts of pixels; give one value per aperture, "
            f"shape ({apertures.count},)."
        )


def common(kind: str, apertures: Apertures, values: np.ndarray, sigma: np.ndarray, masked: np.ndarray):
    """The measurement that all pixels of a bin repeat; pixels without one do not count."""
    mask = _alike(f"{kind}.mask", apertures, masked) > 0
    known = np.isfinite(values) & ~masked
    found = [_alike(f"{kind}.{name}", apertures, np.where(known, a, np.nan)) for name, a in (("values", values), ("sigma", sigma))]
    return found[0], found[1], mask


def added(kind: str, apertures: Apertures, values: np.ndarray, sigma: np.ndarray, masked: np.ndarray):
    """The flux of each bin and its error: the sum over its pixels, and their errors in quadrature; NaN if a pixel has none."""
    known = np.where(masked, np.nan, values)
    low, high = apertures.ranges(known)
    several = np.isfinite(low) & (apertures.totals(np.ones(values.shape)) > 1)
    if several.any() and np.all(_same(low, high)[several]):
        raise InputError(
            f"{kind}.values: the pixels of each bin repeat one value, which may be the flux of the whole bin or the mean of its pixels; "
            f"give one flux per bin, shape ({apertures.count},)."
        )
    return apertures.totals(known), np.sqrt(apertures.totals(sigma**2)), np.zeros(apertures.count, bool)


def _alike(where: str, apertures: Apertures, image: np.ndarray) -> np.ndarray:
    low, high = apertures.ranges(image)
    differ = ~_same(low, high)
    if differ.any():
        first = int(np.argmax(differ))
        raise InputError(
            f"{where}: bin {int(apertures.ids[first])} has pixels of different values, from {low[first]:g} to {high[first]:g}; "
            "a bin has one measurement."
        )
    return high


def _same(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return ~(high - low > ROUNDING * np.maximum(np.abs(low), np.abs(high)))


def repeated(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray) -> float:
    """The part of the usable pixels whose value and error are those of a neighbour, if there is more than one value; 0 otherwise.

    Only of a neighbour, because a symmetric galaxy repeats itself too.
    """
    alike = np.zeros(values.shape, bool)
    for one, other in (((slice(1, None),), (slice(None, -1),)), ((slice(None), slice(1, None)), (slice(None), slice(None, -1)))):
        same = (values[one] == values[other]) & (sigma[one] == sigma[other]) & usable[one] & usable[other]
        alike[one] |= same
        alike[other] |= same
    if not alike.any() or np.ptp(values[alike]) == 0 or np.ptp(sigma[alike]) == 0:
        return 0.0
    return float(alike.sum() / usable.sum())
