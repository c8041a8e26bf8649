"""What a fit and a sampling give back."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.files import whole_file
from jaxmetal.galaxy import Galaxy, put
from jaxmetal.inference import likelihood
from jaxmetal.maps import Map

# Below this many effective samples, or above this R-hat, a posterior is not to be trusted.
ENOUGH_SAMPLES = 400
MIXED = 1.01
# From this k-hat on, averages over importance-weighted draws are not to be trusted (Vehtari et al. 2024, section 3).
HEAVY_TAIL = 0.7


def standard_errors(values: dict[str, Any], covariance: np.ndarray) -> dict[str, np.ndarray]:
    """{path: standard deviation, shaped like the value}, of one galaxy or with a first axis of galaxies everywhere."""
    sigma, at, errors = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1)), 0, {}
    for name, value in values.items():
        size = int(np.prod(np.shape(value)[sigma.ndim - 1 :]))
        errors[name] = sigma[..., at : at + size].reshape(np.shape(value))
        at += size
    return errors


class Summary(dict):
    """Rows of numbers by parameter; prints as a table."""

    def __str__(self) -> str:
        if not self:
            return "(nothing is free)"
        columns = list(next(iter(self.values())))
        width = max(len(name) for name in self)
        lines = [" " * width + "".join(f"{column:>12}" for column in columns)]
        lines += [f"{name:<{width}}" + "".join(f"{row[column]:>12.5g}" for column in columns) for name, row in self.items()]
        return "\n".join(lines)

    __repr__ = __str__


def labels(name: str, shape: tuple[int, ...]) -> list[str]:
    """The parameter's name, or name[0], name[1], … for an array."""
    return [name + "".join(f"[{i}]" for i in index) for index in np.ndindex(shape)]


@dataclasses.dataclass(frozen=True, repr=False)
class Fit:
    """The most probable parameters and the Laplace approximation around them.

    Parameters
    ----------
    parameters
        {path: value} of everything that was free, in its own unit.
    covariance
        of the parameters, in their order and own units (arrays flattened), shape (n, n).
    galaxy, maps
        with these parameters in place.
    predicted
        {map: model image}.
    log_prior
        the log prior density at the parameters.
    converged, message
        whether the fit arrived, and what to know about it.
    unconstrained, unconstrained_covariance
        the same point and covariance in the coordinates of `Model.log_density`.
    """

    parameters: dict[str, np.ndarray]
    covariance: np.ndarray
    galaxy: Galaxy
    maps: dict[str, Map]
    predicted: dict[str, np.ndarray]
    log_prior: float
    converged: bool
    message: str
    unconstrained: np.ndarray
    unconstrained_covariance: np.ndarray

    @property
    def labels(self) -> list[str]:
        """One name for each row of the covariance."""
        return [label for name, value in self.parameters.items() for label in labels(name, value.shape)]

    @property
    def errors(self) -> dict[str, np.ndarray]:
        """{path: standard deviation}."""
        return standard_errors(self.parameters, self.covariance)

    @property
    def log_likelihood(self) -> float:
        """The log probability of the data, with its normalisation."""
        return float(sum(likelihood.log_likelihood(m, jnp.asarray(self.predicted[name])) for name, m in self.maps.items()))

    @property
    def size(self) -> int:
        """How many pixels or apertures of all maps take part."""
        return sum(m.size for m in self.maps.values())

    @property
    def bic(self) -> float:
        """Bayesian information criterion, k ln N - 2 log likelihood."""
        return len(self.labels) * float(np.log(self.size)) - 2 * self.log_likelihood

    @property
    def log_evidence(self) -> float:
        """ln ∫ p(data | theta) p(theta) d theta by Laplace's approximation, with a prior density of 1 for Linear amplitudes.

        ln p(data | theta) + ln p(theta) + (n ln 2 pi + ln |C|) / 2 at the most probable theta (Kass & Raftery 1995, section 4.1)
        """
        volume = len(self.covariance) * np.log(2 * np.pi) + np.linalg.slogdet(self.covariance)[1]
        return self.log_likelihood + self.log_prior + 0.5 * float(volume)

    @property
    def chi_square(self) -> dict[str, float]:
        """{map: Σ [(data - model) / total sigma]²}."""
        return {name: float(np.sum(np.asarray(self.residuals[name]) ** 2)) for name in self.maps}

    @property
    def residuals(self) -> dict[str, np.ndarray]:
        """{map: (data - model) / total sigma}, in the map's shape; 0 where a pixel or aperture takes no part.

        With a covariance C, (C + scatter²)^(-1/2) (data - model): as independent and of unit variance, and the nearest to the pixels.
        """
        found = {name: likelihood.residuals(m, jnp.asarray(self.predicted[name])) for name, m in self.maps.items()}
        return {name: np.asarray(r if (modes := self.maps[name].modes) is None else modes.back(r), float) for name, r in found.items()}

    @property
    def reduced_chi_square(self) -> float:
        """chi-square of all maps over pixels minus free parameters."""
        return sum(self.chi_square.values()) / max(self.size - len(self.labels), 1)

    def summary(self) -> Summary:
        """A row for each parameter: value and error."""
        values = np.concatenate([v.ravel() for v in self.parameters.values()])
        errors = np.sqrt(np.diag(self.covariance))
        return Summary({n: {"value": float(v), "error": float(e)} for n, v, e in zip(self.labels, values, errors, strict=True)})

    def __repr__(self) -> str:
        return f"Fit: {self.message}; reduced chi-square {self.reduced_chi_square:.3f}, BIC {self.bic:.1f}\n{self.summary()}"


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
