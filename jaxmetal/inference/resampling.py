"""A model computed at other samplings: those of another model's maps, or chosen for a fit."""

from collections.abc import Mapping

from jaxmetal.errors import InputError
from jaxmetal.forward import resolve
from jaxmetal.forward.criterion import Criterion
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference import instruments
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Linear
from jaxmetal.instrument.sampling import finest
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


def nowhere_coarser(model: Model, other: Model) -> Model:
    """The same model, its samplings nowhere coarser than those of another one.

    The worst galaxy of many may need finer cells and a narrower margin than it had, with which
    others would then fail.

    Parameters
    ----------
    model, other
        of the same maps, both sampled.
    """
    if model is other:
        return model
    maps = {}
    for name, one_map in model.maps.items():
        instrument = one_map.instrument
        both = (instrument.sampling, other.maps[name].instrument.sampling)
        sampling = finest(one for one in both if one is not None)
        errors = instrument.error, instrument.rounding
        maps[name] = one_map.with_instrument(instrument.with_sampling(sampling, *errors))
    return sampled_as(model, maps)


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
