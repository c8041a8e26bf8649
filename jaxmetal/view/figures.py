"""Every figure of a fit, by name."""

from collections.abc import Callable
from functools import partial

from jaxmetal.inference.fit import Fit
from jaxmetal.inference.posterior import Posterior
from jaxmetal.io.scene import Scene
from jaxmetal.view import style
from jaxmetal.view.maps import map_figure
from jaxmetal.view.posterior import corner_figure, trace_figure
from jaxmetal.view.profile import profile_figure


def fit_figures(scene: Scene, fit: Fit, posterior: Posterior | None) -> dict[str, Callable[[], style.Figure]]:
    """{name: what draws it}: the maps, the radial profile, and of a posterior the corner plot and the traces.

    They are drawn one by one, so that one that fails costs none of the others.

    Parameters
    ----------
    scene
        what was fitted.
    fit, posterior
        what came of it.
    """
    figures = {f"map_{name}": partial(map_figure, fit, name, scene.maps[name].unit or None) for name in fit.maps}
    if disc := scene.disc:
        unit = scene.maps[disc.map].unit or None
        place = (disc.center, disc.inclination, disc.position_angle)
        figures[f"profile_{disc.map}"] = partial(profile_figure, fit, disc.map, posterior, *place, unit, scene.truth)
    if posterior:
        truths = {path: value for path, value in scene.config.truth.items() if path in posterior.flat}
        figures |= {"corner": partial(corner_figure, posterior, truths), "trace": partial(trace_figure, posterior)}
    return figures
