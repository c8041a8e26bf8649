"""The population of a survey: mean and scatter of a parameter over its galaxies, alone or along a column of the catalogue."""

import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError, unknown
from jaxmetal.inference.population import Population, infer
from jaxmetal.io.config import Mistakes, parse
from jaxmetal.io.priors import make_prior
from jaxmetal.survey import store
from jaxmetal.survey.catalogue import Catalogue, configure
from jaxmetal.survey.output import posteriors
from jaxmetal.survey.store import Plan


def population(
    folder: str | os.PathLike, path: str, against: str | None = None, seed: int = 0
) -> Population:
    """Mean and scatter of a parameter over the galaxies of a survey; see `jaxmetal.inference.population.infer`.

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
        for a parameter or column that does not exist, or fewer than three galaxies.
    """
    plan, catalogue = store.read_plan(folder), store.read_input(folder)
    x = None if against is None else _column(catalogue, against)
    drawn = [
        (row, draws) for row, draws in posteriors(folder, path) if x is None or np.isfinite(x[row])
    ]
    log_priors = [_log_prior(plan, catalogue, row, path, draws) for row, draws in drawn]
    return infer(
        [draws for _, draws in drawn],
        log_priors,
        None if x is None else [x[row] for row, _ in drawn],
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
    """The logarithm of the prior with which a galaxy was fitted, at its draws; flat for what had none of its own."""
    # The priors alone, for which no observation need be read again.
    config = parse(
        configure({"galaxy": {}, "priors": plan.raw.get("priors") or {}}, catalogue, row),
        Mistakes(),
    )
    prior = make_prior(config.priors[path]) if config and path in config.priors else None
    if not hasattr(prior, "log_prob"):
        return np.zeros(len(draws))
    return np.asarray(prior.log_prob(jnp.asarray(draws)), float)  # type: ignore[union-attr]


def text(found: Population, path: str, against: str | None) -> str:
    """The answer on a page."""
    lines = [
        f"{path} of {found.galaxies} galaxies"
        + (f", at {against} = {found.pivot:.5g}" if against else "")
    ]
    for name, row in found.summary().items():
        lines.append(
            f"  {name:<8}{row['mean']:>12.5g} ± {row['sd']:.2g}   (16 to 84 %: {row['q16']:.5g} to {row['q84']:.5g})"
        )
    if found.effective < 20 or found.k_hat >= 0.7:
        lines.append(
            f"not to be trusted: {found.effective:.0f} effective draws of one galaxy, k-hat {found.k_hat:.2f}"
        )
    return "\n".join(lines)


def default_path(folder: str | os.PathLike) -> str:
    """The only free gradient of a survey.

    Raises
    ------
    InputError
        if there is not exactly one.
    """
    priors = store.read_plan(Path(folder)).raw.get("priors") or {}
    found = [path for path in priors if path.endswith(".gradient")]
    if len(found) != 1:
        raise InputError(f"--parameter: name one of {', '.join(priors) or 'none'}.")
    return found[0]
