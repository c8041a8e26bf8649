"""Every figure of a fit, by name."""

from jaxmetal.inference.results import Fit, Posterior
from jaxmetal.io.scene import Scene
from jaxmetal.maps import TracerMap
from jaxmetal.view import style
from jaxmetal.view.light import light_figure
from jaxmetal.view.maps import map_figure
from jaxmetal.view.planes import is_behind_lens, plane_figure
from jaxmetal.view.posterior import corner_figure, trace_figure
from jaxmetal.view.profile import profile_figure


def fit_figures(scene: Scene, fit: Fit, posterior: Posterior | None) -> dict[str, style.Figure]:
    """{name: figure}: maps, light, source plane, radial profile; of a posterior the corner plot and the traces.

    Parameters
    ----------
    scene
        what was fitted.
    fit, posterior
        what came of it.
    """
    figures = {f"map_{name}": map_figure(fit, name, scene.maps[name].unit or None) for name in fit.maps}
    tracer_maps = [name for name, one in fit.maps.items() if isinstance(one, TracerMap)]
    figures |= {f"light_{name}": light_figure(fit, name) for name in tracer_maps}
    for name in tracer_maps:
        if is_behind_lens(fit, name):
            figures[f"planes_{name}"] = plane_figure(fit, name, scene.maps[name].unit or None)
    if disc := scene.disc_of(fit.galaxy):
        unit = scene.maps[disc.map].unit or None
        figures[f"profile_{disc.map}"] = profile_figure(fit, disc.map, posterior, unit=unit, truth=scene.truth, disc=disc)
    if posterior:
        truths = {path: value for path, value in scene.config.truth.items() if path in posterior.flat}
        figures |= {"corner": corner_figure(posterior, truths), "trace": trace_figure(posterior)}
    return figures
