"""A model computed at other samplings: those of another model's maps, or chosen for a fit."""

from collections.abc import Mapping

from jaxmetal.errors import InputError
from jaxmetal.forward import resolve
from jaxmetal.forward.criterion import Criterion
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference import instruments
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Linear
from jaxmetal.maps import Map


def sampled_as(model: Model, maps: Mapping[str, Map]) -> Model:
    """The same model, its instruments computed at the samplings of these maps.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    maps
        at least those of the model, by the same names, such as the maps of a fit.

    Raises
    ------
    InputError
        if a map of the model is not among them.
    """
    if missing := set(model.maps) - set(maps):
        raise InputError(
            f"the fit has no map {', '.join(sorted(missing))}: its maps are {', '.join(maps)}."
        )
    if all(m.instrument.sampling == maps[n].instrument.sampling for n, m in model.maps.items()):
        return model
    sampled = instruments.with_samplings(model.maps, maps, model.together)
    ties, linear = dict(model.ties), {path: Linear() for path in model.linear}
    priors = {**model.priors, **ties, **linear}
    return Model(model.galaxy, sampled, priors, model.accuracy, model.errors)


def resampled(model: Model, galaxy: Galaxy, maps: Mapping[str, Map], criterion: Criterion) -> Model:
    """The same model, its automatic samplings chosen for another scene.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    galaxy, maps
        such as those of a fit.
    criterion
        when a sampling is fine enough.
    """
    bare_maps = instruments.without_automatic_sampling(maps, model.together)
    return sampled_as(model, resolve(galaxy, bare_maps, criterion))
