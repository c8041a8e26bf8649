"""Chains around several modes of one posterior, joined by the odds of the modes."""

import warnings
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from jaxmetal.errors import InputWarning
from jaxmetal.inference.ensemble import mixture
from jaxmetal.inference.posterior import Posterior

# A mode that importance sampling found no weight in keeps this, so that its chains can be told.
LEAST = 1e-6


def joined(
    posteriors: Sequence[Posterior], odds: Float[np.ndarray, " modes"], seed: int
) -> Posterior:
    """The chains of all modes as one posterior.

    Chains that pass from one mode to another in both directions have the same distribution
    wherever they start, which the odds do not change; chains that hardly ever do leave R-hat large.

    Parameters
    ----------
    posteriors
        from chains that started in each mode.
    odds
        the probability of each mode.
    seed
        of the random choice of draws.

    Returns
    -------
    posterior
        with as many draws as the first. Its R-hat is the largest within the chains of a mode.
    """
    logs = np.log(np.maximum(odds, LEAST))
    with warnings.catch_warnings():
        # What is wrong with the chains of a mode is said by the posterior itself.
        warnings.simplefilter("ignore", InputWarning)
        posterior = mixture(posteriors, logs.tolist(), seed)
    statistics, attributes = dict(posterior.statistics), dict(posterior.attributes)
    statistics["mode"] = statistics.pop("member")
    attributes = {n: v for n, v in attributes.items() if n not in ("weights", "k_hat")}
    rows = [row for one in posteriors for row in one.summary().values()]
    attributes |= {
        "method": posteriors[0].attributes["method"],
        "data": posteriors[0].attributes["data"],
        "odds": np.asarray(odds, float),
        "largest_r_hat": float(np.max([row["r_hat"] for row in rows])),
    }
    return Posterior(posterior.samples, statistics, attributes, posterior.derived)
