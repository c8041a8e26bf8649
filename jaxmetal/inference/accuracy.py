"""The sampling that the errors of the data require: it must not shift the parameters of a fit."""

from collections.abc import Collection, Mapping

import jax.numpy as jnp
import numpy as np

from jaxmetal.forward.criterion import WITHIN_TOLERANCE, Comparison, Criterion, Views, by_tolerance
from jaxmetal.forward.views import View
from jaxmetal.instrument.choice import LENIENT
from jaxmetal.maps import Map
from jaxmetal.maps.error_terms import errors_of

# The error of the sampling may move a parameter by this part of the parameter's own error.
ACCURACY = 0.03
# The bound that holds where a fit starts may be larger by this factor: part of an error of the
# sampling moves no parameter. Where the fit ends the shifts themselves are computed. Cells larger
# than a pixel are held to the bound itself: finer ones cost little there, and a choice that fails
# at the end of the fit costs compiling everything again.
LENIENCY = 3.0
# The error is about this times the difference from the finer sampling, which has half the size of
# cells: as if it fell between the second and the third power of that size.
REST = 1.25


def criterion_of(
    accuracy: float | None, paths: Collection[str], leniency: float | None = None
) -> Criterion:
    """When a sampling is fine enough for a fit.

        |δθ| / σ(θ) ≤ |W^(1/2) δm| ≤ leniency · accuracy,   δθ = F⁻¹ Jᵀ W δm,   F = Jᵀ W J

    holds for every parameter θ and any model, because a projection shortens a vector.

    Parameters
    ----------
    accuracy
        the part of its error by which a parameter may move; None for the maps' own tolerances.
    paths
        of all parameters that a fit changes.
    leniency
        of the bound; LENIENCY, and 1 for cells larger than a pixel, if left out.

    Returns
    -------
    criterion
        of a sampling.
    """
    centres_move = any(".center_" in path for path in paths)
    if accuracy is None:
        return WITHIN_TOLERANCE._replace(centres_move=centres_move)

    def compare(
        maps: Mapping[str, Map], coarse: Views, fine: Views, large_cells: bool
    ) -> Comparison:
        factor = leniency or (1.0 if large_cells else LENIENCY)
        errors = {n: _data_errors(maps[n], coarse[n], fine[n]) for n in fine}
        total = float(np.sqrt(sum(np.sum(error**2) for error in errors.values())))
        excess = total / (factor * accuracy)
        return Comparison(by_tolerance(maps, coarse, fine).errors, excess)

    allowed = f"{accuracy:g} of the parameters' errors"
    return Criterion(LENIENT, compare, allowed, centres_move)


def _data_errors(one_map: Map, coarse: View, fine: View) -> np.ndarray:
    """The error of the coarser view in units of the errors of the data."""
    values = np.asarray(fine.shown, float)
    scale = _brightness(one_map, values) if one_map.additive else 1.0
    return in_units_of_error(one_map, scale * error_of(coarse, fine), scale * values)


def error_of(coarse: View, fine: View) -> np.ndarray:
    """The error of the coarser view, in the unit of the map; 0 where it is not finite."""
    difference = REST * (np.asarray(coarse.shown, float) - np.asarray(fine.shown, float))
    return np.where(np.isfinite(difference), difference, 0.0)


def in_units_of_error(one_map: Map, error: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Along the directions in which errors are independent; 0 where the map is masked.

    Parameters
    ----------
    one_map
        the data.
    error, predicted
        of what is predicted, and the prediction, in the unit of the map.
    """
    valid = np.asarray(one_map.valid)
    error = np.where(valid, error, 0.0)
    if one_map.correlation is None:
        return np.where(valid, error / one_map.total_errors(predicted), 0.0)
    errors = errors_of(one_map, jnp.asarray(predicted, one_map.values.dtype))
    return np.asarray(one_map.noise.whitened(jnp.asarray(error, errors.sigma.dtype), errors), float)


def _brightness(one_map: Map, values: np.ndarray) -> float:
    """The factor by which a light fits its map: a start may be orders of magnitude off."""
    valid = np.asarray(one_map.valid) & np.isfinite(values)
    sigma = np.asarray(one_map.sigma, float)[valid]
    data, light = np.asarray(one_map.values, float)[valid] / sigma, values[valid] / sigma
    # Of order one before they are squared.
    size = np.abs(light).max(initial=0.0)
    if not size > 0:
        return 1.0
    factor = np.sum(data * (light / size)) / np.sum((light / size) ** 2) / size
    return float(factor) if np.isfinite(factor) and factor > 0 else 1.0
