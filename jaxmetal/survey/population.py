"""The population of a survey: mean and scatter of a parameter over its galaxies.

The mean may depend linearly on a column of the catalogue.
"""

import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.inference.population import Population, infer
from jaxmetal.io.automatic import find_automatic
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.priors import make_prior
from jaxmetal.survey import store
from jaxmetal.survey.catalogue import Catalogue, configure
from jaxmetal.survey.identity import Plan
from jaxmetal.survey.output import posteriors


def population(
    folder: str | os.PathLike, path: str, against: str | None = None, seed: int = 0
) -> Population:
    """Mean and scatter of a parameter over the galaxies of a survey.

    See `jaxmetal.inference.population.infer` for the model.

    Parameters
    ----------
    folder
        of the survey.
    path
        of a parameter with a single value.
    against
        a column of numbers along which the mean may change linearly.
    seed
        of all that is drawn.

    Returns
    -------
    population
        from all galaxies that were sampled and have a number in that column.

    Raises
    ------
    InputError
        for a parameter or column that does not exist, a prior that is `auto`, or fewer than three
        galaxies.
    """
    plan, catalogue = store.read_plan(folder), store.read_input(folder)
    x = None if against is None else _column(catalogue, against)
    rows_and_draws = [
        (row, draws) for row, draws in posteriors(folder, path) if x is None or np.isfinite(x[row])
    ]
    log_priors = [_log_prior(plan, catalogue, row, path, draws) for row, draws in rows_and_draws]
    return infer(
        [draws for _, draws in rows_and_draws],
        log_priors,
        None if x is None else [x[row] for row, _ in rows_and_draws],
        seed,
    )


def _column(catalogue: Catalogue, name: str) -> np.ndarray:
    """A column as numbers, NaN where it has none."""
    if name not in catalogue.table.colnames:
        raise unknown("column", name, catalogue.table.colnames)
    column = catalogue.table[name]
    if column.dtype.kind not in "fiu":
        raise InputError(f"{name}: expected a column of numbers, it holds {column.dtype}.")
    return np.ma.filled(np.ma.asarray(column).astype(float), np.nan)


def _log_prior(plan: Plan, catalogue: Catalogue, row: int, path: str, draws: Any) -> np.ndarray:
    """The log density of a galaxy's prior at its draws; 0 where the parameter has no density."""
    priors, automatic = find_automatic({"priors": plan.raw.get("priors") or {}})
    if path in automatic.priors or (automatic.others and path not in priors["priors"]):
        raise InputError(
            f"{path}: its prior is auto, another one for each galaxy; a population needs one that "
            "is written out, such as {normal: [0, 0.3]}."
        )
    # The priors alone, so that no observation is read again.
    config = parse(configure({"galaxy": {}, **priors}, catalogue, row), Mistakes())
    prior = make_prior(config.priors[path]) if config and path in config.priors else None
    if not hasattr(prior, "log_prob"):
        return np.zeros(len(draws))
    return np.asarray(prior.log_prob(jnp.asarray(draws)), float)  # type: ignore[union-attr]


def text(result: Population, path: str, against: str | None) -> str:
    """The population as text for the command line."""
    lines = [
        f"{path} of {result.galaxies} galaxies"
        + (f", at {against} = {result.pivot:.5g}" if against else "")
    ]
    for name, row in result.summary().items():
        lines.append(
            f"  {name:<8}{row['mean']:>12.5g} ± {row['sd']:.2g}   "
            f"(16 to 84 %: {row['q16']:.5g} to {row['q84']:.5g})"
        )
    if result.effective < 20 or result.k_hat >= 0.7:
        lines.append(
            f"not to be trusted: {result.effective:.0f} effective draws of one galaxy, "
            f"k-hat {result.k_hat:.2f}"
        )
    return "\n".join(lines)


def default_path(folder: str | os.PathLike) -> str:
    """The only free gradient of a survey.

    Raises
    ------
    InputError
        if there is not exactly one.
    """
    priors = find_automatic(store.read_plan(Path(folder)).raw)[0].get("priors") or {}
    gradients = [path for path in priors if path.endswith(".gradient")]
    if len(gradients) != 1:
        raise InputError(f"--parameter: name one of {', '.join(priors) or 'none'}.")
    return gradients[0]
