"""Every figure of a fit, by name."""

from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.scene import Scene
from jaxmetal.view import style
from jaxmetal.view.maps import map_figure
from jaxmetal.view.posterior import corner_figure, trace_figure
from jaxmetal.view.profile import profile_figure


def fit_figures(scene: Scene, fit: Fit, posterior: Posterior | None) -> dict[str, style.Figure]:
    """{name: figure}: the maps, the radial profile, and of a posterior the corner plot and the traces.

    Parameters
    ----------
    scene
        what was fitted.
    fit, posterior
        what came of it.
    """
    figures = {f"map_{name}": map_figure(fit, name, scene.maps[name].unit or None) for name in fit.maps}
    if disc := scene.disc:
        unit = scene.maps[disc.map].unit or None
        place = (disc.center, disc.inclination, disc.position_angle)
        figures[f"profile_{disc.map}"] = profile_figure(fit, disc.map, posterior, *place, unit, scene.truth)
    if posterior:
        truths = {path: value for path, value in scene.config.truth.items() if path in posterior.flat}
        figures |= {"corner": corner_figure(posterior, truths), "trace": trace_figure(posterior)}
    return figures
