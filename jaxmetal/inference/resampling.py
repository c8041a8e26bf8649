"""A model computed at other samplings: those of another model's maps, or chosen for a fit."""

from collections.abc import Mapping

from jaxmetal.errors import InputError
from jaxmetal.forward import resolve
from jaxmetal.forward.criterion import Criterion
from jaxmetal.forward.resolve import widest_margin
from jaxmetal.galaxy import Galaxy
from jaxmetal.inference import instruments
from jaxmetal.inference.model import Model
from jaxmetal.inference.priors import Linear
from jaxmetal.instrument.sampling import Sampling, finest
from jaxmetal.maps import Map

# Widths of margins, pixels, so that many fits have few different ones.
MARGINS = tuple(round(2 ** (k / 2)) for k in range(4, 20))


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


def sampled_at(model: Model, samplings: Mapping[str, Sampling]) -> Model:
    """The same model, some of its maps computed at other samplings.

    Parameters
    ----------
    model
        galaxy, maps and priors.
    samplings
        by the name of the map; what was measured of the errors stays as it is.
    """
    maps = dict(model.maps)
    for name, sampling in samplings.items():
        old = maps[name].instrument
        if old.sampling != sampling:
            new = old.with_sampling(sampling, old.error, old.rounding)
            maps[name] = maps[name].with_instrument(new)
    return sampled_as(model, maps)


def samplings_of(model: Model) -> tuple[tuple[str, Sampling | None], ...]:
    """The names of the maps, and their samplings."""
    return tuple((name, one_map.instrument.sampling) for name, one_map in model.maps.items())


def nowhere_coarser(model: Model, other: Model) -> Model:
    """The same model, its samplings nowhere coarser than those of another one.

    The worst galaxy of many may need finer cells and a narrower margin than it had, with which
    others would then fail.

    Parameters
    ----------
    model, other
        of the same maps, both sampled.
    """
    pairs = {
        name: (one_map.instrument.sampling, other.maps[name].instrument.sampling)
        for name, one_map in model.maps.items()
    }
    return sampled_at(model, {name: finest(s for s in pair if s) for name, pair in pairs.items()})


def with_common_margins(model: Model) -> Model:
    """The same model with margins of few different widths, a little wider than now."""
    wider = {}
    for name, one_map in model.maps.items():
        instrument = one_map.instrument
        if instrument.error is not None and instrument.sampling is not None:
            margin = next((m for m in MARGINS if m >= instrument.sampling.margin), 0)
            margin = min(max(margin, instrument.sampling.margin), widest_margin(instrument))
            wider[name] = instrument.sampling.with_margin(margin)
    return sampled_at(model, wider)


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
