"""The result of a fit."""

import dataclasses
import os
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxmetal.compiling import compiled_soon
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference import displays, likelihood, saved_fits
from jaxmetal.inference.ends import Ends
from jaxmetal.inference.information import errors_given, standard_errors
from jaxmetal.inference.model import Model
from jaxmetal.inference.parameter_units import units_of
from jaxmetal.inference.residuals import Autocorrelation, autocorrelations
from jaxmetal.inference.tables import Summary, labels
from jaxmetal.maps import Map
from jaxmetal.shown import as_html, shown

_log_likelihood = compiled_soon(likelihood.log_likelihood)
_deviances = compiled_soon(likelihood.deviances)


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
        whether the fit converged, and remarks on it.
    unconstrained, unconstrained_covariance
        the same point and covariance in the coordinates of `Model.log_density`; with a parameter at
        the edge of its prior, or hardly constrained by the data, the maximum of that density and
        the covariance there.
    excess
        of a model with errors="sandwich": what the correlation of the errors adds to the variance
        of the score, in the same coordinates. `covariance` has it, `unconstrained_covariance` not.
    field_volume
        of a model with random fields: their log prior density and the log volume of their
        posterior, whose mean is in `galaxy` and `predicted`.
    others
        other maxima that are nearly as probable, such as the other branch of a line ratio.
    ends
        where the ascents from all starts ended, the highest included.
    caveats
        what no statistic of the draws around this maximum can see: a chi-square that is impossible,
        ascents that ended elsewhere, equal answers by a symmetry. They are in the message, too.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> fit = jm.optimise(jm.examples.model())
    >>> print(f"{fit.errors['disc.metallicity.gradient']:.3f}")
    0.010
    """

    parameters: dict[str, np.ndarray | np.floating]
    covariance: np.ndarray
    galaxy: Galaxy
    maps: dict[str, Map]
    predicted: dict[str, np.ndarray]
    log_prior: float
    converged: bool
    message: str
    unconstrained: np.ndarray
    unconstrained_covariance: np.ndarray
    excess: np.ndarray | None = None
    field_volume: float = 0.0
    others: tuple["Fit", ...] = ()
    ends: Ends | None = None
    caveats: tuple[str, ...] = ()

    def with_caveats(self, *caveats: str) -> "Fit":
        """The same fit with more caveats, which its message tells."""
        if not caveats:
            return self
        message = "; ".join([self.message, *caveats])
        return dataclasses.replace(self, caveats=(*self.caveats, *caveats), message=message)

    @property
    def modes(self) -> tuple["Fit", ...]:
        """All maxima, this one first."""
        return (self, *self.others)

    @property
    def odds(self) -> np.ndarray:
        """The probability of each of the modes by Laplace's approximation, adding up to one."""
        if not self.others:
            return np.ones(1)
        logs = np.array([mode.log_evidence for mode in self.modes])
        odds = np.exp(logs - logs.max())
        return odds / odds.sum()

    @property
    def labels(self) -> list[str]:
        """One name for each row of the covariance."""
        return [
            label for name, value in self.parameters.items() for label in labels(name, value.shape)
        ]

    @property
    def errors(self) -> dict[str, np.ndarray]:
        """{path: standard deviation}."""
        return standard_errors(self.parameters, self.covariance)

    def errors_with_known(self, *paths: str) -> dict[str, np.ndarray]:
        """The errors of all other parameters if some were known exactly, such as the PSF.

        Parameters
        ----------
        paths
            of those that are known.

        Returns
        -------
        errors
            {path: standard deviation} of the others, by Laplace's approximation.

        Raises
        ------
        InputError
            for a path that was not free.
        """
        return errors_given(self.parameters, self.covariance, paths)

    @property
    def units(self) -> dict[str, str]:
        """{label: unit}, "" where a number has none or it is not known."""
        return units_of(self.galaxy, self.maps, self.labels)

    @property
    def log_likelihood(self) -> float:
        """The log probability of the data, with its normalisation, for any random field."""
        maps = (
            _log_likelihood(m, jnp.asarray(self.predicted[name])) for name, m in self.maps.items()
        )
        return float(sum(maps)) + self.field_volume

    @property
    def size(self) -> int:
        """How many pixels or apertures of all maps take part."""
        return sum(m.size for m in self.maps.values())

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz 1978), k ln N - 2 log likelihood."""
        return len(self.labels) * float(np.log(self.size)) - 2 * self.log_likelihood

    @property
    def log_evidence(self) -> float:
        """The log evidence by Laplace's approximation, ln ∫ p(data | theta) p(theta) d theta.

        The prior density of Linear amplitudes is taken as 1.

        ln p(data | theta) + ln p(theta) + (n ln 2 pi + ln det C) / 2 at the most probable theta
        (Kass & Raftery 1995, section 4.1)
        """
        volume = len(self.covariance) * np.log(2 * np.pi) + np.linalg.slogdet(self.covariance)[1]
        return self.log_likelihood + self.log_prior + 0.5 * float(volume)

    @property
    def chi_square(self) -> dict[str, float]:
        """{map: Σ [(data - model) / total sigma]²}."""
        return {name: float(np.sum(np.asarray(self.residuals[name]) ** 2)) for name in self.maps}

    @property
    def without_scatter(self) -> "Fit":
        """The same fit judged by the measured errors alone.

        A scatter that is fitted makes chi-square about one whatever the model is: only the measured
        errors test the model.
        """
        maps = {
            n: eqx.tree_at(lambda m: m.scatter, m, jnp.zeros_like(m.scatter))
            for n, m in self.maps.items()
        }
        return dataclasses.replace(self, maps=maps)

    @property
    def residuals(self) -> dict[str, np.ndarray]:
        """Residuals (data - model) / total sigma of each map, in its shape.

        0 where a pixel or aperture is masked; of an upper limit -sqrt(-2 ln Phi).

        With correlated errors of covariance C, C^(-1/2) (data - model): independent and of unit
        variance. The root is symmetric, and so as close as possible to the pixels, where a scatter
        was fitted; otherwise each pixel is compared with what those before it lead to expect.
        """
        whitened = {
            name: _deviances(m, jnp.asarray(self.predicted[name])) for name, m in self.maps.items()
        }
        return {n: np.asarray(self.maps[n].noise.as_pixels(r), float) for n, r in whitened.items()}

    @property
    def autocorrelation(self) -> dict[str, Autocorrelation]:
        """How correlated the residuals of neighbouring pixels are, of each map of pixels.

        By how much errors are likely too small for it; see `inference.residuals`.
        """
        return autocorrelations(self.maps, self.predicted)

    @property
    def reduced_chi_square(self) -> float:
        """chi-square of all maps over pixels minus free parameters."""
        return sum(self.chi_square.values()) / max(self.size - len(self.labels), 1)

    _repr_html_ = as_html

    def plot(self, name: str | None = None, ax: Any = None, what: str = "residual") -> Any:
        """Draw data, model, residual and intrinsic map; one of them in given axes; or a profile.

        Parameters
        ----------
        name
            of the map; the first if left out.
        ax
            axes of matplotlib to draw into.
        what
            one of "data", "model", "residual", "intrinsic" of maps; "position-velocity", the slit
            along the major axis of a rotating disc: velocity, with dispersion; or, without `ax`,
            "profile": that of a tracer along the radius, or of the metallicity of lines, with the
            naive line.

        Returns
        -------
        figure or axes
            without `ax` a figure of four panels, of the slit or of the profile; else the axes.

        Raises
        ------
        InputError
            for a map or a panel that does not exist.
        """
        return shown("quick.plot_fit", self, name, ax, what)

    to_table = displays.to_table
    save = saved_fits.save

    @classmethod
    def load(cls, path: str | os.PathLike, model: Model) -> "Fit":
        """Read what `save` wrote.

        Parameters
        ----------
        path
            of the file.
        model
            that was fitted: its galaxy, maps and priors are not in the file.

        Returns
        -------
        fit
            with the same numbers and maxima.

        Raises
        ------
        InputError
            if the file is missing or holds no fit, or the fit is of other data or parameters.
        """
        arguments = saved_fits.read(path, model)
        others = tuple(cls(**other) for other in arguments.pop("others"))
        return cls(**arguments, others=others)

    def summary(self) -> Summary:
        """A row for each parameter: value and error."""
        values = np.concatenate([v.ravel() for v in self.parameters.values()])
        errors = np.sqrt(np.diag(self.covariance))
        return Summary(
            {
                n: {"value": float(v), "error": float(e)}
                for n, v, e in zip(self.labels, values, errors, strict=True)
            }
        )

    def __repr__(self) -> str:
        return (
            f"Fit: {self.message}; reduced chi-square {self.reduced_chi_square:.3f}, BIC "
            f"{self.bic:.1f}\n{self.summary()}"
        )
