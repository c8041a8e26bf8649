"""What came of a fit, as tables and text: parameters with units, and the naive gradient against the forward-modelled one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import jaxmetal
from jaxmetal.galaxy import get
from jaxmetal.inference.results import Fit, Posterior
from jaxmetal.io.scene import Disc, Scene
from jaxmetal.maps import LightMap, Map, TracerMap
from jaxmetal.profiles import units
from jaxmetal.profiles.profile import Profile
from jaxmetal.science import baselines

ANNULI = 12
# Units of what is no parameter of jaxmetal's own profiles, by name: of instruments, and of users' functions.
UNITS = {
    name: unit
    for unit, names in {
        "arcsec": "center_x center_y R_sersic scale_length sigma alpha break_radius smoothness width inner_radius fwhm origin scale",
        "deg": "inclination position_angle pitch phase",
        "rad": "phi_G",
        "arcsec/pixel": "matrix",
    }.items()
    for name in names.split()
}
PER_RADIUS = ("gradient", "gradient_x", "gradient_y", "inner", "outer")
IN_TRACER_UNITS = ("central", "value", "contrast")


@dataclass(frozen=True)
class Row:
    """A gradient found in one way, in the tracer's unit per arcsec; the error is NaN where there is none."""

    name: str
    gradient: float
    error: float = np.nan


def unit_of(path: str, scene: Scene) -> str:
    """The unit of a parameter, as far as it is known."""
    first, *_, last = path.split(".")
    last = last.split("[")[0]
    if first in scene.maps and last == "scatter":
        return "" if isinstance(scene.maps[first].map, LightMap) else scene.maps[first].unit
    if first in scene.galaxy.components and last in PER_RADIUS + IN_TRACER_UNITS:
        tracer = path.split(".")[1]
        found = [o.unit for o in scene.maps.values() if isinstance(o.map, TracerMap) and o.map.tracer == tracer and o.unit]
        return f"{found[0]}/arcsec" if found and last in PER_RADIUS else "".join(found[:1])
    return stated_unit(get({**scene.galaxy.named, **{name: o.map for name, o in scene.maps.items()}}, path.rpartition(".")[0]), last) or ""


def stated_unit(profile: Any, name: str) -> str | None:
    """The unit of a parameter as its profile states it, or else by its name; None if it depends on the maps or is not known."""
    function = profile.function if isinstance(profile, Profile) else profile
    if not units.is_own(function):
        return UNITS.get(name)
    unit = units.unit_of(function, name)
    return unit[0] if isinstance(unit, tuple) else unit


def parameter_table(scene: Scene, fit: Fit, posterior: Posterior | None) -> Any:
    """An astropy QTable with a row for each free parameter; its meta holds the covariance and whether the fit converged."""
    from astropy.table import QTable

    values, drawn = fit.summary(), posterior.summary() if posterior else {}
    columns: dict[str, list[Any]] = {"name": list(values), "unit": [unit_of(name, scene) for name in values]}
    columns |= {key: [row[key] for row in values.values()] for key in ("value", "error")}
    keys = {"mean": "mean", "sd": "sd", "q16": "16%", "q50": "50%", "q84": "84%", "ess": "ess", "r_hat": "r_hat"}
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
        table.meta |= {"posterior_converged": bool(posterior.converged), "posterior_message": posterior.message}
    return table


def gradient_path(scene: Scene, fit: Fit, disc: Disc) -> str | None:
    """The path of the free gradient of the naive fits' tracer; None if there is not exactly one."""
    observed = scene.maps[disc.map].map
    assert isinstance(observed, TracerMap)
    found = [path for path in fit.parameters if path.split(".")[1:] == [observed.tracer, "gradient"]]
    return found[0] if len(found) == 1 else None


def gradients(scene: Scene, fit: Fit, posterior: Posterior | None) -> list[Row]:
    """The gradient by every method: three that ignore the PSF, then the forward model; empty if there is no tracer map."""
    if (disc := scene.disc) is None:
        return []
    z = fit.maps[disc.map]
    radius = baselines.radii(z.instrument, *disc.center, disc.inclination, disc.position_angle, fit.galaxy)
    edges = np.linspace(0.0, radius[np.asarray(z.valid)].max() * (1 + 1e-6), ANNULI + 1)
    lines = {
        "naive: all pixels alike": baselines.ols(radius, z.data),
        "naive: weighted by errors": baselines.wls(radius, z.data, z.errors),
        # With the scatter that the forward model allows for, so that the two differ by the PSF alone.
        **({"naive: errors and scatter": baselines.wls(radius, z.data, z.total_errors())} if float(z.scatter) else {}),
        "naive: annuli": baselines.line_through(baselines.annuli(radius, z.data, edges)),
    }
    rows = [Row(name, line.gradient, line.gradient_error) for name, line in lines.items()]
    if (path := gradient_path(scene, fit, disc)) is None:
        return rows
    rows.append(Row("forward-modelled, maximum", float(fit.parameters[path]), float(fit.errors[path])))
    if posterior:
        drawn = posterior.summary()[path]
        rows.append(Row("forward-modelled, posterior", drawn["mean"], drawn["sd"]))
    if scene.truth is not None:
        rows.append(Row("truth", float(get(scene.truth, path))))
    return rows


def gradient_table(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """The rows of `gradients` as text."""
    rows, disc = gradients(scene, fit, posterior), scene.disc
    if not rows or disc is None:
        return ""
    unit, scale = scene.maps[disc.map].unit or "unit", disc.effective_radius
    heads = [f"{unit}/arcsec"] + [f"{unit}/R_e"] * bool(scale)
    width = max(len(row.name) for row in rows)
    lines = [" " * width + "".join(f"{head:>22}" for head in heads)]
    for row in rows:
        numbers = [_number(row, factor) for factor in (1.0, *([scale] if scale else []))]
        lines.append(f"{row.name:<{width}}" + "".join(f"{number:>22}" for number in numbers))
    return "\n".join(lines)


def _number(row: Row, factor: float) -> str:
    error = f" ± {abs(factor) * row.error:.4f}" if np.isfinite(row.error) else " " * 9
    return f"{factor * row.gradient:+.4f}{error}"


def summary_text(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """All that a reader needs to judge a fit, on one page."""
    return "\n".join(_lines(scene, fit, posterior)) + "\n"


def _lines(scene: Scene, fit: Fit, posterior: Posterior | None) -> Iterator[str]:
    yield f"jaxmetal {jaxmetal.__version__}"
    yield f"fit: {verdict(fit)}"
    yield f"posterior: {verdict(posterior) if posterior else 'not sampled'}"
    if posterior:
        yield f"  {_how(posterior)}"
    yield f"{fit.size} measurements, {len(fit.labels)} free parameters"
    yield f"chi-square {sum(fit.chi_square.values()):.1f}, reduced {fit.reduced_chi_square:.3f}, BIC {fit.bic:.1f}"
    yield ""
    for name, observed in fit.maps.items():
        yield f"map {name}: {count(observed)}, chi-square {fit.chi_square[name]:.1f}"
        yield f"  {observed.instrument.describe()}"
    if table := gradient_table(scene, fit, posterior):
        disc = scene.disc
        assert disc is not None
        place = f"inclination {disc.inclination:.1f} deg, position angle {disc.position_angle:.1f} deg"
        yield from ["", f"gradient of {disc.map}, {place}" + (f", R_e {disc.effective_radius:.3f} arcsec" if disc.effective_radius else "")]
        yield table
    yield from ["", "maximum of the posterior (errors by Laplace's approximation)", str(fit.summary())]
    if posterior:
        yield from ["", "posterior", str(posterior.summary())]


def count(map: Map) -> str:
    """How many measurements take part, in words."""
    return f"{map.size} {'pixels' if map.instrument.apertures is None else 'apertures'}"


def _how(posterior: Posterior) -> str:
    """The method of a sampling and its draws, in one line."""
    said = posterior.attributes
    chains, draws = next(iter(posterior.samples.values())).shape[:2]
    if "k_hat" in said:
        return f"{said['method']} sampling, {chains * draws} draws, {said['effective_samples']:.0f} effective, k-hat {said['k_hat']:.2f}"
    reason = f" (importance sampling refused: k-hat {said['refused_k_hat']:.2f})" if "refused_k_hat" in said else ""
    return f"{said.get('method', '?')}, {chains} chains of {draws} draws, {posterior.divergences} divergent{reason}"


def verdict(result: Fit | Posterior) -> str:
    """Whether to trust a result, in words that nobody overlooks."""
    if result.converged:
        return result.message
    return result.message if result.message.startswith("not converged") else f"not converged: {result.message}"
