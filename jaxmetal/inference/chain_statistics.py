"""Effective samples and R-hat of Markov chains."""

import numpy as np

# Fewer draws of a chain than this have no R-hat.
FEWEST_DRAWS = 4


def diagnostics(draws: np.ndarray) -> tuple[float, float]:
    """Effective samples and R-hat of chains, shape (chains, draws).

    NaN where there are too few draws.
    """
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    if draws.shape[1] < FEWEST_DRAWS:
        return np.nan, np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(effective_sample_size(draws)), float(split_gelman_rubin(draws))
