"""Every figure of a fit, by name."""

from collections.abc import Callable, Mapping
from functools import partial

from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.gradients import compared_disc
from jaxmetal.io.scene import Scene
from jaxmetal.science.kinematics import rotating
from jaxmetal.view import style
from jaxmetal.view.light import light_figure
from jaxmetal.view.lines import diagram_figure, has_diagram, lines_figure, lines_of
from jaxmetal.view.maps import map_figure
from jaxmetal.view.planes import is_behind_lens, plane_figure
from jaxmetal.view.position_velocity import position_velocity_figure
from jaxmetal.view.posterior import corner_figure, trace_figure
from jaxmetal.view.profile import profile_figure
from jaxmetal.view.rotation import rotation_figure

# {name: function that draws it}.
Figures = dict[str, Callable[[], style.Figure]]


def fit_figures(scene: Scene, fit: Fit, posterior: Posterior | None) -> Figures:
    """{name: function that draws it} of all figures of a fit and its posterior.

    The caller draws them one by one, so that an error in one does not affect the others.

    Parameters
    ----------
    scene
        galaxy, maps and priors of the configuration.
    fit, posterior
        the results.
    """
    units = {name: scene.maps[name].unit or None for name in fit.maps}
    figures = _map_figures(fit, units)
    figures |= _rotation_figures(scene, fit, posterior, units)
    if disc := compared_disc(scene, fit):
        name = disc.map if disc.map in fit.maps else None
        options = {"unit": units.get(disc.map), "truth": scene.truth, "disc": disc}
        figures[f"profile_{disc.map}"] = partial(profile_figure, fit, name, posterior, **options)
    if posterior:
        truths = {
            path: value for path, value in scene.config.truth.items() if path in posterior.flat
        }
        figures |= {
            "corner": partial(corner_figure, posterior, truths),
            "trace": partial(trace_figure, posterior),
        }
    return figures


def _rotation_figures(
    scene: Scene, fit: Fit, posterior: Posterior | None, units: Mapping[str, str | None]
) -> Figures:
    """The rotation curve and the position-velocity diagram of each map of a rotating tracer."""
    figures: Figures = {}
    for name, one_map in fit.maps.items():
        if one_map.tracer is None or not rotating(fit.galaxy, one_map.tracer):
            continue
        scales = scene.disc_of(fit.galaxy, name)
        options = {"unit": units[name], "truth": scene.truth, "scales": scales}
        figures[f"rotation_{name}"] = partial(rotation_figure, fit, name, posterior, **options)
        figures[f"slit_{name}"] = partial(position_velocity_figure, fit, name, units[name])
    return figures


def _map_figures(fit: Fit, units: Mapping[str, str | None]) -> Figures:
    """{name: function that draws it} of the figures that maps have of their own."""
    tracer_maps = [name for name, one_map in fit.maps.items() if one_map.tracer is not None]
    behind = [name for name in tracer_maps if is_behind_lens(fit, name)]
    figures: Figures = {
        f"map_{name}": partial(map_figure, fit, name, unit) for name, unit in units.items()
    }
    figures |= {f"light_{name}": partial(light_figure, fit, name) for name in tracer_maps}
    if len(lines_of(fit)) > 1:
        figures["lines"] = partial(lines_figure, fit)
    if has_diagram(fit):
        figures["diagram"] = partial(diagram_figure, fit)
    figures |= {f"planes_{name}": partial(plane_figure, fit, name, units[name]) for name in behind}
    return figures
