"""What a sampling gives back."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.galaxy import Galaxy, put
from jaxmetal.inference.tables import Summary, labels

# Below this many effective samples, or above this R-hat, a posterior is not to be trusted.
ENOUGH_SAMPLES = 400
MIXED = 1.01
# From this k-hat on, averages over importance-weighted draws are not to be trusted (Vehtari et al. 2024, section 3).
HEAVY_TAIL = 0.7


@dataclasses.dataclass(frozen=True, repr=False)
class Posterior:
    """Draws from the posterior.

    Parameters
    ----------
    samples
        {path: array of shape (chains, draws, …)} in the parameters' own units.
    statistics
        {name: (chains, draws)}: "diverging", "steps", "accept", "log_density".
    attributes
        how they came about: method, seed, warm-up, version; k_hat, effective_samples and log_evidence of importance sampling;
        refused_k_hat where "auto" took chains instead.
    derived
        {path: (chains, draws, …)} of the parameters that were tied to others.
    """

    samples: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    attributes: dict[str, Any] = dataclasses.field(default_factory=dict)
    derived: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @property
    def divergences(self) -> int:
        """How many draws ended in a divergent trajectory; more than a few mean that a region was not explored."""
        return int(np.sum(self.statistics["diverging"]))

    @property
    def flat(self) -> dict[str, np.ndarray]:
        """{label: (chains, draws)}, arrays taken apart."""
        return {
            label: values[(slice(None), slice(None), *index)]
            for name, values in self.samples.items()
            for label, index in zip(labels(name, values.shape[2:]), np.ndindex(values.shape[2:]), strict=True)
        }

    def summary(self) -> Summary:
        """A row for each parameter: mean, sd, 16th, 50th and 84th percentiles, effective samples, R-hat.

        Independent draws that came by importance sampling have the effective samples of their weights, and no R-hat.
        """
        from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

        rows, known = Summary(), self.attributes.get("effective_samples")
        for name, draws in self.flat.items():
            draws = np.asarray(draws, float)
            low, middle, high = np.percentile(draws, [16, 50, 84])
            with np.errstate(divide="ignore", invalid="ignore"):
                ess = float(effective_sample_size(draws) if known is None else known)
                r_hat = float(split_gelman_rubin(draws)) if known is None else np.nan
            rows[name] = {
                "mean": float(draws.mean()), "sd": float(draws.std(ddof=1)), "16%": low, "50%": middle, "84%": high,
                "ess": ess, "r_hat": r_hat,
            }  # fmt: skip
        return rows

    @property
    def message(self) -> str:
        """What to know before trusting it; "mixed" if there is nothing."""
        rows = self.summary()
        few = [name for name, row in rows.items() if not row["ess"] >= ENOUGH_SAMPLES]
        weighted = "effective_samples" in self.attributes
        apart = [name for name, row in rows.items() if not weighted and not row["r_hat"] <= MIXED]
        complaints = [f"fewer than {ENOUGH_SAMPLES} effective samples of {', '.join(few)}"] if few else []
        complaints += [f"R-hat above {MIXED} for {', '.join(apart)}"] if apart else []
        complaints += [f"{self.divergences} divergent draws"] if self.divergences else []
        if weighted and not trusted(self):
            complaints.append(
                f"k-hat {self.attributes['k_hat']:.2f} is not below {HEAVY_TAIL}: the fit's errors do not describe the posterior"
            )
        return "; ".join(complaints) or "mixed"

    @property
    def converged(self) -> bool:
        """Whether R-hat, effective samples and divergences give no cause for complaint."""
        return self.message == "mixed"

    def __repr__(self) -> str:
        return f"Posterior: {self.message}\n{self.summary()}"

    def to_datatree(self) -> Any:
        """An xarray.DataTree in the ArviZ schema: groups "posterior" and "sample_stats", dimensions chain and draw."""
        import xarray

        def dataset(variables: dict[str, np.ndarray]) -> Any:
            return xarray.Dataset(
                {name: (("chain", "draw", *(f"{name}_dim_{i}" for i in range(v.ndim - 2))), v) for name, v in variables.items()},
                coords={"chain": np.arange(self._shape[0]), "draw": np.arange(self._shape[1])},
            )

        groups = {"posterior": self.samples, "sample_stats": self.statistics, "derived": self.derived}
        tree = xarray.DataTree.from_dict({name: dataset(variables) for name, variables in groups.items()})
        tree["posterior"].attrs = dict(self.attributes)
        return tree

    @property
    def _shape(self) -> tuple[int, int]:
        return self.statistics["diverging"].shape

    def to_arviz(self) -> Any:
        """An ArviZ object of whichever ArviZ is installed (the `arviz` extra)."""
        try:
            import arviz
        except ImportError:
            raise InputError('to_arviz: ArviZ is not installed; pip install "jaxmetal[arviz]".') from None
        import xarray

        tree = self.to_datatree()
        # From ArviZ 1 on its container is xarray's, by another name.
        if not issubclass(getattr(arviz, "InferenceData", xarray.DataTree), xarray.DataTree):
            return arviz.InferenceData(**{name: node.to_dataset() for name, node in tree.children.items()})
        return tree

    def save(self, path: str | os.PathLike) -> None:
        """Write a netCDF file in the ArviZ schema; it appears whole or not at all."""
        with whole_file(path) as part:
            self.to_datatree().to_netcdf(part, engine="h5netcdf")

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Posterior":
        """Read what `save` wrote.

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
                read = {g: {str(n): np.asarray(v) for n, v in tree[g].data_vars.items()} for g in tree.children}
                attributes = {str(key): value for key, value in tree["posterior"].attrs.items()}
            return cls(read["posterior"], read["sample_stats"], attributes, read["derived"])
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"Posterior.load: {os.fspath(path)!r} does not hold a posterior ({error}).") from None

    def at(self, galaxy: Galaxy, index: int) -> Galaxy:
        """The galaxy with one draw (counted over all chains) in place of its parameters."""
        for name, values in {**self.samples, **self.derived}.items():
            if name.split(".")[0] in galaxy.named:
                galaxy = put(galaxy, name, jnp.asarray(values.reshape(-1, *values.shape[2:])[index]))
        return galaxy


def trusted(posterior: Posterior) -> bool:
    """Whether the k-hat of importance-weighted draws allows averages over them."""
    return posterior.attributes["k_hat"] < HEAVY_TAIL
