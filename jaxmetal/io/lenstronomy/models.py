"""A Model from the arguments of lenstronomy's FittingSequence."""

from collections.abc import Mapping

from jaxmetal.errors import InputError
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference.model import Model
from jaxmetal.io.lenstronomy import priors
from jaxmetal.io.lenstronomy.bands import Instruments, light_maps, tracer_map
from jaxmetal.io.lenstronomy.checks import checked, warn
from jaxmetal.io.lenstronomy.galaxies import (
    TRACER,
    check_rule,
    galaxy_from_lenstronomy,
    profile_names,
)
from jaxmetal.io.lenstronomy.settings import Settings
from jaxmetal.io.lenstronomy.ties import ties
from jaxmetal.maps import Map


def from_lenstronomy(
    kwargs_data_joint: Mapping,
    kwargs_model: Mapping,
    kwargs_constraints: Mapping | None = None,
    kwargs_likelihood: Mapping | None = None,
    kwargs_params: Mapping | None = None,
    numerics: str = "jaxmetal",
    *,
    kwargs_result: Mapping | None = None,
) -> Model:
    """A Model from the arguments of lenstronomy's FittingSequence.

    Light profile i becomes the component "source_i", the tracer data the map "tracer", the imaging
    bands "light", or "light_0", "light_1", …. Lens model i becomes the lens "lens_i", lens light i
    the foreground component "lens_light_i". What is not fixed gets a uniform prior between its
    bounds, joint parameters are tied.

    Parameters
    ----------
    kwargs_data_joint, kwargs_model, kwargs_constraints, kwargs_likelihood, kwargs_params
        as lenstronomy has them. Without kwargs_likelihood all data count; without kwargs_params
        nothing is free.
    numerics
        "jaxmetal": its own kernels, sampling and profiles; "lenstronomy": maps that agree with
        lenstronomy's to rounding.
    kwargs_result
        values to start from instead of kwargs_params' init, such as `FittingSequence.best_fit()`.

    Returns
    -------
    model
        ready for `optimise` and `sample`.

    Raises
    ------
    InputError
        naming lenstronomy's key for what is missing, wrong, or cannot be carried over (several lens
        planes, point sources, …).

    Warns
    -----
    InputWarning
        one for each error of lenstronomy, and for each difference from it here.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> import numpy as np
    >>> disc = {"amp": 16.0, "R_sersic": 1.0, "n_sersic": 1.0, "center_x": 0.0, "center_y": 0.0}
    >>> pixels = {"ra_at_xy_0": -2.8, "dec_at_xy_0": -2.8, "transform_pix2angle": 0.4 * np.eye(2)}
    >>> noise = np.random.default_rng(0).normal(0.0, 0.1, (15, 15))
    >>> image = {"image_data": noise, "noise_map": np.full((15, 15), 0.1), **pixels}
    >>> band = [image, {"psf_type": "NONE"}, {}]
    >>> model = jm.from_lenstronomy(
    ...     {"multi_band_list": [band]},
    ...     {"source_light_model_list": ["SERSIC"]},
    ...     kwargs_result={"kwargs_source": [disc]},
    ... )
    >>> list(model.maps)
    ['light']
    """
    check_rule(numerics)
    data = checked("kwargs_data_joint", kwargs_data_joint)
    model = checked("kwargs_model", kwargs_model)
    constraints = checked("kwargs_constraints", kwargs_constraints)
    likelihood = checked("kwargs_likelihood", kwargs_likelihood)
    result = checked("kwargs_result", kwargs_result)
    params = checked("kwargs_params", kwargs_params)
    if not params and not result:
        raise InputError(
            "kwargs_params: is missing, and so is kwargs_result; one of them must say where to "
            "start."
        )
    instruments = Instruments(numerics)
    maps = light_maps(data, constraints, likelihood, instruments)
    linear = bool(constraints.get("linear_solver", True)) and bool(maps)
    traced_map = tracer_map(data, model, likelihood, kwargs_likelihood is None, instruments)
    if traced_map is not None:
        maps[TRACER] = traced_map
    if not maps:
        raise InputError(
            "kwargs_data_joint: no data are left; lenstronomy wants image_likelihood or "
            "tracer_likelihood to be True."
        )
    settings = Settings(model, params)
    links = ties(constraints, settings)
    values = priors.start(settings, result, links, linear)
    free = priors.priors(model, settings, links, values, likelihood, linear)
    galaxy = galaxy_from_lenstronomy(kwargs_model, values, numerics)
    if traced_map is not None:
        _warn_below_zero(galaxy, model, traced_map)
    return Model(galaxy, maps, free)


def _warn_below_zero(galaxy: Galaxy, model: Mapping, one_map: Map) -> None:
    """Warn if lenstronomy would set the negative values of a linear tracer to zero."""
    if not {"LINEAR", "LINEAR_ELLIPSE"} & set(profile_names(model, "tracer")):
        return
    profiles = [
        component.tracers[TRACER]
        for component in galaxy.components.values()
        if TRACER in component.tracers
    ]
    x, y = one_map.instrument.grid.coordinates
    along, across = galaxy.deflection(x, y)
    if any(float(profile(x - along, y - across).min()) < 0 for profile in profiles):
        warn(
            "a LINEAR tracer goes below zero in the frame; here it goes on, lenstronomy cuts it "
            "off at zero"
        )
