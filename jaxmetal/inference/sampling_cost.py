"""The effect of the sampling at the end of a fit: the shift of the parameters."""

import dataclasses
import logging
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmetal.forward import predict_together
from jaxmetal.forward.cells import is_concentric
from jaxmetal.forward.resolve import needs_more_nodes, views_at, widest_margin
from jaxmetal.inference import likelihood
from jaxmetal.inference.accuracy import REST, criterion_of, error_of, in_units_of_error
from jaxmetal.inference.climbing import slopes_of_change
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.fit_programs import ALONE
from jaxmetal.inference.model import Model
from jaxmetal.inference.resampling import resampled
from jaxmetal.instrument.sampling import Sampling

log = logging.getLogger("jaxmetal")

# Around the cusp of a Sersic profile of index 5 the error falls as the power 1.6 of the size of the
# cells only, and shifts are larger by this factor than `accuracy.REST` says.
STEEP = 1.2
# What the sampling may add to chi-square.
LARGEST_CHI_SQUARE = 1.0

# (names of the maps of an instrument, sampling to judge its own by).
Finer = tuple[tuple[tuple[str, ...], Sampling], ...]


class Cost(NamedTuple):
    """What the automatic samplings of a model cost at the end of a fit.

    Parameters
    ----------
    shift
        the largest of a parameter, in units of its error; 0 if no sampling is automatic.
    chi_square
        Σ (error of the sampling / error of the data)².
    """

    shift: float = 0.0
    chi_square: float = 0.0

    def is_enough(self, accuracy: float | None) -> bool:
        """Whether the samplings are fine enough for a fit of this accuracy."""
        if accuracy is None:
            return True
        return self.shift <= accuracy and self.chi_square <= LARGEST_CHI_SQUARE


def cost_of_sampling(model: Model, fit: Fit) -> Cost:
    """What the automatic samplings of a model cost at the end of its fit.

        δu = C [∂ log posterior (data + δm) - ∂ log posterior (data)]

    No program is compiled for it, as long as the samplings were compared where they were chosen.

    Parameters
    ----------
    model, fit
        the model, and its fit. Of one that did not converge, or has no covariance C, it is 0.
    """
    finer = finer_samplings(model)
    if model.accuracy is None or not finer or not fit.converged:
        return Cost()
    errors = {name: np.zeros(m.values.shape) for name, m in fit.maps.items()}
    chi_square = 0.0
    for names, sampling in finer:
        maps = {name: fit.maps[name] for name in names}
        used = maps[names[0]].instrument.sampling
        assert used is not None, "a model's maps are sampled"
        coarse, fine = (views_at(fit.galaxy, maps, s) for s in (used, sampling))
        for name, one_map in maps.items():
            error = np.where(one_map.valid, error_of(coarse[name], fine[name]), 0.0)
            relative = in_units_of_error(one_map, error, np.asarray(fine[name].shown))
            errors[name], chi_square = error, chi_square + float(np.sum(relative**2))
    slope = slopes_of_change(ALONE, model, fit.unconstrained[None], errors)[0]
    return cost_of(slope, chi_square, fit.unconstrained_covariance)


def cost_of(slope: Any, chi_square: Any, covariance: Any) -> Cost:
    """The cost, from Jᵀ W δm, Σ (δm / error of the data)² and the covariance of a fit."""
    covariance = np.asarray(covariance, float)
    if not np.isfinite(covariance).all():
        return Cost()
    shifts = covariance @ np.asarray(slope, float) / np.sqrt(np.diag(covariance))
    return Cost(STEEP * float(np.abs(shifts).max()), float(chi_square))


def finer_samplings(model: Model) -> Finer:
    """(names of the maps of an instrument, sampling to judge it by) where it is automatic."""
    more_nodes = needs_more_nodes(model.galaxy)
    # Maps may have the sampling of another model.
    concentric = not model.criterion.centres_move and is_concentric(model.galaxy)
    finer = []
    for names in model.together:
        instrument = model.maps[names[0]].instrument
        if instrument.error is not None and instrument.sampling is not None:
            widest = widest_margin(instrument)
            reference = instrument.sampling.finer(widest, more_nodes)
            if not concentric:
                reference = dataclasses.replace(reference, concentric=False)
            finer.append((names, reference))
    return tuple(finer)


def errors_of_sampling(
    model: Model, values: dict[str, Array], predicted: dict[str, Array], finer: Finer
) -> tuple[dict[str, Array], Float[Array, ""]]:
    """The errors of the automatic samplings at the end of a fit, as one program for a batch.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    values, predicted
        of the parameters by path, and the maps that they predict.
    finer
        of `finer_samplings`.

    Returns
    -------
    errors, chi_square
        δm of each map, 0 where it is not finite or masked, and Σ (δm / error of the data)².
    """
    galaxy, maps = model.scene_at(values)
    errors = {name: jnp.zeros_like(image) for name, image in predicted.items()}
    for names, sampling in finer:
        instrument = maps[names[0]].instrument.with_sampling(sampling)
        fine = predict_together(galaxy, {n: maps[n].with_instrument(instrument) for n in names})
        for name in names:
            error = REST * (predicted[name] - fine[name])
            errors[name] = jnp.where(maps[name].valid & jnp.isfinite(error), error, 0.0)
    relative = [
        likelihood.in_units_of_error(m, errors[name], predicted[name]) for name, m in maps.items()
    ]
    return errors, jnp.sum(jnp.stack([jnp.sum(image**2) for image in relative]))


def refined(model: Model, fit: Fit, cost: Cost) -> Model:
    """The model with samplings that are fine enough where a fit ended.

    Parameters
    ----------
    model, fit
        the model, and its fit.
    cost
        of the samplings in use.

    Returns
    -------
    finer
        the model itself if no finer sampling can be had.
    """
    leniency = None
    if model.accuracy is not None and cost.shift > 0:
        # As much of the error as moved no parameter, as long as chi-square does not change.
        leniency = max(1.0, np.sqrt(cost.chi_square) / cost.shift)
        leniency = min(leniency, np.sqrt(LARGEST_CHI_SQUARE) / model.accuracy)
    paths = (*model.free, *dict(model.ties))
    criterion = criterion_of(model.accuracy, paths, leniency)
    finer = resampled(model, fit.galaxy, fit.maps, criterion)
    if finer is not model:
        log.info("the fit ended where it needs a finer sampling: %s", _samplings(finer))
    return finer


def _samplings(model: Model) -> str:
    """The automatic samplings, and the errors that were measured for them."""
    automatic = (m.instrument for m in model.maps.values() if m.instrument.error is not None)
    return "; ".join(dict.fromkeys(instrument.describe() for instrument in automatic))
