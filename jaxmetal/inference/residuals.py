"""Model criticism by residuals: are those of neighbouring pixels correlated, and what follows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxmetal.compiling import compiled_once
from jaxmetal.inference import likelihood
from jaxmetal.maps import Map
from jaxmetal.maps.noise import Independent

# Residuals are called correlated where chance would hardly make them so, and errors would be too
# small by more than a sixth.
SIGNIFICANT = 4.0
LARGE = 1.2
# Residuals are called smooth where chance makes them so in one of fifty maps. The statistic is a
# sum of squares: its upper tail is longer than that of a Gaussian.
SMOOTH = 2.5
# Sizes of what may be missing in a model, pixels: the standard deviations of Gaussians.
SIZES = (1.0, 2.0, 4.0)
# Rings of separations are added up to the first that chance alone could make.
CHANCE = 2.0
# Fewer pixels than this say nothing.
FEWEST = 30
# A chi-square is impossible beyond so many standard deviations: chance exceeds it in one of four
# million maps.
IMPOSSIBLE = 5.0


class Autocorrelation(NamedTuple):
    """The autocorrelation of residuals r = (data - model) / error.

    Parameters
    ----------
    neighbours
        the mean product r r' of pixels that share an edge; 0 for independent errors that are
        right.
    significance
        the same in units of what chance makes of independent errors, 1 / sqrt(pairs).
    inflation
        sqrt(Σ ⟨r r'⟩) over all separations up to where it vanishes: the factor by which the error
        of a quantity that varies slowly over the map is larger than independent errors make it.
    smooth
        the most significant of the scores of residuals that vary over 1, 2 and 4 pixels, in
        standard deviations; see `smoothness`.
    size
        of that score, pixels.
    """

    neighbours: float
    significance: float
    inflation: float
    smooth: float = 0.0
    size: float = 0.0


def autocorrelation(
    residuals: Float[np.ndarray, "rows columns"], valid: Bool[np.ndarray, "rows columns"]
) -> Autocorrelation:
    """The autocorrelation of an image of residuals.

        C(d) = Σ_p r_p r_(p+d) / pairs(d),   inflation² = Σ_d C(d)

    Parameters
    ----------
    residuals
        of unit variance where errors are right.
    valid
        which pixels count.

    Returns
    -------
    autocorrelation
        with an inflation of 1 where neighbours are not correlated.

    References
    ----------
    Sum over separations: Priestley (1981), Spectral Analysis and Time Series, section 5.3.
    """
    image = np.where(valid, residuals, 0.0)
    products, pairs = _by_separation(image), np.round(_by_separation(valid.astype(float)))
    edge = [(0, 1), (1, 0)]
    count = sum(pairs[d] for d in edge)
    if valid.sum() < FEWEST or count == 0:
        return Autocorrelation(0.0, 0.0, 1.0)
    neighbours = sum(products[d] for d in edge) / count
    significance = neighbours * np.sqrt(count)
    inflation = _inflation(products, pairs, valid.shape) if significance > SIGNIFICANT else 1.0
    smooth, size = max((smoothness(products, pairs, size), size) for size in SIZES)
    return Autocorrelation(float(neighbours), float(significance), inflation, smooth, size)


def smoothness(
    products: Float[np.ndarray, "twice_rows twice_columns"],
    pairs: Float[np.ndarray, "twice_rows twice_columns"],
    size: float,
) -> float:
    """The score of a random field of this size that is missing in the model.

        s = Σ_d K(d) P(d) / sqrt(2 Σ_d K(d)² pairs(d)),   K(d) = exp(-d² / 4 size²) for d > 0

    P(d) is the sum of the products of residuals at separation d. It is Rao's score with respect to
    the variance of a Gaussian field of covariance K, at none, over its standard deviation: of
    independent errors that are right the mean is 0 and the variance 1. The separation 0 is left
    out, so that errors that are all too small or too large by one factor do not count as smooth.

    Parameters
    ----------
    products, pairs
        of all separations, as `_by_separation` gives them.
    size
        pixels.

    References
    ----------
    Rao (1948), Proc. Camb. Phil. Soc. 44, 50.
    """
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in products.shape)
    squared = rows[:, None] ** 2 + columns[None, :] ** 2
    kernel = np.where(squared > 0, np.exp(-squared / (4 * size**2)), 0.0)
    return float(np.sum(kernel * products) / np.sqrt(2 * np.sum(kernel**2 * pairs)))


def _by_separation(
    image: Float[np.ndarray, "rows columns"],
) -> Float[np.ndarray, "twice_rows twice_columns"]:
    """Σ_p f_p f_(p+d) of every separation d, on a frame of twice the size."""
    size = [2 * n for n in image.shape]
    return np.fft.irfft2(np.abs(np.fft.rfft2(image, size)) ** 2, size)


def _inflation(products: np.ndarray, pairs: np.ndarray, shape: tuple[int, ...]) -> float:
    """sqrt(Σ C) over rings of separations of one pixel's width."""
    offsets = [np.fft.fftfreq(n, 1 / n) for n in products.shape]
    rings = np.round(np.hypot(offsets[0][:, None], offsets[1][None, :])).astype(int)
    total = 0.0
    for ring in range(min(shape) // 2 + 1):
        inside = (rings == ring) & (pairs > 0)
        count = pairs[inside].sum()
        mean = products[inside].sum() / count if count else 0.0
        # Each pair counts in two directions.
        if ring and mean <= CHANCE * np.sqrt(2 / count):
            break
        total += mean * np.count_nonzero(rings == ring)
    return float(np.sqrt(max(total, 1.0)))


def autocorrelations(
    maps: Mapping[str, Map], predicted: Mapping[str, Any]
) -> dict[str, Autocorrelation]:
    """The autocorrelation of the residuals of each map of pixels with Gaussian errors.

    Where errors="sandwich" leaves a map's correlation to be accounted for afterwards, its residuals
    are as correlated as it says, and the map is left out.

    Parameters
    ----------
    maps, predicted
        of a fit, by name.

    Returns
    -------
    autocorrelations
        by name.
    """
    result = {}
    for name, one_map in maps.items():
        gaussian = one_map.likelihood.gaussian and not _deferred(one_map)
        if one_map.values.ndim == 2 and gaussian:
            residuals = np.asarray(_residuals(one_map, predicted[name]), float)
            result[name] = autocorrelation(residuals, np.asarray(one_map.valid))
    return result


def residual_notes(maps: Mapping[str, Map], predicted: Mapping[str, Any]) -> list[str]:
    """A line for each map whose residuals are more correlated, or smoother, than its errors are.

    Parameters
    ----------
    maps, predicted
        of a fit, by name.
    """
    notes = []
    for name, one in autocorrelations(maps, predicted).items():
        if one.significance > SIGNIFICANT and one.inflation > LARGE:
            notes.append(
                f"residuals of neighbouring pixels of {name} are correlated ({one.neighbours:.2g}):"
                f" errors are likely too small, by up to {one.inflation:.2g} times"
            )
        elif one.smooth > SMOOTH:
            notes.append(
                f"residuals of {name} vary smoothly over {one.size:.2g} pixels ({one.smooth:.2g} "
                "sigma): something is missing in the model, or errors are correlated"
            )
    return notes


def impossible_chi_squares(maps: Mapping[str, Map], predicted: Mapping[str, Any]) -> str:
    """The maps whose chi-square errors that are right never give, in words; empty without any.

    Residuals of errors with outliers are first made normal; see `Likelihood.normal_scores`. By the
    cube root of chi-square over N measurements, which is nearly normal, of mean 1 - 2/9N and
    variance 2/9N. Free parameters count for nothing, and maps whose correlation is left to
    errors="sandwich" are left out.

    Parameters
    ----------
    maps, predicted
        of a fit, by name.

    Returns
    -------
    text
        with the reduced chi-square of each.

    References
    ----------
    Wilson & Hilferty (1931), PNAS 17, 684.
    """
    parts = []
    for name, one_map in maps.items():
        if _deferred(one_map) or not one_map.size:
            continue
        deviances = np.asarray(_residuals(one_map, predicted[name]), float)
        reduced = float(np.sum(one_map.likelihood.normal_scores(deviances) ** 2)) / one_map.size
        variance = 2 / (9 * one_map.size)
        if not (np.cbrt(reduced) - (1 - variance)) / np.sqrt(variance) < IMPOSSIBLE:
            spread = np.sqrt(2 / one_map.size)
            parts.append(f"{reduced:.3g} of {name}, where 1 ± {spread:.2g} is expected")
    return ", ".join(parts)


def _deferred(one_map: Map) -> bool:
    """Whether errors="sandwich" accounts for the correlation of a map afterwards."""
    return one_map.correlation is not None and isinstance(one_map.noise, Independent)


_residuals = compiled_once(likelihood.deviances)
