"""Summary of a fit as tables and text: parameters with units, chi-square, gradients."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import jaxmetal
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.parameter_units import units_of
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.correlations import described_correlation
from jaxmetal.io.gradients import compared_disc, gradient_table
from jaxmetal.io.scene import Scene
from jaxmetal.maps import Map
from jaxmetal.science.starts.guess import as_text

# The parameters whose errors a free PSF raises by this part or more are told, this many at most.
AFFECTED, MOST_AFFECTED = 0.03, 3


def unit_of(path: str, scene: Scene) -> str:
    """The unit of a parameter, as far as it is known."""
    maps = {name: observed.map for name, observed in scene.maps.items()}
    stated = {name: observed.unit for name, observed in scene.maps.items()}
    return units_of(scene.galaxy, maps, [path], stated)[path]


def parameter_table(scene: Scene, fit: Fit, posterior: Posterior | None) -> Any:
    """An astropy QTable with a row for each free parameter.

    Its meta has the covariance, and whether the fit and the sampling converged.
    """
    from astropy.table import QTable

    values, posterior_rows = fit.summary(), posterior.summary() if posterior else {}
    columns: dict[str, list[Any]] = {
        "name": list(values),
        "unit": [unit_of(name, scene) for name in values],
    }
    columns |= {key: [row[key] for row in values.values()] for key in ("value", "error")}
    keys = {
        "mean": "mean",
        "sd": "sd",
        "q16": "16%",
        "q50": "50%",
        "q84": "84%",
        "ess": "ess",
        "r_hat": "r_hat",
    }
    for column, key in keys.items():
        columns[column] = [
            posterior_rows[name][key] if name in posterior_rows else np.nan for name in values
        ]
    columns["converged"] = [fit.converged] * len(values)
    table = QTable(columns)
    table.meta = {
        "created_by": f"jaxmetal {jaxmetal.__version__}",
        "converged": bool(fit.converged),
        "message": fit.message,
        "log_prior": float(fit.log_prior),
        "covariance": np.asarray(fit.covariance, float).tolist(),
    }
    if posterior:
        table.meta |= {
            "posterior_converged": bool(posterior.converged),
            "posterior_message": posterior.message,
        }
    return table


def summary_text(
    scene: Scene,
    fit: Fit,
    posterior: Posterior | None,
    unsampled: str = "",
    failures: Mapping[str, str] | None = None,
    gain: str = "",
) -> str:
    """The results of a fit on one page.

    Parameters
    ----------
    scene
        what was fitted.
    fit, posterior
        the results; None if there is no posterior.
    unsampled
        why there is no posterior, if there is a reason.
    failures
        {what could not be made: why}.
    gain
        what `gradients.gain_from_velocities` says.
    """
    return "\n".join(_lines(scene, fit, posterior, unsampled, failures or {}, gain)) + "\n"


def _lines(
    scene: Scene,
    fit: Fit,
    posterior: Posterior | None,
    unsampled: str,
    failures: Mapping[str, str],
    gain: str,
) -> Iterator[str]:
    yield f"jaxmetal {jaxmetal.__version__}"
    yield f"fit: {verdict(fit)}"
    yield from _state(posterior, unsampled)
    yield from failed_lines(failures)
    yield f"{fit.size} measurements, {len(fit.labels)} free parameters"
    chi_square = sum(fit.chi_square.values())
    chi_square_text = f"reduced {fit.reduced_chi_square:.3f}"
    yield f"chi-square {chi_square:.1f}, {chi_square_text}, BIC {fit.bic:.1f}"
    yield ""
    by_errors = fit.without_scatter.chi_square
    for name, observed in fit.maps.items():
        chi_square = f"chi-square {fit.chi_square[name]:.1f}"
        if float(observed.scatter) > 0:
            chi_square += f" with the scatter, {by_errors[name]:.1f} with the measured errors"
        yield f"map {name}: {count(observed)}, {chi_square}"
        yield f"  {observed.instrument.describe()}"
        if observed.correlation is not None:
            yield f"  errors correlated as {described_correlation(observed.correlation)}"
    yield from _gradient_lines(scene, fit, posterior)
    yield from [gain] if gain else []
    yield from _psf_lines(fit)
    head = "maximum of the posterior (errors by Laplace's approximation)"
    yield from ["", head, str(fit.summary())]
    if posterior:
        yield from ["", "posterior", str(posterior.summary())]
    if scene.guessed:
        yield from ["", "starting values and priors from the data", *as_text(scene.guessed)]


def posterior_text(scene: Scene, fit: Fit, posterior: Posterior) -> str:
    """The summary of a sampling, beside that of its fit."""
    lines = [*_state(posterior, ""), *_gradient_lines(scene, fit, posterior)]
    return "\n".join([*lines, "", "posterior", str(posterior.summary())]) + "\n"


def failed_lines(failures: Mapping[str, str]) -> list[str]:
    """What could not be made, a line each."""
    return [f"failed: {task}: {cause}" for task, cause in failures.items()]


def _state(posterior: Posterior | None, unsampled: str) -> Iterator[str]:
    if posterior is None:
        yield "posterior: not sampled" + (f": {unsampled}" if unsampled else "")
        return
    yield f"posterior: {verdict(posterior)}"
    yield f"  {how(posterior)}"


def _gradient_lines(scene: Scene, fit: Fit, posterior: Posterior | None) -> Iterator[str]:
    disc, table = compared_disc(scene, fit), gradient_table(scene, fit, posterior)
    if disc is not None and table:
        yield from ["", f"gradient of {disc.map}; {disc.describe()}", table]


def _psf_lines(fit: Fit) -> Iterator[str]:
    """By how much a PSF that is not known exactly adds to the errors of the parameters."""
    of_psf = [path for path in fit.parameters if ".psf." in path]
    if not of_psf:
        return
    errors, known = fit.errors, fit.errors_with_known(*of_psf)
    parts = {path: float(np.min(known[path] / errors[path])) for path in known}
    for path in sorted(parts, key=parts.__getitem__)[:MOST_AFFECTED]:
        if np.ndim(errors[path]) == 0 and parts[path] < 1 - AFFECTED:
            yield f"error of {path}: {errors[path]:.3g}, with the PSF known {known[path]:.3g}"


def count(one_map: Map) -> str:
    """How many measurements take part, in words."""
    return f"{one_map.size} {one_map.instrument.measurements}"


def how(posterior: Posterior) -> str:
    """The method of a sampling and its draws, in one line."""
    attributes = posterior.attributes
    chains, draws = next(iter(posterior.samples.values())).shape[:2]
    if "k_hat" in attributes:
        effective = f"{attributes['effective_samples']:.0f} effective"
        quality = f"{effective}, k-hat {attributes['k_hat']:.2f}"
        return f"{attributes['method']} sampling, {chains * draws} draws, {quality}"
    divergent = f"{posterior.divergences} divergent"
    if "refused_k_hat" in attributes:
        k_hat = attributes["refused_k_hat"]
        divergent += f" (importance sampling refused: k-hat {k_hat:.2f})"
    return f"{attributes.get('method', '?')}, {chains} chains of {draws} draws, {divergent}"


def verdict(result: Fit | Posterior) -> str:
    """Whether a result has converged, in words."""
    if result.converged:
        return result.message if "converged" in result.message else f"converged; {result.message}"
    if result.message.startswith("not converged"):
        return result.message
    return f"not converged: {result.message}"
