"""Maps that are given per pixel but measured per bin: one measurement of each bin."""

from collections.abc import Callable

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.instrument.aperture import Apertures

# Copies of one measurement differ by the rounding of a file at most.
ROUNDING = 1e-6
# A map of which more than this part repeats its neighbours was measured in bins.
REPEATED = 0.5
# A map of fewer different values is a model of a few parts rather than measured in bins.
FEWEST_BINS = 6

# (values, sigma, masked) per pixel to the same per bin; the first argument names the map in
# messages.
Gather = Callable[
    [str, Apertures, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]
]


def check_whole(kind: str, apertures: Apertures) -> None:
    """Values per pixel mean something only where the apertures are bins."""
    if not apertures.whole:
        raise InputError(
            f"{kind}.values: given per pixel, but the apertures overlap or take parts of pixels; "
            "give one value per aperture, "
            f"shape ({apertures.count},)."
        )


def common(
    kind: str, apertures: Apertures, values: np.ndarray, sigma: np.ndarray, masked: np.ndarray
):
    """The measurement that all pixels of a bin repeat; pixels without one do not count."""
    mask = _alike(f"{kind}.mask", apertures, masked) > 0
    measured_pixels = np.isfinite(values) & ~masked
    columns = [
        _alike(f"{kind}.{name}", apertures, np.where(measured_pixels, a, np.nan))
        for name, a in (("values", values), ("sigma", sigma))
    ]
    return columns[0], columns[1], mask


def added(
    kind: str, apertures: Apertures, values: np.ndarray, sigma: np.ndarray, masked: np.ndarray
):
    """The flux of each bin and its error, from sums over pixels; NaN if a pixel has none.

    Errors are added in quadrature.
    """
    unmasked = np.where(masked, np.nan, values)
    low, high = apertures.ranges(unmasked)
    several = np.isfinite(low) & (apertures.totals(np.ones(values.shape)) > 1)
    if several.any() and np.all(_same(low, high)[several]):
        raise InputError(
            f"{kind}.values: the pixels of each bin repeat one value, which may be the flux of the "
            "whole bin or the mean of its pixels; "
            f"give one flux per bin, shape ({apertures.count},)."
        )
    return (
        apertures.totals(unmasked),
        np.sqrt(apertures.totals(sigma**2)),
        np.zeros(apertures.count, bool),
    )


def _alike(where: str, apertures: Apertures, image: np.ndarray) -> np.ndarray:
    low, high = apertures.ranges(image)
    differ = ~_same(low, high)
    if differ.any():
        first = int(np.argmax(differ))
        raise InputError(
            f"{where}: bin {int(apertures.ids[first])} has pixels of different values, from "
            f"{low[first]:g} to {high[first]:g}; "
            "a bin has one measurement."
        )
    return high


def _same(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return ~(high - low > ROUNDING * np.maximum(np.abs(low), np.abs(high)))


def repeated(values: np.ndarray, sigma: np.ndarray, usable: np.ndarray) -> float:
    """The fraction of usable pixels that repeat a neighbour's value and error, as bins do.

    0 if they may repeat it for another reason.

    Only of a neighbour, because a symmetric galaxy repeats itself too.

    Parameters
    ----------
    values, sigma, usable
        of every pixel, shape (rows, columns).
    """
    beside, above = (
        _equal_neighbours(values, sigma, usable, 1),
        _equal_neighbours(values, sigma, usable, 0),
    )
    alike = beside | above
    if not alike.any() or np.ptp(values[alike]) == 0:
        return 0.0
    if np.ptp(sigma[alike]) == 0 and not _shows_bins(values, usable, beside, above):
        return 0.0
    return float(alike.sum() / usable.sum())


def _equal_neighbours(
    values: np.ndarray, sigma: np.ndarray, usable: np.ndarray, axis: int
) -> np.ndarray:
    """Which pixels have the value and the error of a neighbour along an axis."""
    after, before = ((slice(None),) * axis + (part,) for part in (slice(1, None), slice(None, -1)))
    same = (
        (values[after] == values[before])
        & (sigma[after] == sigma[before])
        & usable[after]
        & usable[before]
    )
    alike = np.zeros(values.shape, bool)
    alike[after] |= same
    alike[before] |= same
    return alike


def _shows_bins(
    values: np.ndarray, usable: np.ndarray, beside: np.ndarray, above: np.ndarray
) -> bool:
    """Whether values alone show bins, where one error for all cannot.

    A constant, a stripe, or numbers with few digits do not count.
    """
    alike = beside | above
    levels, counts = np.unique(values[alike], return_counts=True)
    # A bin reaches along both axes; a tilted plane repeats itself along one.
    if (
        min(beside.sum(), above.sum()) < 0.25 * alike.sum()
        or counts.max() > 0.5 * alike.sum()
        or levels.size < FEWEST_BINS
    ):
        return False
    if np.ptp(levels) < ROUNDING * np.abs(levels).max():
        return False
    steps = np.diff(levels) / np.diff(levels).min()
    if np.abs(steps - np.round(steps)).max() > 0.05:
        return True
    # Rounded numbers are equal here and there, and where they are smooth they change by one step at
    # a time.
    corner = (
        (values[1:, 1:] == values[:-1, 1:])
        & (values[1:, 1:] == values[1:, :-1])
        & (values[1:, 1:] == values[:-1, :-1])
    )
    square = np.zeros(values.shape, bool)
    for rows in (slice(1, None), slice(None, -1)):
        for columns in (slice(1, None), slice(None, -1)):
            square[rows, columns] |= corner
    image = np.where(usable, values, 0.0)
    change = (
        np.abs(np.concatenate([np.diff(image, axis=axis)[_both(usable, axis)] for axis in (0, 1)]))
        / np.diff(levels).min()
    )
    return bool(
        square.sum() > REPEATED * usable.sum() and np.mean(change[change > 0.5] > 1.5) > 0.1
    )


def _both(usable: np.ndarray, axis: int) -> np.ndarray:
    """Which pairs of neighbours along an axis are usable."""
    return usable[1:] & usable[:-1] if axis == 0 else usable[:, 1:] & usable[:, :-1]


def gather_of(additive: bool) -> Gather:
    """How pixels make a bin: fluxes are added up, others repeat the measurement of their bin."""
    return added if additive else common
