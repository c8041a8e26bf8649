"""Gradients of a fit: naive ones, which ignore the PSF, beside the forward-modelled one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy, get
from jaxmetal.inference.fit import Fit
from jaxmetal.inference.forecast import forecast
from jaxmetal.inference.model import Model
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.scene import Scene
from jaxmetal.maps import Map
from jaxmetal.science import baselines
from jaxmetal.science.discs import Disc, disc_of_model
from jaxmetal.science.kinematics import rotating
from jaxmetal.science.lines.gradients import FORWARD, naive_gradients
from jaxmetal.science.lines.pixels import has_pixels

# Annuli of the naive gradient through mean values.
ANNULI = 12
# Least signal-to-noise ratios of lines for naive gradients, and the unit of these.
CUTS = (0.0, 3.0)
DEX = "dex"


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


def compared_disc(scene: Scene, fit: Fit) -> Disc | None:
    """The disc of the naive gradients at the fitted values; None where nothing has one.

    Its map is the tracer map of the naive fits, or, where there are only lines, the name of the
    metallicity that each pixel has by its own lines.

    Parameters
    ----------
    scene, fit
        the configuration, and its fit.
    """
    disc = scene.disc_of(fit.galaxy)
    if disc is None and has_pixels(fit):
        disc = scene.disc_of_lines(fit.galaxy)
    return disc


def gradient_path(scene: Scene, fit: Fit, disc: Disc) -> str | None:
    """The path of the free gradient of the naive fits' tracer; None if there is not exactly one."""
    observed = scene.maps.get(disc.map)
    suffix = [disc.map if observed is None else observed.map.tracer, "gradient"]
    paths = [path for path in fit.parameters if path.split(".")[1:] == suffix]
    return paths[0] if len(paths) == 1 else None


def gradients(scene: Scene, fit: Fit, posterior: Posterior | None) -> list[Row]:
    """The gradient by every method: naive ones, which ignore the PSF, then the forward model.

    Empty if there is neither a tracer map nor two lines. The naive gradients are measured in
    `compared_disc`.
    """
    if (disc := compared_disc(scene, fit)) is None:
        return []
    of_lines = disc.map not in scene.maps
    rows = list(_of_lines(fit, disc) if of_lines else _naive(fit.maps[disc.map], disc, fit.galaxy))
    if (path := gradient_path(scene, fit, disc)) is None:
        return rows
    radius, scales = _of_model(path, fit.galaxy, disc)
    best = float(fit.parameters[path]), float(fit.errors[path])
    rows.append(Row("forward-modelled, maximum", *best, radius, scales))
    if posterior:
        row = posterior.summary()[path]
        rows.append(Row("forward-modelled, posterior", row["mean"], row["sd"], radius, scales))
    if scene.truth is not None:
        rows.append(Row("truth", float(get(scene.truth, path)), np.nan, radius, scales))
    return rows


def _of_lines(fit: Fit, disc: Disc) -> Iterator[Row]:
    """Gradients of straight lines through the metallicities of pixels by their own lines."""
    for name, row in naive_gradients(fit, CUTS, disc).items():
        if name != FORWARD:
            yield Row(name, row["gradient"], row["error"], disc.radius_name, disc.scales)


def _naive(z: Map, disc: Disc, galaxy: Galaxy) -> Iterator[Row]:
    """Gradients of straight lines through a tracer map, which ignore the PSF."""
    radius = disc.radii(z.instrument, galaxy)
    edges = np.linspace(0.0, radius[np.asarray(z.valid)].max() * (1 + 1e-6), ANNULI + 1)
    lines: dict[str, Callable[[], baselines.LineFit]] = {
        "naive: all pixels alike": lambda: baselines.ols(radius, z.data),
        "naive: weighted by errors": lambda: baselines.wls(radius, z.data, z.errors),
    }
    if float(z.scatter):
        # With the scatter of the forward model, so that the two differ by the PSF alone.
        lines["naive: errors and scatter"] = lambda: baselines.wls(radius, z.data, z.total_errors())
    lines["naive: annuli"] = lambda: baselines.line_through(baselines.annuli(radius, z.data, edges))
    for name, fit_line in lines.items():
        try:
            line = fit_line()
        except InputError:
            # Too few pixels for a line, which must not stop the summary of the fit.
            yield Row(name, np.nan, np.nan, disc.radius_name, disc.scales)
        else:
            yield Row(name, line.gradient, line.gradient_error, disc.radius_name, disc.scales)


def _of_model(path: str, galaxy: Galaxy, disc: Disc) -> tuple[str, dict[str, float]]:
    """The radius and the scales of the gradient at a path, in the model's own disc.

    It may differ from that of the naive gradients.
    """
    component, tracer, _ = path.split(".")
    model = disc_of_model(galaxy, tracer, component)
    model = replace(model, effective_radius=disc.effective_radius, redshift=disc.redshift)
    is_disc = model.sources.get("radius") == f"the model's {component}.{tracer}"
    return model.radius_name if is_disc else "the model's own", model.scales


def gain_from_velocities(scene: Scene, model: Model, fit: Fit) -> str:
    """By how much maps of velocity and dispersion reduce the error of the gradient, in words.

    Both errors are expected ones, by the Fisher information at the fitted values: of all maps, and
    of all but those of the moving disc, whose inclination and angle then follow from the others.

    Parameters
    ----------
    scene, model, fit
        of the same configuration.

    Returns
    -------
    text
        one line; empty without a gradient that is free, or without other maps beside it.
    """
    moving = [name for name, one_map in fit.maps.items() if _moves(one_map, fit.galaxy)]
    disc = scene.disc_of(fit.galaxy)
    if disc is None or not moving or disc.map in moving:
        return ""
    if (path := gradient_path(scene, fit, disc)) is None:
        return ""
    others = [name for name in model.maps if name not in moving]
    joint, alone = (
        float(forecast(model, fit.parameters, maps=names).errors[path]) for names in (None, others)
    )
    return (
        f"expected error of {path}: {joint:.4g} with {' and '.join(moving)}, {alone:.4g} without, "
        f"{alone / joint:.2f} times as large"
    )


def _moves(one_map: Map, galaxy: Galaxy) -> bool:
    """Whether a map shows the motion of a disc."""
    return any(rotating(galaxy, tracer) is not None for tracer in one_map.tracers.values())


def gradient_heads(scene: Scene, disc: Disc) -> list[str]:
    """The units of the gradients in a table, such as dex/arcsec, dex/kpc, dex/R_e."""
    unit = scene.maps[disc.map].unit if disc.map in scene.maps else DEX
    return [f"{unit}/{length}" if unit else f"per {length}" for length in disc.scales]


def gradient_table(scene: Scene, fit: Fit, posterior: Posterior | None) -> str:
    """The rows of `gradients` as text; empty without any.

    The head names the radius if it is the same in all rows, else each row does.
    """
    rows, disc = gradients(scene, fit, posterior), compared_disc(scene, fit)
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
