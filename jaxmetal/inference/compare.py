"""Several models of the same data in one table: chi-square, BIC, evidence, and the odds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from jaxmetal.errors import InputError, described
from jaxmetal.inference.fingerprint import fingerprint
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior, trusted

# Odds above this are told as "more than".
LARGEST_ODDS = 1e6
FORMATS = {"reduced_chi_square": ".4g", "probability": ".3g"}


def compare(models: Mapping[str, Any]) -> Table:
    """Models of the same data, and the odds among them.

        ln Z = ln ∫ p(data | theta) p(theta) d theta,   P_k = Z_k / Σ_j Z_j

    The odds hold for models that are equally probable before the data. They depend on the width of
    the priors: a parameter that the data determine costs ln(width of prior / width of posterior).

    Parameters
    ----------
    models
        {name: Fit, Posterior, or the pair (Fit, Posterior)}, two at least, such as
        {"line": fit, "broken": other_fit}. The posterior of importance sampling has the better
        evidence; a posterior alone has no chi-square and no maximum.

    Returns
    -------
    table
        a row for each model, the most probable first, with the columns

        - "model", its name, and "free", the number of its free parameters;
        - "chi_square" of all maps, and "reduced_chi_square". The residuals are whitened by the
          errors that the model has, scatter included, and of a random field the mean is in the
          model: it takes up degrees of freedom that are not counted;
        - "log_posterior", ln p(data | theta) + ln p(theta) at its maximum, and "bic", k ln N less
          twice the log likelihood there;
        - "laplace_evidence" and "importance_evidence", ln Z by Laplace's approximation and by
          importance sampling where k-hat is below 0.7, both over all modes;
        - "delta", ln Z less that of the best, by importance sampling where all models have it
          and by Laplace's approximation otherwise, and "probability", P_k.

        `table.meta["odds"]` tells the same in a line.

    Raises
    ------
    InputError
        for fewer than two models, anything but fits and posteriors, models of different data, of
        errors="sandwich", whose likelihood leaves out what it corrects for, and where evidence is
        missing.

    References
    ----------
    Kass & Raftery (1995), J. Am. Stat. Assoc. 90, 773; Schwarz (1978), Ann. Stat. 6, 461.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpyro.distributions as dist
    >>> wide = jm.examples.model()
    >>> priors = {name: wide.priors[name] for name in wide.free}
    >>> priors["disc.metallicity.gradient"] = dist.Normal(0.0, 0.1)
    >>> narrow = jm.Model(wide.galaxy, wide.maps, priors)
    >>> table = jm.compare({"wide": jm.optimise(wide), "narrow": jm.optimise(narrow)})
    >>> print(table["model"][0])
    narrow
    """
    if not isinstance(models, Mapping) or len(models) < 2:
        raise InputError(
            'compare: expected at least two models by name, such as {"line": fit, "broken": fit}.'
        )
    entries = {name: _entry(name, value) for name, value in models.items()}
    _check_data({name: entry.data(name) for name, entry in entries.items()})
    rows = [entry.row(name) for name, entry in entries.items()]
    logs, source = _evidences(rows)
    for row, value in zip(rows, logs, strict=True):
        row["delta"] = value - logs.max()
        row["probability"] = np.exp(value - np.logaddexp.reduce(logs))
    rows.sort(key=lambda row: row["delta"], reverse=True)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    shown = [_column(name, values) for name, values in columns.items()]
    return Table(shown, meta={"odds": _odds_text(rows, source)})


class Entry(NamedTuple):
    """What is known of one model: its fit, its posterior, or both."""

    fit: Fit | None
    posterior: Posterior | None

    def data(self, name: str) -> str:
        """The fingerprint of its data."""
        of_draws = None if self.posterior is None else self.posterior.attributes.get("data")
        if self.fit is None:
            if of_draws is None:
                raise InputError(
                    f"compare: posterior {name!r} does not say which data it is of; give the pair "
                    "(fit, posterior)."
                )
            return str(of_draws)
        own = fingerprint(self.fit.maps)
        if of_draws not in (None, own):
            raise InputError(f"compare: the fit and the posterior of {name!r} are of other data.")
        return own

    def row(self, name: str) -> dict[str, Any]:
        """Its row of the table; NaN where something is not known."""
        fit, posterior = self
        row: dict[str, Any] = {"model": name, "free": self.free}
        columns = ("chi_square", "reduced_chi_square", "log_posterior", "bic", "laplace_evidence")
        row |= dict.fromkeys((*columns, "importance_evidence"), np.nan)
        if fit is not None:
            row["chi_square"] = sum(fit.chi_square.values())
            row["reduced_chi_square"] = fit.reduced_chi_square
            row["log_posterior"] = fit.log_likelihood + fit.log_prior
            row["bic"] = fit.bic
            row["laplace_evidence"] = np.logaddexp.reduce([m.log_evidence for m in fit.modes])
        known = {} if posterior is None else posterior.attributes
        if posterior is not None and {"log_evidence", "k_hat"} <= set(known) and trusted(posterior):
            row["importance_evidence"] = float(known["log_evidence"])
        return row

    @property
    def free(self) -> int:
        """The number of its free parameters."""
        if self.fit is not None:
            return len(self.fit.labels)
        assert self.posterior is not None
        return len(self.posterior.flat)


def _entry(name: str, value: Any) -> Entry:
    parts = value if isinstance(value, tuple) else (value,)
    fits = [part for part in parts if isinstance(part, Fit)]
    posteriors = [part for part in parts if isinstance(part, Posterior)]
    counts = len(fits), len(posteriors)
    if sum(counts) != len(parts) or max(counts) != 1:
        raise InputError(
            f"compare: {name!r} must be a Fit, a Posterior or a pair of both, got "
            f"{', '.join(described(part) for part in parts) or 'nothing'}."
        )
    entry = Entry(next(iter(fits), None), next(iter(posteriors), None))
    _check_errors(name, entry)
    return entry


def _check_errors(name: str, entry: Entry) -> None:
    """Refuse an entry whose likelihood leaves the correlation of its errors out."""
    sandwich = entry.posterior is not None and entry.posterior.attributes.get("errors")
    if sandwich == "sandwich" or (entry.fit is not None and entry.fit.excess is not None):
        raise InputError(
            f'compare: {name!r} has errors="sandwich", whose likelihood leaves the correlation '
            'out; fit it with errors="full".'
        )


def _check_data(data: Mapping[str, str]) -> None:
    first, *others = data
    for name in others:
        if data[name] != data[first]:
            raise InputError(
                f"compare: {first!r} and {name!r} are of other data: values or masks differ."
            )


def _evidences(rows: list[dict[str, Any]]) -> tuple[np.ndarray, str]:
    """The log evidence of each model, all by one method, and its name."""
    for column, source in (
        ("importance_evidence", "importance sampling"),
        ("laplace_evidence", "Laplace's approximation"),
    ):
        logs = np.array([row[column] for row in rows])
        if np.isfinite(logs).all():
            return logs, source
    missing = [row["model"] for row in rows if not np.isfinite(row["laplace_evidence"])]
    raise InputError(
        f"compare: no evidence of {', '.join(map(repr, missing))}: a fit needs a covariance, and a "
        "posterior alone must be of importance sampling, as all others then."
    )


def _column(name: str, values: list[Any]) -> Any:
    """A column in which what is not known is masked."""
    numbers = all(isinstance(value, float) for value in values)
    style = FORMATS.get(name, ".2f") if numbers else None
    unknown = [isinstance(value, float) and np.isnan(value) for value in values]
    if any(unknown):
        return MaskedColumn(values, name, mask=unknown, format=style)
    return Column(values, name, format=style)


def _odds_text(rows: list[dict[str, Any]], source: str) -> str:
    """The odds of the best model over each other one, in words."""

    def odds(delta: float) -> str:
        if -delta > np.log(LARGEST_ODDS):
            return f"more than {LARGEST_ODDS:.3g} to 1"
        return f"{np.exp(-delta):.3g} to 1"

    others = ", ".join(f"{odds(row['delta'])} over {row['model']}" for row in rows[1:])
    return f"{rows[0]['model']} is the most probable: {others}, by {source}"
