"""The log likelihood of each measurement at each draw, for leave-one-out cross-validation."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxmetal.compiling import compiled_once
from jaxmetal.errors import InputError
from jaxmetal.inference import likelihood
from jaxmetal.inference.noises import SANDWICH

if TYPE_CHECKING:
    from jaxmetal.inference.model import Model


def pointwise(model: "Model", samples: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """ln p of each measurement at each draw.

    Where errors are independent each term is a pixel's or bin's. Where they are correlated each is
    that of a whitened number: of a measurement given those before it in rows, or, with a free
    scatter, of one mode of the noise. They add up to the log likelihood in all cases.

    Parameters
    ----------
    model
        the draws are of.
    samples
        {path: (chains, draws, …)}.

    Returns
    -------
    log_likelihood
        {map: (chains, draws, measurements)} of those that are not masked.

    Raises
    ------
    InputError
        if the likelihood is no sum of such terms: with random fields or Linear amplitudes, which
        are integrated over, and with errors="sandwich".

    References
    ----------
    Vehtari, Gelman & Gabry (2017), Stat. Comput. 27, 1413; Bürkner, Gabry & Vehtari (2021),
    Comput. Stat. 36, 1243: correlated errors.
    """
    reasons = {
        "random fields are integrated over": model.fields is not None,
        "Linear amplitudes are integrated over": bool(model.linear),
        'errors="sandwich" leaves the correlation out': model.errors == SANDWICH,
    }
    for reason, holds in reasons.items():
        if holds:
            raise InputError(f"to_arviz: no log likelihood of each measurement, as {reason}.")
    missing = [name for name in model.free if name not in samples]
    if missing:
        raise InputError(f"to_arviz: the posterior is of another model: it has no {missing[0]}.")
    shape = next(iter(samples.values())).shape[:2]
    flat = {
        name: jnp.asarray(samples[name].reshape(-1, *samples[name].shape[2:]))
        for name in model.free
    }
    images = _terms(model, flat)
    return {
        name: np.asarray(terms)[:, np.asarray(model.maps[name].valid)].reshape(*shape, -1)
        for name, terms in images.items()
    }


@compiled_once
def _terms(model: "Model", draws: dict[str, Any]) -> dict[str, Any]:
    def one(values: dict[str, Any]) -> dict[str, Any]:
        look = model.look(values)
        return {n: likelihood.terms(m, look.predicted[n]) for n, m in look.maps.items()}

    return jax.lax.map(one, draws)
