"""What came of a fit, as tables and text: parameters with units, and the naive gradient against the forward-modelled one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import jaxmetal
from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy, get
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.scene import Scene
from jaxmetal.maps import Map
from jaxmetal.profiles.profile import Profile
from jaxmetal.profiles.units import unit_of_parameter
from jaxmetal.science import baselines
from jaxmetal.science.discs import Disc, disc_of_model

ANNULI = 12


@dataclass(frozen=True)
class Row:
    """A gradient by one method.

    Parameters
    ----------
    name
        of the method.
    gradient, error
        in the tracer's unit per arcsec of the radius; NaN where there is none.
    radius
        which radius it is: "major axis", "sqrt(ab)" or "circle".
    scales
        {unit of radius: factor on the gradient}.
    """

    name: str
    gradient: float
    error: float
    radius: str
    scales: Mapping[str, float]


def unit_of(path: str, scene: Scene) -> str:
    """The unit of a parameter, as far as it is known."""
    first, *_, last = path.split(".")
    last = last.split("[")[0]
    if first in scene.maps and last == "scatter":
        return "" if scene.maps[first].map.additive else scene.maps[first].unit
    named = {**scene.galaxy.named, **{name: o.map for name, o in scene.maps.items()}}
    owner = get(named, path.rpartition(".")[0])
    if not isinstance(owner, Profile):
        return unit_of_parameter(owner, last)
    carried = path.split(".")[1]
    units = [o.unit for o in scene.maps.values() if o.map.tracer == carried and o.unit]
    return unit_of_parameter(owner.function, last, units[0] if units else "")


def parameter_table(scene: Scene, fit: Fit, posterior: Posterior | None) -> Any:
    """An astropy QTable with a row for each free parameter; its meta holds the covariance and whether the fit converged."""
    from astropy.table import QTable

    values, drawn = fit.summary(), posterior.summary() if posterior else {}
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
        columns[column] = [drawn[name][key] if name in drawn else np.nan for name in values]
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


def gradient_path(scene: Scene, fit: Fit, disc: Disc) -> str | None:
    """The path of the free gradient of the naive fits' tracer; None if there is not exactly one."""
    observed = scene.maps[disc.map].map
    found = [
        path for path in fit.parameters if path.split(".")[1:] == [observed.tracer, "gradient"]
    ]
    return found[0] if len(found) == 1 else None


def gradients(scene: Scene, fit: Fit, posterior: Posterior | None) -> list[Row]:
    """The gradient by every method: three that ignore the PSF, then the forward model; empty if there is no tracer map.

    The naive lines are measured in the disc of `Scene.disc_of`, at the fitted values.
    """
    if (disc := scene.disc_of(fit.galaxy)) is None:
        return []
    rows = list(_naive(fit.maps[disc.map], disc, fit.galaxy))
    if (path := gradient_path(scene, fit, disc)) is None:
        return rows
    radius, scales = _of_model(path, fit.galaxy, disc)
    best = float(fit.parameters[path]), float(fit.errors[path])
    rows.append(Row("forward-modelled, maximum", *best, radius, scales))
    if posterior:
        drawn = posterior.summary()[path]
        rows.append(Row("forward-modelled, posterior", drawn["mean"], drawn["sd"], radius, scales))
    if scene.truth is not None:
        rows.append(Row("truth", float(get(scene.truth, path)), np.nan, radius, scales))
    return rows


def _naive(z: Map, disc: Disc, galaxy: Galaxy) -> Iterator[Row]:
    """Straight lines through a tracer map, which know nothing of the PSF."""
    radius = disc.radii(z.instrument, galaxy)
    edges = np.linspace(0.0, radius[np.asarray(z.valid)].max() * (1 + 1e-6), ANNULI + 1)
    lines: dict[str, Callable[[], baselines.LineFit]] = {
        "naive: all pixels alike": lambda: baselines.ols(radius, z.data),
        "naive: weighted by errors": lambda: baselines.wls(radius, z.data, z.errors),
    }
    if float(z.scatter):
        # With the scatter that the forward model allows for, so that the two differ by the PSF
        # alone.
        lines["naive: errors and scatter"] = lambda: baselines.wls(radius, z.data, z.total_errors())
    lines["naive: annuli"] = lambda: baselines.line_through(baselines.annuli(radius, z.data, edges))
    for name, draw in lines.items():
        try:
            line = draw()
        except InputError:
            # Too few pixels for a line; the fit is worth having all the same.
            yield Row(name, np.nan, np.nan, disc.radius_name, disc.scales)
        else:
            yield Row(name, line.gradient, line.gradient_error, disc.radius_name, disc.scales)


def _of_model(path: str, galaxy: Galaxy, disc: Disc) -> tuple[str, dict[str, float]]:
    """Which radius the gradient at a path is per, and its scales: in the model's own disc, if the naive lines' is another."""
    component, tracer, _ = path.split(".")
    own = disc_of_model(galaxy, tracer, component)
    own = replace(own, effective_radius=disc.effective_radius, redshift=disc.redshift)
    shaped = own.sources.get("radius") == f"the model's {component}.{tracer}"
    return own.radius_name if shaped else "the model's own", own.scales


def gradient_heads(scene: Scene, disc: Disc) -> list[str]:
    """The units of the gradients that a table of them shows, such as dex/arcsec, dex/kpc, dex/R_e."""
    unit = scene.maps[disc.map].unit
    return [f"{unit}/{length}" if unit else f"per {length}" for length in disc.scales]


def gradient_table(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """The rows of `gradients` as text, with the radius that they are per: in the head if it is one, else in each row."""
    rows, disc = gradients(scene, fit, posterior), scene.disc_of(fit.galaxy)
    if not rows or disc is None:
        return ""
    one_radius = len({row.radius for row in rows}) == 1
    corner = f"radius: {rows[0].radius if one_radius else 'see the rows'}"
    names = [row.name if one_radius else f"{row.name} ({row.radius})" for row in rows]
    width = max(map(len, (corner, *names)))
    lines = [f"{corner:<{width}}" + "".join(f"{head:>22}" for head in gradient_heads(scene, disc))]
    for name, row in zip(names, rows, strict=True):
        numbers = "".join(f"{_number(row, row.scales[length]):>22}" for length in disc.scales)
        lines.append(f"{name:<{width}}{numbers}")
    return "\n".join(lines)


def _number(row: Row, factor: float) -> str:
    if not np.isfinite(row.gradient):
        return "none"
    error = f" ± {abs(factor) * row.error:.4f}" if np.isfinite(row.error) else " " * 9
    return f"{factor * row.gradient:+.4f}{error}"


def summary_text(
    scene: Scene,
    fit: Fit,
    posterior: Posterior | None,
    unsampled: str = "",
    failures: Mapping[str, str] | None = None,
) -> str:
    """All that a reader needs to judge a fit, on one page.

    Parameters
    ----------
    scene
        what was fitted.
    fit, posterior
        what came of it.
    unsampled
        why there is no posterior, if there is a reason.
    failures
        {what could not be made: why}.
    """
    return "\n".join(_lines(scene, fit, posterior, unsampled, failures or {})) + "\n"


def _lines(
    scene: Scene, fit: Fit, posterior: Posterior | None, unsampled: str, failures: Mapping[str, str]
) -> Iterator[str]:
    yield f"jaxmetal {jaxmetal.__version__}"
    yield f"fit: {verdict(fit)}"
    yield from _state(posterior, unsampled)
    yield from failed_lines(failures)
    yield f"{fit.size} measurements, {len(fit.labels)} free parameters"
    yield f"chi-square {sum(fit.chi_square.values()):.1f}, reduced {fit.reduced_chi_square:.3f}, BIC {fit.bic:.1f}"
    yield ""
    by_errors = fit.without_scatter.chi_square
    for name, observed in fit.maps.items():
        apart = (
            f" with the scatter, {by_errors[name]:.1f} with the measured errors"
            if float(observed.scatter) > 0
            else ""
        )
        yield f"map {name}: {count(observed)}, chi-square {fit.chi_square[name]:.1f}{apart}"
        yield f"  {observed.instrument.describe()}"
    yield from _gradient_lines(scene, fit, posterior)
    yield from [
        "",
        "maximum of the posterior (errors by Laplace's approximation)",
        str(fit.summary()),
    ]
    if posterior:
        yield from ["", "posterior", str(posterior.summary())]


def posterior_text(scene: Scene, fit: Fit, posterior: Posterior) -> str:
    """What a sampling adds to the summary of its fit."""
    lines = [
        *_state(posterior, ""),
        *_gradient_lines(scene, fit, posterior),
        "",
        "posterior",
        str(posterior.summary()),
    ]
    return "\n".join(lines) + "\n"


def failed_lines(failures: Mapping[str, str]) -> list[str]:
    """What could not be made, a line each."""
    return [f"failed: {what}: {why}" for what, why in failures.items()]


def _state(posterior: Posterior | None, unsampled: str) -> Iterator[str]:
    if posterior is None:
        yield "posterior: not sampled" + (f": {unsampled}" if unsampled else "")
        return
    yield f"posterior: {verdict(posterior)}"
    yield f"  {how(posterior)}"


def _gradient_lines(scene: Scene, fit: Fit, posterior: Posterior | None) -> Iterator[str]:
    disc, table = scene.disc_of(fit.galaxy), gradient_table(scene, fit, posterior)
    if disc is not None and table:
        yield from ["", f"gradient of {disc.map}; {disc.describe()}", table]


def count(map: Map) -> str:
    """How many measurements take part, in words."""
    return f"{map.size} {map.instrument.measurements}"


def how(posterior: Posterior) -> str:
    """The method of a sampling and its draws, in one line."""
    said = posterior.attributes
    chains, draws = next(iter(posterior.samples.values())).shape[:2]
    if "k_hat" in said:
        return f"{said['method']} sampling, {chains * draws} draws, {said['effective_samples']:.0f} effective, k-hat {said['k_hat']:.2f}"
    reason = (
        f" (importance sampling refused: k-hat {said['refused_k_hat']:.2f})"
        if "refused_k_hat" in said
        else ""
    )
    return f"{said.get('method', '?')}, {chains} chains of {draws} draws, {posterior.divergences} divergent{reason}"


def verdict(result: Fit | Posterior) -> str:
    """Whether to trust a result, in words that nobody overlooks."""
    if result.converged:
        return result.message if "converged" in result.message else f"converged; {result.message}"
    return (
        result.message
        if result.message.startswith("not converged")
        else f"not converged: {result.message}"
    )
