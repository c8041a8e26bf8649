"""Samples of a posterior, and their diagnostics."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.galaxy import Galaxy, put
from jaxmetal.inference import arviz_schema, displays
from jaxmetal.inference.chain_statistics import diagnostics
from jaxmetal.inference.tables import Summary, labels, listed, told_by_draws
from jaxmetal.shown import as_html

# Below this many effective samples, or above this R-hat, a posterior is not to be trusted.
ENOUGH_SAMPLES = 400
LARGEST_R_HAT = 1.01
# From this k-hat on, averages over importance-weighted draws are not to be trusted (Vehtari et al.
# 2024, section 3).
HEAVY_TAIL = 0.7


@dataclasses.dataclass(frozen=True, repr=False)
class Posterior:
    """Draws from the posterior.

    Parameters
    ----------
    samples
        {path: array of shape (chains, draws, …)} in the parameters' own units.
    statistics
        {name: (chains, draws)}: "diverging", "log_density", and of chains "steps", "accept" and
        "energy".
    attributes
        how they were drawn: method, seed, warm-up, version, and a fingerprint of the data; the
        "units" of the parameters, {path: unit}, as far as they are known; k_hat,
        effective_samples and log_evidence of importance sampling; refused_k_hat where "auto" took
        chains instead; the odds of several modes, whose draws the statistic "mode" tells apart, and
        largest_r_hat of the chains of any; the message of a start that did not converge, and the
        caveats of the fit.
    derived
        {path: (chains, draws, …)} of the parameters that were tied to others.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> model = jm.examples.model()
    >>> posterior = jm.sample(model, jm.optimise(model), draws=200, seed=1)
    >>> posterior.flat["disc.metallicity.gradient"].shape
    (800,)
    >>> posterior.to_table().colnames
    ['parameter', 'unit', 'mean', 'sd', '16%', '50%', '84%', 'ess', 'r_hat']
    """

    samples: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    derived: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    _repr_html_ = as_html
    plot_corner = displays.plot_corner
    to_table = displays.to_table
    to_pandas = displays.to_pandas
    to_datatree = arviz_schema.to_datatree
    to_arviz = arviz_schema.to_arviz

    @property
    def divergences(self) -> int:
        """Number of divergent trajectories; more than a few: a region was not explored."""
        return int(np.sum(self.statistics["diverging"]))

    @property
    def by_chain(self) -> dict[str, np.ndarray]:
        """{label: (chains, draws)}, one label for each element of an array."""
        return {
            label: values[(slice(None), slice(None), *index)]
            for name, values in self.samples.items()
            for label, index in zip(
                labels(name, values.shape[2:]), np.ndindex(values.shape[2:]), strict=True
            )
        }

    @property
    def flat(self) -> dict[str, np.ndarray]:
        """{label: (chains · draws,)}, chain after chain, as pandas and getdist take them."""
        return {label: draws.reshape(-1) for label, draws in self.by_chain.items()}

    @property
    def units(self) -> dict[str, str]:
        """{label: unit}, "" where a number has none or it is not known."""
        of_paths = self.attributes.get("units", {})
        return {label: of_paths.get(label.partition("[")[0], "") for label in self.by_chain}

    def summary(self) -> Summary:
        """A row of statistics for each parameter.

        The columns are mean, sd, 16th, 50th and 84th percentiles, effective samples and R-hat.

        Independent draws that came by importance sampling have the effective samples of their
        weights, and no R-hat.
        """
        rows, effective = Summary(), self.attributes.get("effective_samples")
        for name, draws in self.by_chain.items():
            draws = np.asarray(draws, float)
            low, middle, high = np.percentile(draws, [16, 50, 84])
            ess, r_hat = diagnostics(draws) if effective is None else (float(effective), np.nan)
            rows[name] = {
                "mean": float(draws.mean()),
                "sd": float(draws.std(ddof=1)) if draws.size > 1 else np.nan,
                "16%": low,
                "50%": middle,
                "84%": high,
                "ess": ess,
                "r_hat": r_hat,
            }
        return rows

    @property
    def complaints(self) -> list[str]:
        """Reasons not to trust the posterior; empty if there are none.

        R-hat, effective samples, divergent draws, k-hat, and a fit that did not converge.
        """
        rows = self.summary()
        is_weighted = "effective_samples" in self.attributes
        complaints = []
        if "start" in self.attributes:
            complaints.append(
                f"drawn around a fit that did not converge ({self.attributes['start']})"
            )
        names = [name for name, row in rows.items() if not row["ess"] >= ENOUGH_SAMPLES]
        if names:
            complaints.append(f"fewer than {ENOUGH_SAMPLES} effective samples of {listed(names)}")
        if not is_weighted:
            complaints += _complaints_of_chains(rows)
        if not self.attributes.get("largest_r_hat", 1.0) <= LARGEST_R_HAT:
            complaints.append(f"R-hat above {LARGEST_R_HAT} for the chains of a mode")
        if self.divergences:
            complaints.append(f"{self.divergences} divergent draws")
        if "k_hat" in self.attributes and not trusted(self):
            k_hat = self.attributes["k_hat"]
            complaints.append(
                f"k-hat {k_hat:.2f} is not below {HEAVY_TAIL}: the fit's errors do not describe "
                "the posterior"
            )
        return complaints

    @property
    def message(self) -> str:
        """The complaints, or that the sampling converged, and by which number; several modes."""
        caveats = self.attributes.get("caveats", "")
        verdict = "; ".join(self.complaints) or self._praise()
        verdict += f", but of the fit: {caveats}" if caveats else ""
        return "; ".join([verdict, *self.answers])

    @property
    def answers(self) -> list[str]:
        """One line that tells several modes apart, with their odds; empty if there is only one."""
        odds = np.atleast_1d(self.attributes.get("odds", 1.0))
        if len(odds) < 2:
            return []
        return [told_by_draws(self.by_chain, self.statistics["mode"], odds)]

    def _praise(self) -> str:
        if "effective_samples" not in self.attributes:
            largest = max((row["r_hat"] for row in self.summary().values()), default=1.0)
            return f"chains converged (R-hat {largest:.3f})"
        if self.attributes.get("method") == "importance":
            return f"importance sampling converged (k-hat {self.attributes['k_hat']:.2f})"
        return f"converged ({self.attributes['effective_samples']:.0f} effective samples)"

    @property
    def converged(self) -> bool:
        """Whether R-hat, effective samples, divergences and k-hat are all within their limits."""
        return not self.complaints

    def __repr__(self) -> str:
        return f"Posterior: {self.message}\n{self.summary()}"

    def save(self, path: str | os.PathLike) -> None:
        """Write a netCDF file in the ArviZ schema, atomically.

        Parameters
        ----------
        path
            of the file.
        """
        with whole_file(path) as part:
            self.to_datatree().to_netcdf(part, engine="h5netcdf")

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Posterior":
        """Read what `save` wrote.

        Parameters
        ----------
        path
            of the file.

        Returns
        -------
        posterior
            with the same draws, statistics and attributes.

        Raises
        ------
        InputError
            if the file is missing or is not such a file.
        """
        import xarray

        if not Path(path).is_file():
            raise InputError(f"Posterior.load: no file {os.fspath(path)!r}.")
        try:
            with xarray.open_datatree(path, engine="h5netcdf") as tree:
                groups = {
                    g: {str(n): np.asarray(v) for n, v in tree[g].data_vars.items()}
                    for g in tree.children
                }
                attributes = arviz_schema.attributes_of(tree["posterior"])
            ours = {theirs: name for name, theirs in arviz_schema.NAMES.items()}
            statistics = {
                ours.get(name, name): values for name, values in groups["sample_stats"].items()
            }
            return cls(groups["posterior"], statistics, attributes, groups["derived"])
        except (OSError, KeyError, ValueError) as error:
            raise InputError(
                f"Posterior.load: {os.fspath(path)!r} does not hold a posterior ({error})."
            ) from None

    def at(self, galaxy: Galaxy, index: int) -> Galaxy:
        """The galaxy with one draw in place of its parameters.

        Parameters
        ----------
        galaxy
            in which the parameters are replaced.
        index
            of the draw, counted over all chains.

        Returns
        -------
        galaxy
            a copy.
        """
        for name, values in {**self.samples, **self.derived}.items():
            if name.split(".")[0] in galaxy.named:
                galaxy = put(
                    galaxy, name, jnp.asarray(values.reshape(-1, *values.shape[2:])[index])
                )
        return galaxy


def trusted(posterior: Posterior) -> bool:
    """Whether the k-hat of importance-weighted draws allows averages over them."""
    return bool(posterior.attributes["k_hat"] < HEAVY_TAIL)


def _complaints_of_chains(rows: Summary) -> list[str]:
    """What is wrong with the R-hat of parameters."""
    complaints = []
    unknown = [name for name, row in rows.items() if np.isnan(row["r_hat"])]
    if unknown:
        complaints.append(f"no R-hat of {listed(unknown)}")
    apart = [name for name, row in rows.items() if row["r_hat"] > LARGEST_R_HAT]
    if apart:
        complaints.append(f"R-hat above {LARGEST_R_HAT} for {listed(apart)}")
    return complaints
